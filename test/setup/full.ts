// Whether this is `npm run test:full`: what repeats a path that runs every time is left to it.

export const full = process.env['GRAMLENS_FULL'] === '1';
