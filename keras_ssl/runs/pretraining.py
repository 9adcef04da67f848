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
    recipe: Recipe,
    folder: Path,
    resume: bool = False,
    facts: Mapping[str, Any] | None = None,
    go_on: str | None = None,
) -> dict[str, list[float]]:
    """Fit a recipe with checkpoints, and write `encoder.keras` after each epoch and `objective.keras` at the end.

    SIGTERM and Ctrl-C end it after the step in progress, which is saved; see `callbacks.Resume`. If the recipe was made
    in the scope of a strategy with several workers, all of them call this; the chief writes.

    Args:
        recipe: `recipes.Recipe`.
        folder: Folder to write in. Checkpoints are in `folder/checkpoints` and are kept.
        resume: Whether to resume from the newest checkpoint. If False, a folder with checkpoints is an error, so that
            no work is lost. Default: False.
        facts: What else determines the run, such as the data set's name, or None. A run is resumed only if these, its
            epochs, seed, batch size and precision are the same as when it was started; `encoder.json` holds them. It
            may be given more epochs if no schedule depends on their number.
        go_on: How to go on, for the message after an interruption. Default: to call this again.

    Returns:
        `keras.callbacks.History.history` of the epochs that this call trained; empty if all had been done.

    Raises:
        UserError: If the folder cannot be used, or holds the checkpoints of another run; or if the replicas cannot
            share a batch evenly.
        callbacks.Interrupted: After SIGTERM or Ctrl-C.
    """
    folder = writable_folder(folder, "choose another --out")
    known = _facts(recipe, facts)
    go_on = go_on or f"call `runs.pretrain(…, {str(folder)!r}, resume=True)`"
    checkpoints = callbacks.Resume(folder / "checkpoints", recipe.objective, go_on=go_on)
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
    description, schedules = folder / "checkpoints" / "run.json", {"schedules": _schedules(recipe.objective)}
    old = about(description) if started else {}
    _check_same_run(old, known | schedules)
    checkpoints.restore()  # another model's checkpoint is an error before anything is written
    if chief and (not old or old.get("epochs") != recipe.epochs):
        write_json(description, known | schedules)
    history = _fit(recipe, checkpoints, folder, known)
    if chief:
        save_model(recipe.objective.embedder, folder / "encoder.keras", **known)
        save_model(recipe.objective, folder / "objective.keras", **known)
    return history


def _facts(recipe, others):
    """What determines the run, as it will be read from the file."""
    return {
        "objective": type(recipe.objective).__name__,
        "epochs": recipe.epochs,
        "seed": recipe.seed,
        "samples": len(recipe.source),
        "data": specs.to_json(recipe.source.specs),
        "batch_size": recipe.batch_size,
        "precision": keras.config.dtype_policy().name,
        **json.loads(json.dumps(dict(others or {}))),
    }


def _schedules(objective):
    """All schedules, of the optimizers and the objective, which may depend on the number of epochs."""
    schedule = keras.optimizers.schedules.LearningRateSchedule
    optimizers = [update.optimizer.get_config() for update in objective.updates]
    found = [value for config in optimizers for value in config.values() if isinstance(value, dict)]
    own = [keras.saving.serialize_keras_object(v) for v in vars(objective).values() if isinstance(v, schedule)]
    return json.loads(json.dumps(found + own))


def _fit(recipe, checkpoints, folder, facts):
    chief = distribute.is_chief(checkpoints.strategy)
    progress = callbacks.Progress(facts["objective"])
    beside = []
    if chief:
        encoder = recipe.objective.embedder
        save = keras.callbacks.LambdaCallback(
            on_epoch_end=lambda epoch, logs: save_model(encoder, folder / "encoder.keras", **facts)
        )
        beside += [save, progress]
    try:
        fitted = checkpoints.fit(
            lambda step: recipe.batches(first_step=step), recipe.epochs, callbacks=beside, verbose=0
        )
    finally:
        progress.close()
    return fitted.history


def _check_same_run(old, facts):
    """Raise unless the run that wrote the facts `old` (none if by an older version) can go on with these.

    The schedules are the same for more epochs only if none depends on their number.
    """
    different = [key for key in old if old[key] != facts.get(key)]
    if different == ["epochs"] and "schedules" in old and facts["epochs"] > old["epochs"]:
        return
    if "epochs" in different and "schedules" in different:
        different.remove("schedules")
    if different:
        raise UserError(
            "the arguments that the run was started with: " + ", ".join(f"{key} {old[key]}" for key in different),
            ", ".join(f"{key} {facts.get(key)}" for key in different),
            "give the same, or start anew in another folder",
        )
