"""The operators' own tests on machines without a C++ compiler and without Triton, simulated."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SMALL = ["test_deformable_attention.py", "test_dcnv3.py"]
FACADES = ["mmcv/tests/ops", "mmcv/tests/backbones/test_vit_adapter.py"]

# `None` in sys.modules is what a missing package looks like to `import`.
WITHOUT_TRITON = "import sys; sys.modules['triton'] = None; "
RUN = "import sys, pytest; sys.exit(pytest.main(sys.argv[1:]))"


def run_tests(paths, cache, *, compiler, triton):
    """Runs tests in a process of its own, where ``shutil.which`` finds no compiler."""
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("MMOPS_", "CXX"))}
    environment["MMOPS_CACHE"] = str(cache / "libraries")
    if not compiler:
        environment["PATH"] = str(cache)
    code = RUN if triton else WITHOUT_TRITON + RUN
    command = [sys.executable, "-c", code, "-q", "-p", "no:cacheprovider", *map(str, paths)]
    done = subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-2000:]
    assert compiler == bool(list((cache / "libraries").glob("*.so")))
    return done.stdout


@pytest.mark.processes
def test_deformable_attention_needs_neither_compiler_nor_triton(tmp_path):
    paths = [ROOT / "ops/tests" / name for name in SMALL]
    assert " passed" in run_tests(paths, tmp_path, compiler=False, triton=False)


@pytest.mark.slow
@pytest.mark.parametrize(
    "compiler, triton", [(False, True), (True, False)], ids=["no compiler", "no Triton"]
)
def test_all_operators_pass_their_tests(tmp_path, compiler, triton):
    files = sorted((ROOT / "ops/tests").glob("test_*.py"))
    paths = [f for f in files if f.name != Path(__file__).name] + [ROOT / path for path in FACADES]
    out = run_tests(paths, tmp_path, compiler=compiler, triton=triton)
    assert ("could not import 'triton'" in out) != triton
