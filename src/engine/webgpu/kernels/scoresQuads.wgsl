// scores[h, i, j] = scale * q_i . k_j for software adapters that have quads (subgroups): 16 rows x 16 columns by four
// invocations. A load is as dear as ten products there, so each loads 4 rows and 4 columns and hands its rows round.
// Columns past the last token hold copies of it; softmax overwrites them with 0. Where queries are keys, tiles above
// the diagonal are written on both sides of it.
enable subgroups;

@group(0) @binding(0) var<uniform> sizes: Sizes;
@group(0) @binding(1) var<storage, read> queries: array<vec4f>;
@group(0) @binding(2) var<storage, read> keys: array<vec4f>;
@group(0) @binding(3) var<storage, read_write> scores: array<vec4f>;

/** Row and column of the i-th tile of a head. */
fn tileOf(i: u32, columnTiles: u32) -> vec2u {
  if (sizes.mirrored == 0u) {
    return vec2u(i / columnTiles, i % columnTiles);
  }
  // The upper triangle, two of its rows at a time, the n-th from the top and the n-th from the bottom: together they
  // always have one tile more than there are columns.
  let n = i / (columnTiles + 1u);
  let at = i % (columnTiles + 1u);
  return select(vec2u(columnTiles - 1u - n, at - 1u), vec2u(n, n + at), at < columnTiles - n);
}

/** Columns of `tile` as scores of the rows of a four; on both sides of the diagonal where the queries are the keys. */
fn write(tile: mat4x4f, head: u32, rowFour: u32, columnFour: u32) {
  if (rowFour * 4u >= sizes.rows || columnFour >= sizes.stride4 || head >= sizes.heads) {
    return;
  }
  let scaled = tile * sizes.scale;
  let first = head * sizes.rows * sizes.stride4;
  let at = first + membersOf(rowFour, sizes.rows) * sizes.stride4 + columnFour;
  scores[at.x] = scaled[0];
  scores[at.y] = scaled[1];
  scores[at.z] = scaled[2];
  scores[at.w] = scaled[3];
  if (sizes.mirrored == 1u) {
    let turned = transpose(scaled);
    let mirror = first + membersOf(columnFour, sizes.rows) * sizes.stride4 + rowFour;
    scores[mirror.x] = turned[0];
    scores[mirror.y] = turned[1];
    scores[mirror.z] = turned[2];
    scores[mirror.w] = turned[3];
  }
}

@compute @workgroup_size(16)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) index: u32) {
  let columnTiles = (sizes.stride4 + 3u) / 4u;
  let rowTiles = (sizes.rows + 15u) / 16u;
  let perHead = select(rowTiles * columnTiles, columnTiles * (columnTiles + 1u) / 2u, sizes.mirrored == 1u);
  let quad = (group.x + group.y * groups.x) * 4u + index / 4u;
  let head = quad / perHead;
  let tile = tileOf(quad % perHead, columnTiles);
  let lane = index % 4u;
  let rowFour = tile.x * 4u + lane;
  let columnFour = tile.y * 4u + lane;
  let w = sizes.width4;
  // A quad past the last tile computes what it does not write: quads swap in uniform control flow only.
  let base = (sizes.headStart + min(head, sizes.heads - 1u)) * sizes.tokens * w;
  let i = base + (sizes.rowStart + membersOf(rowFour, sizes.rows)) * w;
  let j = base + membersOf(columnFour, sizes.tokens) * w;
  var own = mat4x4f();
  var beside = mat4x4f();
  var below = mat4x4f();
  var across = mat4x4f();
  for (var c = 0u; c < w; c += 1u) {
    let k = transpose(mat4x4f(keys[j.x + c], keys[j.y + c], keys[j.z + c], keys[j.w + c]));
    let q = mat4x4f(queries[i.x + c], queries[i.y + c], queries[i.z + c], queries[i.w + c]);
    own += times(k, q);
    beside += times(k, mat4x4f(quadSwapX(q[0]), quadSwapX(q[1]), quadSwapX(q[2]), quadSwapX(q[3])));
    below += times(k, mat4x4f(quadSwapY(q[0]), quadSwapY(q[1]), quadSwapY(q[2]), quadSwapY(q[3])));
    across += times(k, mat4x4f(quadSwapDiagonal(q[0]), quadSwapDiagonal(q[1]), quadSwapDiagonal(q[2]), quadSwapDiagonal(q[3])));
  }
  write(own, head, rowFour, columnFour);
  write(beside, head, rowFour ^ 1u, columnFour);
  write(below, head, rowFour ^ 2u, columnFour);
  write(across, head, rowFour ^ 3u, columnFour);
}
