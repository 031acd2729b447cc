// scores[h, i, j] = scale * q_i . k_j, tiled through workgroup memory: 64 x 64 scores a workgroup, 16 of d at a time,
// 4 x 4 scores an invocation (for hardware adapters). 8 KiB of workgroup memory.
@group(0) @binding(0) var<uniform> sizes: Sizes;
@group(0) @binding(1) var<storage, read> queries: array<vec4f>;
@group(0) @binding(2) var<storage, read> keys: array<vec4f>;
@group(0) @binding(3) var<storage, read_write> scores: array<vec4f>;

var<workgroup> queryTile: array<vec4f, 256>;
var<workgroup> keyTile: array<vec4f, 256>;

@compute @workgroup_size(16, 16)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_id) local: vec3u,
  @builtin(local_invocation_index) index: u32,
) {
  let columnTiles = (sizes.stride4 + 15u) / 16u;
  let rowTiles = (sizes.rows + 63u) / 64u;
  let linear = group.x + group.y * groups.x;
  let tile = linear / columnTiles;
  let head = tile / rowTiles;
  if (head >= sizes.heads) {
    return;
  }
  let tileRow = (tile % rowTiles) * 64u;
  let tileColumn4 = (linear % columnTiles) * 16u;
  let w = sizes.width4;
  let last = sizes.tokens - 1u;
  let base = (sizes.headStart + head) * sizes.tokens * w;
  let loadRow = index / 4u;
  let loadPart = index % 4u;
  let queryAt = base + min(sizes.rowStart + tileRow + loadRow, last) * w;
  let keyAt = base + min(tileColumn4 * 4u + loadRow, last) * w;
  var s0 = vec4f();
  var s1 = vec4f();
  var s2 = vec4f();
  var s3 = vec4f();
  for (var c = 0u; c < w; c += 4u) {
    var a = vec4f();
    var b = vec4f();
    if (c + loadPart < w) {
      a = queries[queryAt + c + loadPart];
      b = keys[keyAt + c + loadPart];
    }
    queryTile[index] = a;
    keyTile[index] = b;
    workgroupBarrier();
    for (var p = 0u; p < 4u; p += 1u) {
      let b0 = keyTile[(local.x * 4u) * 4u + p];
      let b1 = keyTile[(local.x * 4u + 1u) * 4u + p];
      let b2 = keyTile[(local.x * 4u + 2u) * 4u + p];
      let b3 = keyTile[(local.x * 4u + 3u) * 4u + p];
      let a0 = queryTile[(local.y * 4u) * 4u + p];
      let a1 = queryTile[(local.y * 4u + 1u) * 4u + p];
      let a2 = queryTile[(local.y * 4u + 2u) * 4u + p];
      let a3 = queryTile[(local.y * 4u + 3u) * 4u + p];
      s0 += vec4f(dot(a0, b0), dot(a0, b1), dot(a0, b2), dot(a0, b3));
      s1 += vec4f(dot(a1, b0), dot(a1, b1), dot(a1, b2), dot(a1, b3));
      s2 += vec4f(dot(a2, b0), dot(a2, b1), dot(a2, b2), dot(a2, b3));
      s3 += vec4f(dot(a3, b0), dot(a3, b1), dot(a3, b2), dot(a3, b3));
    }
    workgroupBarrier();
  }
  let row = tileRow + local.y * 4u;
  let column4 = tileColumn4 + local.x;
  if (column4 < sizes.stride4 && row < sizes.rows) {
    let out = (head * sizes.rows + row) * sizes.stride4 + column4;
    let left = sizes.rows - row;
    scores[out] = s0 * sizes.scale;
    if (left > 1u) { scores[out + sizes.stride4] = s1 * sizes.scale; }
    if (left > 2u) { scores[out + 2u * sizes.stride4] = s2 * sizes.scale; }
    if (left > 3u) { scores[out + 3u * sizes.stride4] = s3 * sizes.scale; }
  }
}
