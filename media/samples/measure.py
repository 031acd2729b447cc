# What the README and the expected numbers say about the two trained samples: accuracy clean and under noise,
# how much of S is non-zero in the RPC layers, and the float64 forward pass on one image.

import json
import subprocess
from pathlib import Path

import numpy as np
import torch

from vit import rpc_attention

MEAN, STD = 0.1307, 0.3081
PIXEL_NOISE = (0.2, 0.4, 0.6)
PATCH_SHARE = (0.1, 0.2, 0.3)


def normalise(pixels):
    """[B, 28, 28] float32 in [0, 1] -> network input [B, 1, 28, 28] float32."""
    return ((pixels - np.float32(MEAN)) / np.float32(STD)).unsqueeze(1)


def accuracy(model, pixels, labels):
    with torch.no_grad():
        top = torch.cat([model(normalise(part)).argmax(1) for part in pixels.split(250)])
    return (top == labels).double().mean().item()


def replace_patches(pixels, share, generator):
    """A random `share` of each image's 49 patches become copies of other patches of the same image."""
    patches = pixels.reshape(-1, 7, 4, 7, 4).permute(0, 1, 3, 2, 4).reshape(len(pixels), 49, 16)
    count = int(share * 49 + 0.5)
    where = torch.rand(len(pixels), 49, generator=generator).argsort(1)[:, :count]
    source = (where + torch.randint(1, 49, where.shape, generator=generator)) % 49
    rows = torch.arange(len(pixels))[:, None]
    changed = patches.clone()
    changed[rows, where] = patches[rows, source]
    return changed.reshape(-1, 7, 7, 4, 4).permute(0, 1, 3, 2, 4).reshape(-1, 28, 28)


def robustness(model, pixels, labels):
    """[(condition, accuracy)]; the same noise for every model. Noisy pixels are not clipped to [0, 1]."""
    results = [('clean', accuracy(model, pixels, labels))]
    generator = torch.Generator().manual_seed(1)
    noise = torch.randn(pixels.shape, generator=generator)
    for level in PIXEL_NOISE:
        results.append((f'pixel noise, sd {level}', accuracy(model, pixels + level * noise, labels)))
    for share in PATCH_SHARE:
        changed = replace_patches(pixels, share, generator)
        results.append((f'{share:.0%} of patches replaced', accuracy(model, changed, labels)))
    return results


def rpc_activity(model, pixels, other_lambda):
    """Rows (layer, head, mean |k|, largest |k|, tau, density [n], other tau, other density [n]), means over the images.

    The other lambda is a what-if on the same keys and values: the model was not trained with it.
    """
    trace, rows = [], []
    with torch.no_grad():
        model(normalise(pixels), trace)
    for index, layer in enumerate(trace):
        if layer['rpc']:
            k, other = layer['k'], {}
            iterations = layer['rpc']['density'].shape[-1]
            rpc_attention(k, layer['v'], k.shape[1] * k.shape[3], iterations, other_lambda, other)
            figures = [k.abs().mean((-2, -1)), k.abs().amax((-2, -1)), layer['rpc']['tau'], layer['rpc']['density']]
            figures = [figure.mean(0).tolist() for figure in (*figures, other['tau'], other['density'])]
            rows += [(index, head, *values) for head, values in enumerate(zip(*figures))]
    return rows


def digits12(value):
    """Nested lists of numbers with 12 significant digits."""
    return [digits12(each) for each in value] if isinstance(value, list) else float(f'{value:.12g}')


def expected_numbers(model, image):
    """Float64 forward pass of the float32 weights on `image` [1, 28, 28] -> (numbers for the JSON, trace, logits)."""
    trace = []
    with torch.no_grad():
        logits = model.double()(torch.from_numpy(image).double()[None], trace)[0]
    layers = []
    for index, layer in enumerate(trace):
        entry = {'index': index, 'x': layer['x'].norm().item()}
        for name in ('q', 'k', 'v', 'out'):
            entry[name] = layer[name].norm().item()
            entry[f'{name}PerHead'] = layer[name][0].flatten(1).norm(dim=1).tolist()
        entry = {name: value if name == 'index' else digits12(value) for name, value in entry.items()}
        if layer['rpc']:
            entry['rpc'] = {name: digits12(value[0].tolist()) for name, value in layer['rpc'].items()}
        layers.append(entry)
    numbers = {'logits': digits12(logits.tolist()), 'topClass': int(logits.argmax()), 'layers': layers}
    return numbers, trace


def write_expected(folder, models, image_name):
    """expected.json and expected-tensors.bin: numbers made by torch, to check any other forward pass against."""
    image = np.load(folder / image_name)
    blob, entries, report = [], [], {}
    for file, model in models.items():
        report[file], trace = expected_numbers(model, image)
        for index in (0, len(trace) - 1):
            for name in ('k', 'v', 'out') if file.endswith('.pt') else ('q', 'k', 'v', 'out'):
                tensor = trace[index][name][0]
                raw = tensor.numpy().astype('<f4').tobytes()
                offset = sum(map(len, blob))
                shape = list(tensor.shape)
                entries.append({'model': file, 'layer': index, 'name': name, 'shape': shape, 'offset': offset})
                blob.append(raw)
    (folder / 'expected-tensors.bin').write_bytes(b''.join(blob))
    about = (
        'Float64 forward pass of the float32 weights in PyTorch. x: input of the q, k, v projection [N, C]; out: head '
        'outputs before the output projection; q, k, v, out: Frobenius norms over all heads [H, N, d], PerHead one a '
        'head (in the symmetric model q is k). rpc: [H] or [H, iterations]. tensors: float32 little-endian [H, N, d] '
        'at byte offset of expected-tensors.bin.'
    )
    record = {'about': about, 'torch': torch.__version__, 'input': image_name, 'models': report, 'tensors': entries}
    target = folder / 'expected.json'
    target.write_text(json.dumps(record) + '\n')
    root = Path(__file__).resolve().parents[2]  # the repository checks the layout of its JSON files
    prettier = [root / 'node_modules/.bin/prettier', '--config', root / '.prettierrc.json', '--log-level', 'warn']
    subprocess.run([*prettier, '--write', target], check=True)
