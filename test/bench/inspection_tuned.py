"""The peer (b) of inspection.bench.ts: the same quantities as a whole inspection, in PyTorch on the CPU in float64, as fast
as we could make them: heads, noise levels with repeats and null draws are batched, twins run side by side, pairs are never
looped over; batches are small enough for the cache. Only the assignments of rows (scipy) and random permutations go one by one.

    python3 test/bench/inspection_tuned.py CHECKPOINT HEADS DRAWS TWINS REPEATS STUDY_DRAWS THREADS
Prints JSON: versions, seconds in all and by part."""
import json
import math
import os
import sys
import time

path, heads, draws, twins, repeats, study_draws, threads = sys.argv[1], *map(int, sys.argv[2:8])
# Matrices of 197 rows are too small for OpenBLAS to share out; PyTorch's own threads take whole matrices of a batch.
os.environ.update(OPENBLAS_NUM_THREADS='1', MKL_NUM_THREADS='1', OMP_NUM_THREADS=str(threads))
import numpy as np
import scipy
import torch
from scipy.optimize import linear_sum_assignment

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'fixtures', 'independent'))
from make_independent import read_safetensors

torch.set_num_threads(threads)
torch.set_grad_enabled(False)
torch.set_default_dtype(torch.float64)
torch.manual_seed(0)
LEVELS = {'token_gauss': [.05, .1, .2, .4, .8], 'key_gauss': [.05, .1, .2, .4, .8], 'key_sparse': [.01, .02, .05, .1, .2]}
ITERATIONS, LAMBDA = 4, 4.0
# Draws at a time: more do not stay in the cache.
CHUNK = 10
spent = {}


class Part:
    def __init__(self, name):
        self.name = name

    def __enter__(self):
        self.start = time.perf_counter()

    def __exit__(self, *_):
        spent[self.name] = spent.get(self.name, 0) + time.perf_counter() - self.start


norm = torch.linalg.norm


def fro(m):
    return m.flatten(-2).norm(dim=-1)


def centre_both(m):
    c = m - m.mean(-2, keepdim=True) - m.mean(-1, keepdim=True) + m.mean((-2, -1), keepdim=True)
    return (c + c.mT) / 2


def attend(q, k, v):
    return torch.softmax(q @ k.mT * k.shape[-1] ** -0.5, -1) @ v


def rpc(q, k, v, width, trace=None):
    n = k.shape[-2]
    mu = n * width / (4 * k.abs().sum((-2, -1), keepdim=True))
    tau = LAMBDA * mu
    low, dual = torch.zeros_like(k), torch.zeros_like(k)
    for _ in range(ITERATIONS):
        r = k - low + dual / mu
        sparse = r - r.clamp(-tau, tau)
        cleaned = k - sparse - dual / mu
        low = attend(q, cleaned, v)
        rest = k - low - sparse
        dual = dual + mu * rest
        if trace is not None:
            trace.append([fro(rest) / fro(k), (sparse != 0).double().mean((-2, -1)), fro(sparse) / fro(k)])
    return low


class Kernel:
    """Of keys [..., N, d]."""

    def __init__(self, k):
        self.n, self.d = k.shape[-2:]
        s = k @ k.mT * self.d ** -0.5
        self.lg = s.logsumexp(-1)
        log_k = s - self.lg[..., :, None] - self.lg[..., None, :]
        self.max_score = s.amax((-2, -1))
        self.shift = log_k.amax((-2, -1), keepdim=True)
        self.kc = centre_both((log_k - self.shift).exp())
        w, u = torch.linalg.eigh(self.kc)
        self.w, self.u = w.flip(-1), u.flip(-1)[..., :self.d]
        self.rank = (self.w > self.n * 2.0 ** -52 * self.w[..., :1]).sum(-1)

    def mode(self, mode, v):
        if mode == 'theory':
            v = (self.lg - self.lg.amax(-1, keepdim=True)).exp()[..., None] * v
        return v - v.mean(-2, keepdim=True)

    def align(self, b, angles=False):
        """overlap, energy, rayleigh of b [..., N, d]; this kernel may have fewer leading axes. QR: b has full rank."""
        q = torch.linalg.qr(b)[0]
        cross = q.mT @ self.u
        top = self.w[..., :self.d].sum(-1)
        numbers = [cross.square().sum((-2, -1)) / self.d, (self.u.mT @ b).square().sum((-2, -1)) / b.square().sum((-2, -1)),
                   (q * (self.kc @ q)).sum((-2, -1)) / top]
        return numbers + ([torch.linalg.svdvals(cross)] if angles else [])


def summary(seen, drawn):
    mean, sd = drawn.mean(0), drawn.std(0)
    return mean, sd, (seen - mean) / sd, (1 + (drawn >= seen).sum(0)) / (len(drawn) + 1)


def alignment(kernel, v, twin_kernel, twin_v):
    for mode in ('theory', 'plain'):
        seen = kernel.align(kernel.mode(mode, v), True)
        for null in ('random', 'permuted'):
            drawn = []
            for begin in range(0, draws, CHUNK):
                count = min(CHUNK, draws - begin)
                if null == 'random':
                    some = torch.randn(count, *v.shape)
                else:
                    some = torch.stack([torch.stack([one[torch.randperm(kernel.n)] for one in v]) for _ in range(count)])
                drawn.append(kernel.align(kernel.mode(mode, some)))
            for one, many in zip(seen, zip(*drawn)):
                summary(one, torch.cat(many))
        for one, many in zip(seen, twin_kernel.align(twin_kernel.mode(mode, twin_v))):
            summary(one, many)
        others = Kernel.__new__(Kernel)
        others.__dict__.update({name: value[:, None] if torch.is_tensor(value) else value for name, value in vars(kernel).items()})
        others.align(others.mode(mode, v[None].expand(len(v), *v.shape)))


def gamma(kernel, a):
    image = kernel.kc @ a
    g = kernel.shift.exp() * image / (kernel.n * a)
    i, j = torch.triu_indices(kernel.n, kernel.n, 1)
    left, right = g[..., i, :], g[..., j, :]
    diff = (left - right).abs()
    rel = diff / (torch.maximum(left.abs(), right.abs()) + 1e-10)
    theta = (a * image).sum(-2, keepdim=True) / a.square().sum(-2, keepdim=True)
    return diff.mean(-2), diff.std(-2), rel.mean(-2), rel.std(-2), g.mean(-2), norm(image - theta * a, dim=-2) / norm(image, dim=-2)


def projection(q, k, h):
    d = q.shape[-1]
    log_phi = q.square().sum(-1) * d ** -0.5 - 2 * (q @ k.mT * d ** -0.5).logsumexp(-1)
    phi, hh = log_phi.exp(), h.square().sum(-1)
    j = phi - hh
    return (j.mean(-1), j.abs().mean(-1), (j.abs() / (hh + 1e-8)).mean(-1), (j.abs() / (phi + 1e-8)).mean(-1),
            (hh > phi).double().mean(-1), (log_phi - hh.log()).median(-1)[0], log_phi.median(-1)[0], hh.median(-1)[0], j.median(-1)[0])


def rbf(x):
    dist = torch.cdist(x, x, compute_mode='donot_use_mm_for_euclid_dist').square()
    n = x.shape[-2]
    i, j = torch.triu_indices(n, n, 1)
    return (-dist / (2 * dist[..., i, j].median(-1)[0][..., None, None])).exp()


def side(x):
    gram, centred = centre_both(rbf(x)), x - x.mean(-2, keepdim=True)
    return {'x': x, 'gram': gram, 'gram_norm': fro(gram), 'centred': centred, 'linear_norm': fro(centred.mT @ centred)}


def rows(m, eps):
    return m / (norm(m, dim=-1, keepdim=True) + eps)


def scores(x, y, eps, cka_eps):
    """optimal, linear CKA, kernel CKA; x [..., N, d] may have more leading axes than y."""
    cosine = (rows(x['x'], eps) @ rows(y['x'], eps).mT).numpy()
    flat = cosine.reshape(-1, *cosine.shape[-2:])
    optimal = np.array([one[linear_sum_assignment(-one)].mean() for one in flat]).reshape(cosine.shape[:-2])
    linear = (x['centred'].mT @ y['centred']).square().sum((-2, -1)) / (x['linear_norm'] * y['linear_norm'] + cka_eps)
    return torch.from_numpy(optimal), linear, (x['gram'] * y['gram']).sum((-2, -1)) / (x['gram_norm'] * y['gram_norm'] + cka_eps)


def reproduction(kernel, v):
    weight = (-kernel.lg).exp()[..., None]
    vhat = weight * kernel.u
    axes = vhat / (kernel.shift.exp() * kernel.w[..., None, :kernel.d]).sqrt()
    same = lambda y: y * (fro(v) / fro(y))[..., None, None]
    own = side(v)
    for y, eps, cka_eps, draw in ((vhat, 1e-8, 1e-10, True), (vhat.flip(-1), 1e-8, 1e-10, False), (same(vhat), 0, 0, True), (same(axes), 0, 0, True)):
        other = side(y)
        seen = scores(own, other, eps, cka_eps)
        xc, yc = v - v.mean(-1, keepdim=True), y - y.mean(-1, keepdim=True)
        ((rows(v, eps) * rows(y, eps)).sum(-1), (rows(xc, eps) * rows(yc, eps)).sum(-1).mean(-1), fro(v - y) / fro(v),
         norm(v - y, dim=-1).mean(-1), (v - y).abs().sum(-1).mean(-1), torch.isclose(v, y, rtol=1e-3, atol=1e-5).all())
        if not draw:
            continue
        for one, many in zip(seen, scores(side(torch.randn(study_draws, *v.shape)), other, eps, cka_eps)):
            summary(one, many)
        # Shuffled tokens move rows and columns of the Gram matrix; nothing has to be computed anew.
        orders = torch.stack([torch.randperm(kernel.n) for _ in range(study_draws)])
        gram = torch.stack([own['gram'][:, p][:, :, p] for p in orders])
        linear = (own['centred'][:, orders].transpose(0, 1).mT @ other['centred']).square().sum((-2, -1))
        summary(seen[1], linear / (own['linear_norm'] * other['linear_norm'] + cka_eps))
        summary(seen[2], (gram * other['gram']).sum((-2, -1)) / (own['gram_norm'] * other['gram_norm'] + cka_eps))


def noise(x, weight, bias, q, k, v, soft, robust, width):
    h, n, d = k.shape
    for kind, levels in LEVELS.items():
        step, curves = torch.tensor(levels)[:, None, None, None], []
        for _ in range(repeats):
            if kind == 'token_gauss':
                base, moved = x @ weight.T + bias, torch.randn(n, width) @ weight.T * x.square().mean().sqrt()
                nq, nk, nv = (base + step[..., 0] * moved).reshape(len(levels), n, 3, h, d).permute(2, 0, 3, 1, 4)
            else:
                size = k.square().mean((-2, -1), keepdim=True).sqrt()
                if kind == 'key_gauss':
                    nk = k + step * size * torch.randn(h, n, d)
                else:
                    place = torch.argsort(torch.rand(h, n * d), -1).argsort(-1).reshape(h, n, d)
                    sign = torch.randint(0, 2, (h, n, d)) * 2 - 1
                    counts = torch.tensor([math.floor(level * n * d + .5) for level in levels])[:, None, None, None]
                    nk = k + (place < counts) * sign * 10 * size
                nq, nv = q, v
            ns, nr = attend(nq, nk, nv), rpc(nq, nk, nv, width)
            curves.append(torch.stack([fro(ns - soft) / fro(soft), fro(nr - robust) / fro(robust), fro(nr - soft) / fro(soft)]))
        curves = torch.stack(curves)
        areas = torch.trapezoid(torch.cat([torch.zeros(repeats, 3, 1, h), curves], 2), torch.tensor([0] + levels), dim=2)
        (curves.mean(0), curves.std(0), areas.mean(0), areas.std(0), (areas[:, 0] - areas[:, 1]).std(0))


def layer_norm(x, w, b):
    return torch.nn.functional.layer_norm(x, x.shape[-1:], w, b, 1e-6)


def block(x, w, h):
    """x [..., N, C]; matrices may have the same leading axes. Returns x after norm1, q, k, v [..., H, N, d], head outputs, x."""
    n, c = x.shape[-2:]
    inner = layer_norm(x, *w['norm1'])
    qkv = inner @ w['qkv'][0].mT + w['qkv'][1]
    q, k, v = qkv.unflatten(-1, (3, h, c // h)).movedim(-3, 0).transpose(-2, -3)
    out = attend(q, k, v)
    x = x + out.transpose(-2, -3).flatten(-2) @ w['proj'][0].mT + w['proj'][1]
    hidden = torch.nn.functional.gelu(layer_norm(x, *w['norm2']) @ w['fc1'][0].mT + w['fc1'][1])
    return inner, q, k, v, out, x + hidden @ w['fc2'][0].mT + w['fc2'][1]


def main():
    begun = time.perf_counter()
    with Part('read'):
        w = {name: torch.from_numpy(np.array(value, np.float64)) for name, value in read_safetensors(path)[0].items()}
    layers = 1 + max(int(name.split('.')[1]) for name in w if name.startswith('blocks.'))
    patch = w['patch_embed.proj.weight']
    c, p = patch.shape[0], patch.shape[-1]
    side_length = int(math.sqrt(w['pos_embed'].shape[1] - 1))
    image = torch.randn(3, side_length * p, side_length * p)
    patches = image.reshape(3, side_length, p, side_length, p).permute(1, 3, 0, 2, 4).reshape(side_length ** 2, -1)
    embed = lambda weight, bias, cls, position: torch.cat([cls, patches @ weight.mT + bias], -2) + position
    x = embed(patch.flatten(1), w['patch_embed.proj.bias'], w['cls_token'][0], w['pos_embed'][0])
    with Part('twins'):
        bound = patch[0].numel() ** -0.5
        twin = embed((torch.rand(twins, c, patch[0].numel()) * 2 - 1) * bound, (torch.rand(twins, 1, c) * 2 - 1) * bound,
                     .02 * torch.randn(twins, 1, c), .02 * torch.randn(twins, *w['pos_embed'].shape[1:]))
    for i in range(layers):
        name = f'blocks.{i}.'
        own = {short: (w[name + long + '.weight'], w[name + long + '.bias']) for short, long in (
            ('norm1', 'norm1'), ('qkv', 'attn.qkv'), ('proj', 'attn.proj'), ('norm2', 'norm2'), ('fc1', 'mlp.fc1'), ('fc2', 'mlp.fc2'))}
        with Part('forward'):
            inner, q, k, v, soft, x = block(x, own, heads)
        with Part('twins'):
            fresh = {part: (torch.ones(c), torch.zeros(c)) if part.startswith('norm') else
                     (.02 * torch.randn(twins, *weight.shape), torch.zeros(len(weight))) for part, (weight, _) in own.items()}
            _, _, twin_k, twin_v, _, twin = block(twin, fresh, heads)
            twin_kernel = Kernel(twin_k)
        with Part('spectrum'):
            kernel = Kernel(k)
            pattern = torch.softmax(q @ k.mT * k.shape[-1] ** -0.5, -1)
            (-(pattern * pattern.log()).sum(-1).mean(-1), pattern.amax(-1).mean(-1), pattern.diagonal(0, -2, -1).mean(-1), pattern[..., 0].mean(-1))
        with Part('alignment'):
            alignment(kernel, v, twin_kernel, twin_v)
        with Part('gamma'):
            shaken = torch.linalg.qr(kernel.u + .1 * torch.randn_like(kernel.u))[0]
            for a in (kernel.mode('theory', v), kernel.u, shaken):
                gamma(kernel, a)
            projection(q, k, soft)
        with Part('reproduction'):
            reproduction(kernel, v)
        with Part('rpc and noise'):
            trace = []
            robust = rpc(q, k, v, c, trace)
            for h in (soft, robust):
                fro(h - h.mean(-2, keepdim=True)) / fro(h)
            noise(inner, *own['qkv'], q, k, v, soft, robust, c)
    layer_norm(x, w['norm.weight'], w['norm.bias'])[0] @ w['head.weight'].T + w['head.bias']
    seconds = time.perf_counter() - begun
    print(json.dumps({'version': f'torch {torch.__version__}, numpy {np.__version__}, scipy {scipy.__version__}', 'seconds': seconds, 'parts': spent}))


main()
