"""Recipes for pictures with texts, such as titles or captions."""

from typing import Any

import keras

from keras_ssl import data, encoders, heads, objectives, views
from keras_ssl.errors import UserError
from keras_ssl.recipes.recipe import Recipe, compiled

__all__ = ["clip"]

_FEATURES = (32, 64, 128)
_PROJECTION = 128
_KEPT = {"flip": 0.0, "grayscale": 0.0, "blur": 0.0, "solarize": 0.0}  # texts speak of left, right and colors


def clip(
    source: data.Source,
    epochs: int | None = None,
    seed: int = 0,
    learning_rate: float = 1e-3,
    batch_size: int = 128,
    contrast: str = "softmax",
) -> Recipe:
    """CLIP on some thousands of pictures with titles: a convolutional network and vectors of words, for two cores.

    The image encoder keeps every place of its last map, and a text is the mean of the vectors of its pieces: of so few
    pairs, networks that have to find out both learn less. For sentences, in which the order of words matters, train the
    objective on `encoders.transformer`.

    Args:
        source: What `data.pairs` returned, of pictures of about 32x32 to 64x64 pixels. The benchmark has a
            vocabulary of 1,500 pieces, since most words of titles are in one title only.
        epochs: Number of epochs. Default: 40.
        seed: Seed of weights, order and views. Default: 0.
        learning_rate: Adam's, at the start. Default: 1e-3.
        batch_size: Pairs in each step. Default: 128.
        contrast: See `objectives.CLIP`. Default: "softmax".

    Returns:
        `Recipe`. Command: `keras-ssl pretrain --dataset pictures.csv --objective clip --size 48`.

    Raises:
        UserError: If the source is not one of pairs with their tokenizer.
    """
    if source.tokenizer is None or not isinstance(source.specs, dict) or set(source.specs) != {"image", "ids"}:
        raise UserError(
            "pictures with texts and their tokenizer",
            f"{source.kind} in {source.name}",
            "make the source by `data.pairs` or `data.from_pairs`",
        )
    shape: Any = source.specs["image"].shape[1:]
    keras.utils.set_random_seed(seed)
    encoder = encoders.conv_net(shape, _FEATURES, pooling="flatten", first_stride=2)
    text_encoder = encoders.word_vectors(source.tokenizer.vocabulary, _PROJECTION)
    model = objectives.CLIP(encoder, text_encoder, heads.projector(encoder, _PROJECTION), contrast=contrast, seed=seed)
    policy = views.captioned(views.natural_images(shape[:2], scale=(0.9, 1.0), strength=0.0, **_KEPT))
    epochs = 40 if epochs is None else epochs
    return compiled(model, source, epochs, learning_rate, policy, batch_size=batch_size)
