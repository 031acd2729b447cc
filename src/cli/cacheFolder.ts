// `--cache`: where numbers of untrained twins are kept from run to run.

import { homedir } from 'node:os';
import { isAbsolute, join, resolve } from 'node:path';

/** The folder, or null for `none`. Not said: that of the user on this system, as the XDG rules have it on Linux. */
export function cacheFolder(
  said: string | undefined,
  env: NodeJS.ProcessEnv,
  platform: NodeJS.Platform,
): string | null {
  if (said === 'none') return null;
  if (said !== undefined) return resolve(said);
  return join(userCache(env, platform), 'gramlens', 'twins');
}

function userCache(env: NodeJS.ProcessEnv, platform: NodeJS.Platform): string {
  const { XDG_CACHE_HOME: xdg, LOCALAPPDATA: local } = env;
  // The rules say that a relative path is to be ignored.
  if (xdg !== undefined && isAbsolute(xdg)) return xdg;
  if (platform === 'darwin') return join(homedir(), 'Library', 'Caches');
  if (platform === 'win32') return local ?? join(homedir(), 'AppData', 'Local');
  return join(homedir(), '.cache');
}
