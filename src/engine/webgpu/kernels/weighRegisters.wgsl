// out[h, i, :] = sum_j weights[h, i, j] v_j / sums[h, i], register-blocked: 8 rows x 8 columns an invocation, no
// workgroup memory. The sum over keys is kept in blocks of 128 keys that are added up afterwards (two-level), so that
// the error does not grow with every term; weights are 0 past the last token, where the value index is clamped.
@group(0) @binding(0) var<uniform> sizes: Sizes;
@group(0) @binding(1) var<storage, read> weights: array<vec4f>;
@group(0) @binding(2) var<storage, read> sums: array<f32>;
@group(0) @binding(3) var<storage, read> values: array<vec4f>;
@group(0) @binding(4) var<storage, read_write> outputs: array<vec4f>;

fn weighted(a: vec4f, b0: vec4f, b1: vec4f, b2: vec4f, b3: vec4f) -> vec4f {
  return fma(vec4f(a.x), b0, fma(vec4f(a.y), b1, fma(vec4f(a.z), b2, a.w * b3)));
}

@compute @workgroup_size(4, 4)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_id) local: vec3u) {
  let w = sizes.width4;
  let columnTiles = (w + 7u) / 8u;
  let rowTiles = (sizes.rows + 31u) / 32u;
  let linear = group.x + group.y * groups.x;
  let tile = linear / columnTiles;
  let head = tile / rowTiles;
  let row = (tile % rowTiles) * 32u + local.y * 8u;
  let column = (linear % columnTiles) * 8u + local.x * 2u;
  if (head >= sizes.heads || row >= sizes.rows || column >= w) {
    return;
  }
  let second = min(column + 1u, w - 1u);
  let last = sizes.tokens - 1u;
  let lastRow = sizes.rows - 1u;
  let base = (sizes.headStart + head) * sizes.tokens * w;
  let n4 = sizes.stride4;
  let head0 = head * sizes.rows;
  let i0 = (head0 + row) * n4;
  let i1 = (head0 + min(row + 1u, lastRow)) * n4;
  let i2 = (head0 + min(row + 2u, lastRow)) * n4;
  let i3 = (head0 + min(row + 3u, lastRow)) * n4;
  let i4 = (head0 + min(row + 4u, lastRow)) * n4;
  let i5 = (head0 + min(row + 5u, lastRow)) * n4;
  let i6 = (head0 + min(row + 6u, lastRow)) * n4;
  let i7 = (head0 + min(row + 7u, lastRow)) * n4;
  var total = array<vec4f, 16>();
  for (var block = 0u; block < n4; block += 32u) {
    var l0 = vec4f();
    var l1 = vec4f();
    var l2 = vec4f();
    var l3 = vec4f();
    var l4 = vec4f();
    var l5 = vec4f();
    var l6 = vec4f();
    var l7 = vec4f();
    var r0 = vec4f();
    var r1 = vec4f();
    var r2 = vec4f();
    var r3 = vec4f();
    var r4 = vec4f();
    var r5 = vec4f();
    var r6 = vec4f();
    var r7 = vec4f();
    let end = min(block + 32u, n4);
    for (var c = block; c < end; c += 1u) {
      let j0 = base + min(c * 4u, last) * w;
      let j1 = base + min(c * 4u + 1u, last) * w;
      let j2 = base + min(c * 4u + 2u, last) * w;
      let j3 = base + min(c * 4u + 3u, last) * w;
      let a0 = weights[i0 + c];
      let a1 = weights[i1 + c];
      let a2 = weights[i2 + c];
      let a3 = weights[i3 + c];
      let a4 = weights[i4 + c];
      let a5 = weights[i5 + c];
      let a6 = weights[i6 + c];
      let a7 = weights[i7 + c];
      let b0 = values[j0 + column];
      let b1 = values[j1 + column];
      let b2 = values[j2 + column];
      let b3 = values[j3 + column];
      l0 += weighted(a0, b0, b1, b2, b3);
      l1 += weighted(a1, b0, b1, b2, b3);
      l2 += weighted(a2, b0, b1, b2, b3);
      l3 += weighted(a3, b0, b1, b2, b3);
      l4 += weighted(a4, b0, b1, b2, b3);
      l5 += weighted(a5, b0, b1, b2, b3);
      l6 += weighted(a6, b0, b1, b2, b3);
      l7 += weighted(a7, b0, b1, b2, b3);
      let d0 = values[j0 + second];
      let d1 = values[j1 + second];
      let d2 = values[j2 + second];
      let d3 = values[j3 + second];
      r0 += weighted(a0, d0, d1, d2, d3);
      r1 += weighted(a1, d0, d1, d2, d3);
      r2 += weighted(a2, d0, d1, d2, d3);
      r3 += weighted(a3, d0, d1, d2, d3);
      r4 += weighted(a4, d0, d1, d2, d3);
      r5 += weighted(a5, d0, d1, d2, d3);
      r6 += weighted(a6, d0, d1, d2, d3);
      r7 += weighted(a7, d0, d1, d2, d3);
    }
    total[0] += l0;
    total[1] += l1;
    total[2] += l2;
    total[3] += l3;
    total[4] += l4;
    total[5] += l5;
    total[6] += l6;
    total[7] += l7;
    total[8] += r0;
    total[9] += r1;
    total[10] += r2;
    total[11] += r3;
    total[12] += r4;
    total[13] += r5;
    total[14] += r6;
    total[15] += r7;
  }
  let out = base + (sizes.rowStart + row) * w;
  let left = min(8u, sizes.rows - row);
  for (var r = 0u; r < left; r += 1u) {
    let sum = sums[head0 + row + r];
    outputs[out + r * w + column] = total[r] / sum;
    if (column + 1u < w) {
      outputs[out + r * w + column + 1u] = total[8u + r] / sum;
    }
  }
}
