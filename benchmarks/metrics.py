"""Pixel counts for mIoU against the histogram form of the original, identical counts demanded.

One ADE20K-sized image (512 x 683, 150 classes, 5 % ignored); both sides in turn, process time.

    OMP_NUM_THREADS=1 python benchmarks/metrics.py
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

from mmseg.evaluation.metrics import intersect_and_union

NUM_CLASSES, IGNORED = 150, 255
GOAL = 10.0


def histograms(pred: np.ndarray, label: np.ndarray) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Masks out what is ignored, then takes three histograms in float32."""
    predicted, truth = torch.from_numpy(pred), torch.from_numpy(label)
    mask = truth != IGNORED
    predicted, truth = predicted[mask], truth[mask]
    hits = predicted[predicted == truth]
    intersect, pred_area, label_area = (
        torch.histc(values.float(), bins=NUM_CLASSES, min=0, max=NUM_CLASSES - 1)
        for values in (hits, predicted, truth)
    )
    return intersect, pred_area + label_area - intersect, pred_area, label_area


def numpy_histograms(pred: np.ndarray, label: np.ndarray) -> tuple[np.ndarray, ...]:
    """The same with ``np.histogram``."""
    mask = label != IGNORED
    pred, label = pred[mask], label[mask]
    bins = np.arange(NUM_CLASSES + 1)
    intersect, pred_area, label_area = (
        np.histogram(values, bins=bins)[0] for values in (pred[pred == label], pred, label)
    )
    return intersect, pred_area + label_area - intersect, pred_area, label_area


def ours(pred: np.ndarray, label: np.ndarray) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """What evaluation calls for every image."""
    return intersect_and_union(pred, label, NUM_CLASSES, IGNORED)


def sample(seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Draws a prediction (int64) and a label (uint8), mostly equal, in patches of 16 pixels."""
    rng = np.random.default_rng(seed)
    truth = np.kron(rng.integers(0, NUM_CLASSES, (32, 43)), np.ones((16, 16), int))[:, :683]
    pred = np.where(rng.random(truth.shape) < 0.8, truth, rng.integers(0, NUM_CLASSES, truth.shape))
    label = np.where(rng.random(truth.shape) < 0.05, IGNORED, truth).astype(np.uint8)
    return pred, label


def seconds(function: Callable[..., object], *args: np.ndarray) -> float:
    """Times one call."""
    start = time.process_time()
    function(*args)
    return time.process_time() - start


def main() -> None:
    """Prints medians and ratios."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--rounds", type=int, default=31)
    rounds = parser.parse_args().rounds
    forms = (histograms, numpy_histograms, ours)
    times: dict[str, list[float]] = {form.__name__: [] for form in forms}
    for seed in range(rounds):
        pred, label = sample(seed)
        counts = [[np.asarray(part, dtype=np.float64) for part in f(pred, label)] for f in forms]
        assert all(
            np.array_equal(a, b)
            for other in counts[:2]
            for a, b in zip(other, counts[2], strict=True)
        )
        for form in forms:
            times[form.__name__].append(seconds(form, pred, label))
    own = statistics.median(times["ours"])
    for name, values in times.items():
        median = statistics.median(values)
        print(f"{name:<18} {median * 1e3:7.2f} ms   {median / own:6.2f}x of ours (goal {GOAL:g}x)")


if __name__ == "__main__":
    main()
