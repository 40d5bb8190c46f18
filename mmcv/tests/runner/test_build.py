import pytest

from mmcv.registry import ConfigError
from mmcv.runner.build import check_metrics


class Dataset:
    METRICS = ("mIoU", "mDice")


def test_a_metric_that_the_data_set_does_not_compute_is_named():
    with pytest.raises(ConfigError, match="'mIou' is not a metric; did you mean 'mIoU'"):
        check_metrics(Dataset(), ["mDice", "mIou"])


@pytest.mark.parametrize("metric", ["mIoU", ["mIoU", "mDice"], None])
def test_known_metrics_pass(metric):
    check_metrics(Dataset(), metric)
    check_metrics(object(), "anything")
