// out[h, i, :] = sum_j weights[h, i, j] v_j / sums[h, i], tiled through workgroup memory: 64 rows x 64 columns a
// workgroup, 16 keys at a time, 4 x 4 outputs an invocation (for hardware adapters). Each tile of 16 keys is summed by
// itself and then added to the total (two-level sum).
@group(0) @binding(0) var<uniform> sizes: Sizes;
@group(0) @binding(1) var<storage, read> weights: array<vec4f>;
@group(0) @binding(2) var<storage, read> sums: array<f32>;
@group(0) @binding(3) var<storage, read> values: array<vec4f>;
@group(0) @binding(4) var<storage, read_write> outputs: array<vec4f>;

var<workgroup> weightTile: array<vec4f, 256>;
var<workgroup> valueTile: array<vec4f, 256>;

fn weighted(a: vec4f, b0: vec4f, b1: vec4f, b2: vec4f, b3: vec4f) -> vec4f {
  return fma(vec4f(a.x), b0, fma(vec4f(a.y), b1, fma(vec4f(a.z), b2, a.w * b3)));
}

@compute @workgroup_size(16, 16)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_id) local: vec3u,
  @builtin(local_invocation_index) index: u32,
) {
  let w = sizes.width4;
  let columnTiles = (w + 15u) / 16u;
  let rowTiles = (sizes.rows + 63u) / 64u;
  let linear = group.x + group.y * groups.x;
  let tile = linear / columnTiles;
  let head = tile / rowTiles;
  if (head >= sizes.heads) {
    return;
  }
  let tileRow = (tile % rowTiles) * 64u;
  let column = (linear % columnTiles) * 16u + local.x;
  let base = (sizes.headStart + head) * sizes.tokens * w;
  let weightAt = (head * sizes.rows + min(tileRow + index / 4u, sizes.rows - 1u)) * sizes.stride4;
  var t0 = vec4f();
  var t1 = vec4f();
  var t2 = vec4f();
  var t3 = vec4f();
  for (var c = 0u; c < sizes.stride4; c += 4u) {
    var a = vec4f();
    var b = vec4f();
    if (c + index % 4u < sizes.stride4) {
      a = weights[weightAt + c + index % 4u];
    }
    let key = c * 4u + local.y;
    if (key < sizes.tokens && column < w) {
      b = values[base + key * w + column];
    }
    weightTile[index] = a;
    valueTile[index] = b;
    workgroupBarrier();
    var p0 = vec4f();
    var p1 = vec4f();
    var p2 = vec4f();
    var p3 = vec4f();
    for (var k = 0u; k < 4u; k += 1u) {
      let b0 = valueTile[(k * 4u) * 16u + local.x];
      let b1 = valueTile[(k * 4u + 1u) * 16u + local.x];
      let b2 = valueTile[(k * 4u + 2u) * 16u + local.x];
      let b3 = valueTile[(k * 4u + 3u) * 16u + local.x];
      p0 += weighted(weightTile[(local.y * 4u) * 4u + k], b0, b1, b2, b3);
      p1 += weighted(weightTile[(local.y * 4u + 1u) * 4u + k], b0, b1, b2, b3);
      p2 += weighted(weightTile[(local.y * 4u + 2u) * 4u + k], b0, b1, b2, b3);
      p3 += weighted(weightTile[(local.y * 4u + 3u) * 4u + k], b0, b1, b2, b3);
    }
    t0 += p0;
    t1 += p1;
    t2 += p2;
    t3 += p3;
    workgroupBarrier();
  }
  let row = tileRow + local.y * 4u;
  if (column < w && row < sizes.rows) {
    let out = base + (sizes.rowStart + row) * w + column;
    let sum = head * sizes.rows + row;
    let left = sizes.rows - row;
    outputs[out] = t0 / sums[sum];
    if (left > 1u) { outputs[out + w] = t1 / sums[sum + 1u]; }
    if (left > 2u) { outputs[out + 2u * w] = t2 / sums[sum + 2u]; }
    if (left > 3u) { outputs[out + 3u * w] = t3 / sums[sum + 3u]; }
  }
}
