// The element-wise part of one RPC iteration (spec section 2), four entries of [H, N, d] an invocation:
//   W += K - L - S (not in the first);  R = K - L + W;  S = sign(R) max(|R| - tau, 0);  K2 = K - S + sigma W
// W = Y / mu is the scaled dual variable, so mu is needed in tau only. Attention on K2 then gives the next L.
struct Step {
  perHead4: u32,  // N * d / 4
  total4: u32,    // H * N * d / 4
  first: u32,     // 1 in the first iteration: L = S = W = 0
  sigma: f32,
}
@group(0) @binding(0) var<uniform> step: Step;
@group(0) @binding(1) var<storage, read> tau: array<f32>;
@group(0) @binding(2) var<storage, read> keys: array<vec4f>;
@group(0) @binding(3) var<storage, read> lowRank: array<vec4f>;
@group(0) @binding(4) var<storage, read_write> sparse: array<vec4f>;
@group(0) @binding(5) var<storage, read_write> dual: array<vec4f>;
@group(0) @binding(6) var<storage, read_write> cleaned: array<vec4f>;

override workgroupSize: u32 = 64;

@compute @workgroup_size(workgroupSize)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_id) local: vec3u) {
  let i = (group.x + group.y * groups.x) * workgroupSize + local.x;
  if (i >= step.total4) {
    return;
  }
  let k = keys[i];
  var low = vec4f();
  var w = vec4f();
  if (step.first == 0u) {
    low = lowRank[i];
    w = dual[i] + (k - low - sparse[i]);
  }
  let r = k - low + w;
  let s = sign(r) * max(abs(r) - vec4f(tau[i / step.perHead4]), vec4f());
  dual[i] = w;
  sparse[i] = s;
  cleaned[i] = k - s + step.sigma * w;
}
