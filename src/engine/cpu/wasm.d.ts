// The compiled kernels (out/kernels.wasm) as bytes: an esbuild alias with the binary loader.
declare module 'gramlens-kernels.wasm' {
  const bytes: Uint8Array<ArrayBuffer>;
  export default bytes;
}
