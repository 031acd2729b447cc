// The order of a training's checkpoints: by the number in their names.

const digits = /\d+/g;

export interface StepOrder {
  /** Places of the names in the order of training. */
  readonly places: readonly number[];
  /** Number of each name, in the order given; null where there is none to go by. */
  readonly steps: readonly (number | null)[];
  readonly sentence: string;
}

/**
 * By the number that differs from name to name ('vit-16-step-1000.pt' and 'vit-16-step-5000.pt': 1000 and 5000); where
 * names differ in several numbers by the last of them, where in none by the names themselves.
 */
export function orderBySteps(names: readonly string[]): StepOrder {
  const numbers = names.map((name) => (name.match(digits) ?? []).map(Number));
  const fewest = Math.min(...numbers.map((found) => found.length));
  const differing = Array.from({ length: fewest }, (_, place) => place).filter(
    (place) => new Set(numbers.map((found) => found[place])).size > 1,
  );
  const place = differing.at(-1);
  const all = names.map((_, i) => i);
  if (place === undefined) {
    return {
      places: all.sort((a, b) => (names[a]! < names[b]! ? -1 : 1)),
      steps: names.map(() => null),
      sentence: 'Ordered by name: no number in the names differs from run to run.',
    };
  }
  const steps = numbers.map((found) => found[place]!);
  const which = differing.length === 1 ? 'the number' : 'the last number';
  return {
    places: all.sort((a, b) => steps[a]! - steps[b]! || (names[a]! < names[b]! ? -1 : 1)),
    steps,
    sentence: `Ordered by ${which} in the names that differs from run to run.`,
  };
}
