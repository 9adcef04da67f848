"""CLIP on pictures and titles: retrieval of held-out pictures, zero-shot on keywords, and combinations never seen.

    python -m benchmarks.pairs --seeds 0 1 2
    python -m benchmarks.pairs --seeds 0 --small
    python -m benchmarks.pairs --seeds 0 --validate

The pictures are those of `benchmarks.clipart`, which says how to get them and how it splits them: about 1,000 are held
out, and no text and no picture that looks alike is on both sides. The model is that of `recipes.pairs.clip`. Recall is
that of `evaluate.retrieval`, where pictures with the same text are right answers for each other.

Zero-shot: the held-out clip art that is in one of the folders of `clipart.KEYWORDS` is classified by those words. No
text has the name of a folder, and no label is seen; accuracy is averaged over the classes.

Combinations: pictures of six shapes in eight colors are drawn at two sizes and four places, with texts that say so. Of
the 48 pairs of a shape and a color, 12 are never drawn for training. Their pictures are to find their text among those
of all 48, at the right size and place.

The baselines are `benchmarks.canonical`, whose ridge is chosen on a tenth of train. CLIP's texts are pieces of words:
one baseline knows runs of four letters, too. The collapse doctor watches a run whose temperature is fixed at 10.

Choices were made with `--validate`, on a part of train; it writes nothing. Each seed is added to the results. The
vectors of a seed are kept, see `benchmarks.protocol`; `--again` trains again.
"""

import argparse
import os
import time
import warnings

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")  # as keras_ssl does, but before Keras is imported

import keras
import numpy as np

from benchmarks import clipart
from benchmarks.canonical import CCA
from benchmarks.pages import publish, published
from benchmarks.protocol import VERSION, kept
from benchmarks.tables import cell
from keras_ssl import callbacks, data, evaluate, recipes

ROWS = {
    "chance": "chance",
    "cca": "bag of words and CCA",
    "cca_letters": "bag of words and letters, CCA",
    "untrained": "CLIP, untrained",
    "softmax": "CLIP, softmax",
    "sigmoid": "CLIP, sigmoid",
}
SCORES = {"recall_at_1": "R@1", "recall_at_5": "R@5", "recall_at_10": "R@10", "median_rank": "median rank"}
RIDGES = (0.1, 0.3, 1.0, 3.0, 10.0)
TEMPLATES = ("{}", "a {}", "{}s")
COLORS = {
    "red": (220, 40, 40),
    "green": (40, 160, 60),
    "blue": (40, 70, 220),
    "yellow": (240, 210, 40),
    "purple": (140, 50, 170),
    "orange": (250, 140, 30),
    "black": (20, 20, 20),
    "gray": (130, 130, 130),
}
SHAPES = ("circle", "square", "triangle", "cross", "ring", "bar")
SIZES = {"small": 8, "large": 14}
PLACES = {"top": (0, 0.5), "bottom": (1, 0.5), "left": (0.5, 0), "right": (0.5, 1)}
SIDE = 32
VOCABULARY = 1500  # pieces of words: most words of titles are in one title only


# ---- combinations ----------------------------------------------------------------------------------------------------


def drawn(shape, color, size, place):
    """A picture of one shape."""
    side = SIZES[size]
    y, x = np.mgrid[:side, :side] - (side - 1) / 2
    radius, arm = side / 2, side / 6
    inside = {
        "circle": x**2 + y**2 <= radius**2,
        "square": np.ones((side, side), bool),
        "triangle": np.abs(x) <= (y + radius) / 2,
        "cross": (np.abs(x) <= arm) | (np.abs(y) <= arm),
        "ring": (x**2 + y**2 <= radius**2) & (x**2 + y**2 >= (radius - 2.5) ** 2),
        "bar": np.abs(y) <= arm,
    }[shape]
    picture = np.full((SIDE, SIDE, 3), 255, "uint8")
    row, column = (round(share * (SIDE - side)) for share in PLACES[place])
    picture[row : row + side, column : column + side][inside] = COLORS[color]
    return picture


def text_of(shape, color, size, place):
    """The text of such a picture."""
    return f"a {size} {color} {shape} at the {place}"


def combinations(seed):
    """All pairs of shape and color, and which are held out: two colors of each shape."""
    rng = np.random.default_rng(seed)
    pairs = [(shape, color) for shape in SHAPES for color in COLORS]
    held = {(shape, color) for shape in SHAPES for color in rng.permutation(list(COLORS))[:2].tolist()}
    return pairs, held


def unseen_combinations(seed, given):
    """Accuracy on pictures of combinations that were drawn for training, and of those that were not."""
    pairs, held = combinations(seed)
    about = [(*pair, size, place) for pair in pairs for size in SIZES for place in PLACES]
    train = [one for one in about if one[:2] not in held]
    copies = 8
    rng = np.random.default_rng(seed)
    images = np.stack([noisy(drawn(*one), rng) for one in train for _ in range(copies)])
    texts = [text_of(*one) for one in train for _ in range(copies)]
    source = data.from_pairs(images, texts, say=str)
    recipe = recipes.pairs.clip(source, given.combination_epochs, seed, batch_size=64)
    recipe.views = recipes.pairs.views.captioned()  # crops would move what texts say
    recipe.fit(verbose=0)
    model, found = recipe.objective, {}
    for name, wanted in (("seen", set(pairs) - held), ("unseen", held)):
        tested = [one for one in about if one[:2] in wanted]
        z = model.embed_image(np.stack([noisy(drawn(*one), rng) for one in tested]) / np.float32(255))
        right = []
        for vector, (shape, color, size, place) in zip(z, tested):
            candidates = model.embed_text([text_of(*pair, size, place) for pair in pairs], source.tokenizer)
            right.append(pairs[int((candidates @ vector).argmax())] == (shape, color))
        found[name] = float(np.mean(right))
    return found


def noisy(picture, rng):
    """A picture with noise, so that no two are the same."""
    return np.clip(picture + rng.normal(0, 12, picture.shape), 0, 255).astype("uint8")


# ---- clip art --------------------------------------------------------------------------------------------------------


def scored(images, texts, source, class_scores):
    """All scores of one model.

    Args:
        images: Vectors of the pictures of `source`.
        texts: Vectors of their texts.
        source: Held-out pictures, with the columns "text" and "keyword".
        class_scores: `(n, keywords)`, how near each picture is to each keyword.
    """
    names = source.columns["text"].tolist()
    found = evaluate.retrieval(images, texts, names, names)
    folders = list(clipart.KEYWORDS)
    among = np.isin(source.columns["keyword"].astype(str), folders)
    labels = np.array([folders.index(one) for one in source.columns["keyword"][among]])
    found["zero_shot"] = evaluate.scores(labels, class_scores[among].argmax(axis=1))["recall"]
    return found


def baselines(train, test):
    """The scores of CCA by words, whose ridge is chosen on a tenth of train, and by words and letters."""
    texts = train.columns["text"]
    last = len(train) * 9 // 10
    order = np.random.default_rng(0).permutation(len(train))
    one, other = order[:last], order[last:]

    def recall(ridge):
        model = CCA(train.stored[one], texts[one], ridge)
        names = texts[other].tolist()
        found = evaluate.retrieval(model.embed_image(train.stored[other]), model.embed_text(names), names, names)
        return found["image_to_text"]["recall_at_10"] + found["text_to_image"]["recall_at_10"]

    ridge = max(RIDGES, key=recall)
    found = {}
    for name, letters in (("cca", False), ("cca_letters", True)):
        model = CCA(train.stored, texts, ridge, letters)
        classes = model.embed_text(list(clipart.KEYWORDS.values()))
        z = model.embed_image(test.stored)
        similarity = cosines(z, classes)
        found[name] = scored(z, model.embed_text(test.columns["text"].tolist()), test, similarity) | {"ridge": ridge}
    return found


def cosines(one, other):
    """Similarity of each of the first vectors to each of the second."""
    one, other = (z / np.maximum(np.linalg.norm(z, axis=1, keepdims=True), 1e-12) for z in (one, other))
    return one @ other.T


def vectors(model, pairs):
    """Vectors of pictures and texts, and class scores of the keywords."""
    images, texts = evaluate.embed_pairs(model, pairs)
    classifier = model.zero_shot(list(clipart.KEYWORDS.values()), pairs.tokenizer, TEMPLATES)
    probabilities = classifier.predict(pairs.inputs()["image"], batch_size=256, verbose=0)
    return {"images": images, "texts": texts, "classes": probabilities}


def trained(contrast, seed, train, test, given):
    """Vectors of the held-out pairs, before and after training, from the file of this run or by training."""
    about = {"seed": seed, "contrast": contrast, "epochs": given.epochs, "small": given.small, "size": given.size}
    file = kept("pairs", **about, validate=given.validate, batch=given.batch_size, version=VERSION).with_suffix(".npz")
    if file.is_file() and not given.again:
        return dict(np.load(file))
    recipe = recipes.pairs.clip(train, given.epochs, seed, batch_size=given.batch_size, contrast=contrast)
    before = vectors(recipe.objective, test)
    start = time.process_time()
    history = recipe.fit(verbose=2).history
    seconds = time.process_time() - start
    found = {**vectors(recipe.objective, test), **{f"{key}_before": value for key, value in before.items()}}
    found |= {"cpu_seconds": seconds, "loss": history["loss"][-1], "temperature": history["temperature"][-1]}
    np.savez(file, **found)
    return found


def measure(seed, train, test, given):
    """The scores of a seed."""
    found = {}
    for contrast in ("softmax", "sigmoid"):
        run = trained(contrast, seed, train, test, given)
        found[contrast] = scored(run["images"], run["texts"], test, run["classes"])
        found[contrast] |= {key: float(run[key]) for key in ("cpu_seconds", "loss", "temperature")}
        if contrast == "softmax":
            found["untrained"] = scored(
                *(run[f"{key}_before"] for key in ("images", "texts")), test, run["classes_before"]
            )
    found["combinations"] = unseen_combinations(seed, given)
    return found


def wrong_temperature(train, given):
    """What the collapse doctor says of a run at a temperature that is far too high, and that is not trained."""
    recipe = recipes.pairs.clip(train, given.doctor_epochs, seed=0, batch_size=given.batch_size)
    recipe.objective.log_scale.assign(-np.log(10.0))
    recipe.objective.log_scale.trainable = False
    recipe.objective.compile(keras.optimizers.Adam(1e-3))
    (batch,) = data.batches(train[:256], views=recipe.views).take(1)
    doctor = callbacks.CollapseDoctor(batch)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", callbacks.CollapseWarning)
        history = recipe.fit(verbose=0, callbacks=[doctor]).history
    figures = {key: history[key] for key in ("loss", "accuracy", "doctor_std", "doctor_rank", "doctor_scale")}
    return {"findings": [list(finding) for finding in doctor.findings], **figures}


# ---- results ---------------------------------------------------------------------------------------------------------


def section(result):
    """The tables, and the lines under them."""
    runs = list(result["seeds"].values())
    head = " | ".join([*SCORES.values(), "R@1 of pictures", "zero-shot"])
    lines = [f"| pictures to texts | {head} |", "|---" * (len(SCORES) + 3) + "|"]
    for name, title in ROWS.items():
        if name == "chance":
            found = result["floors"]["cca"]
            rows = [
                {
                    "image_to_text": found["chance_image_to_text"],
                    "text_to_image": found["chance_text_to_image"],
                    "zero_shot": 1 / len(clipart.KEYWORDS),
                }
            ]
        else:
            rows = [result["floors"][name]] if name in result["floors"] else [run[name] for run in runs]
        cells = [cell([row["image_to_text"][key] for row in rows], 0 if key == "median_rank" else 3) for key in SCORES]
        cells += [cell([row["text_to_image"]["recall_at_1"] for row in rows])]
        cells += [cell([row["zero_shot"] for row in rows])]
        lines.append(f"| {title} | {' | '.join(cells)} |")
    combos = {name: cell([run["combinations"][name] for run in runs]) for name in ("seen", "unseen")}
    minutes = np.mean([run["softmax"]["cpu_seconds"] for run in runs]) / 60
    doctor = result["doctor"]["findings"]
    said = f"`{doctor[0][1]}` after epoch {doctor[0][0]}" if doctor else "nothing"
    p = result["protocol"]
    return "\n".join(lines) + (
        f"\n\n{result['train']:,} of train, {result['test']:,} held out, {p['size']}x{p['size']} pixels; "
        f"{p['epochs']} epochs, batches of {p['batch_size']}; last epoch;\n{len(runs)} seed{'s' * (len(runs) > 1)}, "
        f"{minutes:.0f} CPU minutes of training each.\nShapes in colors: {combos['seen']} of "
        f"combinations that were drawn for training, {combos['unseen']} of those that were not; chance {1 / 48:.3f}.\n"
        f"At a fixed temperature of 10 the collapse doctor says {said}; accuracy in the batch is "
        f"{result['doctor']['accuracy'][-1]:.3f} then."
    )


def main():
    """Measure seed after seed, writing the results after each."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--epochs", type=int, default=40, help="of CLIP on clip art (40)")
    parser.add_argument("--combination-epochs", type=int, default=20, help="on shapes (20)")
    parser.add_argument("--doctor-epochs", type=int, default=10, help="with a wrong temperature (10)")
    parser.add_argument("--batch-size", type=int, default=128)
    parser.add_argument("--size", type=int, default=32, help="side of the pictures, a multiple of 8 (32)")
    parser.add_argument("--small", action="store_true", help="2,000 pictures and two epochs of each, to try it")
    parser.add_argument("--validate", action="store_true", help="score on a part of train; write nothing")
    parser.add_argument("--again", action="store_true", help="train again")
    given = parser.parse_args()
    if given.small:
        given.epochs = given.combination_epochs = given.doctor_epochs = 2
    images, held_out = clipart.load(given.size, validate=given.validate)
    images = images[:2000] if given.small else images
    train = data.from_pairs(images, images.columns["text"], vocabulary=VOCABULARY, say=print)
    test = data.from_pairs(held_out, held_out.columns["text"], train.tokenizer, say=str)
    protocol = {key: getattr(given, key) for key in ("epochs", "combination_epochs", "batch_size", "size")}
    result = {
        "protocol": {"version": VERSION, **protocol},
        "train": len(train),
        "test": len(test),
        "floors": baselines(images, held_out),
        "seeds": {},
    }
    usual = not given.validate and all(protocol[key] == parser.get_default(key) for key in protocol) and not given.small
    old = published("pairs", usual)
    if old.get("protocol") == result["protocol"]:
        result["seeds"], result["doctor"] = old["seeds"], old["doctor"]
    if "doctor" not in result:
        result["doctor"] = wrong_temperature(train, given)
    for seed in given.seeds:
        result["seeds"][str(seed)] = measure(seed, train, test, given)
        if usual:
            publish("pairs", result)
    print(section(result))


if __name__ == "__main__":
    main()
