"""Ids that stand for no text."""

from collections.abc import Sequence

from keras_ssl.checks import check_between
from keras_ssl.errors import UserError

__all__ = ["SPECIAL", "checked_special", "ordinary_ids"]

SPECIAL = (0, 1, 2, 3, 4)
"""Those of `tokenizers`: padding, unknown, mask, begin and end."""


def checked_special(special: Sequence[int], mask: int, vocabulary: int) -> tuple[int, ...]:
    """Return the special ids in order, with 0 and the mask among them.

    Args:
        special: Ids that stand for no text.
        mask: Id of the mask, above 0.
        vocabulary: Number of ids.

    Raises:
        UserError: If an id is outside the vocabulary, or fewer than two others are left.
    """
    check_between("mask", mask, least=1, whole=True)
    found = tuple(sorted({0, int(mask), *map(int, special)}))
    if found[0] < 0 or found[-1] >= vocabulary:
        name = "mask" if not 0 < mask < vocabulary else "special"
        raise UserError(
            f"{name} among the encoder's ids, 0..{vocabulary - 1}",
            f"{mask if name == 'mask' else tuple(special)}",
            "give the ids of the tokenizer, and an encoder with its `vocabulary`",
        )
    if vocabulary - len(found) < 2:
        raise UserError(
            "at least 2 ids that stand for text",
            f"a vocabulary of {vocabulary} with {len(found)} special ids",
            "give an encoder with the tokenizer's `vocabulary`",
        )
    return found


def ordinary_ids(special: Sequence[int], vocabulary: int) -> list[int]:
    """Return the ids that are not special.

    Args:
        special: Ids that stand for no text.
        vocabulary: Number of ids.
    """
    return sorted(set(range(vocabulary)) - set(special))
