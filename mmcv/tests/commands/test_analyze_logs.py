import json

import pytest

from mmcv.commands.analyze_logs import main, read_curves, summary


@pytest.fixture
def work_dir(tmp_path):
    folder = tmp_path / "run_a"
    folder.mkdir()
    lines = [{"env_info": "x", "seed": 1}]
    for i in range(50, 201, 50):
        lines.append({"mode": "train", "epoch": 1, "iter": i, "lr": 0.1, "loss": 10.0 / i})
    lines.append({"mode": "val", "epoch": 1, "iter": 3, "lr": 0.1, "mIoU": 0.4})
    text = "\n".join(json.dumps(line) for line in lines) + '\n{"mode": "train", "it'
    (folder / "20260101_000000.log.json").write_text(text)
    return folder


def test_curves_are_by_iteration_of_training(work_dir):
    curves = read_curves(work_dir)
    assert curves["loss"] == [(50, 0.2), (100, 0.1), (150, 10 / 150), (200, 0.05)]
    assert curves["mIoU"] == [(200, 0.4)]
    assert "seed" not in curves and "mIoU" in summary(curves)


def test_picture_of_two_runs(work_dir, tmp_path, capsys):
    file = str(next(work_dir.iterdir()))
    keys = ["--keys", "loss", "mIoU", "--legend", "a", "b", "--smooth", "2"]
    main([str(work_dir), file, *keys, "--out", str(tmp_path / "curves.png")])
    assert (tmp_path / "curves.png").read_bytes().startswith(b"\x89PNG")
    main([str(work_dir)])
    assert "lowest" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["{run}", "--keys", "mIuo"], "--keys mIuo: not in the logs; did you mean 'mIoU'"),
        (["{run}/none.json"], "no such file"),
        (["{run}/.."], "has no *.log.json"),
    ],
)
def test_errors(work_dir, capsys, arguments, message):
    with pytest.raises(SystemExit):
        main([part.format(run=work_dir) for part in arguments])
    assert message in capsys.readouterr().err
