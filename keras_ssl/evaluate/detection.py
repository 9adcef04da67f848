"""Scores of detected boxes."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from keras_ssl.boxes import convert, iou
from keras_ssl.errors import UserError
from keras_ssl.evaluate.metrics import distinct_names

__all__ = ["detection_scores"]

_THRESHOLDS = np.linspace(0.5, 0.95, 10)
_RECALLS = np.linspace(0, 1, 101)


def detection_scores(
    boxes: Sequence[Any],
    labels: Sequence[Any],
    found: dict[str, Any],
    box_format: str = "xyxy",
    names: Sequence[str] | None = None,
) -> dict[str, Any]:
    """Score detected boxes by their average precision, as COCO does.

    In the order of their scores, each detected box takes the true box of its class and image that it overlaps most and
    that none has taken before. It is right if their intersection over union (IoU) is at least a threshold. The average
    precision of a class is the mean, over the recalls 0, 0.01, …, 1, of the highest precision at this recall or a
    higher one.

    Args:
        boxes: For each image the true boxes, `(m, 4)`, or one array `(n, m, 4)`.
        labels: For each image the class numbers of the true boxes, `(m,)`, or one array `(n, m)`; -1 is padding.
        found: What `detector.predict(images)` returns: a dict of "boxes" `(n, k, 4)`, "scores" `(n, k)` and "classes"
            `(n, k)`, -1 = no box; or of lists with an entry for each image.
        box_format: Format of all boxes, one of `boxes.FORMATS`. Default: "xyxy".
        names: Name of each class. Default: its number.

    Returns:
        Dict of "map", the mean over classes of the average precision, averaged over thresholds 0.5, 0.55, …, 0.95;
        "map_50", that at the threshold 0.5; and "classes", by name of each class that has a true box a dict of "ap",
        "ap_50" and "count", the number of its true boxes.

    Raises:
        UserError: If numbers of images or boxes differ, there is no true box, one has no area or is not finite, or a
            class has no name.

    Reference:
        Lin et al. 2014, "Microsoft COCO: Common Objects in Context", for the data; "Detection Evaluation" on
        cocodataset.org, for the metrics; Everingham et al. 2010, "The Pascal Visual Object Classes (VOC) Challenge",
        for the average precision.

    Departures:
        All boxes count; COCO takes the best 100 of a class in an image. There are no crowds.
    """
    true = _by_image(boxes, labels, None, box_format, "true boxes")
    _check_areas(true, box_format)
    given = [found.get(key) for key in ("boxes", "classes", "scores")] if isinstance(found, dict) else [None] * 3
    if any(part is None for part in given):
        received = f"a dict of {', '.join(map(str, found))}" if isinstance(found, dict) else f"a {type(found).__name__}"
        raise UserError("a dict of 'boxes', 'scores' and 'classes'", received, "give `detector.predict(images)`")
    detected = _by_image(given[0], given[1], given[2], box_format, "detected boxes")
    if len(true) != len(detected):
        raise UserError("boxes of the same images", f"{len(true)} and {len(detected)} images", "give both for each")
    present = np.unique(np.concatenate([numbers for _, numbers, _ in true])).astype(int)
    if not len(present):
        raise UserError("at least one true box", "none", "give the boxes of the images")
    if names is not None and present[-1] >= len(names):
        raise UserError(f"classes in 0..{len(names) - 1}, each with a name", f"{present[-1]}", "name all of them")
    keys = {k: str(k) for k in present} if names is None else dict(enumerate(distinct_names(names)))
    scored = {}
    for number in present:
        precisions, count = _average_precisions(true, detected, number)
        scored[keys[number]] = {"ap": float(precisions.mean()), "ap_50": float(precisions[0]), "count": count}
    means = {f"m{key}": float(np.mean([one[key] for one in scored.values()])) for key in ("ap", "ap_50")}
    return {**means, "classes": scored}


def _by_image(boxes, labels, scores, box_format, name):
    """For each image boxes as corners, class numbers and scores, without padding.

    Relative boxes stay relative: overlaps do not depend on the size of the images.
    """
    scores = [np.ones(np.shape(numbers)) for numbers in labels] if scores is None else scores
    if not len(boxes) == len(labels) == len(scores):
        received = f"{len(boxes)}, {len(labels)} and {len(scores)}"
        raise UserError(f"{name}, their classes and scores of the same images", received, "give all for each image")
    found = []
    for k, one in enumerate(zip(boxes, labels, scores)):
        corners, numbers, values = (np.asarray(part, "float64").reshape(shape) for part, shape in zip(one, _SHAPES))
        if not len(corners) == len(numbers) == len(values):
            received = f"{len(corners)}, {len(numbers)} and {len(values)} in image {k}"
            raise UserError(f"as many {name} as classes and scores", received, "give one of each for each box")
        kept = numbers >= 0
        found.append((convert(corners[kept], box_format, "xyxy", (1, 1)), numbers[kept], values[kept]))
    return found


def _check_areas(true, box_format):
    """Raise if a true box has no area, as in another format: no detected box could be right."""
    for k, (corners, _, _) in enumerate(true):
        if not (corners[:, 2:] > corners[:, :2]).all():  # nor is it if one is NaN
            raise UserError(
                "true boxes with an area", f"one without in image {k}", f"check that the format is '{box_format}'"
            )


_SHAPES = ((-1, 4), (-1,), (-1,))


def _average_precisions(true, detected, number):
    """The average precision of a class at each threshold, and the number of its true boxes."""
    scores, right, count = [np.zeros(0)], [np.zeros((len(_THRESHOLDS), 0), bool)], 0
    for (boxes, numbers, _), (others, classes, values) in zip(true, detected):
        its, own = boxes[numbers == number], others[classes == number]
        order = np.argsort(-values[classes == number], kind="stable")
        scores.append(values[classes == number][order])
        right.append(_matched(iou(own[order], its)))
        count += len(its)
    order = np.argsort(-np.concatenate(scores), kind="stable")
    hits = np.cumsum(np.concatenate(right, axis=1)[:, order], axis=1)
    return np.array([_average_precision(row, count) for row in hits]), count


def _matched(overlaps):
    """Whether each detected box of an image, best first, is right, at each threshold."""
    right = np.zeros((len(_THRESHOLDS), len(overlaps)), bool)
    for row, threshold in zip(right, _THRESHOLDS):
        free = np.ones(overlaps.shape[1], bool)
        for k, overlap in enumerate(overlaps):
            best = int(np.argmax(np.where(free, overlap, -1))) if free.any() else -1
            if best >= 0 and overlap[best] >= threshold - 1e-12:
                row[k], free[best] = True, False
    return right


def _average_precision(hits, count):
    """Of the number of right boxes among the first 1, 2, … boxes."""
    precision = hits / np.arange(1, len(hits) + 1)
    highest = np.maximum.accumulate(precision[::-1])[::-1]  # at this recall or a higher one
    places = np.searchsorted(hits / count, _RECALLS - 1e-12)  # 0.29 * 100 is not 29 in floats
    return float(np.where(places < len(hits), np.append(highest, 0)[places], 0).mean())
