// Shaders are imported as text (esbuild loader `text`).
declare module '*.wgsl' {
  const source: string;
  export default source;
}
