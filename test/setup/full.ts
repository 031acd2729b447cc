// Whether this is `npm run test:full`: what repeats a path that runs every time is left to it.

import { it } from 'mocha';

export const full = process.env['GRAMLENS_FULL'] === '1';

/** A test of `test:full`; listed as pending in every other run. */
export const fullIt = full ? it : it.skip;
