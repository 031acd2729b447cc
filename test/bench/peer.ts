// A peer in Python that answers one line for one command, and where Python is looked for.

import { spawn, spawnSync } from 'node:child_process';
import { createInterface } from 'node:readline';
import { cpus, loadavg } from 'node:os';

export interface Peer {
  readonly version: string;
  ask(command: string): Promise<number>;
  end(): void;
}

/** One thread, and without settings that pin OpenBLAS to older kernels: the peer shall be as fast as it can be. */
export function peerEnvironment(threads = 1): NodeJS.ProcessEnv {
  const environment: NodeJS.ProcessEnv = {
    ...process.env,
    OPENBLAS_NUM_THREADS: String(threads),
    OMP_NUM_THREADS: String(threads),
  };
  delete environment['OPENBLAS_CORETYPE'];
  delete environment['OPENBLAS_L2_SIZE'];
  return environment;
}

/** A Python that has these modules; null where there is none. */
export function pythonWith(modules: string): string | null {
  const has = (candidate: string): boolean => spawnSync(candidate, ['-c', `import ${modules}`]).status === 0;
  return ['/usr/bin/python3', 'python3'].find(has) ?? null;
}

export async function startPeer(python: string, script: string): Promise<Peer> {
  const child = spawn(python, [script], { env: peerEnvironment(), stdio: ['pipe', 'pipe', 'inherit'] });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const line = async (): Promise<string> => {
    const answer: IteratorResult<string, unknown> = await lines.next();
    if (answer.done === true) throw new Error('The peer stopped; its message is above.');
    return answer.value;
  };
  return {
    version: await line(),
    ask: async (command) => {
      child.stdin.write(`${command}\n`);
      return Number(await line());
    },
    end: () => child.stdin.end(),
  };
}

/** What ran the numbers; a load above the cores means that the machine was busy with something else. */
export function machine(): { cpu: string; cores: number; node: string; load: number } {
  const load = Number(loadavg()[0]!.toFixed(1));
  return { cpu: cpus()[0]?.model ?? 'unknown', cores: cpus().length, node: process.version, load };
}

export function machineLine({ cpu, cores, node, load }: ReturnType<typeof machine>): string {
  return `${cpu}, ${cores} cores, Node ${node}, load ${load}`;
}
