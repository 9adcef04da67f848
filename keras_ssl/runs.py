"""Pretraining into a folder, and finding there what it wrote."""

import json
import os
import pathlib
import tempfile

import keras

from keras_ssl import __version__, callbacks, distribute
from keras_ssl.errors import UserError

__all__ = ["about", "load_model", "pretrain", "save_model", "writable_folder"]

VALUE_RANGE = [0.0, 1.0]


def writable_folder(path):
    """Raise unless files can be written in a folder, or the folder can be made. Nothing is left behind.

    Args:
        path: Path of the folder, which need not be there yet.

    Returns:
        `pathlib.Path`.

    Raises:
        UserError: If it cannot be written in.
    """
    path = pathlib.Path(path)
    nearest = next(folder for folder in (path, *path.absolute().parents) if folder.exists())
    try:
        with tempfile.TemporaryFile(dir=nearest):
            pass
    except OSError as error:
        reason = error.strerror or str(error)
        raise UserError("a folder that can be written in", f"{path} ({reason})", "choose another --out") from error
    return path


def save_model(model, path, **facts):
    """Save a model as a `.keras` file, and beside it, as `.json`, what it was made of. Each is whole or not there.

    Args:
        model: `keras.Model`.
        path: Path that ends with `.keras`.
        **facts: What the JSON file shall hold beside the value range, the input's shape and the version.

    Returns:
        `pathlib.Path` of the `.keras` file.
    """
    path = pathlib.Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f".writing-{path.name}")
    facts = {
        "value_range": VALUE_RANGE,
        "input_shape": list(getattr(model, "embedder", model).input_shape[1:]),
        "keras_ssl": __version__,
        **facts,
    }
    try:
        model.save(beside)
        path.with_suffix(".json").unlink(missing_ok=True)  # a model without a description beats one with another's
        os.replace(beside, path)
    finally:  # of a failure nothing is left
        beside.unlink(missing_ok=True)
    _write_json(path.with_suffix(".json"), facts)
    return path


def _write_json(path, facts):
    """Write a JSON file that is there whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f".writing-{path.name}")
    try:
        beside.write_text(json.dumps(facts, indent=2) + "\n")
        os.replace(beside, path)
    finally:
        beside.unlink(missing_ok=True)


def load_model(path):
    """Load a `.keras` file and check that it was trained on the value range that this package uses.

    Args:
        path: File that `save_model`, or Keras itself, wrote.

    Returns:
        `keras.Model`.

    Raises:
        UserError: If there is no such file, it cannot be loaded, or it was trained on another range.
    """
    path = pathlib.Path(path)
    if not path.is_file() or path.suffix != ".keras":
        raise UserError(
            "a .keras file",
            f"{path}" + ("" if path.exists() else ", which is not there"),
            "give the path of a saved model",
        )
    trained_on = about(path).get("value_range", VALUE_RANGE)
    if trained_on != VALUE_RANGE:
        raise UserError(
            f"a model trained on images in {VALUE_RANGE}",
            f"{path}, trained on {trained_on}",
            "wrap it in a model that rescales its input, or pretrain on images in 0..1",
        )
    try:
        return keras.saving.load_model(path)
    except Exception as error:  # Keras raises many kinds
        reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise UserError(
            "a model that Keras can load",
            f"{path}: {reason}",
            "check that the file is whole and its custom layers are imported",
        ) from error


def about(path):
    """Return what `save_model` wrote beside a model, as a dict; empty where there is nothing.

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


def pretrain(recipe, folder, resume=False, facts=None):
    """Fit a recipe, commit its state after each epoch, and write `encoder.keras` and `objective.keras`.

    Where the recipe was made in the scope of a strategy of several workers, all of them call this; the chief writes.

    Args:
        recipe: `recipes.Recipe`.
        folder: Where to write; see `writable_folder`. Checkpoints are in `folder/checkpoints` and are kept.
        resume: Whether to go on from the newest checkpoint. Without it, a folder with checkpoints is an error, so that
            no work is lost.
        facts: What else the run is determined by, such as the data set's name, or None. A run is gone on with only if
            they, its epochs, seed, batches and precision are those that it was begun with; `encoder.json` holds them.

    Returns:
        `keras.callbacks.History.history` of the epochs that this call trained; empty if all were done.

    Raises:
        UserError: If the folder cannot be used, or holds the checkpoints of something else; or if the replicas cannot
            share a batch evenly.
    """
    folder = writable_folder(folder)
    name = type(recipe.objective).__name__
    facts = {
        "objective": name,
        "epochs": recipe.epochs,
        "seed": recipe.seed,
        "images": [len(recipe.source), *recipe.source.shape],
        "batch_size": recipe.batch_size,
        "precision": keras.config.dtype_policy().name,
        **json.loads(json.dumps(facts or {})),  # as they will be read again
    }
    checkpoints = callbacks.Resume(folder / "checkpoints", recipe.objective)
    chief, replicas = distribute.is_chief(checkpoints.strategy), checkpoints.strategy.num_replicas_in_sync
    if recipe.batch_size % replicas:
        raise UserError(
            f"batches that {replicas} replicas can share evenly",
            f"batches of {recipe.batch_size}",
            "take a number of replicas that divides this",
        )
    begun = checkpoints.manager.latest_checkpoint is not None
    if begun and not resume:
        raise UserError(
            "a folder without checkpoints",
            f"{folder}, where a run was begun",
            "add --resume to go on with it, or choose another --out",
        )
    description = folder / "checkpoints" / "run.json"
    if begun:
        _check_begun_alike(about(description), facts)
    done = checkpoints.restore()
    if chief and (not begun or not description.is_file()):
        _write_json(description, facts)
    history = {}
    if done < recipe.epochs:
        progress = callbacks.Progress(name)
        guarded = [callbacks.Guard(), checkpoints]  # no checkpoint of broken weights
        try:
            history = recipe.objective.fit(
                recipe.batches(first_epoch=done),
                epochs=recipe.epochs,
                initial_epoch=done,
                callbacks=[*guarded, progress] if chief else guarded,
                verbose=0,
            ).history
        finally:
            progress.close()
    if chief:
        save_model(recipe.objective.embedder, folder / "encoder.keras", **facts)
        save_model(recipe.objective, folder / "objective.keras", **facts)
    return history


def _check_begun_alike(begun, facts):
    """Raise unless the run that wrote the facts `begun` (none: an older version's) has the same as this one."""
    if different := [key for key in begun if begun[key] != facts.get(key)]:
        raise UserError(
            "the arguments that the run was begun with: " + ", ".join(f"{key} {begun[key]}" for key in different),
            ", ".join(f"{key} {facts.get(key)}" for key in different),
            "give the same, or begin anew in another folder",
        )
