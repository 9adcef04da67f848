"""Named recipes: an objective, views, an encoder and an optimizer for one data set.

A recipe is a plain function of the data that returns a compiled objective, ready for `fit`. Scores are on the test
split, after the last epoch; hyperparameters were chosen on a part of train. `choose` finds a recipe by names.
"""

from keras_ssl.recipes import digits, items, mnist, pairs, photographs, series, small_images, speech, text, video, words
from keras_ssl.recipes.choosing import (
    CLASSICAL,
    JOINT_EMBEDDING,
    PAIRS,
    SERIES,
    SPEECH,
    TEXT,
    UNLABELED,
    VIDEO,
    check_kind,
    choose,
)
from keras_ssl.recipes.recipe import Recipe, compiled

__all__ = [
    "CLASSICAL",
    "JOINT_EMBEDDING",
    "PAIRS",
    "SERIES",
    "SPEECH",
    "TEXT",
    "UNLABELED",
    "VIDEO",
    "Recipe",
    "check_kind",
    "choose",
    "compiled",
    "digits",
    "items",
    "mnist",
    "pairs",
    "photographs",
    "series",
    "small_images",
    "speech",
    "text",
    "video",
    "words",
]
