"""Evaluating models of images and texts, into a folder."""

import pathlib
from collections.abc import Callable
from typing import Any

from keras_ssl import data
from keras_ssl.errors import UserError
from keras_ssl.evaluate import collapse_of_features, embed_pairs, retrieval
from keras_ssl.figures import report
from keras_ssl.files import writable_folder, write_json
from keras_ssl.names import TABLES
from keras_ssl.objectives import CLIP
from keras_ssl.runs import sections
from keras_ssl.runs.model_files import load_model, tokenizer_of
from keras_ssl.typing import Path

__all__ = ["evaluate_pairs", "retrieval_table"]

_COLLAPSE = 1000  # images for the collapse figures
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
            and for `evaluation.html`, with pictures. None writes nothing.
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
    splits = data.splits_of(dataset, TABLES) if pathlib.Path(dataset).expanduser().is_dir() else ()
    split = next((name for name in ("test", "val") if name in splits), "train")
    if say is not None and split != "test":
        say(_TRAIN if split == "train" else f"No test split: the split '{split}' is used for testing.")
    source = data.pairs(dataset, split, tokenizer=tokenizer_of(path), like=model, say=say, **reading)
    images, texts = embed_pairs(model, source)
    words = (source.columns or {})["text"].tolist()
    first, texts_of = sections.pictures_of(source)
    found = retrieval(images[first], texts, texts_of, words)
    if folder is not None:
        facts: dict[str, Any] = {"dataset": str(dataset), "objective": str(path), "split": split}
        facts |= {"pairs": len(source), "pictures": len(first)}
        collapse = collapse_of_features(images[first][:_COLLAPSE])
        write_json(folder / "results.json", {**facts, **found, "collapse": collapse})
        pages = sections.of_pairs(source, lambda: (images, texts), split)
        _write_page(folder / "evaluation.html", found, facts, pages)
    return found


def _write_page(path, found, facts, pages):
    header, *rows = _rows(found)
    table = report.Section("Scores", "Recalls are shares, beside chance.", table=report.Table(header, rows))
    share = found["image_to_text"]["recall_at_1"]
    lead = f"The text nearest to a picture is a right one for {share:.1%} of {facts['pictures']:,} pictures."
    report.write(path, "Pictures and texts", lead, facts, [table, *pages])


def retrieval_table(found: dict[str, dict[str, float]]) -> str:
    """Return the scores of `evaluate.retrieval` as lines of text, with chance below each direction.

    Args:
        found: The scores.
    """
    header, *rows = _rows(found)
    lines = [f"{'':24}" + "".join(f"{title:>13}" for title in header[1:])]
    for title, *cells in rows:
        lines.append(f"{title:24}" + "".join(f"{cell:13.4g}" for cell in cells))
    return "\n".join(lines)


def _rows(found):
    """A header, and the scores of each direction above those of chance."""
    rows: list[list[Any]] = [["", *_SCORES.values()]]
    for name in ("image_to_text", "chance_image_to_text", "text_to_image", "chance_text_to_image"):
        title = "chance" if name.startswith("chance") else name.replace("_", " ")
        rows.append([title, *(found[name][key] for key in _SCORES)])
    return rows
