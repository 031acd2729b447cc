// Entry of dist/tokenizer.js, a worker thread that holds one tokenizer. Patterns and vocabularies come from a file that
// nobody has checked: what takes too long or too much memory ends with this thread, not with the editor.

import { parentPort } from 'node:worker_threads';
import { buildTokenizer } from '../../model/text/buildTokenizer';
import type { Tokenizer } from '../../model/text/tokenizer';
import { connect } from '../../protocol/rpc';
import { portChannel } from './channels';
import type { TokenizerCalls } from './tokenizerRunner';

const port = parentPort;
if (port === null) throw new Error('tokenizer.js runs as a worker thread only');

let tokenizer: Tokenizer | null = null;
const opened = (): Tokenizer => {
  if (tokenizer === null) throw new Error('the tokenizer has not been opened');
  return tokenizer;
};

const local: TokenizerCalls = {
  open: (files) => {
    tokenizer = buildTokenizer(files);
    return Promise.resolve({ vocabulary: tokenizer.vocabulary, source: tokenizer.source });
  },
  encode: (text) => Promise.resolve(opened().encode(text)),
  labels: (ids) => Promise.resolve(ids.map((id) => opened().label(id))),
};
connect<TokenizerCalls, object>(portChannel(port), local);
