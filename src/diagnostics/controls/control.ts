// A control: a quantity whose value is known beforehand, computed by the same code as everybody's numbers. What
// `gramlens selftest` prints.

export interface Control {
  readonly name: string;
  /** What was put in and what theory says comes out. */
  readonly what: string;
  readonly value: number;
  /** The bound as a person reads it: '<= 1e-12', '0.316 +- 0.011'. */
  readonly bound: string;
  readonly holds: boolean;
  /** What kind of control, and where the expected value comes from. */
  readonly group: string;
}

type Words = Pick<Control, 'name' | 'what' | 'group'>;

/** Holds where the value is at most `limit`; NaN never does. */
export function atMost(words: Words, value: number, limit: number): Control {
  return { ...words, value, bound: `<= ${shortNumber(limit)}`, holds: value <= limit };
}

/** Holds where the value is `expected` up to `tolerance`. */
export function near(words: Words, value: number, expected: number, tolerance: number): Control {
  return {
    ...words,
    value,
    bound: `${shortNumber(expected)} +- ${shortNumber(tolerance)}`,
    holds: Math.abs(value - expected) <= tolerance,
  };
}

/** Three significant digits are enough for a bound. */
function shortNumber(value: number): string {
  const size = Math.abs(value);
  return value === 0 || (size >= 1e-3 && size < 1e4) ? String(Number(value.toPrecision(3))) : value.toExponential(1);
}
