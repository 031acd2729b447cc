# The two small vision transformers that train.py trains: timm's parameter names, pre-LN, class token first.
# Attention is either softmax(q k^T) v, or symmetric softmax(k k^T) v with RPC-Attention in chosen layers.
# Not a library: sizes are fixed by DigitViT's defaults, and `trace` collects what expected.json is made of.

import math

import torch
from torch import nn
from torch.nn import functional as F


def soft_threshold(r, tau):
    return torch.sign(r) * torch.relu(r.abs() - tau)


def rpc_attention(k, v, width, iterations, lam, record=None):
    """Principal Attention Pursuit, variant `code` (tau = lam mu, mu = N C / (4 ||K||_1), sigma = -1).

    k, v: [B, H, N, d]; width: C = H d. Returns L after the last iteration, [B, H, N, d].
    record: dict that receives mu, tau [B, H] and per iteration density, residual, sparseNorm [B, H, n].
    """
    tokens, scale = k.shape[-2], k.shape[-1] ** -0.5
    mu = tokens * width / (4 * k.abs().sum(dim=(-2, -1), keepdim=True))
    tau = lam * mu
    low = torch.zeros_like(k)
    y = torch.zeros_like(k)
    rows = []
    for step in range(iterations):
        s = soft_threshold(k - low + y / mu, tau)
        k2 = k - s - y / mu
        low = torch.softmax(k2 @ k2.transpose(-2, -1) * scale, dim=-1) @ v
        gap = k - low - s
        if record is not None:
            size = k.flatten(-2).norm(dim=-1)
            density = (s != 0).to(k.dtype).mean(dim=(-2, -1))
            rows.append((density, gap.flatten(-2).norm(dim=-1) / size, s.flatten(-2).norm(dim=-1) / size))
        if step + 1 < iterations:  # the multiplier of the last iteration is never read
            y = y + mu * gap
    if record is not None:
        record.update(mu=mu[..., 0, 0], tau=tau[..., 0, 0])
        for name, column in zip(('density', 'residual', 'sparseNorm'), zip(*rows)):
            record[name] = torch.stack(column, dim=-1)
    return low


class Attention(nn.Module):
    def __init__(self, width, heads, symmetric, rpc):
        super().__init__()
        self.heads, self.symmetric, self.rpc = heads, symmetric, rpc
        self.qkv = nn.Linear(width, (2 if symmetric else 3) * width)
        self.proj = nn.Linear(width, width)

    def forward(self, x, trace=None):
        b, n, c = x.shape
        parts = self.qkv(x).reshape(b, n, -1, self.heads, c // self.heads).permute(2, 0, 3, 1, 4)
        q, k, v = (parts[0], parts[0], parts[1]) if self.symmetric else parts  # rows k, v or q, k, v
        record = {} if trace is not None else None
        if self.rpc is None:
            out = torch.softmax(q @ k.transpose(-2, -1) * q.shape[-1] ** -0.5, dim=-1) @ v
        else:
            out = rpc_attention(k, v, c, self.rpc['num_iter'], self.rpc['lambd'], record)
        if trace is not None:
            trace.append(dict(x=x, q=q, k=k, v=v, out=out, rpc=record or None))
        return self.proj(out.transpose(1, 2).reshape(b, n, c))


class Mlp(nn.Module):
    def __init__(self, width, hidden):
        super().__init__()
        self.fc1 = nn.Linear(width, hidden)
        self.fc2 = nn.Linear(hidden, width)

    def forward(self, x):
        return self.fc2(F.gelu(self.fc1(x)))


class Block(nn.Module):
    def __init__(self, width, heads, hidden, symmetric, rpc):
        super().__init__()
        self.norm1 = nn.LayerNorm(width, eps=1e-6)
        self.attn = Attention(width, heads, symmetric, rpc)
        self.norm2 = nn.LayerNorm(width, eps=1e-6)
        self.mlp = Mlp(width, hidden)

    def forward(self, x, trace=None):
        x = x + self.attn(self.norm1(x), trace)
        return x + self.mlp(self.norm2(x))


class PatchEmbed(nn.Module):
    def __init__(self, patch, width):
        super().__init__()
        self.proj = nn.Conv2d(1, width, patch, stride=patch)

    def forward(self, image):
        return self.proj(image).flatten(2).transpose(1, 2)  # row-major patches


class DigitViT(nn.Module):
    """28 x 28 grey image -> 49 patches of 4 x 4 and a class token (N = 50) -> 10 logits.

    rpc: None for softmax in every layer, or {num_iter, lambd, layer}; layer < 0 means every layer.
    """

    def __init__(self, symmetric=False, rpc=None, width=64, depth=6, heads=4, hidden=128, patch=4, size=28, classes=10):
        super().__init__()
        self.cls_token = nn.Parameter(torch.zeros(1, 1, width))
        self.pos_embed = nn.Parameter(torch.zeros(1, (size // patch) ** 2 + 1, width))
        self.patch_embed = PatchEmbed(patch, width)
        chosen = [rpc if rpc and rpc['layer'] in (i, -1) else None for i in range(depth)]
        self.blocks = nn.ModuleList(Block(width, heads, hidden, symmetric, each) for each in chosen)
        self.norm = nn.LayerNorm(width, eps=1e-6)
        self.head = nn.Linear(width, classes)
        nn.init.trunc_normal_(self.cls_token, std=0.02)
        nn.init.trunc_normal_(self.pos_embed, std=0.2)
        bound = math.sqrt(1 / (patch * patch))
        nn.init.uniform_(self.patch_embed.proj.weight, -bound, bound)

    def forward(self, image, trace=None):
        """image [B, 1, 28, 28], normalised -> logits [B, 10]. trace: list that receives one dict a layer."""
        x = self.patch_embed(image)
        x = torch.cat((self.cls_token.expand(len(x), -1, -1), x), dim=1) + self.pos_embed
        for block in self.blocks:
            x = block(x, trace)
        return self.head(self.norm(x)[:, 0])
