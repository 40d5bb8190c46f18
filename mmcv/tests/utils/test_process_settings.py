import multiprocessing
import os

import cv2
import pytest

from mmcv.config import Config
from mmcv.utils.process_settings import setup_multi_processes


@pytest.fixture
def untouched(monkeypatch):
    """Restores what the function changes for the whole process."""
    method, threads = multiprocessing.get_start_method(allow_none=True), cv2.getNumThreads()
    for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS"):
        monkeypatch.delenv(name, raising=False)
    yield
    multiprocessing.set_start_method(method, force=True)
    cv2.setNumThreads(threads)
    for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ.pop(name, None)


def config(workers, **kwargs):
    return Config(dict(data=dict(workers_per_gpu=workers), **kwargs))


SETTINGS = dict(mp_start_method="spawn", opencv_num_threads=0, omp_num_threads=3, mkl_num_threads=2)


@pytest.mark.usefixtures("untouched")
def test_settings_are_applied():
    setup_multi_processes(config(2, **SETTINGS))
    assert multiprocessing.get_start_method() == "spawn"
    assert cv2.getNumThreads() == 1
    assert (os.environ["OMP_NUM_THREADS"], os.environ["MKL_NUM_THREADS"]) == ("3", "2")


@pytest.mark.usefixtures("untouched")
@pytest.mark.parametrize("workers", [0, 1])
def test_numbers_of_threads_need_several_workers(workers):
    setup_multi_processes(config(workers, **SETTINGS))
    assert "OMP_NUM_THREADS" not in os.environ


@pytest.mark.usefixtures("untouched")
def test_environment_wins():
    os.environ["OMP_NUM_THREADS"] = "7"
    setup_multi_processes(config(2, **SETTINGS))
    assert os.environ["OMP_NUM_THREADS"] == "7"


@pytest.mark.usefixtures("untouched")
def test_wrong_values_are_reported(caplog):
    wrong = dict(mp_start_method=1, opencv_num_threads=0.1, omp_num_threads="s")
    setup_multi_processes(config(2, **wrong))
    assert len(caplog.records) == 3
    assert "OMP_NUM_THREADS" not in os.environ
