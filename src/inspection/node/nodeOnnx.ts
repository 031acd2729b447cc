// onnxruntime-web in Node: its WebAssembly provider on this thread. Module and binary lie beside the bundles and are
// read when the first graph is run; who never opens ONNX never loads them.

import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { EngineError } from '../../engine/backend';
import type { GraphRuntime } from '../../engine/onnx/graphTensor';
import { ortRuntime, type OrtModule } from '../../engine/onnx/ortRuntime';

/** Beside the bundles, as esbuild.mjs copies them from onnxruntime-web. */
const moduleFile = join('onnx', 'ort.wasm.bundle.min.mjs');
const binaryFile = join('onnx', 'ort-wasm-simd-threaded.wasm');

interface NodeOrt extends OrtModule {
  readonly env: {
    logLevel?: string;
    readonly versions: { readonly web?: string };
    readonly wasm: { numThreads?: number; wasmBinary?: ArrayBufferLike };
  };
}

let loaded: Promise<NodeOrt> | null = null;

/** `folder`: where the bundles are. @throws EngineError internal when the installation lacks a file. */
export async function openNodeOnnx(folder: string): Promise<GraphRuntime> {
  loaded ??= load(folder);
  const ort = await loaded;
  return ortRuntime(ort, `ONNX Runtime Web ${ort.env.versions.web ?? ''}, WebAssembly`, ['wasm']);
}

async function load(folder: string): Promise<NodeOrt> {
  try {
    const ort = (await import(pathToFileURL(join(folder, moduleFile)).href)) as NodeOrt;
    const binary = await readFile(join(folder, binaryFile));
    ort.env.wasm.wasmBinary = binary.buffer.slice(binary.byteOffset, binary.byteOffset + binary.byteLength);
    // One thread: the others diagnose heads.
    ort.env.wasm.numThreads = 1;
    ort.env.logLevel = 'error';
    return ort;
  } catch (error) {
    loaded = null;
    const why = error instanceof Error ? error.message : String(error);
    throw new EngineError('internal', `ONNX Runtime could not be loaded (${why}). Install Gramlens again.`);
  }
}
