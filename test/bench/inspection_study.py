"""The peer (a) of inspection.bench.ts: what the reproduction study computes, in the way of its scripts (value_vectors,
gammas, eigenvalues, norms; written anew): PyTorch in float32, one head at a time, differences of gamma pair by pair in
Python. The pair loops take minutes a head, so they are timed on COLUMNS of the d columns of one head and counted d/COLUMNS
times for every head; all else is run in full.

    python3 test/bench/inspection_study.py CHECKPOINT HEADS COLUMNS THREADS
Prints JSON: versions, seconds in all and by part."""
import json
import math
import os
import sys
import time

path, heads, columns, threads = sys.argv[1], *map(int, sys.argv[2:5])
os.environ.update(OPENBLAS_NUM_THREADS=str(threads), OMP_NUM_THREADS=str(threads))
import numpy as np
import torch
from scipy.optimize import linear_sum_assignment

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'fixtures', 'independent'))
from make_independent import read_safetensors

torch.set_num_threads(threads)
torch.set_grad_enabled(False)
torch.manual_seed(0)


def centred_gram(k):
    n, d = k.shape
    raw = torch.exp(k @ k.T / math.sqrt(d))
    g = raw.sum(1, keepdim=True)
    phi = raw / (g @ g.T + 1e-6)
    one = torch.ones(n, n) / n
    return phi - one @ phi - phi @ one + one @ phi @ one, g


def cka(a, b):
    n = len(a)
    h = torch.eye(n) - torch.ones(n, n) / n
    a, b = h @ a @ h, h @ b @ h
    return (a * b).sum() / (a.norm() * b.norm() + 1e-10)


def rbf(x):
    dist = torch.cdist(x, x) ** 2
    return torch.exp(-dist / (2 * dist[dist > 0].median()))


def value_vectors(k, v):
    n, d = k.shape
    gram, g = centred_gram(k)
    w, u = torch.linalg.eigh(gram)
    a = u[:, torch.argsort(w.abs(), descending=True)[:d]]
    vhat = (a - torch.ones(n, n) / n @ a) / g
    unit = lambda m: m / (m.norm(dim=1, keepdim=True) + 1e-8)
    direct = (unit(v) * unit(vhat)).sum(1)
    cosine = (unit(v) @ unit(vhat).T).numpy()
    pick = linear_sum_assignment(-cosine)
    xc, yc = v - v.mean(1, keepdim=True), vhat - vhat.mean(1, keepdim=True)
    return (direct.mean(), direct.min(), direct.max(), (direct < 0).float().mean(), cosine[pick].mean(), (unit(xc) * unit(yc)).sum(1).mean(),
            (v - vhat).norm() / v.norm(), (v - vhat).norm(dim=1).mean(), (v - vhat).abs().sum(1).mean(),
            torch.isclose(v, vhat, rtol=1e-3, atol=1e-5).all(), cka(v @ v.T, vhat @ vhat.T), cka(rbf(v), rbf(vhat)))


def gammas(k):
    n, d = k.shape
    gram, _ = centred_gram(k)
    w, u = torch.linalg.eigh(gram)
    a = u[:, torch.argsort(w, descending=True)[:d]]
    a = torch.linalg.qr(a + .1 * torch.randn_like(a))[0]
    return gram @ a / (a * n)


def pair_loops(gamma):
    n = len(gamma)
    absolute, relative = [], []
    for i in range(n):
        for j in range(i + 1, n):
            absolute.append(torch.abs(gamma[i] - gamma[j]))
    absolute = torch.stack(absolute)
    for i in range(n):
        for j in range(i + 1, n):
            relative.append(torch.abs(gamma[i] - gamma[j]) / (torch.max(torch.abs(gamma[i]), torch.abs(gamma[j])) + 1e-10))
    relative = torch.stack(relative)
    return absolute.mean(), absolute.std(), relative.mean(), relative.std(), gamma.mean()


def eigenvalues(k):
    k = (k - k.mean(1, keepdim=True)) / (k.std(1, keepdim=True) + 1e-8)
    return torch.linalg.eigvalsh(centred_gram(k)[0]).abs()


def norms(q, k, h):
    d = q.shape[1]
    phi = torch.exp((q ** 2).sum(1) / math.sqrt(d)) / torch.exp(q @ k.T / math.sqrt(d)).sum(1) ** 2
    return (phi - (h ** 2).sum(1)).abs().mean(), phi.median(), (h ** 2).sum(1).median()


def main():
    w = {name: torch.from_numpy(np.array(value)) for name, value in read_safetensors(path)[0].items()}
    layers = 1 + max(int(name.split('.')[1]) for name in w if name.startswith('blocks.'))
    spent, last = {}, None
    x = torch.randn(*w['pos_embed'].shape[1:]) + w['pos_embed'][0]
    c = x.shape[1]
    norm = torch.nn.functional.layer_norm

    def part(name, run):
        start = time.perf_counter()
        result = run()
        spent[name] = spent.get(name, 0) + time.perf_counter() - start
        return result

    for i in range(layers):
        of = lambda name: (w[f'blocks.{i}.{name}.weight'], w[f'blocks.{i}.{name}.bias'])
        linear = lambda y, name: y @ of(name)[0].T + of(name)[1]
        q, k, v = linear(norm(x, (c,), *of('norm1'), 1e-6), 'attn.qkv').reshape(len(x), 3, heads, c // heads).permute(1, 2, 0, 3)
        out = torch.softmax(q @ k.transpose(1, 2) / math.sqrt(c // heads), -1) @ v
        x = x + linear(out.transpose(0, 1).reshape(len(x), c), 'attn.proj')
        x = x + linear(torch.nn.functional.gelu(linear(norm(x, (c,), *of('norm2'), 1e-6), 'mlp.fc1')), 'mlp.fc2')
        for h in range(heads):
            part('value vectors', lambda: value_vectors(k[h], v[h]))
            last = part('gammas', lambda: gammas(k[h]))
            part('eigenvalues', lambda: eigenvalues(k[h]))
            part('norms', lambda: norms(q[h], k[h], out[h]))
    start = time.perf_counter()
    for column in range(columns):
        pair_loops(last[:, column])
    spent['pair loops'] = (time.perf_counter() - start) / columns * (c // heads) * heads * layers
    print(json.dumps({'version': f'torch {torch.__version__}, numpy {np.__version__}', 'seconds': sum(spent.values()), 'parts': spent}))


main()
