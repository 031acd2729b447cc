// The one error class of the checkpoint layer. Its message is the sentence a person reads: it names the file,
// the place in it and the next step.

export type CheckpointErrorReason =
  | 'unreadable'
  | 'empty'
  | 'unknownFormat'
  | 'truncated'
  | 'corrupt'
  | 'tooLarge'
  | 'unsafe'
  | 'unsupported'
  | 'missingTensor'
  | 'ambiguous';

export class CheckpointError extends Error {
  override readonly name = 'CheckpointError';
  constructor(
    readonly reason: CheckpointErrorReason,
    message: string,
    readonly facts: Readonly<Record<string, string | number>> = {},
  ) {
    super(message);
  }
}
