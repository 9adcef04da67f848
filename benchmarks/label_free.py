"""Which checkpoint, without labels: do figures that need none rise and fall with the accuracy of a linear classifier?

    python -m benchmarks.label_free                                    # all rows, 2 seeds; interrupted, it goes on
    python -m benchmarks.label_free --rows simclr autoencoder --seeds 1
    python -m benchmarks.label_free --small                            # two rows, two epochs; writes nothing

Twenty objectives train the same small convolutional encoder (the masked autoencoder a small transformer) on the
embedded digits, at one batch size and learning rate, 20 epochs. After epochs 1, 2, 4, 9 and 20 the figures of
`evaluate.label_free` are taken on 1,000 images of train, without their labels, with 10 views of each by `views.digits`.
Accuracies are those of linear classifiers on the test split, with all labels of train (`evaluate.linear_probe`) and
with 10 labels per class; nothing is chosen by them. With all labels, checkpoints differ by a few of the 397 test
samples only. A seed takes about 22 CPU-minutes.

"Within a training" is Spearman's correlation of a figure and the accuracy over the five checkpoints of one training,
averaged over trainings; "over all" is that over all checkpoints of all objectives of a seed. Figures that are better
when lower (alignment, uniformity, loss) count with the other sign, α by its distance from 1. "Lost" is how many points
of accuracy the checkpoint with the best figure is below the best checkpoint of its training.

Published seeds stay, and embeddings and figures are kept (see `protocol.kept`); `--again` trains anew.
"""

import argparse
import itertools
import json
import os
import time

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")  # as keras_ssl does, but before Keras is imported

import keras
import numpy as np
import tensorflow as tf

from benchmarks.joint_embedding_row import scores
from benchmarks.pages import publish, published
from benchmarks.protocol import VERSION, kept, note
from benchmarks.tables import cell
from keras_ssl import blocks, data, encoders, evaluate, heads, objectives, views
from keras_ssl.names import JOINT_EMBEDDING as TWO_VIEWS
from keras_ssl.recipes import compiled

EPOCHS = (1, 2, 4, 9, 20)
RATE, BATCH = 1e-3, 128
ONE_INPUT = {
    "autoencoder": "Autoencoder",
    "sparse_autoencoder": "SparseAutoencoder",
    "denoising_autoencoder": "DenoisingAutoencoder",
    "variational_autoencoder": "VariationalAutoencoder",
    "bigan": "BiGAN",
    "masked_autoencoder": "MaskedAutoencoder",
    "inpainting": "Inpainting",
    "rotation": "RotationPrediction",
    "flip": "FlipPrediction",
    "jigsaw": "JigsawPrediction",
    "attributes": "AttributePrediction",
}
NAMES = TWO_VIEWS | ONE_INPUT
SIGNS = {
    "rank_me": ("RankMe", lambda x: x),
    "effective_rank": ("effective rank of centered samples", lambda x: x),
    "dimensions": ("participation ratio", lambda x: x),
    "std": ("spread of directions", lambda x: x),
    "alpha": ("alpha-ReQ (distance from 1)", lambda x: -np.abs(x - 1)),
    "uniformity": ("uniformity", lambda x: -x),
    "alignment": ("alignment", lambda x: -x),
    "alignment + uniformity": ("alignment + uniformity", lambda x: -x),
    "lidar": ("LiDAR", lambda x: x),
    "loss": ("training loss", lambda x: -x),
    "epoch": ("epoch (the last is taken)", lambda x: x),
}
"""Title of each figure, and what makes it higher where it is better."""
SCORES = {"linear": "all labels", "ten_labels": "10 labels per class"}
TRUSTED = 0.7


# ---- training --------------------------------------------------------------------------------------------------------


def recipe(name, source, epochs, seed):
    """An objective with the encoder, batch size and rate that all rows share."""
    keras.utils.set_random_seed(seed)
    targets, arguments = None, {}
    if name == "masked_autoencoder":
        encoder = encoders.vit(source.shape, patch=2, width=64, depth=2, heads=4)
    else:
        encoder = encoders.conv_net(source.shape, (32, 64, 128))
    if name == "attributes":
        targets = data.targets(source, {"brightness": data.brightness, "edges": data.edge_orientation})
        arguments = {"attributes": targets.attributes}
    elif name == "bigan":
        pairs = heads.pair_discriminator(encoders.conv_net(source.shape, (32, 64, 128), normalize=False))
        arguments = {"discriminator": blocks.spectrally_normalized(pairs)}
    elif name == "sparse_autoencoder":
        arguments = {"weight": 0.01}
    elif name in ("byol", "dino"):
        arguments = {"target_momentum": 0.9}  # there are few steps
    objective = getattr(objectives, NAMES[name])(encoder, seed=seed, **arguments)
    policy = views.digits() if name in TWO_VIEWS else None
    return compiled(objective, source, epochs, RATE, policy, BATCH, targets=targets)


def trained(name, train, test, seed, given):
    """What there is to know of each checkpoint of a training, and the CPU-seconds that it took."""
    about = {"dataset": "digits", "seed": seed, "epochs": given.epochs, "images": len(train), "limit": given.limit}
    file = kept(f"label_free-{name}", **about)
    file = file.with_name(file.name + ".npz")
    if given.again or not file.exists():
        begun, arrays, figures = time.process_time(), {}, []
        one = recipe(name, train, given.epochs[-1], seed)
        done = 0
        for epoch in given.epochs:
            history = one.objective.fit(
                one.batches(first_epoch=done), initial_epoch=done, epochs=epoch, verbose=0
            ).history
            done = epoch
            found = evaluate.label_free(one.objective, train, views.digits(), limit=given.limit)
            figures.append({**found, "loss": float(history["loss"][-1]), "epoch": epoch})
            arrays |= {f"train_{epoch}": evaluate.embed(one.objective, train)}
            arrays |= {f"test_{epoch}": evaluate.embed(one.objective, test)}
        seconds = time.process_time() - begun
        np.savez(file, **arrays, figures=json.dumps(figures), seconds=seconds)
    with np.load(file) as stored:
        figures = json.loads(str(stored["figures"]))
        checkpoints = [
            {
                "figures": figure,
                "scores": scores(*(stored[f"{split}_{figure['epoch']}"] for split in ("train", "test")), train, test),
            }
            for figure in figures
        ]
        return {"checkpoints": checkpoints, "cpu_seconds": float(stored["seconds"])}


def baselines(train, test, seed):
    """Scores of raw inputs and of the untrained encoder."""
    keras.utils.set_random_seed(seed)
    untrained = encoders.conv_net(train.shape, (32, 64, 128))
    return {
        name: scores(evaluate.embed(encoder, train), evaluate.embed(encoder, test), train, test)
        for name, encoder in (("raw inputs", None), ("untrained encoder", untrained))
    }


# ---- the page --------------------------------------------------------------------------------------------------------


def better(figure, checkpoints):
    """The values of a figure, higher = better, at each checkpoint."""
    _, sign = SIGNS[figure]
    keys = figure.split(" + ")
    return sign(np.array([sum(one["figures"][key] for key in keys) for one in checkpoints]))


def accuracies(checkpoints, score="linear"):
    """Accuracy at each checkpoint."""
    return np.array([one["scores"][score] for one in checkpoints])


def correlation(x, y):
    """Spearman's correlation; 0 if a figure does not change, None if the accuracy does not."""
    from scipy.stats import spearmanr

    if np.ptp(y) == 0:
        return None
    x = np.nan_to_num(x, posinf=1e30, neginf=-1e30)
    return float(spearmanr(x, y).statistic) if np.ptp(x) > 0 else 0.0


def within(result, figure, names, score="linear"):
    """Correlations within each training of some objectives."""
    runs = [run["checkpoints"] for name in names for run in result["rows"].get(name, [])]
    found = [correlation(better(figure, run), accuracies(run, score)) for run in runs]
    return [one for one in found if one is not None]


def over_all(result, figure, score="linear"):
    """The correlation over all checkpoints of a seed, one for each seed; none of the loss and the epoch."""
    if figure in ("loss", "epoch"):
        return []
    found = []
    for k in range(max(map(len, result["rows"].values()))):
        together = [one for runs in result["rows"].values() if len(runs) > k for one in runs[k]["checkpoints"]]
        found.append(correlation(better(figure, together), accuracies(together, score)))
    return [one for one in found if one is not None]


def lost(result, figure, score="linear"):
    """Points of accuracy that choosing by a figure loses, in each training."""
    found = []
    for run in (run["checkpoints"] for runs in result["rows"].values() for run in runs):
        accuracy = accuracies(run, score)
        found.append(100 * (accuracy.max() - accuracy[int(np.argmax(better(figure, run)))]))
    return found


def section(result):
    """Both tables, and the lines under them."""
    tables = "\n\n".join(table(result, score, title) for score, title in SCORES.items())
    baseline = ", ".join(
        f"{name} {np.mean([one[name]['linear'] for one in result['baselines']]):.3f}" for name in result["baselines"][0]
    )
    last = [accuracies(run["checkpoints"])[-1] for runs in result["rows"].values() for run in runs]
    counts = {len(runs) for runs in result["rows"].values()}
    return tables + (
        f"\n\nSpearman's correlation of each figure with the accuracy of a linear classifier on digits: within the "
        f"trainings of\n{sum(name in result['rows'] for name in TWO_VIEWS)} joint-embedding objectives and of "
        f"{sum(name in result['rows'] for name in ONE_INPUT)} others, {len(result['protocol']['epochs'])} checkpoints "
        f"each, mean ± standard deviation over trainings; and over all\ncheckpoints of a seed; "
        f"{' or '.join(map(str, sorted(counts)))} seed{'s' * (counts != {1})} of a row. Lost: points of accuracy below "
        f"the best checkpoint of a training, if the\nbest value of the figure chooses one. Accuracies with all labels: "
        f"{baseline}, after the last epoch {np.min(last):.3f} to\n{np.max(last):.3f} ({result['machine']}; "
        "`python -m benchmarks.label_free`)." + note(result)
    )


def table(result, score, title):
    """The table of one kind of accuracy, and what can be trusted where."""
    lines = [f"| {title} | joint embedding | others | over all | lost |", "|---|---|---|---|---|"]
    trusted: dict[str, list] = {"joint embedding": [], "others": [], "over all": []}
    for figure, (name, _) in SIGNS.items():
        columns = [within(result, figure, names, score) for names in (TWO_VIEWS, ONE_INPUT)]
        columns.append(over_all(result, figure, score))
        for column, values in zip(trusted, columns):
            if values and np.mean(values) >= TRUSTED and figure not in ("loss", "epoch"):
                trusted[column].append(name)
        cells = [cell(values, 2) for values in columns]
        lines.append(f"| {name} | {' | '.join(cells)} | {np.mean(lost(result, figure, score)):.1f} |")
    words = "; ".join(f"{column}: {', '.join(names) or 'none'}" for column, names in trusted.items())
    return "\n".join(lines) + f"\n\nAt least {TRUSTED} on average, by column: {words}."


def main():
    """Train, measure, and write what came out."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--rows", nargs="*", choices=NAMES, default=list(NAMES), help="(all)")
    parser.add_argument("--seeds", type=int, default=2, help="0, 1, … (2)")
    parser.add_argument("--small", action="store_true", help="two rows, two epochs of 300 images; writes nothing")
    parser.add_argument("--again", action="store_true", help="train anew what is published or kept")
    given = parser.parse_args()
    given.epochs, given.limit = EPOCHS, 1000
    train, test = data.load("digits", "train"), data.load("digits", "test")
    if given.small:
        given.rows, given.seeds, given.epochs, given.limit = ["simclr", "autoencoder"], 1, (1, 2), 100
        train, test = train[:300], test[:100]
    old = published("label_free", not given.small and not given.again)
    result = {
        "protocol": {"version": VERSION, "epochs": list(given.epochs)},
        "machine": f"{os.cpu_count()} cores, TensorFlow {tf.__version__}, Keras {keras.__version__}",
        "baselines": [baselines(train, test, seed) for seed in range(given.seeds)],
        "rows": {},
    }
    if old.get("protocol") == result["protocol"]:
        result["rows"] = old["rows"]
    for seed, name in itertools.product(range(given.seeds), given.rows):
        runs = result["rows"].setdefault(name, [])
        if len(runs) > seed:
            continue
        runs.append(trained(name, train, test, seed, given))
        accuracy = ", ".join(f"{one:.3f}" for one in accuracies(runs[-1]["checkpoints"]))
        print(f"{name}, seed {seed}: {accuracy}; {runs[-1]['cpu_seconds']:.0f} CPU seconds", flush=True)
        if not given.small:
            result["rows"] = {key: result["rows"][key] for key in NAMES if key in result["rows"]}
            publish("label_free", result)
    print(f"\n{section(result)}\n")


if __name__ == "__main__":
    main()
