"""One row of `joint_embedding.py` or `classical.py`, in a process of its own.

python -m benchmarks.joint_embedding_row NAME OPTIONS.json OUTPUT.json
"""

import argparse
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import time

import numpy as np

from benchmarks.memory import peak_gib
from benchmarks.protocol import kept

RAW, UNTRAINED, PCA, PEER = "raw inputs", "untrained encoder", "PCA", "lightly's "
LIGHTLY = {"simclr": "SimCLR", "byol": "BYOL", "simsiam": "SimSiam", "barlow_twins": "BarlowTwins", "vicreg": "VICReg"}
DRAWS = range(5)
IDENTITY = ("dataset", "images", "epochs", "encoder", "backend", "bfloat16", "batch", "rate", "validate")
"""Options that a row's embeddings depend on."""
VALIDATION = 5000  # images at the end of train
HERE = pathlib.Path(__file__).parent


def main(name, options, output):
    """Write the figures of each seed."""
    os.environ |= {"KERAS_BACKEND": options.backend, "TF_CPP_MIN_LOG_LEVEL": "3"}
    os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")  # as keras_ssl does, but before Keras is imported
    import keras

    if options.bfloat16:
        keras.mixed_precision.set_global_policy("mixed_bfloat16")
    train, test = sources(options)
    runs = []
    for seed in range(1 if name == RAW or name.startswith(PCA) else options.seeds):
        features, cost = embeddings(name, options, train, test, seed)
        runs.append(scores(*features, train, test) | cost)
        print(f"{name}, seed {seed}: {runs[-1]}", file=sys.stderr, flush=True)
    pathlib.Path(output).write_text(json.dumps(runs))


def embeddings(name, options, train, test, seed):
    """Representations of train and test images, and what training cost: kept ones, where there are any."""
    from keras_ssl.files import whole_file

    make = peer if name.startswith(PEER) else principal if name.startswith(PCA) else embedded
    if name == RAW or make is principal:  # as quick to make as to load
        return make(name, options, train, test, seed)
    about = {key: getattr(options, key, None) for key in IDENTITY}
    file = kept(name, seed=seed, **about).with_suffix(".npz")
    if file.exists() and not options.again:
        arrays = np.load(file)
        return [arrays["train"], arrays["test"]], json.loads(str(arrays["cost"]))
    features, cost = make(name.removeprefix(PEER), options, train, test, seed)
    with whole_file(file) as beside:
        np.savez(beside, train=features[0], test=features[1], cost=json.dumps(cost))
    return features, cost


def sources(options):
    """Images to train on and to test on, with their labels."""
    from keras_ssl import data

    arrays = np.load(options.data)
    train, test = (
        data.from_arrays(arrays[f"{split}_images"], arrays[f"{split}_labels"], name=options.dataset)
        for split in ("train", "test")
    )
    if options.validate:
        train, test = train[:-VALIDATION], train[-VALIDATION:]
    return train[: options.images], test


def scores(h_train, h_test, train, test):
    """Accuracies of nearest neighbors and of linear classifiers, with all labels and with 10 per class."""
    from keras_ssl import data, evaluate
    from keras_ssl.transfer import fit_linear

    def accuracy(classifier):
        return float((classifier.predict(h_test) == test.labels).mean())

    few = [data.few_indices(train, 10, seed) for seed in DRAWS]
    return {
        "knn": accuracy(evaluate.fit_nearest(h_train, train.labels)),
        "linear": accuracy(fit_linear(h_train, train.labels)),
        "ten_labels": float(np.mean([accuracy(fit_linear(h_train[k], train.labels[k])) for k in few])),
    }


def embedded(name, options, train, test, seed):
    """Representations of train and test images, and what training cost.

    Args:
        name: `RAW`, an objective's name, or `UNTRAINED`, perhaps with ": " and the objective whose encoder it is.
        options: Of the command line.
        train: Source.
        test: Source.
        seed: Of the recipe.
    """
    from keras_ssl import evaluate

    encoder, cost = None, {}
    if name != RAW:
        untrained = name.startswith(UNTRAINED)
        recipe = recipe_for(name.partition(": ")[2] or "simclr" if untrained else name, options, train, seed)
        encoder = recipe.objective.encoder
        if not untrained:
            encoder, cost = trained(name, recipe, options)
            cost |= rebuilt(recipe.objective, test)
    return [evaluate.embed(encoder, source) for source in (train, test)], cost


def rebuilt(objective, test):
    """Errors of the reconstructions of whole images, where the objective makes such."""
    from keras_ssl import evaluate

    whole = hasattr(objective, "reconstruct") and "mask" not in objective.optional_keys
    return evaluate.reconstruction_error(objective, test[:2000]) if whole else {}


def principal(name, options, train, test, seed):
    """Scores on the principal components of the pixels, of which `name` says how many: "PCA, 32"."""
    from sklearn import decomposition

    pixels = [source.inputs().reshape(len(source), -1) for source in (train, test)]
    components = decomposition.PCA(int(name.rpartition(", ")[2]), random_state=seed).fit(pixels[0])
    h = [components.transform(x).astype("float32") for x in pixels]
    error = np.square(components.inverse_transform(h[1][:2000]) - pixels[1][:2000]).mean()
    return h, {"mse": float(error)}


def recipe_for(name, options, train, seed):
    """The data set's recipe, or, on a ResNet-18, the objective's defaults."""
    import keras

    from keras_ssl import encoders, recipes, views

    if options.encoder == "recipe":
        make = recipes.CLASSICAL.get(name) or recipes.choose(name, options.dataset)
        return make(train, options.epochs, seed)
    keras.utils.set_random_seed(seed)
    objective = recipes.JOINT_EMBEDDING[name](encoders.resnet18(train.shape), seed=seed)
    policy = views.natural_images(train.shape[:2], scale=(0.2, 1.0), strength=0.5, blur=0.0, solarize=0.0)
    return recipes.compiled(objective, train, options.epochs, options.rate, policy, options.batch)


def trained(name, recipe, options):
    """The network that embeds after the last epoch, and the cost; goes on from a checkpoint, if there is one."""
    import keras

    from keras_ssl import callbacks, runs

    done, seconds, objective = 0, [], recipe.objective
    file = options.checkpoints and pathlib.Path(options.checkpoints) / f"{options.dataset}_{name}_{recipe.seed}.keras"
    if file and file.exists():
        objective, about = runs.load_model(file), runs.about(file)
        done, seconds = about["done"], about["seconds"]
        print(f"{name}, seed {recipe.seed}: goes on after epoch {done}", file=sys.stderr)
    last = None
    while done < recipe.epochs:
        until = min(done + options.every, recipe.epochs) if file else recipe.epochs
        timer, epochs = clock()
        last = objective.fit(
            recipe.batches(first_epoch=done),
            initial_epoch=done,
            epochs=until,
            callbacks=[timer, callbacks.Progress(f"{name}, seed {recipe.seed}")],
            verbose=0,
        ).history
        done, seconds = until, seconds + epochs
        if file:
            runs.save_model(objective, file, done=done, seconds=seconds)
    steady = seconds[1:] or seconds
    cost = {
        "seconds_per_epoch": float(np.median(steady)),
        "minutes": sum(seconds) / 60,
        "peak_gib": peak_gib(),
        "device": keras.distribution.list_devices()[0] if options.backend == "jax" else "cpu",
    }
    return objective.embedder, cost | {key: values[-1] for key, values in (last or {}).items()}


def peer(name, options, train, test, seed):
    """What `embedded` returns, of lightly's loss, heads and transforms from the same first weights."""
    from keras_ssl import evaluate

    recipe = recipe_for(name, options, train, seed)
    objective = recipe.objective
    weights = {f"weight_{k}": weight for k, weight in enumerate(objective.encoder.get_weights())}
    with tempfile.TemporaryDirectory() as folder:
        given, found = pathlib.Path(folder) / "given.npz", pathlib.Path(folder) / "found.npz"
        untrained = evaluate.embed(objective.encoder, test[:64])
        np.savez(given, train=train.stored, labeled=train.stored, test=test.stored, untrained=untrained, **weights)
        arguments = {
            "epochs": options.epochs,
            "batch": recipe.batch_size,
            "learning-rate": objective.optimizer.get_config()["learning_rate"]["config"]["initial_learning_rate"],
            "temperature": getattr(objective, "temperature", None),
            "momentum": getattr(objective, "target_momentum", None),
            "width": objective.projector.output_shape[-1],
            "seed": seed,
        }
        words = [word for key, value in arguments.items() if value is not None for word in (f"--{key}", str(value))]
        command = [options.peer, str(HERE / "lightly_peer.py"), LIGHTLY[name], str(given), str(found), *words]
        begun = time.perf_counter()
        answer = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout
        cost = json.loads(answer.splitlines()[-1])
        arrays = np.load(found)
        features = [arrays["labeled"], arrays["test"]]
    seconds = cost["seconds"][1:] or cost["seconds"]
    return features, {
        "seconds_per_epoch": float(np.median(seconds)),
        "minutes": (time.perf_counter() - begun) / 60,
        "peak_gib": cost["peak_gib"],
        "loss": cost["loss"],
    }


def clock():
    """A callback and the list that it puts the seconds of each epoch in."""
    import keras

    times: list = []
    callback = keras.callbacks.LambdaCallback(
        on_epoch_begin=lambda epoch, logs: times.append(-time.perf_counter()),
        on_epoch_end=lambda epoch, logs: times.append(times.pop() + time.perf_counter()),
    )
    return callback, times


if __name__ == "__main__":
    row, given, written = sys.argv[1:]
    main(row, argparse.Namespace(**json.loads(pathlib.Path(given).read_text())), written)
