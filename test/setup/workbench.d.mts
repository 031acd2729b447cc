/** True once an install was completed. */
export function isWorkbenchInstalled(): boolean;

/** Installs the workbench unless it is there; returns the folder of VS Code's server. */
export function installWorkbench(): string;

export interface Workbench {
  origin: string;
  port: number;
  pid: number;
  /** The page that opens a folder with an extension under development, and its tests where they are given. Plain paths. */
  url(open: { folder?: string; extension?: string; tests?: string }): string;
  /** The server's output so far (its end, when long). */
  log(): string;
  /** Ends the server and all its children, and removes its folders. */
  stop(): Promise<void>;
}

/** Starts the workbench's server on a free port; `env` reaches the extension host, `userSettings` can be changed in the window. */
export function startWorkbench(options?: {
  settings?: Record<string, unknown>;
  userSettings?: Record<string, unknown>;
  env?: Record<string, string>;
}): Promise<Workbench>;

/** Settings every VS Code of the tests starts with. */
export const baseSettings: Record<string, unknown>;
