"""How well one of two kinds finds the other, such as images their texts."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from keras_ssl.checks import as_array, check_method, check_values
from keras_ssl.data import Source
from keras_ssl.errors import UserError

__all__ = ["embed_pairs", "retrieval"]

_AT = (1, 5, 10)
_ROWS = 1024  # similarities of this many queries are in memory at a time


def embed_pairs(model: Any, pairs: Source, batch_size: int = 256) -> tuple[np.ndarray, np.ndarray]:
    """Return the vectors of images and of their texts in the space that both share.

    Args:
        model: `objectives.CLIP`.
        pairs: What `data.pairs` returned. Only a batch of it is read and converted at a time.
        batch_size: Pairs at a time. Default: 256.

    Returns:
        `(images, texts)`, float32 arrays `(n, k)` of unit vectors.

    Raises:
        UserError: If the model has no `embed_image` and `embed_text`, the source has no pairs, or they do not fit.
    """
    check_method(model, "embed_image")
    check_method(model, "embed_text")
    if not isinstance(pairs.specs, dict) or set(pairs.specs) != {"image", "ids"}:
        raise UserError("a source of pairs of 'image' and 'ids'", pairs.kind, "load it by `data.pairs`")
    found: list[tuple[np.ndarray, np.ndarray]] = []
    for begin in range(0, len(pairs), batch_size):
        batch = pairs.inputs(np.arange(begin, min(begin + batch_size, len(pairs))))
        found.append((model.embed_image(batch["image"]), model.embed_text(batch["ids"])))
    images, texts = (np.concatenate(parts) for parts in zip(*found))
    return images, texts


def retrieval(
    images: Any,
    texts: Any,
    image_groups: Sequence[Any] | np.ndarray | None = None,
    text_groups: Sequence[Any] | np.ndarray | None = None,
) -> dict[str, dict[str, float]]:
    """Score how near images are to their own texts among all texts, and texts to their own images.

    Recall at k is the share of queries that have a right answer among the k nearest, by cosine similarity. The rank of
    a query is that of its best right answer, from 1; a wrong answer that is equally near counts half, so that vectors
    that are all alike are no better than chance.

    Args:
        images: Array `(n, k)` of vectors.
        texts: Array `(m, k)` of vectors.
        image_groups: What each image belongs to, n integers or strings, or lists of them where one belongs to several.
            A text and an image are right for each other if they share a group. An image of several texts is given
            once, with all of its groups. Default: image i belongs to text i alone.
        text_groups: What each text belongs to, m of the same. Default: see `image_groups`.

    Returns:
        Dict of "image_to_text" and "text_to_image", each a dict of "recall_at_1", "recall_at_5", "recall_at_10" and
        "median_rank"; and of "chance_image_to_text" and "chance_text_to_image", the same of random answers.

    Raises:
        UserError: If shapes do not fit, only one has groups, or a query has no right answer.
    """
    images, texts = _directions(images, "images"), _directions(texts, "texts")
    one, other = _groups(len(images), len(texts), image_groups, text_groups)
    if images.shape[1] != texts.shape[1]:
        raise UserError("vectors of the same width", f"{images.shape[1]} and {texts.shape[1]}", "give one model's")
    found = {}
    for name, queries, answers, of, among in (
        ("image_to_text", images, texts, one, other),
        ("text_to_image", texts, images, other, one),
    ):
        ranks, right = _ranks(queries, answers, of, among)
        found[name] = {f"recall_at_{k}": float(np.mean(ranks <= k)) for k in _AT} | {
            "median_rank": float(np.median(ranks))
        }
        found[f"chance_{name}"] = _chance(right, len(answers))
    return found


def _directions(vectors, name):
    vectors = as_array(vectors, name).astype("float32")
    if vectors.ndim != 2 or not len(vectors):
        raise UserError(f"vectors (n, k) of {name}", f"shape {vectors.shape}", "give what `embed_pairs` returned")
    check_values(vectors, (-np.inf, np.inf), name)
    return vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-12)


def _groups(n, m, image_groups, text_groups):
    """The groups of each image and of each text."""
    if (image_groups is None) != (text_groups is None) or (image_groups is None and n != m):
        received = f"{n} images and {m} texts with groups of {'neither' if n != m else 'one'}"
        raise UserError("one text for each image, or groups of both", received, "give `image_groups` and `text_groups`")
    if image_groups is None or text_groups is None:
        return _sets(range(n)), _sets(range(n))
    if (len(image_groups), len(text_groups)) != (n, m):
        received = f"{len(image_groups)} of {n} images and {len(text_groups)} of {m} texts"
        raise UserError("a group for each image and each text", received, "give both in the order of the vectors")
    return _sets(image_groups), _sets(text_groups)


def _sets(groups):
    """The groups of each: one, or several."""
    return [set(one) if isinstance(one, list | tuple | set | frozenset) else {one} for one in groups]


def _ranks(queries, answers, of, among):
    """Rank of the best right answer of each query, and the number of its right answers."""
    ranks, right = np.empty(len(queries)), np.empty(len(queries), "int64")
    members: dict[Any, list[int]] = {}
    for k, groups in enumerate(among):
        for group in groups:
            members.setdefault(group, []).append(k)
    for begin in range(0, len(queries), _ROWS):
        part = slice(begin, begin + _ROWS)
        similarity = queries[part] @ answers.T
        fits = np.zeros(similarity.shape, bool)
        for row, groups in zip(fits, of[part]):
            for group in groups:
                row[members.get(group, [])] = True
        if not fits.any(axis=1).all():
            first = begin + int(fits.any(axis=1).argmin())
            raise UserError("a right answer for each query", f"none for the one at index {first}", "check the groups")
        best = np.where(fits, similarity, -np.inf).max(axis=1, keepdims=True)
        nearer, as_near = (similarity > best) & ~fits, (similarity == best) & ~fits
        ranks[part] = 1 + nearer.sum(axis=1) + as_near.sum(axis=1) / 2
        right[part] = fits.sum(axis=1)
    return ranks, right


def _chance(right, count):
    """The scores of answers in random order."""
    numbers, queries = np.unique(right, return_counts=True)
    none = np.ones((len(numbers), count + 1))  # probability that none of the first k is right, for k from 0
    for k in range(count):
        none[:, k + 1] = none[:, k] * np.maximum(count - numbers - k, 0) / (count - k)
    found = 1 - np.average(none, axis=0, weights=queries)
    recalls = {f"recall_at_{k}": float(found[min(k, count)]) for k in _AT}
    return {**recalls, "median_rank": float(np.argmax(found >= 0.5))}
