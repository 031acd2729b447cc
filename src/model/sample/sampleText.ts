// The sample text of language models: a fixed passage, and how many of its sentences a run takes. Families with other
// habits (two sentences, a caption, ids) say so in their `TextShape.sample`.

import type { ModelSpec } from '../modelSpec';

/** Sentences, in order, and the fewest that make an input of this family. */
export interface SampleText {
  readonly sentences: readonly string[];
  readonly least: number;
}

const passage: readonly string[] = [
  'The keeper of the old lighthouse climbed the stairs every evening, because the ships in the bay could not see the rocks without the light.',
  'One night in autumn the lamp went out, and there was no oil left in the house.',
  'She ran down the path to the village, woke the baker, and asked him for a barrel of oil.',
  '"A barrel is all I have," said the baker, "but what is bread worth if the ships are lost?"',
  'They rolled the barrel up the path together, while the wind threw rain and leaves into their faces.',
  'Far out in the dark a bell was ringing, first on the left, then on the right, then closer.',
  'The keeper filled the lamp, cut the wick, and struck a match; the first match broke, and the second match burned.',
  'Slowly the light turned over the water, over the rocks, and over a ship with two masts and a torn sail.',
  'Somebody on the ship saw the light, shouted an order, and the ship turned away from the rocks.',
  'In the morning the captain came to the lighthouse with a basket of oranges for the keeper and a basket of oranges for the baker.',
  'They sat on the stairs, ate the oranges, and did not say much, because everybody knew what there was to say.',
  'Since that night there has always been a second barrel of oil in the house, and the baker climbs the stairs every evening, too.',
];

export const sampleStory: SampleText = { sentences: passage, least: 1 };

/** Models that were trained on pairs of sentences get two at least. */
export const sampleSentences: SampleText = { sentences: passage, least: 2 };

/** What CLIP's text tower was trained on. */
export const sampleCaption: SampleText = {
  sentences: [
    'a photo of an old lighthouse on the rocks above a stormy bay, with a small ship that has two masts and a torn sail',
  ],
  least: 1,
};

/**
 * Tokens from which the alignment of values can say something: with N - 1 < 2 d more than half of every subspace is
 * shared by chance alone (spec section 5).
 */
export function wantedTokens({ headDim }: Pick<ModelSpec, 'headDim'>): number {
  return 2 * headDim + 1;
}

/**
 * The first sentences that reach the wanted tokens, or as many as the model takes; null: not even the fewest fit.
 * `count` says how many tokens a text has, special ones included.
 */
export async function chooseSentences(
  { sentences, least }: SampleText,
  wanted: number,
  most: number,
  count: (text: string) => Promise<number>,
): Promise<string | null> {
  let chosen: string | null = null;
  for (let taken = least; taken <= sentences.length; taken++) {
    const text = sentences.slice(0, taken).join(' ');
    const tokens = await count(text);
    if (tokens > most) return chosen;
    if (tokens >= wanted) return text;
    chosen = text;
  }
  return chosen;
}
