from mmcv.utils.latest_checkpoint import find_latest_checkpoint


def test_nothing_to_find(tmp_path):
    assert find_latest_checkpoint(str(tmp_path)) is None
    assert find_latest_checkpoint(str(tmp_path / "none")) is None


def test_latest_wins(tmp_path):
    for name in ("latest.pth", "iter_20.pth"):
        (tmp_path / name).touch()
    assert find_latest_checkpoint(str(tmp_path)) == str(tmp_path / "latest.pth")


def test_highest_number_otherwise(tmp_path):
    for name in ("iter_1600.pth", "iter_16000.pth", "iter_3200.pth", "best.pth", "iter_99999.txt"):
        (tmp_path / name).touch()
    assert find_latest_checkpoint(str(tmp_path)) == str(tmp_path / "iter_16000.pth")
    assert find_latest_checkpoint(str(tmp_path), suffix="txt") == str(tmp_path / "iter_99999.txt")
