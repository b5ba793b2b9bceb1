"""Writes neighbors.json: the nearest neighbors of queries by NumPy, in double precision."""

import json
from pathlib import Path

import numpy as np

COUNT, QUERIES, DIMENSIONS, TOPK = 700, 5, 67, 10


def vectors(first, count):
    """The same integers and quotients as `vector()` in the test."""
    i = np.arange(first, first + count, dtype=np.int64)[:, None]
    j = np.arange(DIMENSIONS, dtype=np.int64)[None, :]
    return (((i * i * 31 + i * j * 7919 + j * j * 17 + i) % 1009) / 1009 - 0.5).astype(np.float32)


def normalize(rows):
    rows = rows.astype(np.float64)
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


def to_bfloat16(rows):
    """Rounds half to even."""
    bits = rows.view(np.uint32).astype(np.uint64)
    rounded = (bits + 0x7FFF + ((bits >> 16) & 1)) & 0xFFFF0000
    return rounded.astype(np.uint32).view(np.float32)


rows = normalize(vectors(0, COUNT))
queries = normalize(vectors(COUNT, QUERIES)).astype(np.float64)
goldens = {}
for precision, stored in [("float32", rows), ("bfloat16", to_bfloat16(rows))]:
    scores = queries @ stored.astype(np.float64).T
    order = np.argsort(-scores, axis=1, kind="stable")[:, : TOPK + 1]
    best = np.take_along_axis(scores, order, axis=1)
    # So that rounding in float32 does not change the order.
    assert np.diff(-best, axis=1).min() > 2e-6, np.diff(-best, axis=1).min()
    goldens[precision] = {"rows": order[:, :TOPK].tolist(), "scores": best[:, :TOPK].tolist()}
Path(__file__).with_name("neighbors.json").write_text(json.dumps(goldens, indent=2) + "\n")
