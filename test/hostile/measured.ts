// Processor time and memory of this process.

import { readFileSync, writeFileSync } from 'node:fs';

/** Milliseconds of processor time, of all threads, since it was made. */
export function cpuClock(): () => number {
  const before = process.cpuUsage();
  return () => {
    const { user, system } = process.cpuUsage(before);
    return (user + system) / 1000;
  };
}

/** Peak resident memory. Linux hands maxRSS of the process that started us on to us; VmHWM is our own. */
export function peakMemoryMB(): number {
  try {
    const own = /VmHWM:\s*(\d+) kB/.exec(readFileSync('/proc/self/status', 'utf8'))?.[1];
    if (own !== undefined) return Number(own) / 1024;
  } catch {
    // No /proc on this system.
  }
  return process.resourceUsage().maxRSS / 1024;
}

/** Garbage is collected and the peak counted from now on; where a system cannot do that, it stays that of the process. */
export function resetPeak(): void {
  // The buffers that one collection finds are freed beside it; the next one waits for that.
  globalThis.gc?.();
  globalThis.gc?.();
  try {
    writeFileSync('/proc/self/clear_refs', '5');
  } catch {
    // Linux only.
  }
}
