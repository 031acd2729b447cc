// Softmax in place over the rows of scores [heads * rows, stride4 * 4], one row an invocation. The row's maximum is
// subtracted first; the sum is two-level (blocks of 128 terms in four lanes). Columns past the last token become 0.
struct Sizes {
  heads: u32,
  tokens: u32,
  headStart: u32,
  rowStart: u32,
  rows: u32,
  width4: u32,
  stride4: u32,
  scale: f32,
}
@group(0) @binding(0) var<uniform> sizes: Sizes;
@group(0) @binding(1) var<storage, read_write> scores: array<vec4f>;

override workgroupSize: u32 = 16;

@compute @workgroup_size(workgroupSize)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_id) local: vec3u) {
  let row = (group.x + group.y * groups.x) * workgroupSize + local.x;
  if (row >= sizes.heads * sizes.rows) {
    return;
  }
  let base = row * sizes.stride4;
  let full = sizes.tokens / 4u;
  let lanes = vec4u(0u, 1u, 2u, 3u);
  let inside = lanes < vec4u(sizes.tokens - full * 4u);
  let lowest = vec4f(-3.4028234e38);
  var most = lowest;
  for (var c = 0u; c < full; c += 1u) {
    most = max(most, scores[base + c]);
  }
  if (full < sizes.stride4) {
    most = max(most, select(lowest, scores[base + full], inside));
  }
  let top = vec4f(max(max(most.x, most.y), max(most.z, most.w)));
  var total = vec4f();
  for (var block = 0u; block < full; block += 32u) {
    var part = vec4f();
    let end = min(block + 32u, full);
    for (var c = block; c < end; c += 1u) {
      let e = exp(scores[base + c] - top);
      scores[base + c] = e;
      part += e;
    }
    total += part;
  }
  if (full < sizes.stride4) {
    let e = select(vec4f(), exp(min(scores[base + full] - top, vec4f())), inside);
    scores[base + full] = e;
    total += e;
  }
  let sum = (total.x + total.y) + (total.z + total.w);
  for (var c = 0u; c < sizes.stride4; c += 1u) {
    scores[base + c] = scores[base + c] / sum;
  }
}
