"""Model files, a JSON file of facts beside each, and the tokenizer of those that take ids of text."""

import dataclasses
import json
import pathlib
from typing import Any

import keras

from keras_ssl import __version__, specs
from keras_ssl.data import Preparation, SeriesPreparation, SoundPreparation
from keras_ssl.errors import UserError
from keras_ssl.files import whole_file, write_json
from keras_ssl.names import check_model_file
from keras_ssl.networks import check_finite_weights, embedder
from keras_ssl.tokenizers import Tokenizer, check_fits
from keras_ssl.tokenizers import load as load_tokenizer
from keras_ssl.typing import Path

__all__ = ["about", "load_encoder", "load_model", "preparation_of", "save_model", "tokenizer_of"]

_TOKENIZER = ".tokenizer.json"


def save_model(model: keras.Model, path: Path, tokenizer: Tokenizer | None = None, **facts: Any) -> pathlib.Path:
    """Save a model as a `.keras` file, and facts about it as a `.json` file beside it. Each is written whole or not.

    Args:
        model: `keras.Model`.
        path: Path that ends with `.keras`.
        tokenizer: What made the ids that the model takes. It is written beside `encoder.keras` as
            `encoder.tokenizer.json`. Default: None.
        **facts: What the JSON file should hold beside the specs of the model's inputs and the version.

    Returns:
        `pathlib.Path` of the `.keras` file.

    Raises:
        UserError: If a weight is not finite, or the model takes no ids of the tokenizer's vocabulary.
    """
    check_finite_weights(model)
    path, takes = pathlib.Path(path), specs.specs_of(embedder(model))
    facts = {"specs": specs.to_json(takes), "keras_ssl": __version__, **facts}
    if tokenizer is not None:
        check_fits(tokenizer, _all_inputs(model))
        facts["tokenizer"] = tokenizer.to_json()
    with whole_file(path) as beside:
        model.save(beside)
        for suffix in (".json", _TOKENIZER):  # none is better than another model's
            path.with_suffix(suffix).unlink(missing_ok=True)
    if tokenizer is not None:
        tokenizer.save(path.with_suffix(_TOKENIZER))
    write_json(path.with_suffix(".json"), facts)
    return path


def _all_inputs(model) -> specs.Specs:
    """What a model takes; of an objective what its batches hold, such as texts beside images."""
    if not hasattr(model, "batch_specs"):
        return specs.specs_of(model)
    return {str(k): spec for k, spec in enumerate(keras.tree.flatten(model.batch_specs))}


def load_model(path: Path) -> keras.Model:
    """Load a `.keras` file, and check that it takes what the file beside it says that it was trained on.

    Args:
        path: File that `save_model`, or Keras itself, wrote.

    Returns:
        `keras.Model`.

    Raises:
        UserError: If there is no such file, it cannot be loaded, or it was trained on other shapes, dtypes or ranges.
    """
    path = pathlib.Path(path)
    check_model_file(path)
    described = about(path).get("specs")  # before the model is loaded, so that a broken file is told first
    model = _loaded(path)
    if described is not None and (wanted := specs.from_json(described)) != (found := specs.specs_of(embedder(model))):
        raise UserError(
            f"a model trained on {_words(wanted)}",
            f"{path}, which takes {_words(found)}",
            "wrap it in a model that converts its input, or remove the .json file if it belongs to another model",
        )
    return model


def _words(found):
    return str(found) if isinstance(found, specs.Spec) else ", ".join(f"{name}: {spec}" for name, spec in found.items())


def _loaded(path):
    try:
        return keras.saving.load_model(path)
    except Exception as error:  # Keras raises many kinds
        reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise UserError(
            "a model that Keras can load",
            f"{path}: {reason}",
            "if you trust the file, call `keras.config.enable_unsafe_deserialization()` first; better, save it "
            "anew with `keras.ops` in place of the Lambda layer"
            if "`Lambda`" in reason
            else "check that the file is complete and its custom layers are imported",
        ) from error


def load_encoder(path: Path) -> keras.Model:
    """Load a `.keras` file, and return the model, or the embedder of an objective. See `load_model`.

    Args:
        path: File of an encoder or an objective.
    """
    return embedder(load_model(path))


def about(path: Path) -> dict[str, Any]:
    """Return the facts that `save_model` wrote beside a model; an empty dict if there are none.

    Args:
        path: Path of the `.keras` file.

    Raises:
        UserError: If the file beside it is not JSON.
    """
    description = pathlib.Path(path).with_suffix(".json")
    if not description.is_file():
        return {}
    try:
        return json.loads(description.read_text())
    except ValueError as error:
        raise UserError("a JSON file", f"{description}: {error}", "remove it, or restore it from the run") from error


def tokenizer_of(path: Path) -> Tokenizer | None:
    """Return the tokenizer that `save_model` wrote beside a model; None if the model has none.

    Args:
        path: Path of the `.keras` file.

    Raises:
        UserError: If it is missing, or is that of another model.
    """
    known, file = about(path).get("tokenizer"), pathlib.Path(path).with_suffix(_TOKENIZER)
    if known is None:
        return None
    found = load_tokenizer(file)
    if found.to_json() != known:
        raise UserError(
            f"the tokenizer of {path}: {_which(known)}",
            f"{file}: {_which(found.to_json())}",
            "restore the file that was written with the model; another tokenizer's ids mean nothing to it",
        )
    return found


def _which(known):
    return f"{known.get('kind')} with {known.get('vocabulary')} ids, SHA-256 {str(known.get('sha256'))[:12]}…"


def preparation_of(path: Path, fit: str | None = None) -> dict[str, Any]:
    """Return how the samples were prepared that a model was trained on, as arguments for `data.load`.

    Args:
        path: Path of the `.keras` file.
        fit: Another `fit` of images, in place of the one that was kept. Default: None.

    Returns:
        Dict of `rate` and `length` if these were recordings, of `channel_names` if they were series of named channels,
        else of `fit` and `background`; where nothing was kept, those of `data.Preparation()`.

    Raises:
        UserError: If the file beside it is not JSON, or has values that are none; or a model of sound or series is
            given a `fit`.
    """
    kept = about(path).get("preparation") or {}
    samples: str = "images"
    make: Any = Preparation
    for key, name, other in (("rate", "recordings", SoundPreparation), ("channel_names", "series", SeriesPreparation)):
        if key in kept:
            samples, make = name, other
    try:
        known = make(**kept)
    except TypeError as error:
        received = f"{kept} in the .json file beside {path}"
        raise UserError(f"a preparation of {samples}", received, "restore it") from error
    if not isinstance(known, Preparation):
        if fit is not None:
            raise UserError("a `fit` for images only", f"{fit!r} for {path}, which takes {samples}", "leave it out")
        return known.to_json()
    return (known if fit is None else dataclasses.replace(known, fit=fit)).to_json()
