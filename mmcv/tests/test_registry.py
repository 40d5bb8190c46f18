import logging

import pytest

from mmcv.registry import ArgumentError, ConfigError, Registry, build_from_cfg, config_path


class Base:
    def __init__(self, channels, act="relu"):
        self.channels, self.act = channels, act


class Head(Base):
    def __init__(self, classes, **kwargs):
        super().__init__(channels=4, **kwargs)
        self.classes = classes


class Nest:
    registry: Registry

    def __init__(self, head, others=()):
        self.head = self.registry.build(head)
        self.others = [self.registry.build(other) for other in others]


@pytest.fixture
def models():
    registry = Registry("model", scope="root")
    Nest.registry = registry
    for cls in (Base, Head, Nest):
        cls.__module__ = "mmseg.testing"  # open **kwargs are only followed through our own classes
        registry.register_module(module=cls)
    return registry


def test_build_passes_arguments_and_defaults(models):
    base = models.build(
        {"type": "Base", "channels": 3}, default_args={"channels": 9, "act": "gelu"}
    )
    assert (base.channels, base.act) == (3, "gelu")


def test_build_leaves_the_config_alone(models):
    cfg = {"type": "Base", "channels": 3}
    models.build(cfg)
    assert cfg == {"type": "Base", "channels": 3}


def test_type_may_be_a_class_or_a_function(models):
    assert models.build({"type": Base, "channels": 1}).channels == 1
    assert models.build({"type": lambda n: n + 1, "n": 1}) == 2


def test_child_registry_falls_back_on_its_parent_and_wins_over_it(models):
    child = Registry("model", parent=models, scope="child")

    @child.register_module(name="Base")
    class Own:
        pass

    assert child.get("Base") is Own
    assert child.get("Head") is Head
    assert child.get("root.Base") is Base
    assert models.get("child.Base") is Own


def test_unknown_name_suggests_the_nearest(models):
    with pytest.raises(ConfigError, match="'Haed' is not a registered model; did you mean 'Head'"):
        models.get("Haed")
    with pytest.raises(KeyError):  # 1.x code catches this
        models.get("Haed")


def test_unknown_key_names_path_and_nearest(models):
    cfg = {"type": "Nest", "head": {"type": "Head", "classes": 2, "atc": "gelu"}}
    with config_path("model", cfg), pytest.raises(ArgumentError) as error:
        models.build(cfg)
    assert str(error.value).startswith("model.head: Head got an unexpected key 'atc'")
    assert "did you mean 'act'" in str(error.value)
    assert isinstance(error.value, TypeError)


def test_path_of_a_list_item_is_named(models):
    others = [{"type": "Base", "channels": 1}, {"type": "Bsae"}]
    cfg = {"type": "Nest", "head": {"type": "Base", "channels": 2}, "others": others}
    with (
        config_path("model", cfg),
        pytest.raises(ConfigError, match=r"^model\.others\[1\]: 'Bsae'"),
    ):
        models.build(cfg)


def test_missing_key_is_named_but_what_a_subclass_fills_in_is_not(models):
    with pytest.raises(ArgumentError, match="missing key 'classes'"):
        models.build({"type": "Head"})
    assert models.build({"type": "Head", "classes": 2}).channels == 4


def test_foreign_classes_with_open_arguments_are_not_checked(models):
    class Foreign:
        def __init__(self, **kwargs):
            self.kwargs = kwargs

    Foreign.__module__ = "plugin"
    assert models.build({"type": Foreign, "anything": 1}).kwargs == {"anything": 1}


@pytest.mark.parametrize(
    ("cfg", "error"),
    [("Base", TypeError), ({"channels": 1}, KeyError), ({"type": 3}, TypeError)],
)
def test_malformed_sections_are_refused(models, cfg, error):
    with pytest.raises(error):
        build_from_cfg(cfg, models)


def test_a_name_is_registered_once_unless_forced(models):
    class Other:
        pass

    Other.__module__ = "mmdet.testing"
    with pytest.raises(KeyError, match="Base is already registered in model"):
        models.register_module(name="Base", module=Other)
    models.register_module(name="Base", module=Other, force=True)
    assert models.get("Base") is Other


def test_a_plug_in_may_replace_a_built_in(models, caplog):
    class Plugin:
        pass

    Plugin.__module__ = "plugin"
    with caplog.at_level(logging.INFO):
        models.register_module(name="Base", module=Plugin)
    assert models.get("Base") is Plugin
    assert "replaces the built-in Base" in caplog.text


def test_several_names_and_bare_decorator():
    registry = Registry("thing", scope="x")

    @registry.register_module(name=["A", "B"])
    class Thing:
        pass

    @registry.register_module
    class Bare:
        pass

    assert registry.get("A") is registry.get("B") is Thing
    assert registry.get("Bare") is Bare
    assert "A" in registry and "C" not in registry and len(registry) == 3
