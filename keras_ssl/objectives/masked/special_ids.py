"""Ids that stand for no text, which are neither hidden nor drawn."""

from collections.abc import Sequence
from typing import Any

from keras import ops

from keras_ssl.errors import UserError
from keras_ssl.networks import checked_ids, id_table
from keras_ssl.typing import Tensor

__all__ = ["are_ordinary", "special_ids"]


def special_ids(encoder: Any, mask: int, special: Sequence[int]) -> tuple[int, ...]:
    """Return the special ids in order, with 0 and the mask among them.

    Args:
        encoder: An encoder of text.
        mask: Id of the mask.
        special: Ids that stand for no text.

    Raises:
        UserError: If an id is outside the vocabulary, or fewer than two others are left.
    """
    found = (0, *checked_ids(encoder, mask=mask, special=[one for one in special if one != 0]))
    vocabulary = id_table(encoder).input_dim
    if vocabulary - len(found) < 2:
        raise UserError(
            "at least 2 ids that stand for text",
            f"a vocabulary of {vocabulary} with {len(found)} special ids",
            "give an encoder with the tokenizer's `vocabulary`",
        )
    return found


def are_ordinary(ids: Tensor, special: Sequence[int]) -> Tensor:
    """Return which ids stand for text.

    Args:
        ids: Integer tensor `(n, length)`.
        special: Ids that do not.

    Returns:
        Boolean tensor `(n, length)`.
    """
    return ops.all(ops.not_equal(ids[:, :, None], ops.convert_to_tensor(special, ids.dtype)), axis=-1)
