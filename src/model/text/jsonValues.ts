// Small helpers for values that a tokenizer's files hold.

export type Json = Readonly<Record<string, unknown>>;

export const isWhole = (value: unknown): value is number => typeof value === 'number' && Number.isInteger(value);

/** A value from a file in a message, short. */
export function shown(value: unknown): string {
  const text = JSON.stringify(value) as string | undefined;
  return text === undefined ? 'missing' : text.length > 60 ? `${text.slice(0, 60)}…` : text;
}
