// Numerators of softmax in place over the rows of scores [heads * rows, stride4 * 4], and their sum [heads * rows], one
// row a workgroup, reductions as a tree in workgroup memory; who reads them divides. The row's maximum is subtracted
// first; sums are pairwise by construction. Keys that the query does not see, and padding, become 0.
@group(0) @binding(0) var<uniform> sizes: Sizes;
@group(0) @binding(1) var<storage, read_write> scores: array<vec4f>;
@group(0) @binding(2) var<storage, read_write> sums: array<f32>;

override workgroupSize: u32 = 64;
var<workgroup> shares: array<f32, workgroupSize>;

@compute @workgroup_size(workgroupSize)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_id) local: vec3u) {
  let row = group.x + group.y * groups.x;
  if (row >= sizes.heads * sizes.rows) {
    return;
  }
  let base = row * sizes.stride4;
  let query = sizes.rowStart + row % sizes.rows;
  var first = 0u;
  var end = sizes.tokens;
  if (sizes.window > 0u) {
    first = max(query + 1u, sizes.window) - sizes.window;
    end = min(end, query + sizes.window);
  }
  if (sizes.causal == 1u) {
    end = query + 1u;
  }
  let lanes = vec4u(0u, 1u, 2u, 3u);
  let lowest = vec4f(-3.4028234e38);
  var most = lowest;
  for (var c = local.x; c < sizes.stride4; c += workgroupSize) {
    let at = lanes + vec4u(c * 4u);
    most = max(most, select(lowest, scores[base + c], (at >= vec4u(first)) & (at < vec4u(end))));
  }
  shares[local.x] = max(max(most.x, most.y), max(most.z, most.w));
  workgroupBarrier();
  for (var half = workgroupSize / 2u; half > 0u; half /= 2u) {
    if (local.x < half) {
      shares[local.x] = max(shares[local.x], shares[local.x + half]);
    }
    workgroupBarrier();
  }
  let top = vec4f(shares[0]);
  workgroupBarrier();
  var total = vec4f();
  for (var c = local.x; c < sizes.stride4; c += workgroupSize) {
    let at = lanes + vec4u(c * 4u);
    let inside = (at >= vec4u(first)) & (at < vec4u(end));
    let e = select(vec4f(), exp(min(scores[base + c] - top, vec4f())), inside);
    scores[base + c] = e;
    total += e;
  }
  shares[local.x] = (total.x + total.y) + (total.z + total.w);
  workgroupBarrier();
  for (var half = workgroupSize / 2u; half > 0u; half /= 2u) {
    if (local.x < half) {
      shares[local.x] += shares[local.x + half];
    }
    workgroupBarrier();
  }
  if (local.x == 0u) {
    sums[row] = shares[0];
  }
}
