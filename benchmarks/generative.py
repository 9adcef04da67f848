"""How well a VAE and a GAN model MNIST: likelihood in nats, and Fréchet distance with its floor.

    python -m benchmarks.generative --part likelihood
    python -m benchmarks.generative --part samples
    python -m benchmarks.generative --part likelihood --validate

Likelihood: `recipes.small_images.variational_autoencoder`, 30 epochs on all of train, binarized once: each pixel is 1
with the probability that its gray value is, drawn with seed 0 for train and 1 for test. The negative log-likelihood is
estimated with 200 importance samples for each test image; more make it lower, never higher, in expectation.

Samples: `recipes.small_images.variational_autoencoder` and `recipes.small_images.gan`, each for its own epochs on the
first 20,000 images, make 10,000 samples each; `--pictures docs` writes the pictures of docs/generative.md. Distances to
the 10,000 test images are those of the features of a classifier that was trained on train with its labels
(`evaluate.feature_classifier`); the floor is the distance between two halves of 20,000 real images. Modes are counted
by the same classifier among the first 1,000 samples.

With `--validate` the last 10,000 images of train stand for the test split: choices were made so. It writes nothing.
"""

import argparse
import json
import os
import time

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")  # as keras_ssl does, but before Keras is imported

import numpy as np

from benchmarks.pages import publish
from keras_ssl import callbacks, data, evaluate, figures, progress, recipes

VALIDATION = 10_000  # images at the end of train
SAMPLES, MODES = 10_000, 1000
EPOCHS = 30  # for the likelihood


def splits(validate):
    """Images to train on and to test on."""
    train = data.load("mnist", "train")
    return (train[:-VALIDATION], train[-VALIDATION:]) if validate else (train, data.load("mnist", "test"))


def binarized(source, seed):
    """Each pixel 1 with the probability that its gray value is, once and for all."""
    pixels = np.random.default_rng(seed).random(source.stored.shape) < source.inputs()
    return data.from_arrays(pixels.astype("uint8") * 255, source.labels)


def likelihood(given):
    """Train the VAE, and estimate bound and likelihood on the test images."""
    train, test = (binarized(source, seed) for seed, source in enumerate(splits(given.validate)))
    recipe = recipes.small_images.variational_autoencoder(train, given.epochs or EPOCHS, given.seed)
    recipe.fit(verbose=0, callbacks=[callbacks.Progress("VAE")])
    vae, elbo = recipe.objective, {}
    for name, source in {"train": train[:VALIDATION], "test": test}.items():
        elbo[name] = evaluate.negative_elbo(vae, source, samples=10)
    with progress.bar("Importance samples", after=0) as move:
        nll = evaluate.importance_weighted_nll(vae, test, samples=given.importance, progress=move)
    figures = {"nll": nll, "negative_elbo": elbo["test"], "train_negative_elbo": elbo["train"]}
    sizes = {"samples": given.importance, "images": len(train), "test": len(test), "epochs": recipe.epochs}
    return {**figures, **sizes, "latent_dim": vae.latent_dim, "seed": given.seed}


def samples(given):
    """Train VAE and GAN, and compare their samples with real images."""
    train, test = splits(given.validate)
    yardstick = evaluate.feature_classifier(train)
    real = yardstick.features(test)
    right = (yardstick.classes(test) == test.labels).mean()
    result = {
        "classifier": {"accuracy": float(right), "fingerprint": yardstick.fingerprint},
        "floor": evaluate.frechet_floor(yardstick.features(train[: 2 * SAMPLES])),
        "train": evaluate.frechet_distance(yardstick.features(train[:SAMPLES]), real),
        "seed": given.seed,
        "images": 20_000,
        "models": {},
    }
    for name, make in MODELS.items():
        recipe = make(train[:20_000], given.epochs, given.seed)
        begun = time.perf_counter()
        recipe.fit(verbose=0, callbacks=[callbacks.Progress(name)])
        minutes = (time.perf_counter() - begun) / 60
        made = np.asarray(recipe.objective.sample(SAMPLES, seed=1))
        modes = evaluate.mode_counts(yardstick.classes(made[:MODES]), 10)
        result["models"][name] = {
            "frechet": evaluate.frechet_distance(yardstick.features(made), real),
            "modes": modes.tolist(),
            "epochs": recipe.epochs,
            "minutes": minutes,
        }
        if given.pictures and not given.validate:
            grid = figures.image_grid(made[:64], columns=16)
            figures.write_png(f"{given.pictures}/samples_{name.lower()}.png", grid)
    return result


MODELS = {"VAE": recipes.small_images.variational_autoencoder, "GAN": recipes.small_images.gan}
PARTS = {"likelihood": likelihood, "samples": samples}


def section(result):
    """The text for a part of the results."""
    return {"nll": of_likelihood, "models": of_samples}["nll" if "nll" in result else "models"](result)


def of_likelihood(r):
    """What is said of the likelihood."""
    return (
        f"A convolutional VAE of {r['latent_dim']} dimensions on statically binarized MNIST, {r['epochs']} epochs of "
        f"{r['images']:,} images, one seed:\n"
        f"negative log-likelihood {r['nll']:.2f} nats per test image with {r['samples']:,} importance samples, "
        f"negative ELBO {r['negative_elbo']:.2f} ({r['train_negative_elbo']:.2f} on train)."
    )


def of_samples(r):
    """The table of Fréchet distances."""
    lines = ["| MNIST | Fréchet distance | digits among 1,000 samples | rarest | epochs | minutes |", "|---" * 6 + "|"]
    lines.append(f"| two halves of train | {r['floor']:.2f} |  |  |  |  |")
    lines.append(f"| train (seen by the classifier) | {r['train']:.2f} |  |  |  |  |")
    for name, m in r["models"].items():
        found = np.count_nonzero(m["modes"])
        cells = [f"{m['frechet']:.2f}", f"{found} of 10", str(min(m["modes"])), str(m["epochs"]), f"{m['minutes']:.0f}"]
        lines.append(f"| {name} | {' | '.join(cells)} |")
    return "\n".join(lines) + (
        f"\n\n{SAMPLES:,} samples of each model (of the VAE, means of p(x|z)) against as many test images, "
        f"one seed; the classifier\nthat gives the features has an accuracy of {r['classifier']['accuracy']:.3f} "
        f"and the fingerprint `{r['classifier']['fingerprint'][:12]}`."
    )


def main():
    """Measure one part, and write it."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--part", choices=PARTS, required=True)
    parser.add_argument("--epochs", type=int, help="default: the recipes'")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--importance", type=int, default=200, help="samples for each image")
    parser.add_argument("--pictures", help="folder for grids of samples")
    parser.add_argument("--validate", action="store_true", help="score on the end of train; write nothing")
    given = parser.parse_args()
    result = PARTS[given.part](given)
    print(json.dumps(result, indent=1))
    print(section(result))
    usual = all(getattr(given, key) == parser.get_default(key) for key in ("epochs", "seed", "importance", "validate"))
    if usual:
        publish(f"generative_{given.part}", result)


if __name__ == "__main__":
    main()
