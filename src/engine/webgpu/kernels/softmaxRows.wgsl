// Numerators of softmax in place over the rows of scores [heads * rows, stride4 * 4], and their sum [heads * rows], one
// row an invocation; who reads them divides. The row's maximum is subtracted first; the sum is two-level (blocks of 128
// terms in four lanes). Keys that the query does not see, and columns past the last token, become 0.
@group(0) @binding(0) var<uniform> sizes: Sizes;
@group(0) @binding(1) var<storage, read_write> scores: array<vec4f>;
@group(0) @binding(2) var<storage, read_write> sums: array<f32>;

override workgroupSize: u32 = 16;

@compute @workgroup_size(workgroupSize)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_id) local: vec3u) {
  let row = (group.x + group.y * groups.x) * workgroupSize + local.x;
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
  // Columns whose four keys are all visible, and the ones at either edge.
  let start4 = first / 4u;
  let end4 = (end + 3u) / 4u;
  var most = lowest;
  for (var c = start4; c < end4; c += 1u) {
    let at = lanes + vec4u(c * 4u);
    most = max(most, select(lowest, scores[base + c], (at >= vec4u(first)) & (at < vec4u(end))));
  }
  let top = vec4f(max(max(most.x, most.y), max(most.z, most.w)));
  var total = vec4f();
  for (var block = start4; block < end4; block += 32u) {
    var part = vec4f();
    let last = min(block + 32u, end4);
    for (var c = block; c < last; c += 1u) {
      let at = lanes + vec4u(c * 4u);
      let visible = (at >= vec4u(first)) & (at < vec4u(end));
      let e = select(vec4f(), exp(min(scores[base + c] - top, vec4f())), visible);
      scores[base + c] = e;
      part += e;
    }
    total += part;
  }
  sums[row] = (total.x + total.y) + (total.z + total.w);
  for (var c = 0u; c < start4; c += 1u) {
    scores[base + c] = vec4f();
  }
  for (var c = end4; c < sizes.stride4; c += 1u) {
    scores[base + c] = vec4f();
  }
}
