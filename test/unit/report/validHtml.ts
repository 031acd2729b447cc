// Whether a page is valid HTML, by a validator that is not ours.

import assert from 'node:assert/strict';
import { HtmlValidate } from 'html-validate';

const validator = new HtmlValidate({ extends: ['html-validate:standard'] });

/** Fails with the first faults and where they are. */
export async function assertValidHtml(html: string): Promise<void> {
  const { results } = await validator.validateString(html);
  const faults = results.flatMap(({ messages }) =>
    messages.map(({ ruleId, message, line, column }) => `${line}:${column} ${ruleId}: ${message}`),
  );
  assert.deepEqual(faults.slice(0, 10), [], `${faults.length} faults`);
}
