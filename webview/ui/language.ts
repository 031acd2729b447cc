// Texts in the editor's language. Every page imports this before anything else: some texts are made while modules load.

import * as l10n from '@vscode/l10n';

const texts = document.getElementById('texts')?.textContent;
if (texts !== undefined) l10n.config({ contents: texts });
