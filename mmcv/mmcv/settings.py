"""Checks a config before anything is built: known sections only, and what a run cannot do without.

``settings_sections.py`` says which sections and keys there are. Other variables of a config are
the user's own; one that looks like a misspelt section is logged.
"""

from __future__ import annotations

import difflib
import logging
from collections.abc import Iterable, Mapping
from typing import Any

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from mmcv.registry import ConfigError, did_you_mean
from mmcv.settings_sections import Settings, misspelt

logger = logging.getLogger(__name__)

SECTIONS = tuple(Settings.model_fields)
# How alike a variable and a section must be: 'optimiser' is reported, 'checkpoint' is not.
SIMILARITY = 0.8
# Keys of older 1.x releases that are no near misses of today's.
RENAMED = {"imgs_per_gpu": "samples_per_gpu"}
# In the words of configs, where pydantic speaks of its classes.
MESSAGES = {
    "model_type": "should be a dict",
    "dict_type": "should be a dict",
    "is_instance_of": "should be a list",
}
LONGEST_VALUE = 80  # characters of a wrong value in a message
# What makes a config with a model one for training.
TRAINING = ("optimizer", "runner", "total_iters", "total_epochs")


def validate(cfg: Any) -> None:
    """Checks the sections that a config has.

    Args:
        cfg: Config or mapping. It is not changed.

    Raises:
        ConfigError: keys that a section does not have, values of a wrong type, or something missing
            without which the run would fail or be lost. One line per problem names the key, what
            was given, what is possible, and the nearest match.
    """
    validate_sections(cfg)
    values = _values(cfg)
    for check in (_check_workflow, _check_data, _check_runner, _check_deepspeed, _check_parts):
        check(values)


def validate_sections(cfg: Any) -> None:
    """Checks keys and types only: enough for testing, where a run's other parts may be missing.

    Args:
        cfg: Config or mapping. It is not changed.

    Raises:
        ConfigError: as ``validate``.
    """
    values = _values(cfg)
    _warn_about_near_misses(values)
    try:
        Settings.model_validate(_without_typed_hooks(values))
    except ValidationError as errors:
        problems = [_describe(error, values) for error in errors.errors()]
        raise ConfigError("\n".join(problems)) from None


def _values(cfg: Any) -> dict[str, Any]:
    return {key: cfg[key] for key in cfg if not _is_built(key, cfg[key])}


def _is_built(key: str, value: Any) -> bool:
    """Whether a known section is an object already, as in 1.x code that fills configs by hand."""
    plain = (str, int, float, list, tuple, set, Mapping)
    is_object = value is not None and not isinstance(value, plain)
    return is_object and key in SECTIONS and key != "gpu_ids"


def _without_typed_hooks(values: Mapping[str, Any]) -> dict[str, Any]:
    """Leaves out the sections of hooks whose ``type`` is the user's own: it has its own keys."""
    hooks = ("optimizer_config", "checkpoint_config")
    return {
        key: value
        for key, value in values.items()
        if not (key in hooks and isinstance(value, Mapping) and "type" in value)
    }


def _warn_about_near_misses(values: Iterable[str]) -> None:
    for name in values:
        if name in SECTIONS:
            continue
        near = difflib.get_close_matches(name, SECTIONS, n=1, cutoff=SIMILARITY)
        if near:
            logger.warning(
                "the config sets %r, which has no meaning of its own; did you mean %r?",
                name,
                near[0],
            )


def _describe(error: ErrorDetails, values: Mapping[str, Any]) -> str:
    """Returns one line for an error of pydantic."""
    path, given = _locate(error["loc"], values)
    if error["type"] in ("missing", "extra_forbidden"):
        section, _, key = path.rpartition(".")
        keys = _keys_at(error["loc"][:-1])
        if error["type"] == "missing":
            others = set(_locate(error["loc"][:-1], values)[1]) - set(keys)
            return f"{path} is missing{misspelt(key, others)}"
        hint = f"; it is {RENAMED[key]!r} now" if key in RENAMED else did_you_mean(key, keys)
        return f"{section} got an unexpected key {key!r}{hint} (possible: {', '.join(keys)})"
    hint = ""
    if error["type"] == "literal_error":
        choices = error.get("ctx", {})["expected"].replace("'", "").replace(" or ", ", ")
        hint = did_you_mean(str(given), choices.split(", "))
    shown = (
        repr(given) if len(repr(given)) <= LONGEST_VALUE else f"{repr(given)[:LONGEST_VALUE]}..."
    )
    text = MESSAGES.get(error["type"]) or error["msg"].replace("Input should", "should")
    return f"{path}={shown} {text}{hint}"


def _locate(loc: tuple[str | int, ...], values: Any) -> tuple[str, Any]:
    """Returns the path of an error, and the value there; None where a key is missing."""
    path = ""
    for step in loc:
        path += f"[{step}]" if isinstance(step, int) else f".{step}"
        values = values.get(step) if isinstance(values, Mapping) else values[step]
    return path.lstrip("."), values


def _keys_at(loc: tuple[str | int, ...]) -> list[str]:
    """Returns the keys that the section at ``loc`` takes."""
    section: type[BaseModel] = Settings
    for step in loc:
        annotation = section.model_fields[str(step)].annotation
        parts = [annotation, *getattr(annotation, "__args__", ())]  # X | None
        section = next(p for p in parts if isinstance(p, type) and issubclass(p, BaseModel))
    return list(section.model_fields)


def _check_workflow(values: Mapping[str, Any]) -> None:
    workflow = values.get("workflow")
    if workflow is None:
        return
    flows = [tuple(flow) if isinstance(flow, (list, tuple)) else flow for flow in workflow]
    if flows != [("train", 1)]:
        raise ConfigError(
            f"workflow={workflow!r} is not supported, only [('train', 1)]; to validate while"
            " training, set evaluation=dict(interval=...)"
        )


def _check_data(values: Mapping[str, Any]) -> None:
    """Checks that there is something to train on, unless the config is only for testing."""
    data = values.get("data")
    if data is None:
        return
    has_tests = data.get("test") is not None or data.get("val") is not None
    is_for_testing = has_tests and not any(key in values for key in TRAINING)
    if data.get("train") is None and not is_for_testing:
        raise ConfigError("data.train is missing: there is nothing to train on")


def _check_runner(values: Mapping[str, Any]) -> None:
    runner = values.get("runner")
    lengths = {"IterBasedRunner": "max_iters", "EpochBasedRunner": "max_epochs"}
    if isinstance(runner, Mapping):
        given = [key for key in lengths.values() if runner.get(key) is not None]
        needed = lengths.get(str(runner["type"]), "max_iters or max_epochs")
        if len(given) == 2:
            raise ConfigError("runner: only one of max_iters and max_epochs can be set")
        if not given or given[0] not in needed:
            hint = misspelt(needed, [key for key in runner if key not in given])
            raise ConfigError(f"runner.{needed} is missing for {runner['type']}{hint}")
    older = {"total_iters": "max_iters", "total_epochs": "max_epochs"}
    for old, new in older.items():
        length = runner.get(new) if isinstance(runner, Mapping) else None
        if length is not None and values.get(old) not in (None, length):
            raise ConfigError(f"{old}={values[old]} contradicts runner.{new}={length}: drop {old}")


def _check_deepspeed(values: Mapping[str, Any]) -> None:
    if values.get("deepspeed") and not values.get("deepspeed_config"):
        raise ConfigError(
            "deepspeed_config is missing: deepspeed=True needs the path of a json file, a dict, or"
            " a preset such as 'zero1_bf16'"
        )


def _check_parts(values: Mapping[str, Any]) -> None:
    """Checks that a config for training has all parts; bases and configs for testing need not."""
    if "model" not in values or not any(key in values for key in TRAINING):
        return
    for section in ("data", "optimizer"):
        if values.get(section) is None:
            raise ConfigError(
                f"{section} is missing{misspelt(section, set(values) - set(SECTIONS))}"
            )
    if all(values.get(key) is None for key in TRAINING[1:]):
        raise ConfigError(
            "runner is missing: runner=dict(type='IterBasedRunner', max_iters=80000), or"
            " dict(type='EpochBasedRunner', max_epochs=12)"
        )
    checkpoints = values.get("checkpoint_config")
    if checkpoints is None or (isinstance(checkpoints, Mapping) and "interval" not in checkpoints):
        logger.warning(
            "checkpoint_config.interval is not set: a run that is killed before its end is lost"
        )
    if values.get("load_from") and values.get("resume_from"):
        logger.warning("load_from has no effect, because resume_from is set")
