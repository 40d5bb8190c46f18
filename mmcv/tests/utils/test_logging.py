"""mmcv.utils.logging: who prints what, once."""

import logging
import sys

import pytest
import torch

from mmcv.utils.logging import get_logger, logger_initialized, print_log


@pytest.fixture(autouse=True)
def _forget_loggers():
    before = dict(logger_initialized)
    yield
    for name in set(logger_initialized) - set(before):
        logger = logging.getLogger(name)
        for handler in list(logger.handlers):
            logger.removeHandler(handler)
            handler.close()
        del logger_initialized[name]


@pytest.fixture
def rank(request, monkeypatch):
    monkeypatch.setattr(torch.distributed, "is_available", lambda: True)
    monkeypatch.setattr(torch.distributed, "is_initialized", lambda: True)
    monkeypatch.setattr(torch.distributed, "get_rank", lambda: request.param)
    return request.param


@pytest.mark.parametrize("rank", [0, 1], indirect=True)
def test_only_rank_0_writes_the_file_and_below_error(rank, tmp_path):
    file = tmp_path / "run.log"
    logger = get_logger("ranks", log_file=file)
    kinds = [type(handler) for handler in logger.handlers]
    both = [logging.StreamHandler, logging.FileHandler]
    assert kinds == (both if rank == 0 else both[:1])
    assert logger.handlers[0].level == logging.INFO
    assert logger.level == (logging.INFO if rank == 0 else logging.ERROR)
    logger.info("hello")
    if rank == 0:
        assert file.read_text().endswith(" - ranks - INFO - hello\n")
    assert file.exists() == (rank == 0)


def test_a_second_call_returns_the_same_logger_and_adds_nothing():
    first = get_logger("twice", log_level=logging.DEBUG)
    second = get_logger("twice")
    assert first is second and len(first.handlers) == 1
    assert first.level == logging.DEBUG


def test_a_later_log_file_is_added_once(tmp_path):
    logger = get_logger("late")
    for _ in range(2):
        get_logger("late", log_file=tmp_path / "late.log")
    logger.info("hello")
    assert (tmp_path / "late.log").read_text().count("hello") == 1


def test_a_child_prints_through_its_parent(capsys):
    get_logger("family")
    child = get_logger("family.child")
    assert child.handlers == []
    child.info("once")
    assert capsys.readouterr().err.count("once") == 1


def test_a_child_that_came_first_prints_once(capsys):
    child = get_logger("late_family.child")
    get_logger("late_family")
    child.info("once")
    assert capsys.readouterr().err.count("once") == 1


def test_names_that_only_start_alike_are_no_family():
    get_logger("mmx")
    assert len(get_logger("mmx_other").handlers) == 1


def test_root_handlers_are_quietened():
    handler = logging.StreamHandler()
    logging.root.addHandler(handler)
    try:
        get_logger("quiet")
        assert handler.level == logging.ERROR
    finally:
        logging.root.removeHandler(handler)


def test_print_log_targets(capsys, caplog):
    print_log("welcome")
    assert capsys.readouterr().out == "welcome\n"
    print_log("nothing", logger="silent")
    assert capsys.readouterr().out == "" and not caplog.records
    print_log("by name", logger="printer", level=logging.ERROR)
    assert caplog.record_tuples[-1] == ("printer", logging.ERROR, "by name")
    print_log("by object", logger=get_logger("printer2"))
    assert caplog.record_tuples[-1] == ("printer2", logging.INFO, "by object")
    with pytest.raises(TypeError, match="a logging"):
        print_log("x", logger=0)  # type: ignore[arg-type]


def test_works_before_torch_is_imported(monkeypatch):
    monkeypatch.delitem(sys.modules, "torch")
    assert get_logger("torchless").level == logging.INFO
