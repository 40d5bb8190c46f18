import mmseg
from mmseg.utils import collect_env, get_root_logger


def test_versions_are_collected():
    env = collect_env()
    assert env["MMSegmentation"].startswith(f"{mmseg.__version__}+")
    assert "PyTorch" in env


def test_root_logger_writes_to_a_file(tmp_path):
    logger = get_root_logger(str(tmp_path / "run.log"))
    logger.info("started")
    assert logger.name == "mmseg"
    assert "started" in (tmp_path / "run.log").read_text()
