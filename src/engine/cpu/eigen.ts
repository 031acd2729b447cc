// The eigensolver of assembly/eigen.ts behind the interface of symmetricEigen.ts.

import type { EigenPairs } from '../symmetricEigen';
import type { WasmModule } from './wasmModule';

/** Eigenvalues of a symmetric a [n, n], descending, and the vectors of the first `count`; null if it does not converge. */
export function wasmEigen(module: WasmModule, a: Float64Array, n: number, count: number): EigenPairs | null {
  const { exports } = module;
  module.reset();
  const stride = exports.eigenStride(n);
  const matrix = module.putRows(a, n, stride);
  const values = module.alloc(n);
  const vectors = module.alloc(count * stride);
  const scratch = module.alloc(exports.eigenScratch(n, count));
  if (exports.eigen(matrix, n, count, values, vectors, scratch) === 0) return null;
  return { size: n, values: module.take(values, n), vectors: module.takeRows(vectors, count, n, stride) };
}
