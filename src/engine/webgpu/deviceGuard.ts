// Stands between our code and a GPUDevice that is shared: one run at a time, and every way in which a device fails
// (lost, out of memory, a shader that does not compile) becomes an EngineError instead of silent garbage.

import { EngineError } from '../backend';

/** Runs of all backends queue up here: error scopes and tfjs's active backend are global to a thread. */
let lastRun: Promise<unknown> = Promise.resolve();

/** Longest time seen between a rejected read-back and `device.lost` was under 1 ms. */
const lossSettlesMs = 50;

/** Reasons that may only be the visible end of an error of the device. */
const symptoms: ReadonlySet<EngineError['reason']> = new Set(['nonFinite', 'selfCheck']);

export class DeviceGuard {
  private lostError: EngineError | null = null;
  private uncaptured: string | null = null;
  private readonly lost: Promise<never>;
  private readonly onUncaptured = (event: GPUUncapturedErrorEvent): void => {
    this.uncaptured ??= event.error.message;
  };

  constructor(readonly device: GPUDevice) {
    this.lost = device.lost.then((info) => {
      this.lostError = deviceLostError(info);
      throw this.lostError;
    });
    // Rejects while nobody waits, too; runs that wait see it through Promise.race.
    this.lost.catch(() => undefined);
    device.addEventListener('uncapturederror', this.onUncaptured);
  }

  /**
   * Runs `body` alone on the device.
   * @param what subject of error sentences: "layer 3".
   * @param cleanup runs afterwards in every case, even when the device was lost while `body` still hangs.
   * @throws EngineError deviceLost, outOfMemory, shader; whatever `body` throws otherwise.
   */
  run<T>(what: string, body: () => Promise<T>, cleanup: () => void = () => undefined): Promise<T> {
    const turn = lastRun.then(() => this.runAlone(what, body, cleanup));
    lastRun = turn.catch(() => undefined);
    return turn;
  }

  /** Lets the runs that wait come to their end, then tears down. */
  dispose(teardown: () => void): void {
    lastRun = lastRun.then(() => {
      this.device.removeEventListener('uncapturederror', this.onUncaptured);
      teardown();
    });
  }

  private async runAlone<T>(what: string, body: () => Promise<T>, cleanup: () => void): Promise<T> {
    this.requireDevice();
    const { device } = this;
    device.pushErrorScope('out-of-memory');
    device.pushErrorScope('internal');
    device.pushErrorScope('validation');
    let outcome: { readonly value: T } | { readonly error: unknown };
    try {
      const running = body();
      running.catch(() => undefined);
      outcome = { value: await Promise.race([running, this.lost]) };
    } catch (error) {
      outcome = { error };
    } finally {
      cleanup();
    }
    const problem = await this.popScopes();
    if ('error' in outcome && !(outcome.error instanceof EngineError)) await this.awaitLoss();
    this.requireDevice();
    if (problem?.kind === 'out-of-memory' || ('error' in outcome && outcome.error instanceof RangeError)) {
      throw new EngineError(
        'outOfMemory',
        `The graphics device ran out of memory in ${what}${problem === null ? '' : ` (${problem.message})`}. Use the cpu backend, or fewer tokens.`,
      );
    }
    // Wrong numbers are what a refused command leads to; other EngineErrors know more than the scope.
    const symptom = 'error' in outcome && outcome.error instanceof EngineError && symptoms.has(outcome.error.reason);
    if ('error' in outcome && outcome.error instanceof EngineError && !symptom) throw outcome.error;
    const message = problem?.message ?? this.uncaptured;
    this.uncaptured = null;
    if (message !== null) {
      throw new EngineError(
        'shader',
        `The graphics device refused a command in ${what}, so its numbers cannot be used: ${firstLine(message)} Use the cpu backend and report this message.`,
      );
    }
    if ('error' in outcome) throw outcome.error;
    return outcome.value;
  }

  private requireDevice(): void {
    if (this.lostError !== null) throw this.lostError;
  }

  private async popScopes(): Promise<{ kind: GPUErrorFilter; message: string } | null> {
    let found: { kind: GPUErrorFilter; message: string } | null = null;
    for (const kind of ['validation', 'internal', 'out-of-memory'] as const) {
      try {
        const error = await Promise.race([this.device.popErrorScope(), this.lost]);
        if (error !== null && (found === null || kind === 'out-of-memory')) found = { kind, message: error.message };
      } catch {
        // A lost device cannot pop its scopes; the caller looks at `lostError` next.
        await this.awaitLoss();
      }
    }
    return found;
  }

  /** A lost device rejects what is pending a moment before `device.lost` settles; give that a moment to arrive. */
  private async awaitLoss(): Promise<void> {
    const moment = new Promise<null>((resolve) => setTimeout(resolve, lossSettlesMs, null));
    await Promise.race([this.lost.catch(() => null), moment]);
  }
}

function deviceLostError(info: GPUDeviceLostInfo): EngineError {
  const why = info.message.trim() === '' ? info.reason : firstLine(info.message);
  return new EngineError(
    'deviceLost',
    `The graphics device was lost (${why}): the driver was reset, the machine slept, or the device was closed. Go on with the cpu backend, or start again.`,
  );
}

function firstLine(message: string): string {
  const line = message.trim().split('\n', 1)[0]!.slice(0, 300);
  return line.endsWith('.') ? line : `${line}.`;
}
