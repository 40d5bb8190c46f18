"""The result of an evaluation: two tables in the log and one flat dictionary."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from mmcv.utils import print_log
from mmseg.evaluation.table import text_table


def report_metrics(
    metrics: Mapping[str, np.ndarray],
    class_names: Sequence[Any] | None,
    logger: logging.Logger | str | None = None,
) -> dict[str, float]:
    """Logs metrics per class and their means, and returns both.

    Args:
        metrics: ``aAcc`` (a number) and values per class, as from ``total_area_to_metrics``.
        class_names: None: the classes are numbered.
        logger: where the tables go; None: they are printed.

    Returns:
        ``aAcc, mIoU, mAcc, ..., IoU.<class>, ..., Acc.<class>, ...`` in 0..1, rounded to a
        hundredth of a per cent, as published results are.
    """
    per_cent = {name: np.round(values * 100, 2) for name, values in metrics.items()}
    per_class = {name: values for name, values in per_cent.items() if name != "aAcc"}
    if class_names is None:
        class_names = range(max((len(values) for values in per_class.values()), default=0))
    means = {
        name if name == "aAcc" else f"m{name}": np.round(_mean_of_present(values) * 100, 2)
        for name, values in metrics.items()
    }
    print_log("per class results:", logger)
    print_log("\n" + text_table({"Class": class_names, **per_class}), logger=logger)
    print_log("Summary:", logger)
    print_log("\n" + text_table({name: [mean] for name, mean in means.items()}), logger=logger)
    results = {name: mean / 100.0 for name, mean in means.items()}
    for name, values in per_class.items():
        for class_name, value in zip(class_names, values, strict=True):
            results[f"{name}.{class_name}"] = value / 100.0
    return results


def _mean_of_present(values: np.ndarray) -> Any:
    """Returns the mean over classes that occur; nan (without a warning) if none does."""
    present = values[~np.isnan(values)]
    return present.mean() if present.size else np.float64(np.nan)
