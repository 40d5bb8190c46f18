import hashlib

import pytest
import torch

from mmcv.commands.publish_model import main


def test_weights_and_meta_stay_and_the_name_has_the_digest(tmp_path, capsys):
    content = {
        "meta": {"CLASSES": ("a", "b"), "iter": 3},
        "state_dict": {"w": torch.ones(2)},
        "optimizer": {"state": torch.zeros(9)},
    }
    torch.save(content, tmp_path / "iter_3.pth")
    main([str(tmp_path / "iter_3.pth"), str(tmp_path / "model.pth"), "--dtype", "bf16"])
    (file,) = tmp_path.glob("model-*.pth")
    assert file.stem == "model-" + hashlib.sha256(file.read_bytes()).hexdigest()[:8]
    published = torch.load(file, weights_only=True)
    assert published.keys() == {"meta", "state_dict"}
    assert published["meta"]["CLASSES"] == ("a", "b")
    assert published["state_dict"]["w"].dtype == torch.bfloat16
    assert file.name in capsys.readouterr().out


def test_errors(tmp_path, capsys):
    with pytest.raises(SystemExit):
        main([str(tmp_path / "none.pth"), str(tmp_path / "out.pth")])
    assert "no such file" in capsys.readouterr().err
