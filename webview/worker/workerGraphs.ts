// ONNX Runtime with its WebGPU provider in the worker. Its code is in the worker's bundle and starts with the first graph;
// its 27 MB of WebAssembly are fetched then, and by nobody else.

import { EngineError } from '../../src/engine/backend';
import { openWebGpuGraphs, type WebGpuGraphs } from '../../src/engine/onnx/webGpuRuntime';

/** `binaryUrl`: where the page serves ort-wasm-simd-threaded.asyncify.wasm. @throws EngineError noAdapter, internal. */
export async function openWorkerGraphs(binaryUrl: string, gpu: GPU | undefined): Promise<WebGpuGraphs> {
  const ort = await import('onnxruntime-web/webgpu');
  if (ort.env.wasm.wasmBinary === undefined) {
    ort.env.wasm.wasmBinary = await binary(binaryUrl);
    // More threads need SharedArrayBuffer, which a webview has not.
    ort.env.wasm.numThreads = 1;
    ort.env.logLevel = 'error';
  }
  return openWebGpuGraphs(ort, ort.env.versions.web, gpu);
}

async function binary(url: string): Promise<ArrayBuffer> {
  try {
    const response = await fetch(url);
    if (!response.ok) throw new Error(`status ${response.status}`);
    return await response.arrayBuffer();
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new EngineError('internal', `ONNX Runtime could not be loaded into the page (${why}). Use the cpu backend.`);
  }
}
