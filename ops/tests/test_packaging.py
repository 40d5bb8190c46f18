"""Installing the four packages compiles nothing."""

import importlib.util
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGES = ["ops", "mmcv", "mmsegmentation", "mmdetection"]


@pytest.mark.parametrize("package", PACKAGES)
def test_packages_declare_no_build_step(package):
    text = (ROOT / package / "pyproject.toml").read_text()
    assert 'build-backend = "hatchling.build"' in text
    for word in ("ext-modules", "ext_modules", "build.hooks", "hatch.build.hooks", "setuptools"):
        assert word not in text
    assert not (ROOT / package / "setup.py").exists()


@pytest.mark.processes
@pytest.mark.parametrize("package", PACKAGES)
def test_wheels_are_pure_python(package, tmp_path):
    if importlib.util.find_spec("hatchling") is None:
        pytest.skip("needs hatchling")
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)]
    subprocess.run(command, cwd=ROOT / package, check=True, capture_output=True)
    (wheel,) = tmp_path.glob("*.whl")
    assert wheel.name.endswith("-py3-none-any.whl")
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
        (metadata,) = (name for name in names if name.endswith(".dist-info/WHEEL"))
        assert "Root-Is-Purelib: true" in archive.read(metadata).decode()
    assert not [name for name in names if name.endswith((".so", ".pyd", ".dll", ".o"))]
    if package == "ops":  # the source of the kernel that is compiled on first use
        assert "mmops/deformable_attention/cpu_kernel.cpp" in names
