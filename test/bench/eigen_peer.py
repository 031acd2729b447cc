"""The peer of eigen.bench.ts: LAPACK through numpy and scipy. Reads commands from stdin, one a line:

    load FILE N     the next matrix, raw float64, N x N
    all             numpy.linalg.eigh, all pairs
    top K           scipy.linalg.eigh, the K largest pairs
Answers each with milliseconds (0 for load); the first line names versions.
"""
import sys
import time

import numpy as np
import scipy
import scipy.linalg

print(f"numpy {np.__version__}, scipy {scipy.__version__}", flush=True)
matrix = np.zeros((1, 1))
for line in sys.stdin:
    words = line.split()
    if words[0] == "load":
        n = int(words[2])
        matrix = np.fromfile(words[1]).reshape(n, n)
        print(0, flush=True)
        continue
    n = len(matrix)
    start = time.perf_counter()
    if words[0] == "all":
        np.linalg.eigh(matrix)
    else:
        scipy.linalg.eigh(matrix, subset_by_index=[n - int(words[1]), n - 1])
    print(1000 * (time.perf_counter() - start), flush=True)
