// out[h, i, :] = sum_j weights[h, i, j] v_j / sums[h, i] for software adapters that have quads (subgroups): 16 rows x
// 16 columns by four invocations; each loads the weights of 4 rows and 4 columns of values and hands its weights round.
// The sum over keys is kept in blocks of 128 keys that are added up afterwards (two-level), so that the error does not
// grow with every term; weights are 0 past the last token, where the value index is clamped.
enable subgroups;

@group(0) @binding(0) var<uniform> sizes: Sizes;
@group(0) @binding(1) var<storage, read> weights: array<vec4f>;
@group(0) @binding(2) var<storage, read> sums: array<f32>;
@group(0) @binding(3) var<storage, read> values: array<vec4f>;
@group(0) @binding(4) var<storage, read_write> outputs: array<vec4f>;

/** Columns of `tile` as outputs of the rows of a four. */
fn write(tile: mat4x4f, head: u32, rowFour: u32, column: u32) {
  if (rowFour * 4u >= sizes.rows || column >= sizes.width4 || head >= sizes.heads) {
    return;
  }
  let rows = membersOf(rowFour, sizes.rows);
  let at = ((sizes.headStart + head) * sizes.tokens + sizes.rowStart + rows) * sizes.width4 + column;
  let sum = head * sizes.rows + rows;
  outputs[at.x] = tile[0] / sums[sum.x];
  outputs[at.y] = tile[1] / sums[sum.y];
  outputs[at.z] = tile[2] / sums[sum.z];
  outputs[at.w] = tile[3] / sums[sum.w];
}

@compute @workgroup_size(16)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) index: u32) {
  let w = sizes.width4;
  let n4 = sizes.stride4;
  let columnTiles = (w + 3u) / 4u;
  let rowTiles = (sizes.rows + 15u) / 16u;
  let quad = (group.x + group.y * groups.x) * 4u + index / 4u;
  let head = quad / columnTiles / rowTiles;
  let lane = index % 4u;
  let rowFour = quad / columnTiles % rowTiles * 4u + lane;
  let column = quad % columnTiles * 4u + lane;
  // A quad past the last tile computes what it does not write: quads swap in uniform control flow only.
  let inside = min(head, sizes.heads - 1u);
  let i = (inside * sizes.rows + membersOf(rowFour, sizes.rows)) * n4;
  let base = (sizes.headStart + inside) * sizes.tokens * w + min(column, w - 1u);
  var own = mat4x4f();
  var beside = mat4x4f();
  var below = mat4x4f();
  var across = mat4x4f();
  for (var block = 0u; block < n4; block += 32u) {
    var blockOwn = mat4x4f();
    var blockBeside = mat4x4f();
    var blockBelow = mat4x4f();
    var blockAcross = mat4x4f();
    let end = min(block + 32u, n4);
    for (var c = block; c < end; c += 1u) {
      let j = base + membersOf(c, sizes.tokens) * w;
      let v = mat4x4f(values[j.x], values[j.y], values[j.z], values[j.w]);
      let p = mat4x4f(weights[i.x + c], weights[i.y + c], weights[i.z + c], weights[i.w + c]);
      blockOwn += times(v, p);
      blockBeside += times(v, mat4x4f(quadSwapX(p[0]), quadSwapX(p[1]), quadSwapX(p[2]), quadSwapX(p[3])));
      blockBelow += times(v, mat4x4f(quadSwapY(p[0]), quadSwapY(p[1]), quadSwapY(p[2]), quadSwapY(p[3])));
      blockAcross += times(v, mat4x4f(quadSwapDiagonal(p[0]), quadSwapDiagonal(p[1]), quadSwapDiagonal(p[2]), quadSwapDiagonal(p[3])));
    }
    own += blockOwn;
    beside += blockBeside;
    below += blockBelow;
    across += blockAcross;
  }
  write(own, head, rowFour, column);
  write(beside, head, rowFour ^ 1u, column);
  write(below, head, rowFour ^ 2u, column);
  write(across, head, rowFour ^ 3u, column);
}
