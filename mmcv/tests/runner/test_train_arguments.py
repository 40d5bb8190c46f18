import os

import pytest

from mmcv.runner.train_arguments import parse_arguments

FLAGS = {
    "--work-dir",
    "--load-from",
    "--resume-from",
    "--auto-resume",
    "--no-validate",
    "--gpus",
    "--gpu-ids",
    "--gpu-id",
    "--seed",
    "--diff-seed",
    "--diff_seed",
    "--deterministic",
    "--cfg-options",
    "--options",
    "--auto-scale-lr",
    "--launcher",
    "--local-rank",
    "--local_rank",
    "--verbose",
    "--help",
}


def test_the_flags_are_those_of_1x(capsys):
    with pytest.raises(SystemExit):
        parse_arguments(["--help"])
    words = capsys.readouterr().out.replace(",", " ").replace("[", " ").replace("]", " ").split()
    assert {word for word in words if word.startswith("--")} == FLAGS


def test_values():
    args = parse_arguments(
        ["c.py", "--cfg-options", "a.b=1", "c=(1,2)", "--seed", "3", "--diff_seed"]
    )
    assert (args.config, args.seed, args.diff_seed, args.launcher) == ("c.py", 3, True, "none")
    assert args.cfg_options == {"a.b": 1, "c": (1, 2)}
    assert parse_arguments(["c.py", "--options", "a=1"]).cfg_options == {"a": 1}
    assert parse_arguments(["c.py"]).cfg_options == {}
    assert parse_arguments(["c.py", "--gpu-ids", "1", "2"]).gpu_ids == [1, 2]


@pytest.mark.parametrize(
    "flags",
    [
        ["--options", "a=1", "--cfg-options", "b=1"],
        ["--gpus", "1", "--gpu-id", "1"],
        ["--launcher", "torchrun"],
        ["--nonsense"],
    ],
)
def test_wrong_flags_end_with_code_2(flags, capsys):
    with pytest.raises(SystemExit) as error:
        parse_arguments(["c.py", *flags])
    assert error.value.code == 2
    assert "error:" in capsys.readouterr().err


def test_launchers_that_pass_the_rank_as_a_flag(monkeypatch):
    monkeypatch.setenv("LOCAL_RANK", "x")
    monkeypatch.delenv("LOCAL_RANK")
    parse_arguments(["c.py", "--launcher", "pytorch", "--local_rank", "3"])
    assert os.environ["LOCAL_RANK"] == "3"
