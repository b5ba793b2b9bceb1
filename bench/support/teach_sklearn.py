"""Fits logistic regressions, as teach-semisup.mjs, by scikit-learn with its defaults, but for more iterations."""

import sys
import time
import warnings

import numpy as np
from sklearn.linear_model import LogisticRegression

from serve import serve

directory, dimensions = sys.argv[1], int(sys.argv[2])


def read(name):
    features = np.fromfile(f"{directory}/{name}.f32", np.float32).reshape(-1, dimensions)
    return features.astype(np.float64), np.fromfile(f"{directory}/{name}.i32", np.int32)


def open():
    features, labels = read("train")
    test_features, test_labels = read("test")
    # Of iterations; they are reported.
    warnings.simplefilter("ignore")

    def handle(request):
        began = time.perf_counter()
        model = LogisticRegression(C=request["c"], max_iter=1000).fit(features, labels)
        milliseconds = [1000 * (time.perf_counter() - began)]
        log_probabilities = model.predict_log_proba(test_features)
        nll = -log_probabilities[np.arange(len(test_labels)), test_labels].mean()
        accuracy = (log_probabilities.argmax(1) == test_labels).mean()
        return {
            "milliseconds": milliseconds,
            "accuracy": float(accuracy),
            "nll": float(nll),
            "iterations": int(model.n_iter_.max()),
        }

    return {}, handle


serve(open)
