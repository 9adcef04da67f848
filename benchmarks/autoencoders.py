"""Autoencoder, VAE and β-VAE beside pythae's, in one run: error, bound, divergence and seconds per epoch.

    python -m benchmarks.autoencoders --peer /tmp/pythae-venv/bin/python

Both sides have the same dense networks, 784-512-256-16 and back, with ReLU; the same first weights, images, order,
batches and Adam; the peer's process compares the untrained networks. Autoencoders have linear outputs and squared
error, which pythae sums over pixels where the mean is taken here (which changes Adam by its epsilon only); the
others have a Bernoulli likelihood of the gray values. Draws from the posterior differ.

Measured on the test split after the last epoch: mean squared error per pixel of what is rebuilt from the code, or from
the posterior's mean; the negative evidence lower bound with the divergence at weight 1 whatever β, in nats per image,
from one draw per image; and the divergence in it. Beside them stand the mean of the training images, which is the bound
of a model without latent variables too, and as many principal components as the code has dimensions.

Seconds are those of an epoch of training after the first, which compiles: rows taken from the uint8 images and
converted to floats, forward and backward pass, Adam, and the mean of the loss. Ours is `fit` on `data.batches`;
pythae's models are trained by a plain loop on arrays, without its trainer (`pythae_peer.py`). For each objective and
seed ours is trained, then the peer's, so that a busy machine slows both; both take the threads that they take by
default.

Results go to `benchmarks/results/autoencoders.json` and into docs/generative.md, if there is a peer and sizes are the
default ones. `requirements-pythae.txt` says how to install the peer.
"""

import argparse
import importlib.metadata
import json
import os
import pathlib
import subprocess
import tempfile

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")  # as keras_ssl does, but before Keras is imported

import keras
import numpy as np
from keras import layers

from benchmarks.joint_embedding_row import clock
from benchmarks.pages import publish
from benchmarks.tables import cell
from keras_ssl import data, encoders, objectives
from keras_ssl.data.plan import Plan

OURS, PEER = "keras_ssl", "pythae"
NAMES = {"AE": "`Autoencoder`", "VAE": "`VariationalAutoencoder`", "BetaVAE": "`VariationalAutoencoder`, β = 4"}
BETA = {"VAE": 1.0, "BetaVAE": 4.0}
WIDTHS, LATENT, RATE, CHUNK = (512, 256), 16, 1e-3, 500
SCORES = {"mse": ("MSE per pixel", 4), "bound": ("-ELBO, nats", 1), "kl": ("KL, nats", 1)}
SCRIPT = pathlib.Path(__file__).with_name("pythae_peer.py")


def decoder(shape):
    """The encoder's mirror with ReLU, and linear output."""
    x = inputs = keras.Input((LATENT,))
    for width in reversed(WIDTHS):
        x = layers.Dense(width, "relu", kernel_initializer="he_normal")(x)
    x = layers.Dense(int(np.prod(shape)))(x)
    return keras.Model(inputs, layers.Reshape(shape)(x), name="decoder")


def make(name, shape, seed):
    """One of our objectives, compiled."""
    keras.utils.set_random_seed(seed)
    if name == "AE":
        objective = objectives.Autoencoder(encoders.mlp(shape, (*WIDTHS, LATENT)), decoder(shape), seed=seed)
    else:
        encoder = encoders.mlp(shape, WIDTHS, output_activation="relu")
        objective = objectives.VariationalAutoencoder(encoder, decoder(shape), LATENT, BETA[name], seed=seed)
    objective.compile(keras.optimizers.Adam(RATE))
    return objective


def first(name, objective, images):
    """The weights, and what the networks make of images before training."""
    codes = [objective.encoder(images)] if name == "AE" else objective.posterior(images)
    weights = objective.encoder.get_weights()
    weights += [] if name == "AE" else objective.statistics.get_weights()
    weights += objective.decoder.get_weights()
    outputs = [np.reshape(part, (len(images), -1)) for part in (objective.reconstruct(images), *codes)]
    return {f"weight_{k}": weight for k, weight in enumerate(weights)} | {"untrained": np.concatenate(outputs, 1)}


def ours(objective, train, test, epochs, batch):
    """Train; return scores, and loss and seconds of each epoch."""
    timer, seconds = clock()
    batches = data.batches(train, batch_size=batch, seed=objective.seed)
    history = objective.fit(batches, epochs=epochs, callbacks=[timer], verbose=0).history
    found = {"losses": history["loss"], "seconds": seconds, "mse": squared_error(objective, test)}
    if "kl" in objective.terms:
        whole = data.batches(test, batch_size=min(CHUNK, len(test)), shuffle=False, drop_remainder=True)
        parts = objective.evaluate(whole, verbose=0, return_dict=True)
        found |= {"reconstruction": parts["reconstruction"], "kl": parts["kl"]}
    return found


def squared_error(objective, test):
    """Mean over pixels of all images."""
    parts = (test[k : k + CHUNK].inputs() for k in range(0, len(test), CHUNK))
    return float(np.mean(np.concatenate([np.square(x - objective.reconstruct(x)) for x in parts])))


def peers(python, name, given, batch, seed):
    """The same of pythae's model, from the arrays that `pythae_peer.py` wants."""
    with tempfile.TemporaryDirectory() as folder:
        np.savez(f"{folder}/given.npz", **given)
        options = {"beta": BETA.get(name, 1.0), "batch": batch, "learning-rate": RATE, "seed": seed}
        words = [word for key, value in options.items() for word in (f"--{key}", str(value))]
        command = [python, str(SCRIPT), name, f"{folder}/given.npz", *words]
        answer = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout
    return json.loads(answer.splitlines()[-1])


def floors(train, test):
    """Scores of what needs no network."""
    x, y = (np.reshape(source.inputs(), (len(source), -1)).astype("float64") for source in (train, test))
    mean = x.mean(axis=0)
    probability = np.clip(mean, 1 / (2 * len(x)), 1 - 1 / (2 * len(x)))  # a pixel may be black in all of train
    entropy = -(y * np.log(probability) + (1 - y) * np.log1p(-probability)).sum(axis=1).mean()
    axes = np.linalg.eigh(np.cov(x.T))[1][:, -LATENT:]
    rest = (y - mean) - (y - mean) @ axes @ axes.T
    return {
        "mean image": [{"mse": float(np.square(y - mean).mean()), "reconstruction": float(entropy), "kl": 0.0}],
        f"{LATENT} principal components": [{"mse": float(np.square(rest).mean())}],
    }


def measured(train, test, options):
    """All rows: `{name: {OURS: [run of each seed], PEER: […]}}`."""
    rows: dict = {}
    for seed in range(options.seeds):
        for name in NAMES:
            objective = make(name, train.shape, seed)
            plan = Plan(len(train), options.batch, seed, shuffle=True, drop=False)
            given = first(name, objective, test[:64].inputs()) | {
                "train": train.stored,
                "test": test.stored,
                "order": np.stack([plan.order(epoch) for epoch in range(options.epochs)]),
            }
            runs = {OURS: ours(objective, train, test, options.epochs, options.batch)}
            if options.peer:
                runs[PEER] = peers(options.peer, name, given, options.batch, seed)
            for side, run in runs.items():
                rows.setdefault(name, {}).setdefault(side, []).append(run)
                print(side, name, f"seed {seed}:", {k: v for k, v in run.items() if k != "losses"}, flush=True)
    return rows


def quoted(runs, score):
    """Mean and standard deviation over seeds, if the row has the score."""
    digits = SCORES[score][1]
    keys = ("reconstruction", "kl") if score == "bound" else (score,)
    if not set(keys) <= set(runs[0]):
        return ""
    return cell([sum(run[key] for key in keys) for run in runs], digits)


def steady(run):
    """Seconds of the epochs after the first."""
    return run["seconds"][1:] or run["seconds"]


def section(result):
    """The table, and what stands under it."""
    titles = [title for title, _ in SCORES.values()]
    lines = [f"| {result['dataset']} | {' | '.join(titles)} | s / epoch |", "|---" * (len(titles) + 2) + "|"]
    for label, runs in result["floors"].items():
        lines.append(f"| {label} | {' | '.join(quoted(runs, score) for score in SCORES)} |  |")
    ratios = {}
    for name, sides in result["rows"].items():
        for side, runs in sides.items():
            label = NAMES[name] if side == OURS else f"{PEER}'s {name}"
            seconds = np.median([value for run in runs for value in steady(run)])
            lines.append(f"| {label} | {' | '.join(quoted(runs, score) for score in SCORES)} | {seconds:.2f} |")
        pairs = zip(sides[OURS], sides[PEER])
        ratios[name] = np.median([np.median(steady(mine)) / np.median(steady(other)) for mine, other in pairs])
    p, m = result["protocol"], result["machine"]
    times = ", ".join(f"{ratio:.2f} ({name})" for name, ratio in ratios.items())
    return "\n".join(lines) + (
        f"\n\nTrained on the first {p['images']:,} of train for {p['epochs']} epochs in batches of {p['batch']}; "
        f"{result['test']:,} test images;\nmean ± standard deviation over {p['seeds']} seeds; first weights and "
        f"batches are the same on both sides. An epoch takes\n{times} times as long as with {PEER}'s models in a plain "
        f"loop, by the median over seeds ({m['cores']} cores,\nTensorFlow {m['tensorflow']}, Keras {m['keras']}; "
        f"pythae 0.1.2, PyTorch 2.13.0; `python -m benchmarks.autoencoders`)."
    )


def command_line():
    """What can be said."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--peer", help="Python interpreter that has pythae")
    parser.add_argument("--images", type=int, default=10_000, help="the first of train (10,000)")
    parser.add_argument("--epochs", type=int, default=5)
    parser.add_argument("--batch", type=int, default=128)
    parser.add_argument("--seeds", type=int, default=3, help="0, 1, … of weights, order and draws")
    return parser


def main():
    """Measure, and print the table."""
    parser = command_line()
    options = parser.parse_args()
    train, test = data.load("mnist", f"train[:{options.images}]"), data.load("mnist", "test")
    protocol = {key: getattr(options, key) for key in ("images", "epochs", "batch", "seeds")}
    versions = {name: importlib.metadata.version(name) for name in ("tensorflow", "keras")}
    result = {
        "dataset": "mnist",
        "protocol": protocol,
        "test": len(test),
        "machine": {"cores": os.cpu_count(), **versions},
        "floors": floors(train, test),
        "rows": measured(train, test, options),
    }
    if options.peer:
        print(section(result))
        if protocol == {key: parser.get_default(key) for key in protocol}:
            publish("autoencoders", result)


if __name__ == "__main__":
    main()
