// Progress on stderr: one line that is written over on a terminal, plain lines elsewhere, JSON lines on request.

import * as l10n from '@vscode/l10n';
import { progressText, type ProgressLabel } from '../inspection/progressLabel';

type Mode = 'text' | 'json' | 'none';

export class ProgressLine {
  private last = '';

  constructor(private readonly mode: Mode) {}

  plan(lines: readonly (readonly [string, string])[]): void {
    if (this.mode === 'json') this.json({ event: 'plan', ...Object.fromEntries(lines) });
    else if (this.mode === 'text') {
      for (const [term, value] of lines) process.stderr.write(`${term.padEnd(12)} ${value}\n`);
    }
  }

  /** Of the run, or of what is around it. */
  progress(at: ProgressLabel | string, fraction: number): void {
    const label = typeof at === 'string' ? at : progressText(at, l10n);
    if (this.mode === 'json') this.json({ event: 'progress', label, fraction });
    if (this.mode !== 'text') return;
    if (process.stderr.isTTY) {
      process.stderr.write(`\r\u001b[K${String(Math.round(100 * fraction)).padStart(3)} %  ${label}`);
    } else if (label !== this.last) {
      process.stderr.write(`${String(Math.round(100 * fraction)).padStart(3)} %  ${label}\n`);
    }
    this.last = label;
  }

  /** What a person must know although the run goes on, said in every mode. */
  warn(sentence: string): void {
    this.end();
    if (this.mode === 'json') this.json({ event: 'warning', sentence });
    else process.stderr.write(`${sentence}\n`);
  }

  /** Leaves the terminal's cursor on a clean line. */
  end(): void {
    if (this.mode === 'text' && process.stderr.isTTY && this.last !== '') process.stderr.write('\r\u001b[K');
    this.last = '';
  }

  private json(event: object): void {
    process.stderr.write(`${JSON.stringify(event)}\n`);
  }
}
