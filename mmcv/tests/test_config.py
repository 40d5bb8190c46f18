import argparse
import copy
import pickle

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from mmcv.config import Config, ConfigDict, DictAction, resolve_path
from mmcv.config_options import parse_value
from mmcv.registry import ConfigError


@pytest.fixture
def write(tmp_path):
    def write(name, text):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return str(path)

    return write


def test_child_merges_into_base_and_keeps_the_rest(write):
    write("base.py", "a = dict(x=1, y=dict(z=2))\nb = [1, 2]\n")
    cfg = Config.fromfile(write("child.py", "_base_ = 'base.py'\na = dict(y=dict(z=3, w=4))\n"))
    assert cfg._cfg_dict == {"a": {"x": 1, "y": {"z": 3, "w": 4}}, "b": [1, 2]}
    assert cfg.a.y.w == 4 and cfg["a"]["x"] == 1 and "b" in cfg and len(cfg) == 2


def test_delete_replaces_the_inherited_section(write):
    write("base.py", "a = dict(x=1, y=dict(z=2))\n")
    cfg = Config.fromfile(
        write(
            "child.py",
            "_base_ = ['base.py']\na = dict(_delete_=True, w=dict(_delete_=True, v=1))\n",
        )
    )
    assert cfg.a == {"w": {"v": 1}}


def test_bases_form_chains_and_lists(write):
    write("root.py", "a = dict(n=1)\n")
    write("sub/left.py", "_base_ = '../root.py'\na = dict(m=2)\n")
    write("sub/right.py", "b = 3\n")
    cfg = Config.fromfile(write("child.py", "_base_ = ['sub/left.py', 'sub/right.py']\n"))
    assert cfg._cfg_dict == {"a": {"n": 1, "m": 2}, "b": 3}


def test_two_bases_that_set_one_key_are_named(write):
    write("one.py", "model = dict(x=1)\n")
    write("two.py", "model = dict(y=1)\n")
    with pytest.raises(
        ConfigError, match=r"model: set by two bases of .*child.py: one.py and two.py"
    ):
        Config.fromfile(write("child.py", "_base_ = ['one.py', 'two.py']\n"))


def test_circular_bases_are_an_error(write):
    write("a.py", "_base_ = 'b.py'\n")
    with pytest.raises(ConfigError, match="circular"):
        Config.fromfile(write("b.py", "_base_ = 'a.py'\n"))


def test_missing_base_names_the_file_that_wants_it(write):
    with pytest.raises(FileNotFoundError, match=r"nowhere.py.*child.py"):
        Config.fromfile(write("child.py", "_base_ = 'nowhere.py'\n"))


def test_a_dict_over_another_type_is_an_error(write):
    write("base.py", "a = 1\n")
    with pytest.raises(TypeError, match="_delete_"):
        Config.fromfile(write("child.py", "_base_ = 'base.py'\na = dict(x=1)\n"))


def test_items_of_an_inherited_list_are_overridden_by_index(write):
    write("base.py", "steps = [dict(type='A', n=1), dict(type='B')]\n")
    cfg = Config.fromfile(write("child.py", "_base_ = 'base.py'\nsteps = {'0': dict(n=2)}\n"))
    assert cfg.steps == [{"type": "A", "n": 2}, {"type": "B"}]


def test_file_name_variables(write, tmp_path):
    path = write(
        "my_cfg.py",
        "a = '{{ fileBasenameNoExtension }}'\nb = '{{fileBasename}}'\n"
        "c = '{{ fileExtname}}'\nd = '{{ fileDirname }}/x'\n",
    )
    cfg = Config.fromfile(path)
    assert (cfg.a, cfg.b, cfg.c, cfg.d) == ("my_cfg", "my_cfg.py", ".py", f"{tmp_path.resolve()}/x")
    assert Config.fromfile(path, use_predefined_variables=False).b == "{{fileBasename}}"


def test_values_of_bases_are_usable_in_expressions(write):
    write("base.py", "a = dict(n=3, items=[1])\n")
    cfg = Config.fromfile(
        write(
            "child.py",
            "_base_ = 'base.py'\nb = dict(m=2 * {{ _base_.a.n }}, c={{_base_.a}})\n"
            "b['c']['items'].append(2)\n",
        )
    )
    assert cfg.b == {"m": 6, "c": {"n": 3, "items": [1, 2]}}
    assert cfg.a["items"] == [1]


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("child.json", '{"_base_": "base.py", "b": {{ _base_.a.n }}, "a": {"n": 4}}'),
        ("child.yaml", "_base_: base.py\nb: {{ _base_.a.n }}\na: {n: 4}\n"),
    ],
)
def test_json_and_yaml_inherit_too(write, name, text):
    write("base.py", "a = dict(n=3, k=1)\n")
    assert Config.fromfile(write(name, text))._cfg_dict == {"b": 3, "a": {"n": 4, "k": 1}}


def test_unknown_value_of_a_base_is_named(write):
    write("base.py", "a = 1\n")
    with pytest.raises(ConfigError, match=r"no base sets 'b\.c'"):
        Config.fromfile(write("child.py", "_base_ = 'base.py'\nx = {{ _base_.b.c }}\n"))


def test_syntax_errors_name_file_and_line(write):
    with pytest.raises(ConfigError, match=r"bad.py, line 2: .*a = dict\(x"):
        Config.fromfile(write("bad.py", "b = 1\na = dict(x\n"))


def test_modules_functions_and_private_names_are_dropped(write):
    text = "import os\nfrom os.path import join\ndef f(): pass\nclass C: pass\n_base = 3\nx = 1\n"
    assert dict(Config.fromfile(write("c.py", text))) == {"_base": 3, "x": 1}


@pytest.mark.parametrize("key", ["filename", "text", "pretty_text"])
def test_reserved_keys_are_refused(write, key):
    with pytest.raises(KeyError, match="reserved"):
        Config.fromfile(write("c.py", f"{key} = 1\n"))


def test_custom_imports_are_imported(write, monkeypatch, tmp_path):
    write("my_plugin_module.py", "VALUE = 1\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    path = write("c.py", "custom_imports = dict(imports=['my_plugin_module'])\n")
    Config.fromfile(path)
    import sys

    assert sys.modules.pop("my_plugin_module").VALUE == 1


def test_options_merge_by_dotted_keys_and_list_indices():
    cfg = Config({"model": {"depth": 1}, "steps": [{"n": 1}, {"n": 2}], "sizes": (1, 2)})
    cfg.merge_from_dict({"model.depth": 5, "model.new.deep": 1, "steps.1.n": 9, "steps.0": 7})
    assert cfg.model == {"depth": 5, "new": {"deep": 1}}
    assert cfg.steps == [7, {"n": 9}]
    with pytest.raises(KeyError, match="Index 4 exceeds"):
        cfg.merge_from_dict({"steps.4.n": 1})
    with pytest.raises(TypeError):
        cfg.merge_from_dict({"steps.4.n": 1}, allow_list_keys=False)


def test_missing_names_raise():
    cfg = Config({"a": {"b": 1}})
    with pytest.raises(AttributeError, match="'ConfigDict' object has no attribute 'c'"):
        _ = cfg.a.c
    with pytest.raises(AttributeError):
        _ = cfg.missing
    with pytest.raises(KeyError):
        _ = cfg["missing"]
    assert cfg.get("missing") is None and cfg.get("missing", 3) == 3


def test_assignment_pop_and_copies():
    cfg = Config({"a": {"b": [1]}}, filename=None)
    cfg.c = {"d": 1}
    assert isinstance(cfg.c, ConfigDict) and cfg.c.d == 1
    clone = copy.deepcopy(cfg)
    clone.a.b.append(2)
    assert cfg.a.b == [1] and cfg.pop("c") == {"d": 1} and "c" not in cfg
    assert copy.copy(cfg).a is cfg.a
    assert pickle.loads(pickle.dumps(cfg)) == cfg
    with pytest.raises(TypeError, match="must be a dict"):
        Config([1])


def test_fromstring_reads_each_format():
    assert Config.fromstring("a = 1", ".py").a == 1
    assert Config.fromstring('{"a": 1}', ".json").a == 1
    assert Config.fromstring("a: 1", ".yaml").a == 1
    with pytest.raises(OSError):
        Config.fromstring("a", ".txt")


scalars = st.none() | st.booleans() | st.integers() | st.text() | st.floats(allow_nan=False)
values = st.recursive(
    scalars,
    lambda v: (
        st.lists(v, max_size=3)
        | st.lists(v, max_size=3).map(tuple)
        | st.dictionaries(st.text(max_size=5), v, max_size=3)
    ),
    max_leaves=8,
)
names = st.from_regex(r"[a-z][a-z_0-9]{0,6}", fullmatch=True).filter(
    lambda name: (
        name not in ("filename", "text", "pretty_text", "custom_imports")
        and not __import__("keyword").iskeyword(name)
    )
)


@given(st.dictionaries(names, values, max_size=4))
@example({"a": {"º": None}})
def test_dumped_python_reloads_equal(config):
    text = Config(config).dump()
    assert Config.fromstring(text, ".py")._cfg_dict == ConfigDict(config)


def test_dump_writes_the_format_of_the_ending(tmp_path):
    cfg = Config({"a": {"b": [1, None, "x"]}, "c": 1.5})
    Config({"a": (1, 2)}).dump(tmp_path / "tuple.yaml")
    assert Config.fromfile(tmp_path / "tuple.yaml").a == (1, 2)
    for name in ("x.py", "x.json", "x.yaml"):
        cfg.dump(tmp_path / name)
        assert Config.fromfile(tmp_path / name) == cfg


literals = st.recursive(
    st.none() | st.booleans() | st.integers() | st.from_regex(r"[a-z_/.]{1,8}", fullmatch=True),
    lambda v: st.lists(v, max_size=3) | st.lists(v, max_size=3).map(tuple),
    max_leaves=6,
).filter(lambda v: v not in ("true", "false", "none", ".", "nan", "inf", "infinity"))


def spell(value):
    if isinstance(value, list):
        return "[" + ",".join(map(spell, value)) + "]"
    if isinstance(value, tuple):
        return "(" + ", ".join(map(spell, value)) + ")"
    return str(value)


@given(literals)
def test_options_read_what_is_spelled(value):
    def plain(v):  # words that spell another literal are read as that
        return any(map(plain, v)) if isinstance(v, (list, tuple)) else v in ("true", "false", "nan")

    if not plain(value):
        assert parse_value(spell(value)) == value


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1,2", [1, 2]),
        ("[(1,2),(3,4),b]", [(1, 2), (3, 4), "b"]),
        ("1e-3", 0.001),
        ("False", False),
        ('"[1, 2]"', [1, 2]),
        ("a=b", "a=b"),
        ("", ""),
    ],
)
def test_option_literals(text, value):
    assert parse_value(text) == value


def test_dict_action_collects_words_and_names_malformed_ones(capsys):
    parser = argparse.ArgumentParser()
    parser.add_argument("--cfg-options", nargs="+", action=DictAction)
    args = parser.parse_args(["--cfg-options", "a.b=1", "c=x=y", "--cfg-options", "d=[1]"])
    assert args.cfg_options == {"a.b": 1, "c": "x=y", "d": [1]}
    with pytest.raises(SystemExit):
        parser.parse_args(["--cfg-options", "word"])
    assert "'word' is not of the form key=value" in capsys.readouterr().err


def test_paths_resolve_from_the_working_directory_then_above_the_config(
    write, tmp_path, monkeypatch
):
    cfg = Config.fromfile(write("task/configs/model/c.py", "a = 1\n"))
    target = write("task/zero/x.json", "{}")
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    monkeypatch.chdir(elsewhere)
    assert str(resolve_path("zero/x.json", cfg, "deepspeed_config")) == target
    own = elsewhere / "zero/x.json"
    own.parent.mkdir()
    own.write_text("{}")
    assert resolve_path("zero/x.json", cfg, "deepspeed_config") == own
    with pytest.raises(ConfigError, match=r"^pretrained: 'no.pth' does not exist \(tried "):
        resolve_path("no.pth", cfg, "pretrained")
