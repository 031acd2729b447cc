// Paths that a file of a checkpoint gives for other files: only those in its own folder or below it are opened.

/** Whether a path is a file beside the one that names it or in a folder below: nothing absolute, no way up, on any system. */
export function isInsideFolder(path: string): boolean {
  const steps = path.split('/');
  return !steps.some((step) => step === '' || step === '.' || step === '..') && !/[\\:\u0000-\u001f]/.test(path);
}
