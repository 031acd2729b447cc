/** Stops a run that the person cancelled; the message is what they read. */
export class CancelledError extends Error {
  override readonly name = 'CancelledError';
  constructor() {
    super('The inspection was cancelled; nothing was written.');
  }
}
