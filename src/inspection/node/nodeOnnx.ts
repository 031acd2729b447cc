// onnxruntime-web in Node, on this thread: its WebAssembly provider, or the build with the WebGPU provider. Modules and
// binaries lie beside the bundles and are read when the first graph is run; who never opens ONNX never loads them.

import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { EngineError } from '../../engine/backend';
import type { GraphRuntime } from '../../engine/onnx/graphTensor';
import { ortRuntime, type OrtModule } from '../../engine/onnx/ortRuntime';
import { describeOrt } from '../../engine/onnx/webGpuRuntime';

/** Module and binary of each build in the folder `onnx` beside the bundles, as esbuild.mjs copies them. */
const builds = {
  wasm: ['ort.wasm.bundle.min.mjs', 'ort-wasm-simd-threaded.wasm'],
  webgpu: ['ort.webgpu.bundle.min.mjs', 'ort-wasm-simd-threaded.asyncify.wasm'],
} as const;

export interface NodeOrt extends OrtModule {
  readonly env: {
    logLevel?: string;
    readonly versions: { readonly web?: string };
    readonly wasm: { numThreads?: number; wasmBinary?: ArrayBufferLike };
  };
}

const loaded = new Map<keyof typeof builds, Promise<NodeOrt>>();

/** `folder`: where the bundles are. @throws EngineError internal when the installation lacks a file. */
export async function openNodeOnnx(folder: string): Promise<GraphRuntime> {
  const ort = await loadNodeOrt(folder, 'wasm');
  return ortRuntime(ort, describeOrt(ort.env.versions.web, 'WebAssembly'), ['wasm']);
}

/** One module for the process. @throws EngineError internal when the installation lacks a file. */
export function loadNodeOrt(folder: string, build: keyof typeof builds): Promise<NodeOrt> {
  const ort = loaded.get(build) ?? load(folder, build);
  loaded.set(build, ort);
  return ort;
}

async function load(folder: string, build: keyof typeof builds): Promise<NodeOrt> {
  const [moduleFile, binaryFile] = builds[build].map((file) => join(folder, 'onnx', file)) as [string, string];
  try {
    const ort = (await import(pathToFileURL(moduleFile).href)) as NodeOrt;
    const binary = await readFile(binaryFile);
    ort.env.wasm.wasmBinary = binary.buffer.slice(binary.byteOffset, binary.byteOffset + binary.byteLength);
    // One thread: the others diagnose heads.
    ort.env.wasm.numThreads = 1;
    ort.env.logLevel = 'error';
    return ort;
  } catch (error) {
    loaded.delete(build);
    const why = error instanceof Error ? error.message : String(error);
    throw new EngineError('internal', `ONNX Runtime could not be loaded (${why}). Install Gramlens again.`);
  }
}
