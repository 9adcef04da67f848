"""What determines a run, as JSON: stored with its checkpoints, and compared when it is resumed."""

import contextlib
import functools
import hashlib
import os
import re
import types
from collections.abc import Mapping
from typing import Any

import keras
import numpy as np

from keras_ssl import specs
from keras_ssl.errors import UserError
from keras_ssl.recipes import Recipe

__all__ = ["check_same_run", "facts_of", "in_words"]

_SHOWN = 3  # differences in an error
_OF_A_MACHINE = {"build_config", "compile_config", "shared_object_id"}  # such as whether XLA pays; or of a process


def facts_of(recipe: Recipe, others: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """Return what determines a run: the short facts first, then the whole configuration, in words of JSON.

    Args:
        recipe: `recipes.Recipe`.
        others: What else determines it, such as the data set's name and the function that made the recipe, or None.
    """
    objective = recipe.objective
    optimizers = [keras.saving.serialize_keras_object(update.optimizer) for update in objective.updates]
    return {
        "objective": type(objective).__name__,
        "epochs": recipe.epochs,
        "seed": recipe.seed,
        "samples": len(recipe.source),
        "data": specs.to_json(recipe.source.specs),
        "batch_size": recipe.batch_size,
        **({} if recipe.source.preparation is None else {"preparation": recipe.source.preparation.to_json()}),
        **({} if recipe.source.tokenizer is None else {"tokenizer": recipe.source.tokenizer.to_json()}),
        "precision": keras.config.dtype_policy().name,
        **in_words(dict(others or {})),
        "views": in_words(recipe.views),
        "targets": in_words(recipe.targets),
        "optimizers": _of_any_process(optimizers),
        "configuration": in_words(objective),
    }


def check_same_run(old: Mapping[str, Any], new: Mapping[str, Any]) -> None:
    """Raise unless a run can go on with these facts: they are the same, or only its epochs are more.

    Args:
        old: Facts of the run, as read from a file; empty if it has none.
        new: What `facts_of` returned.

    Raises:
        UserError: If they differ; the error names the first differences.
    """
    different = [key for key in old if old[key] != new.get(key)]  # a run that was started in Python may say less
    if different == ["epochs"] and new["epochs"] > old["epochs"]:  # and no schedule depends on them
        return
    found = [difference for key in different for difference in _differences(old[key], new.get(key), key)]
    if found:
        more = f" and {len(found) - _SHOWN} more" if len(found) > _SHOWN else ""
        before, after = (", ".join(f"{path} {pair[k]}" for path, *pair in found[:_SHOWN]) + more for k in (0, 1))
        raise UserError(
            f"the arguments that the run was started with: {before}",
            after,
            "give the same, or start anew in another folder",
        )


def in_words(thing: Any, within: tuple[Any, ...] = ()) -> Any:
    """Describe anything by values that JSON has, the same in every process: functions by their names and variables.

    Args:
        thing: Views, the function that made a recipe, a Keras object, an array, or lists and dicts of such.
        within: The things that this one is part of. Default: none.
    """
    if any(thing is one for one in within):
        return "…"
    inner = functools.partial(in_words, within=(*within, thing))
    if thing is None or isinstance(thing, bool | int | str):
        return thing
    if isinstance(thing, float):
        return thing if np.isfinite(thing) else str(thing)
    if isinstance(thing, Mapping):
        return {str(key): inner(value) for key, value in thing.items()}
    if isinstance(thing, list | tuple):
        return [inner(value) for value in thing]
    if isinstance(thing, keras.layers.Layer | keras.optimizers.schedules.LearningRateSchedule):
        return _of_any_process(keras.saving.serialize_keras_object(thing))
    if isinstance(thing, functools.partial):
        return {"function": inner(thing.func), "arguments": inner([*thing.args, thing.keywords])}
    if isinstance(thing, types.FunctionType):
        return _function(thing, inner)
    if isinstance(thing, type | types.BuiltinFunctionType | types.ModuleType):
        return ".".join(getattr(thing, name) for name in ("__module__", "__qualname__") if hasattr(thing, name))
    if isinstance(thing, os.PathLike):
        return os.fspath(thing)
    if hasattr(thing, "__array__"):
        return _array(np.asarray(thing))
    own = {key: value for key, value in getattr(thing, "__dict__", {}).items() if not key.startswith("_")}
    return {"class": inner(type(thing)), **inner(own)}


def _array(array):
    if array.ndim == 0:
        return in_words(array.item())
    sha256 = hashlib.sha256(np.ascontiguousarray(array).data).hexdigest()
    return {"shape": list(array.shape), "dtype": str(array.dtype), "sha256": sha256}


def _function(function, inner):
    """A function: its name, what it closes over, and outside of this package the numbers and strings in its code."""
    told: dict[str, Any] = {"function": f"{function.__module__}.{function.__qualname__}"}
    for name, cell in zip(function.__code__.co_freevars, function.__closure__ or ()):
        with contextlib.suppress(ValueError):  # one that has no value yet
            told.setdefault("with", {})[name] = inner(cell.cell_contents)
    if not function.__module__.startswith("keras_ssl."):
        constants = [constant for constant in function.__code__.co_consts if isinstance(constant, int | float | str)]
        told["constants"] = [constant for constant in constants if constant != function.__doc__]
    if function.__defaults__ or function.__kwdefaults__:
        told["defaults"] = inner([function.__defaults__, function.__kwdefaults__])
    return told


def _of_any_process(config):
    """A configuration without what is of one process: the numbers that Keras gives to names count all layers in it."""
    names: dict[str, str] = {}

    def collect(part):
        for key, value in part.items() if isinstance(part, dict) else enumerate(part):
            if key == "name" and isinstance(value, str) and value not in names:
                base = re.sub(r"_\d+$", "", value)
                count = sum(re.sub(r"_\d+$", "", other) == base for other in names)
                names[value] = f"{base}_{count}" if count else base
            elif isinstance(value, dict | list | tuple):
                collect(value)

    def rename(part):
        if isinstance(part, dict):
            return {key: rename(value) for key, value in part.items() if key not in _OF_A_MACHINE}
        if isinstance(part, list | tuple):
            return [rename(value) for value in part]
        return names.get(part, part) if isinstance(part, str) else in_words(part)

    collect(config)
    return rename(config)


def _differences(old, new, path):
    """Triples of a path, such as `configuration.encoder.layers.1.units`, and the two things there, if they differ."""
    if isinstance(old, dict) and isinstance(new, dict) and old.get("class_name") == new.get("class_name"):
        pairs = [(key, old.get(key), new.get(key)) for key in dict.fromkeys([*old, *new])]
    elif isinstance(old, list) and isinstance(new, list) and len(old) == len(new):
        pairs = [(key, *pair) for key, pair in enumerate(zip(old, new))]
    else:
        return [(path, _briefly(old), _briefly(new))] if old != new else []
    inner = ((path if key == "config" else f"{path}.{key}", one, other) for key, one, other in pairs)
    return [found for where, one, other in inner for found in _differences(one, other, where)]


def _briefly(value):
    if isinstance(value, dict):
        return value.get("class_name", value.get("function", value.get("class", "a dict")))
    if isinstance(value, list):
        return f"a list of {len(value)}"
    return f"{value:.6g}" if isinstance(value, float) else value
