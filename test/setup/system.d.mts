/** Full path of a command on PATH, or null. */
export function findCommand(name: string): string | null;

/** A Chromium (or Chrome, or Edge) executable: GRAMLENS_CHROMIUM first, then the usual places. Null when there is none. */
export function findChromium(): string | null;

/** The ICD file of SwiftShader, the software Vulkan driver that Chromium brings along. Null when there is none. */
export function findSoftwareVulkan(): string | null;

/** Points Dawn (the `webgpu` package) at SwiftShader unless a driver was chosen already. Call before importing `webgpu`. */
export function useSoftwareVulkan(): void;

/** Finds what is asked for and installs what is missing (Debian, as root); throws one sentence that names what still is. */
export function ensureSystem(needs?: { chromium?: boolean; vulkan?: boolean; workbench?: boolean }): void;

/** Like findChromium, but installs one where that is possible and throws a sentence when there is none. */
export function requireChromium(): string;

/** Chromium flags for headless tests: WebGPU on SwiftShader, no sandbox as root, no talk to the network. */
export const chromiumArgs: string[];
