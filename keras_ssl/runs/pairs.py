"""Evaluating models of images and texts, into a folder."""

import pathlib
from collections.abc import Callable
from typing import Any

import numpy as np

from keras_ssl import data
from keras_ssl.errors import UserError
from keras_ssl.evaluate import collapse_of_features, embed_pairs, retrieval
from keras_ssl.figures.plots import nearest
from keras_ssl.files import whole_file, writable_folder, write_json
from keras_ssl.names import TABLES
from keras_ssl.objectives import CLIP
from keras_ssl.runs.model_files import load_model, tokenizer_of
from keras_ssl.typing import Path

__all__ = ["evaluate_pairs", "retrieval_table"]

_COLLAPSE, _SHOWN, _NEAREST = 1000, 8, 5  # images for the collapse figures, and queries and answers in figures
_TRAIN = "No test split: these are all pairs of the table. If the model was trained on them, the scores are too good."
_SCORES = {"recall_at_1": "R@1", "recall_at_5": "R@5", "recall_at_10": "R@10", "median_rank": "median rank"}


def evaluate_pairs(
    path: Path,
    dataset: Path,
    folder: Path | None = None,
    say: Callable[[str], object] | None = None,
    **reading: Any,
) -> dict[str, dict[str, float]]:
    """Measure how well images find their texts and texts their images, beside chance.

    A picture and a text are right for each other if a record has both; pictures that several records name are compared
    once.

    Args:
        path: Path of the `objective.keras` of a `CLIP`, with its tokenizer beside it.
        dataset: Table of pictures and texts, or a folder with `train.csv`, of which `test.csv` or `val.csv` is used if
            there is one; else all pairs are, which is said, since a training may have seen them. See `data.pairs`.
        folder: Folder for `results.json`, with the split, the scores and the collapse figures of the pictures' vectors,
            and for `nearest_texts.png` and `nearest_images.png`. None writes nothing.
        say: Called with each sentence about what was found, or None.
        **reading: Other arguments of `data.pairs`: `fit` and `background` as the model's file has them, `skip_broken`.

    Returns:
        See `evaluate.retrieval`.

    Raises:
        UserError: If the file holds no `CLIP`, or the pairs cannot be read.
    """
    folder = None if folder is None else writable_folder(folder)
    model = load_model(path)
    if not isinstance(model, CLIP):
        raise UserError(
            "the objective.keras of a CLIP, to compare pictures with texts",
            f"{path}, a {type(model).__name__}",
            "give the file that `pretrain --objective clip` wrote; encoder.keras has no texts",
        )
    splits = data.splits_of(dataset, TABLES) if pathlib.Path(dataset).is_dir() else ()
    split = next((name for name in ("test", "val") if name in splits), "train")
    if say is not None and split != "test":
        say(_TRAIN if split == "train" else f"No test split: the split '{split}' is used for testing.")
    source = data.pairs(dataset, split, tokenizer=tokenizer_of(path), like=model, say=say, **reading)
    images, texts = embed_pairs(model, source)
    words = (source.columns or {})["text"].tolist()
    first, texts_of = _pictures(source)
    images = images[first]
    found = retrieval(images, texts, texts_of, words)
    if folder is not None:
        facts: dict[str, Any] = {"dataset": str(dataset), "objective": str(path), "split": split}
        facts |= {"pairs": len(source), "pictures": len(images)}
        write_json(folder / "results.json", {**facts, **found, "collapse": collapse_of_features(images[:_COLLAPSE])})
        for name, figure in _figures(source, images, texts, first, texts_of).items():
            with whole_file(folder / name) as beside:
                figure.savefig(beside, format="png", dpi=150)
    return found


def _pictures(source):
    """Where each picture is first, and the texts that it has."""
    columns = source.columns or {}
    _, first, owner = np.unique(columns["picture"], return_index=True, return_inverse=True)
    texts_of: list[set[str]] = [set() for _ in first]
    for picture, words in zip(owner, columns["text"]):
        texts_of[picture].add(words)
    return first, texts_of


def _figures(source, images, texts, first, texts_of):
    """Some pictures with the texts nearest to them, and texts of theirs with the pictures nearest to those."""
    words = (source.columns or {})["text"]
    some = np.linspace(0, len(first) - 1, min(_SHOWN, len(first))).astype(int)
    asked = first[some]
    different, rows = np.unique(words.astype(str), return_index=True)  # a text that many have is shown once
    right = np.array([[one in texts_of[picture] for one in different] for picture in some])
    similarity = images[some] @ texts[rows].T
    found = {"nearest_texts.png": nearest(_decoded(source, asked), similarity, different, right, words[asked])}
    similarity = texts[asked] @ images.T
    near = np.unique(np.argsort(-similarity, axis=1)[:, :_NEAREST])  # only these are decoded
    right = np.array([[one in texts_of[picture] for picture in near] for one in words[asked]])
    answers = _decoded(source, first[near])
    return found | {"nearest_images.png": nearest(words[asked], similarity[:, near], answers, right, count=_NEAREST)}


def _decoded(source, rows):
    return source[rows].inputs()["image"]


def retrieval_table(found: dict[str, dict[str, float]]) -> str:
    """Return the scores of `evaluate.retrieval` as lines of text, with chance below each direction.

    Args:
        found: The scores.
    """
    lines = [f"{'':24}" + "".join(f"{title:>13}" for title in _SCORES.values())]
    for name in ("image_to_text", "chance_image_to_text", "text_to_image", "chance_text_to_image"):
        title = "chance" if name.startswith("chance") else name.replace("_", " ")
        cells = (f"{found[name][key]:13.4g}" for key in _SCORES)
        lines.append(f"{title:24}" + "".join(cells))
    return "\n".join(lines)
