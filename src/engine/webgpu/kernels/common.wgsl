
// Behind every kernel (pipelines.ts): what those of attention are told of the chunk they work on, and shared functions.
struct Sizes {
  heads: u32,      // heads in this chunk
  tokens: u32,     // N
  headStart: u32,  // first head of the chunk
  rowStart: u32,   // first query row of the chunk
  rows: u32,       // query rows of the chunk
  width4: u32,     // d / 4, rounded up
  stride4: u32,    // N / 4, rounded up
  scale: f32,
  causal: u32,     // 1: keys after the query are not visible
  window: u32,     // keys this far away or farther are not visible; 0: no window
  mirrored: u32,   // 1: the queries are the keys, and the chunk has all rows
}

/** Members of the n-th four of `count`; past the end the last one again. */
fn membersOf(n: u32, count: u32) -> vec4u {
  return min(n * 4u + vec4u(0u, 1u, 2u, 3u), vec4u(count - 1u));
}

/** a b, column by column: SwiftShader computes the product of two matrices more slowly. */
fn times(a: mat4x4f, b: mat4x4f) -> mat4x4f {
  return mat4x4f(a * b[0], a * b[1], a * b[2], a * b[3]);
}
