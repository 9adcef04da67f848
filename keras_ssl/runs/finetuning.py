"""Fine-tuning an encoder, into a folder."""

import pathlib
from typing import Any

import keras

from keras_ssl import data, transfer
from keras_ssl.data.fitting import as_source, labeled
from keras_ssl.evaluate import embed, scores
from keras_ssl.figures import report
from keras_ssl.files import Lock, writable_folder
from keras_ssl.runs import sections
from keras_ssl.runs.model_files import save_model
from keras_ssl.typing import Path, Progress

__all__ = ["finetune"]


def finetune(
    encoder: keras.Model,
    train: data.Source,
    test: data.Source,
    folder: Path,
    labels_per_class: int | None = None,
    steps: int = 300,
    seed: int = 0,
    way: str = "lp_ft",
    progress: Progress | None = None,
    **facts: Any,
) -> tuple[pathlib.Path, dict[str, float]]:
    """Fine-tune a classifier, score it, and write `classifier.keras`, `classifier.json` and the tokenizer of texts.

    `finetuning.html` has pictures: the scores of each class, the calibration, the surest mistakes.

    Args:
        encoder: Pretrained functional `keras.Model`. It is copied, not changed.
        train: Labeled `data.Source`.
        test: Labeled `data.Source`.
        folder: Folder to write in; made if it does not exist.
        labels_per_class: Labeled samples of each class to train on. Default: all of train.
        steps: Adam steps, with batches of 32. Default: 300.
        seed: Seed of the draw and the order of samples. Default: 0.
        way: Name among `transfer.WAYS`. LoRA's products are merged. Default: "lp_ft".
        progress: Called as `progress(done, total)` after each step, or None.
        **facts: What else `classifier.json` should hold beside the class names and the scores.

    Returns:
        Path of `classifier.keras`, and the dict of `evaluate.scores` on test.

    Raises:
        UserError: If labels are missing or too few, images do not fit, the folder cannot be written in, or another
            process fine-tunes into it.
    """
    folder = writable_folder(folder)
    (_, classes), (test_labels, _) = labeled(train), labeled(test)
    if labels_per_class is not None:
        train = train[data.few_indices(train, labels_per_class, seed)]
    train, test = as_source(train, encoder), as_source(test, encoder)

    def after_step(step):
        if progress:
            progress(step, steps)

    if train.preparation is not None:
        facts["preparation"] = train.preparation.to_json()
    names = None if train.class_names is None else list(train.class_names)
    with Lock(folder):
        labels = labeled(train)[0]
        tuned = transfer.fine_tune(encoder, train, labels, classes, steps, seed=seed, after_step=after_step, way=way)
        classifier = transfer.merge_lora(tuned) if transfer.WAYS[way].rank else tuned
        probabilities = embed(classifier, test)  # read batch by batch
        figures = scores(test_labels, probabilities.argmax(-1))
        facts |= {"class_names": names, "scores": figures, "way": way}
        path = save_model(classifier, folder / "classifier.keras", train.tokenizer, **facts)
        lead = (
            f"{figures['accuracy']:.1%} of {len(test):,} test {test.plural} are right after {steps} steps on "
            f"{len(train):,} labels, by the way “{way}”."
        )
        shown = {"data set": train.name, "seed": seed, **{name: f"{value:.3f}" for name, value in figures.items()}}
        pages = sections.of_classifier(classifier, test, probabilities)
        report.write(folder / "finetuning.html", f"A classifier of {test.name}", lead, shown, pages)
    return path, figures
