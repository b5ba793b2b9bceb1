"""Searches random vectors by a product of matrices in float32. Arguments: the number of vectors, their
dimensions, the queries per call. Responds to each request with the milliseconds of several calls."""

import sys
import time

import numpy as np

from serve import serve

count, dimensions, queries = map(int, sys.argv[1:4])


def open():
    random = np.random.default_rng(1)
    some = random.standard_normal((1000, dimensions), dtype=np.float32)
    some /= np.linalg.norm(some, axis=1, keepdims=True)
    matrix = np.empty((count, dimensions), dtype=np.float32)
    # Repeated: the values do not affect the speed.
    for first in range(0, count, 1000):
        matrix[first : first + 1000] = some

    def search(query, topk=10):
        scores = matrix @ query
        best = np.argpartition(-scores, topk)[:topk]
        return best[np.argsort(-scores[best])]

    def search_batch(batch, topk=10):
        scores = batch @ matrix.T
        best = np.argpartition(-scores, topk, axis=1)[:, :topk]
        return np.take_along_axis(best, np.argsort(-np.take_along_axis(scores, best, 1), axis=1), 1)

    def handle(_):
        milliseconds = []
        for call in range(6):
            batch = random.standard_normal((queries, dimensions), dtype=np.float32)
            began = time.perf_counter()
            search(batch[0]) if queries == 1 else search_batch(batch)
            # The first call is not counted.
            if call:
                milliseconds.append((time.perf_counter() - began) * 1000)
        return {"milliseconds": milliseconds}

    return {}, handle


serve(open)
