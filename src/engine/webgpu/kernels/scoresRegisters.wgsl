// scores[h, i, j] = scale * q_i . k_j, register-blocked: 8 rows x 4 columns an invocation, no workgroup memory
// (fast on software adapters). Columns past the last token hold copies of it; softmax overwrites them with 0.
@group(0) @binding(0) var<uniform> sizes: Sizes;
@group(0) @binding(1) var<storage, read> queries: array<vec4f>;
@group(0) @binding(2) var<storage, read> keys: array<vec4f>;
@group(0) @binding(3) var<storage, read_write> scores: array<vec4f>;

fn products(a: vec4f, b0: vec4f, b1: vec4f, b2: vec4f, b3: vec4f) -> vec4f {
  return vec4f(dot(a, b0), dot(a, b1), dot(a, b2), dot(a, b3));
}

@compute @workgroup_size(4, 4)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_id) local: vec3u) {
  let columnTiles = (sizes.stride4 + 3u) / 4u;
  let rowTiles = (sizes.rows + 31u) / 32u;
  let linear = group.x + group.y * groups.x;
  let tile = linear / columnTiles;
  let head = tile / rowTiles;
  let row = (tile % rowTiles) * 32u + local.y * 8u;
  let column4 = (linear % columnTiles) * 4u + local.x;
  if (head >= sizes.heads || row >= sizes.rows || column4 >= sizes.stride4) {
    return;
  }
  let w = sizes.width4;
  let last = sizes.tokens - 1u;
  let base = (sizes.headStart + head) * sizes.tokens * w;
  let j0 = base + min(column4 * 4u, last) * w;
  let j1 = base + min(column4 * 4u + 1u, last) * w;
  let j2 = base + min(column4 * 4u + 2u, last) * w;
  let j3 = base + min(column4 * 4u + 3u, last) * w;
  let first = sizes.rowStart + row;
  let i0 = base + min(first, last) * w;
  let i1 = base + min(first + 1u, last) * w;
  let i2 = base + min(first + 2u, last) * w;
  let i3 = base + min(first + 3u, last) * w;
  let i4 = base + min(first + 4u, last) * w;
  let i5 = base + min(first + 5u, last) * w;
  let i6 = base + min(first + 6u, last) * w;
  let i7 = base + min(first + 7u, last) * w;
  var s0 = vec4f();
  var s1 = vec4f();
  var s2 = vec4f();
  var s3 = vec4f();
  var s4 = vec4f();
  var s5 = vec4f();
  var s6 = vec4f();
  var s7 = vec4f();
  for (var c = 0u; c < w; c += 1u) {
    let b0 = keys[j0 + c];
    let b1 = keys[j1 + c];
    let b2 = keys[j2 + c];
    let b3 = keys[j3 + c];
    s0 += products(queries[i0 + c], b0, b1, b2, b3);
    s1 += products(queries[i1 + c], b0, b1, b2, b3);
    s2 += products(queries[i2 + c], b0, b1, b2, b3);
    s3 += products(queries[i3 + c], b0, b1, b2, b3);
    s4 += products(queries[i4 + c], b0, b1, b2, b3);
    s5 += products(queries[i5 + c], b0, b1, b2, b3);
    s6 += products(queries[i6 + c], b0, b1, b2, b3);
    s7 += products(queries[i7 + c], b0, b1, b2, b3);
  }
  let out = (head * sizes.rows + row) * sizes.stride4 + column4;
  let left = sizes.rows - row;
  scores[out] = s0 * sizes.scale;
  if (left > 1u) { scores[out + sizes.stride4] = s1 * sizes.scale; }
  if (left > 2u) { scores[out + 2u * sizes.stride4] = s2 * sizes.scale; }
  if (left > 3u) { scores[out + 3u * sizes.stride4] = s3 * sizes.scale; }
  if (left > 4u) { scores[out + 4u * sizes.stride4] = s4 * sizes.scale; }
  if (left > 5u) { scores[out + 5u * sizes.stride4] = s5 * sizes.scale; }
  if (left > 6u) { scores[out + 6u * sizes.stride4] = s6 * sizes.scale; }
  if (left > 7u) { scores[out + 7u * sizes.stride4] = s7 * sizes.scale; }
}
