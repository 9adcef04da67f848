"""The encoder of a model under a new head."""

from collections.abc import Callable
from typing import Any

import keras

from keras_ssl.errors import UserError
from keras_ssl.networks import is_graph
from keras_ssl.transfer.finding import nested_encoder

__all__ = ["replace_head"]


def replace_head(model: keras.Model, head: Callable[..., keras.Model], **arguments: Any) -> keras.Model:
    """Return a new model: the encoder of a model that has a head, under another head.

    The encoder is shared, with its weights of now and with which of its layers are frozen. Of a segmenter or a detector
    it is the part that computes the feature maps, and of a tagger or a transcriber that without the pool: each takes
    other heads of its kind. A head that needs the whole encoder wants that itself.

    Args:
        model: Model in which the encoder is nested as one layer, such as those of `transfer.classifier`. It is not
            changed, and it may come from a file.
        head: What builds the new model from an encoder, such as `transfer.segmenter`.
        **arguments: Other arguments of `head`.

    Returns:
        What `head` returns, not compiled.

    Raises:
        UserError: If there is not exactly one nested model that reads the inputs; and those of `head`.

    Example:
        `model = transfer.replace_head(classifier, transfer.segmenter, classes=3)`
    """
    encoder = nested_encoder(model) if is_graph(model) else None
    if encoder is None:
        nested = [layer for layer in getattr(model, "layers", ()) if is_graph(layer)]
        names = ", ".join(f"'{layer.name}'" for layer in nested) or "none"
        raise UserError(
            "a model with one nested model, its encoder, such as that of `transfer.classifier`",
            f"'{getattr(model, 'name', type(model).__name__)}' with {names}",
            "give the encoder to the head: `transfer.classifier(model.get_layer(name), classes)`",
        )
    return head(encoder, **arguments)
