"""mmcv.utils.version_utils: versions as tuples, the commit of a checkout."""

import subprocess

import pytest
from hypothesis import given
from hypothesis import strategies as st
from packaging.version import InvalidVersion, Version

from mmcv.utils import version_utils
from mmcv.utils.version_utils import digit_version, get_git_hash, parse_version_info

SUFFIXES = ("", "a1", "a2", "b1", "rc0", "rc1", ".post1", ".post2", ".dev3", "+cu124")


@pytest.mark.parametrize(
    ("version", "expected"),
    [
        ("0.2.16", (0, 2, 16, 0, 0, 0)),
        ("1.2.3", (1, 2, 3, 0, 0, 0)),
        ("1.2.3rc0", (1, 2, 3, 0, -1, 0)),
        ("1.2.3rc1", (1, 2, 3, 0, -1, 1)),
        ("1.0rc0", (1, 0, 0, 0, -1, 0)),
        ("1.0", (1, 0, 0, 0, 0, 0)),
        ("1.5.0+cuda90_cudnn7.6.3_lms", (1, 5, 0, 0, 0, 0)),
        ("1.0.0dev", (1, 0, 0, 0, -4, 0)),
        ("1.0.0a1", (1, 0, 0, 0, -3, 1)),
        ("1.0.0b2", (1, 0, 0, 0, -2, 2)),
        ("1.0.0.post2", (1, 0, 0, 0, 1, 2)),
        ("1.2.3.4.5", (1, 2, 3, 4, 0, 0)),
    ],
)
def test_digit_version(version, expected):
    assert digit_version(version) == expected


def test_digit_version_length():
    assert digit_version("2.15.0", length=2) == (2, 15, 0, 0)


@given(
    st.lists(st.tuples(st.integers(0, 99), st.integers(0, 99)), min_size=2, max_size=2),
    st.sampled_from(SUFFIXES),
    st.sampled_from(SUFFIXES),
)
def test_digit_versions_compare_as_versions_do(numbers, suffix_a, suffix_b):
    a, b = (f"{x}.{y}{s}" for (x, y), s in zip(numbers, (suffix_a, suffix_b), strict=True))
    order = Version(a.split("+")[0]) < Version(b.split("+")[0])
    assert (digit_version(a) < digit_version(b)) == order


@pytest.mark.parametrize(
    ("version", "expected"),
    [
        ("1.2.3", (1, 2, 3, 0, 0, 0)),
        ("1.2.3rc1", (1, 2, 3, 0, "rc", 1)),
        ("1.0rc0", (1, 0, 0, 0, "rc", 0)),
        ("1.0.post3", (1, 0, 0, 0, "post", 3)),
        ("1.0.dev2", (1, 0, 0, 0, "dev", 2)),
    ],
)
def test_parse_version_info(version, expected):
    assert parse_version_info(version) == expected


def test_what_is_no_version_is_an_error():
    with pytest.raises(InvalidVersion, match="no version"):
        digit_version("no version")


def test_git_hash_of_a_real_repository(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    git = ["git", "-c", "user.name=a", "-c", "user.email=a@b"]
    subprocess.run([*git, "init", "-q"], check=True)
    assert get_git_hash() == "unknown"  # nothing is committed yet
    subprocess.run([*git, "commit", "-q", "--allow-empty", "-m", "m"], check=True)
    expected = subprocess.check_output([*git, "log", "--format=%H"], text=True).strip()
    assert get_git_hash() == expected
    assert get_git_hash(digits=6) == expected[:6]
    assert get_git_hash(digits=100) == expected
    with pytest.raises(TypeError, match="digits"):
        get_git_hash(digits="6")  # type: ignore[arg-type]


def test_git_hash_without_git(monkeypatch):
    def fail(command):
        raise FileNotFoundError

    monkeypatch.setattr(version_utils, "_minimal_ext_cmd", fail)
    assert get_git_hash() == "unknown"
    assert get_git_hash(fallback="n/a") == "n/a"
