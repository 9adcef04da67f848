"""Pretraining into a folder."""

import pathlib
from collections.abc import Callable, Mapping
from typing import Any

import keras

from keras_ssl import callbacks, distribute
from keras_ssl.callbacks.checkpoints import checkpoint_numbers
from keras_ssl.errors import UserError
from keras_ssl.figures import report
from keras_ssl.files import Lock, writable_folder
from keras_ssl.recipes import Recipe
from keras_ssl.runs import sections
from keras_ssl.runs.facts import check_same_run, facts_of
from keras_ssl.runs.model_files import load_model, save_model
from keras_ssl.specs import specs_of
from keras_ssl.typing import Path

__all__ = ["check_folder", "pretrain"]


def check_folder(folder: Path, resume: bool, alone: bool = True) -> None:
    """Raise unless a run can be started, or resumed, in a folder. `pretrain` does this; here it is before the data.

    Args:
        folder: Folder to write in.
        resume: Whether a run is to be resumed.
        alone: Whether no other process may train into it: of several workers, the chief. Default: True.

    Raises:
        UserError: If there are checkpoints and `resume` is False, or none and it is True; or another process trains
            into the folder.
    """
    folder = pathlib.Path(folder)
    if (folder / "checkpoints" / "checkpoint").is_file():
        raise UserError(
            f"checkpoints that this version of keras_ssl wrote in {folder}",
            "those of an older one, which had no sums",
            "choose another --out",
        )
    started = bool(checkpoint_numbers(folder / "checkpoints"))
    if resume and not started:
        raise UserError(
            f"a run to resume in {folder}",
            "a folder without checkpoints" if folder.exists() else "a folder that does not exist",
            "check --out, or leave --resume out to start a run",
        )
    if alone and folder.exists():
        with Lock(folder / "checkpoints"):
            pass
    if started and not resume:
        raise UserError(
            "a folder without checkpoints",
            f"{folder}, where a run was started",
            "add --resume to resume it, or choose another --out",
        )


def pretrain(
    recipe: Recipe,
    folder: Path,
    resume: bool = False,
    facts: Mapping[str, Any] | None = None,
    go_on: str | None = None,
    say: Callable[[str], object] | None = None,
) -> dict[str, list[float]]:
    """Fit a recipe with checkpoints, and write `encoder.keras` after each epoch and `objective.keras` at the end.

    The tokenizer of a source of texts is written beside each that takes ids, as `encoder.tokenizer.json`. At the end
    `pretraining.html` shows the loss, and pictures of the samples and of what the objective makes of them.

    SIGTERM and Ctrl-C end it after the step in progress, which is saved; see `callbacks.Resume`. If the recipe was made
    in the scope of a strategy with several workers, all of them call this; the chief writes.

    Args:
        recipe: `recipes.Recipe`.
        folder: Folder to write in. Checkpoints are in `folder/checkpoints` and are kept.
        resume: Whether to resume from the newest checkpoint; without one that is an error. If False, a folder with
            checkpoints is an error, so that no work is lost. Default: False.
        facts: What else determines the run, such as the data set's name and the function that made the recipe, or
            None. A run is resumed only if these, its epochs, seed, batch size, precision, views, targets, optimizers
            and the configuration of its objective are the same as when it was started; `encoder.json` holds them. It
            may be given more epochs if no schedule depends on their number.
        go_on: How to go on, for the message after an interruption. Default: to call this again.
        say: Called with a sentence that says where a run goes on, or None.

    Returns:
        `keras.callbacks.History.history` of the epochs that this call trained; empty if all had been done.

    Raises:
        UserError: If the folder cannot be used, another process trains into it, or it holds the checkpoints of another
            run; if there is nothing to resume; or if the replicas cannot share a batch evenly.
        callbacks.Interrupted: After SIGTERM or Ctrl-C.
    """
    folder = writable_folder(folder, "choose another --out")
    known = facts_of(recipe, facts)
    go_on = go_on or f"call `runs.pretrain(…, {str(folder)!r}, resume=True)`"
    run = callbacks.Resume(folder / "checkpoints", recipe.objective, go_on=go_on, facts=known)
    chief, replicas = distribute.is_chief(run.strategy), run.strategy.num_replicas_in_sync
    if recipe.batch_size % replicas:
        raise UserError(
            f"batches that {replicas} replicas can share evenly",
            f"batches of {recipe.batch_size}",
            "take a number of replicas that divides this",
        )
    check_folder(folder, resume, alone=chief)
    with run.alone():
        run.checkpoints.find()
        check_same_run(run.checkpoints.facts(), known)
        epochs = run.restore()  # another model's checkpoint is an error before anything is written
        if resume and chief and say is not None:
            say(f"Resuming {_place(epochs, run, recipe.epochs)}")
        history = _fit(recipe, run, folder, known)
        if chief:
            _save(recipe, recipe.objective.embedder, folder / "encoder.keras", known)
            _save(recipe, recipe.objective, folder / "objective.keras", known)
            if history:
                _write_page(recipe, history, folder, replicas)
    return history


def _write_page(recipe, history, folder, replicas):
    """Write the report. Of several replicas it is drawn by the saved model, which waits for no other worker."""
    objective = recipe.objective if replicas == 1 else load_model(folder / "objective.keras")
    name, loss, source = type(objective).__name__, history["loss"], recipe.source
    since = f" in the last {len(loss)} of {recipe.epochs} epochs" if len(loss) < recipe.epochs else ""  # if resumed
    lead = f"The loss of {name} on {len(source):,} {source.plural} went from {loss[0]:.4g} to {loss[-1]:.4g}{since}."
    facts = {"data set": source.name, "epochs": recipe.epochs, "seed": recipe.seed, "batch size": recipe.batch_size}
    pages = sections.of_pretraining(recipe, objective, history)
    report.write(folder / "pretraining.html", f"{name} on {source.name}", lead, facts, pages)


def _place(epochs, run, of):
    """Where a run goes on, in words."""
    position = run.step - epochs * int(run.steps)
    if epochs >= of:
        return f"after epoch {epochs}, the last: nothing is left to train."
    where = f"after step {position} of {int(run.steps)} in epoch {epochs + 1}" if position else f"after epoch {epochs}"
    return f"{where}, of {of} epochs."


def _save(recipe, model, path, facts):
    """Save a model with the tokenizer of the source, about which `facts` tell what `save_model` tells, too."""
    others = {name: fact for name, fact in facts.items() if name != "tokenizer"}
    reads = model is recipe.objective or any(spec.kind == "ids" for spec in keras.tree.flatten(specs_of(model)))
    save_model(model, path, recipe.source.tokenizer if reads else None, **others)


def _fit(recipe, run, folder, facts):
    chief = distribute.is_chief(run.strategy)
    progress = callbacks.Progress(facts["objective"])
    beside = []
    if chief:
        encoder = recipe.objective.embedder
        save = keras.callbacks.LambdaCallback(
            on_epoch_end=lambda epoch, logs: _save(recipe, encoder, folder / "encoder.keras", facts)
        )
        beside += [save, progress]
    try:
        fitted = run.fit(lambda step: recipe.batches(first_step=step), recipe.epochs, callbacks=beside, verbose=0)
    finally:
        progress.close()
    return fitted.history
