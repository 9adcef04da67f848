"""Pretraining into a folder."""

import json
from collections.abc import Mapping
from typing import Any

import keras

from keras_ssl import callbacks, distribute, specs
from keras_ssl.errors import UserError
from keras_ssl.files import writable_folder, write_json
from keras_ssl.recipes import Recipe
from keras_ssl.runs.model_files import about, save_model
from keras_ssl.typing import Path

__all__ = ["pretrain"]


def pretrain(
    recipe: Recipe, folder: Path, resume: bool = False, facts: Mapping[str, Any] | None = None
) -> dict[str, list[float]]:
    """Fit a recipe, save a checkpoint after each epoch, and write `encoder.keras` and `objective.keras`.

    If the recipe was made in the scope of a strategy with several workers, all of them call this; the chief writes.

    Args:
        recipe: `recipes.Recipe`.
        folder: Folder to write in. Checkpoints are in `folder/checkpoints` and are kept.
        resume: Whether to resume from the newest checkpoint. If False, a folder with checkpoints is an error, so that
            no work is lost. Default: False.
        facts: What else determines the run, such as the data set's name, or None. A run is resumed only if these, its
            epochs, seed, batch size and precision are the same as when it was started; `encoder.json` holds them.

    Returns:
        `keras.callbacks.History.history` of the epochs that this call trained; empty if all had been done.

    Raises:
        UserError: If the folder cannot be used, or holds the checkpoints of another run; or if the replicas cannot
            share a batch evenly.
    """
    folder = writable_folder(folder, "choose another --out")
    name = type(recipe.objective).__name__
    facts = {
        "objective": name,
        "epochs": recipe.epochs,
        "seed": recipe.seed,
        "samples": len(recipe.source),
        "data": specs.to_json(recipe.source.specs),
        "batch_size": recipe.batch_size,
        "precision": keras.config.dtype_policy().name,
        **json.loads(json.dumps(dict(facts or {}))),  # as they will be read from the file
    }
    checkpoints = callbacks.Resume(folder / "checkpoints", recipe.objective)
    chief, replicas = distribute.is_chief(checkpoints.strategy), checkpoints.strategy.num_replicas_in_sync
    if recipe.batch_size % replicas:
        raise UserError(
            f"batches that {replicas} replicas can share evenly",
            f"batches of {recipe.batch_size}",
            "take a number of replicas that divides this",
        )
    started = checkpoints.manager.latest_checkpoint is not None
    if started and not resume:
        raise UserError(
            "a folder without checkpoints",
            f"{folder}, where a run was started",
            "add --resume to resume it, or choose another --out",
        )
    description = folder / "checkpoints" / "run.json"
    if started:
        _check_same_run(about(description), facts)
    done = checkpoints.restore()
    if chief and (not started or not description.is_file()):
        write_json(description, facts)
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


def _check_same_run(old, facts):
    """Raise unless the run that wrote the facts `old` (none if by an older version) had the same as this one."""
    if different := [key for key in old if old[key] != facts.get(key)]:
        raise UserError(
            "the arguments that the run was started with: " + ", ".join(f"{key} {old[key]}" for key in different),
            ", ".join(f"{key} {facts.get(key)}" for key in different),
            "give the same, or start anew in another folder",
        )
