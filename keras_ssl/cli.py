"""The command line: parses, calls, prints."""

import functools
import os
import shlex
import signal
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from keras_ssl import __version__, files, names
from keras_ssl.backends import require_tensorflow
from keras_ssl.commands import Command, Commands, checked_by, debug
from keras_ssl.errors import UserError

__all__ = ["app", "main"]

app = typer.Typer(
    cls=Commands,
    epilog="--debug, anywhere, shows the traceback of an error, and the log lines of TensorFlow and CUDA.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,  # rich takes longer to import than all the rest
    pretty_exceptions_enable=False,
)

_LAUNCH = "KERAS_SSL_LAUNCH"
"""Environment variable with the words before a worker's command, which `launch` runs."""


def _show_version(wanted):
    if wanted:
        typer.echo(f"keras-ssl {__version__}")
        raise typer.Exit


def _at_least_one(epochs):
    if epochs < 1:
        raise UserError("at least one epoch", f"--epochs {epochs}", "give 1 or more")


def _numbers(text):
    try:
        return tuple(int(part) for part in text.split(","))
    except ValueError as error:
        raise UserError(
            "whole numbers with commas between them", repr(text), "write --labels-per-class 1,5,10"
        ) from error


def _check_launched(ctx: typer.Context, command: list[str]):
    whole: Any = ctx.parent
    if not any("multiworker" in word for word in command):
        raise UserError("a command with --strategy multiworker", " ".join(command), "add it, or each trains alone")
    name, launched, words = whole.command.resolve_command(whole, list(command))
    launched.make_context(name, words, parent=whole)  # raises where the command itself would
    return command


Dataset = Annotated[
    str,
    typer.Option(
        help="A name ('digits', any set of TensorFlow Datasets), a folder of images, recordings or videos, or a file "
        "of arrays, texts, series, or pictures with texts.",
        callback=checked_by(names.check_dataset),
    ),
]
Out = Annotated[Path, typer.Option(help="Folder to write in.")]
Seed = Annotated[int, typer.Option(min=0, help="Seed of weights, order and views.")]
Encoder = Annotated[
    Path,
    typer.Option(
        help="encoder.keras or objective.keras, as pretrain writes them.", callback=checked_by(names.check_model_file)
    ),
]
_fit = functools.partial(typer.Option, callback=checked_by(names.check_fit))
Fit = Annotated[
    str | None,
    _fit(help="'crop', 'pad' or 'stretch': how images get their size. Default: as the encoder was trained, or 'crop'."),
]
Objective = Annotated[
    str,
    typer.Option(
        help="'simclr', 'gan', …, of text 'masked_language_model', of series 'ts2vec', of pictures with texts 'clip'; "
        "an unknown one lists them all.",
        callback=checked_by(names.check_objective),
    ),
]
Strategy = Annotated[
    str,
    typer.Option(
        help="'none', 'mirrored' (all GPUs of this machine) or 'multiworker' (those of TF_CONFIG).",
        callback=checked_by(names.check_strategy),
    ),
]
SkipBroken = Annotated[bool, typer.Option("--skip-broken", help="Leave out files that cannot be read.")]


# ---- resuming --------------------------------------------------------------------------------------------------------


def _says_how_to_go_on(command):
    """Answer a Ctrl-C that `callbacks.Resume` does not see, as while images are read, by the command to go on."""

    @functools.wraps(command)
    def run(**options):
        try:
            command(**options)
        except KeyboardInterrupt:
            from keras_ssl.callbacks.checkpoints import checkpoint_numbers

            saved = bool(checkpoint_numbers(options["out"] / "checkpoints"))
            said = "To go on" if saved else "Nothing is saved yet. To start again"
            typer.echo(f"keras-ssl: SIGINT ended the run. {said}: {_command_to_resume(saved)}", err=True)
            raise typer.Exit(128 + signal.SIGINT) from None

    return run


def _command_to_resume(saved=True):
    """The command that this process was started with, and --resume if something is saved."""
    program = [sys.argv[0]] if Path(sys.argv[0]).stem == "keras-ssl" else [sys.executable, "-m", "keras_ssl"]
    words = [*program, *shlex.split(os.environ.get(_LAUNCH, "")), *sys.argv[1:]]
    return shlex.join([*words, "--resume"] if saved and "--resume" not in words else words)


# ---- commands --------------------------------------------------------------------------------------------------------


@app.callback()
def _options(
    version: Annotated[
        bool, typer.Option("--version", is_eager=True, help="Show the version and exit.", callback=_show_version)
    ] = False,
) -> None:
    """Pretrain an encoder without labels, transfer it with few labels, ship it."""


@app.command(cls=Command)
def demo(
    dataset: Dataset = "digits",
    out: Out = Path("out"),
    seed: Seed = 0,
    epochs: Annotated[
        int | None,
        typer.Option(help="Epochs of both pretrainings. Default: the recipes'.", callback=checked_by(_at_least_one)),
    ] = None,
) -> None:
    """Pretrain, evaluate, fine-tune and deploy. Writes a report on one data set."""
    from keras_ssl.runs import demo

    demo.run(dataset, out, seed, epochs, say=typer.echo)


@app.command(cls=Command)
@_says_how_to_go_on
def pretrain(
    dataset: Dataset,
    objective: Objective = "simclr",
    epochs: Annotated[
        int | None, typer.Option(help="Default: those of the data set's recipe.", callback=checked_by(_at_least_one))
    ] = None,
    seed: Seed = 0,
    mixed_precision: Annotated[bool, typer.Option("--mixed-precision", help="Compute in bfloat16.")] = False,
    size: Annotated[int | None, typer.Option(min=1, help="Height and width of resized images and videos (64).")] = None,
    fit: Annotated[str, _fit(help="'crop', 'pad' or 'stretch': how images get their size.")] = "crop",
    background: Annotated[
        str,
        typer.Option(
            help="Color behind transparent images and around padded ones.", callback=checked_by(names.background)
        ),
    ] = "white",
    rate: Annotated[int | None, typer.Option(min=1, help="Sample rate in Hz. Default: of most recordings.")] = None,
    seconds: Annotated[float | None, typer.Option(help="Length that recordings are cut to. Default: any.")] = None,
    skip_broken: SkipBroken = False,
    vocabulary: Annotated[int | None, typer.Option(min=261, help="Most ids of a tokenizer of texts (8000).")] = None,
    length: Annotated[
        int | None, typer.Option(min=2, help="Most tokens of a text (128; with pictures 32), or frames of a clip (20).")
    ] = None,
    strategy: Strategy = "none",
    trust: Annotated[bool, typer.Option("--trust", help="Do not decode all files first if they are many.")] = False,
    resume: Annotated[bool, typer.Option("--resume", help="Resume the run in --out.")] = False,
    out: Out = Path("out"),
) -> None:
    """Train an encoder without labels. Writes encoder.keras and objective.keras."""
    import keras

    from keras_ssl import distribute, recipes, runs
    from keras_ssl.data.loading import resolved

    require_tensorflow("which pretrain needs for its checkpoints", "set KERAS_BACKEND=tensorflow")
    make_recipe = recipes.choose(objective, dataset)
    out = files.writable_folder(out, "choose another --out")
    replicas = distribute.strategy(strategy)  # before anything else runs: collectives are set up when TensorFlow starts
    chief = distribute.is_chief(replicas)
    runs.check_folder(out, resume, alone=chief)  # before the images are read
    if mixed_precision:
        keras.mixed_precision.set_global_policy("mixed_bfloat16")
    say = typer.echo if chief else str  # the other workers say nothing
    reading = {"trust": trust, "fit": fit, "background": background, "skip_broken": skip_broken, "say": say}
    options = {"size": size, "length": length, "vocabulary": vocabulary, "rate": rate, "seconds": seconds}
    source = runs.load_unlabeled(objective, dataset, options, **reading)
    recipes.check_kind(source, objective)
    source.check(at_least=2)
    shared = len(source) - len(source) % replicas.num_replicas_in_sync
    source = source[:shared]  # else a replica may get an empty batch
    with replicas.scope():
        recipe = make_recipe(source, epochs, seed)
    if chief:
        parts = source.specs.values() if isinstance(source.specs, dict) else [source.specs]
        shapes = " and ".join(str(spec.shape[1:]) for spec in parts)
        long = f"{recipe.epochs} epoch{'s' * (recipe.epochs != 1)}"
        typer.echo(f"{len(source):,} {source.plural} of {shapes}; {long} of {objective}")
    facts = {"dataset": resolved(dataset), "recipe": make_recipe}
    runs.pretrain(recipe, out, resume, facts, go_on=_command_to_resume(), say=typer.echo)
    if chief:
        typer.echo(f"Encoder: {out / 'encoder.keras'}")


@app.command(cls=Command, context_settings={"allow_interspersed_args": False})
def launch(
    command: Annotated[
        list[str],
        typer.Argument(help="The command, such as pretrain --strategy multiworker …", callback=_check_launched),
    ],
    workers: Annotated[int, typer.Option(min=1, help="Number of processes.")] = 2,
) -> None:
    """Run a command in several processes of this machine. They are one cluster; if one fails, all are stopped."""
    from keras_ssl import distribute

    os.environ[_LAUNCH] = shlex.join(["launch", "--workers", str(workers)])
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))  # so that no worker outlives this process
    distribute.launch([sys.executable, "-m", "keras_ssl", *command, *["--debug"] * debug()], workers)


@app.command(cls=Command)
def evaluate(
    encoder: Encoder,
    dataset: Dataset,
    labels_per_class: Annotated[
        str | None,
        typer.Option(
            help="Numbers with commas. Default: those of 1,5,10,100 that every class has.",
            callback=checked_by(_numbers),
        ),
    ] = None,
    seeds: Annotated[int, typer.Option(min=1, help="Draws of labels.")] = 5,
    steps: Annotated[
        int, typer.Option(min=1, help="Steps of fine-tuning and training from scratch, 32 samples each.")
    ] = 300,
    fit: Fit = None,
    skip_broken: SkipBroken = False,
    out: Annotated[Path | None, typer.Option(help="Folder for results.json.")] = None,
) -> None:
    """Measure an encoder with few labels, beside baselines; of pictures with texts, which find each other."""
    from keras_ssl import data, progress, runs

    counts = None if labels_per_class is None else _numbers(labels_per_class)
    out = None if out is None else files.writable_folder(out, "choose another --out")
    prepared = runs.preparation_of(encoder, fit)
    if data.has_pairs(dataset):
        found = runs.evaluate_pairs(encoder, dataset, out, typer.echo, skip_broken=skip_broken, **prepared)
        typer.echo(runs.retrieval_table(found))
        return
    model = runs.load_encoder(encoder)
    reading: dict[str, Any] = {**prepared, "skip_broken": skip_broken, "tokenizer": runs.tokenizer_of(encoder)}
    train, test = runs.load_labeled(dataset, model, say=typer.echo, **reading)
    facts = {"dataset": dataset, "encoder": str(encoder)}
    with progress.bar("Few labels", after=0) as move:
        few = runs.evaluate(model, train, test, counts, seeds, steps, out, facts, move)
    typer.echo(few.text())
    if out is not None:
        typer.echo(f"Results: {out / 'results.json'}")


@app.command(cls=Command)
def finetune(
    encoder: Encoder,
    dataset: Dataset,
    labels_per_class: Annotated[
        int | None, typer.Option(min=1, help="Labels of each class to use. Default: all.")
    ] = None,
    steps: Annotated[int, typer.Option(min=1, help="Steps of Adam, 32 samples each.")] = 300,
    way: Annotated[
        str,
        typer.Option(help=f"What trains, and how: {', '.join(names.WAYS)}.", callback=checked_by(names.check_way)),
    ] = "lp_ft",
    seed: Seed = 0,
    fit: Fit = None,
    skip_broken: SkipBroken = False,
    out: Out = Path("out"),
) -> None:
    """Train a classifier from an encoder and labeled images. Writes classifier.keras."""
    from keras_ssl import progress, runs

    out = files.writable_folder(out, "choose another --out")
    model = runs.load_encoder(encoder)
    prepared = runs.preparation_of(encoder, fit)
    reading: dict[str, Any] = {**prepared, "skip_broken": skip_broken, "tokenizer": runs.tokenizer_of(encoder)}
    train, test = runs.load_labeled(dataset, model, say=typer.echo, **reading)
    with progress.bar("Fine-tuning", after=0) as move:
        path, figures = runs.finetune(
            model, train, test, out, labels_per_class, steps, seed, way, move, dataset=dataset
        )
    typer.echo("Test: " + ", ".join(f"{name} {value:.3f}" for name, value in figures.items()))
    typer.echo(f"Classifier: {path}")


@app.command(cls=Command)
def export(
    model: Annotated[
        Path,
        typer.Argument(
            help="classifier.keras, encoder.keras, or objective.keras with all that it serves.",
            callback=checked_by(names.check_model_file),
        ),
    ],
    out: Out = Path("out/model"),
    input_dtype: Annotated[
        str,
        typer.Option(
            help="'float32' for images in 0..1, 'uint8' for 0..255; 'int16' for sound.",
            callback=checked_by(names.check_input_dtype),
        ),
    ] = "float32",
    tolerance: Annotated[float, typer.Option(help="Largest relative difference between the formats.")] = 1e-5,
    version: Annotated[int | None, typer.Option(help="Default: the next one.")] = None,
    dataset: Annotated[
        str | None,
        typer.Option(
            help="Data to verify on. Default: random samples, for which a classifier may answer all alike.",
            callback=checked_by(names.check_dataset),
        ),
    ] = None,
    skip_broken: SkipBroken = False,
) -> None:
    """Export a model for serving. Writes a version folder with a SavedModel, an ONNX file and a manifest, verified."""
    from keras_ssl import export, progress, runs

    about = runs.about(model)
    class_names, prepared = about.get("class_names"), runs.preparation_of(model) if "preparation" in about else None
    loaded, tokenizer, samples = runs.load_model(model), runs.tokenizer_of(model), None
    if dataset is not None:
        reading = {**(prepared or {}), "tokenizer": tokenizer, "say": typer.echo, "skip_broken": skip_broken}
        samples = runs.load_to_verify(dataset, loaded, input_dtype, **reading)
    asset: dict[str, Any] = {"preparation": prepared, "tokenizer": tokenizer}
    with progress.bar("Exporting and verifying", after=0):
        path = export.deploy(loaded, out, samples, input_dtype, tolerance, class_names, version, **asset)
    typer.echo(f"Model: {path}")
    typer.echo(f"SHA-256 of manifest.json: {(path / 'manifest.sha256').read_text().split()[0]}")


@app.command(cls=Command)
def embed(
    encoder: Encoder,
    dataset: Dataset,
    split: Annotated[str, typer.Option(help="Part of the data set.")] = "train",
    fit: Fit = None,
    skip_broken: SkipBroken = False,
    out: Annotated[Path, typer.Option(help="File for embeddings, labels, names, paths.")] = Path("embeddings.npz"),
) -> None:
    """Write the representations of a data set as an .npz file."""
    from keras_ssl import progress, runs

    out = out if out.suffix == ".npz" else out.with_name(f"{out.name}.npz")  # as NumPy does
    files.writable_folder(out.parent, "choose another --out")
    model = runs.load_encoder(encoder)
    prepared = runs.preparation_of(encoder, fit)
    reading: dict[str, Any] = {**prepared, "skip_broken": skip_broken, "tokenizer": runs.tokenizer_of(encoder)}
    source = runs.load_fitting(dataset, split, model, **reading, say=typer.echo)
    with progress.bar("Embedding") as move:
        h = runs.write_embeddings(model, source, out, move)
    typer.echo(f"{h.shape} in {out}")


def main() -> None:
    """Run the command line. An error is one paragraph on stderr and exit status 2, a signal 128 and its number."""
    arguments = [word for word in sys.argv[1:] if word != "--debug"]
    try:
        app(args=arguments, prog_name="keras-ssl")
    except SystemExit as end:
        if signum := getattr(
            end, "signum", None
        ):  # of `callbacks.Interrupted`, which is not imported for every command
            typer.echo(f"keras-ssl: {end}", err=True)
            sys.exit(128 + signum)
        raise
    except (UserError, OSError, MemoryError) as error:
        if debug():
            raise
        typer.echo(f"keras-ssl: {error}", err=True)
        sys.exit(2)
    except Exception as error:
        if debug():
            raise
        reason = " ".join(str(error).split())
        typer.echo(f"keras-ssl: {type(error).__name__}: {reason} (--debug shows where)", err=True)
        sys.exit(2)
