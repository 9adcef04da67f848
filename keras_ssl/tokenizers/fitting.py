"""Whether a tokenizer is that of a model."""

from keras_ssl.errors import UserError
from keras_ssl.specs import Specs
from keras_ssl.tokenizers.tokenizer import Tokenizer

__all__ = ["check_fits"]


def check_fits(tokenizer: Tokenizer, takes: Specs) -> None:
    """Raise unless a model takes ids of a tokenizer's vocabulary.

    Args:
        tokenizer: A `Tokenizer`.
        takes: What the model takes: `specs.specs_of(model)`.

    Raises:
        UserError: If it takes no ids, or those of a vocabulary of another size.
    """
    found = [spec for spec in (takes.values() if isinstance(takes, dict) else [takes]) if spec.kind == "ids"]
    if not any(spec.high in (None, tokenizer.vocabulary - 1) for spec in found):
        sizes = " and ".join(f"{int(spec.high) + 1}" for spec in found if spec.high is not None)
        raise UserError(
            f"a model that takes the {tokenizer.vocabulary} ids of the tokenizer",
            f"one of {sizes} ids" if found else "one that takes no ids",
            "give the tokenizer that made the ids it was trained on; its `vocabulary` is the number of the model's ids",
        )
