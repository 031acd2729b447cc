"""The peer of cpu.bench.ts: PyTorch on the CPU, one thread. Reads commands from stdin, one a line:

    matmul M K N DTYPE     a product of Gaussian matrices
    layer N C H MLP DTYPE  one pre-LN ViT block, GELU by erf
DTYPE: float32 or float64. Answers each with milliseconds; the first line names versions.
"""
import sys
import time

import torch
from torch.nn.functional import gelu, layer_norm

torch.set_num_threads(1)
torch.set_grad_enabled(False)
print(f'torch {torch.__version__}', flush=True)
kept = {}


def arrays(command):
    if command not in kept:
        words = command.split()
        dtype = getattr(torch, words[-1])
        numbers = [int(word) for word in words[1:-1]]
        if words[0] == 'matmul':
            m, k, n = numbers
            kept[command] = torch.randn(m, k, dtype=dtype), torch.randn(k, n, dtype=dtype)
        else:
            n, c, h, mlp = numbers
            shapes = [(3 * c, c), (c, c), (mlp, c), (c, mlp)]
            kept[command] = h, torch.randn(n, c, dtype=dtype), [(torch.randn(*s, dtype=dtype) * .05, torch.zeros(s[0], dtype=dtype)) for s in shapes]
    return kept[command]


def layer(h, x, weights):
    n, c = x.shape
    (qkv, qkv_bias), (proj, proj_bias), (fc1, fc1_bias), (fc2, fc2_bias) = weights
    q, k, v = (layer_norm(x, (c,), eps=1e-6) @ qkv.T + qkv_bias).reshape(n, 3, h, c // h).permute(1, 2, 0, 3)
    out = torch.softmax(q @ k.mT * (c // h) ** -.5, -1) @ v
    x = x + out.transpose(0, 1).reshape(n, c) @ proj.T + proj_bias
    return x + gelu(layer_norm(x, (c,), eps=1e-6) @ fc1.T + fc1_bias) @ fc2.T + fc2_bias


for line in sys.stdin:
    command = line.strip()
    given = arrays(command)
    start = time.perf_counter()
    given[0] @ given[1] if command.startswith('matmul') else layer(*given)
    print(1000 * (time.perf_counter() - start), flush=True)
