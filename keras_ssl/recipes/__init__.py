"""Named recipes: objective, views, encoder and optimizer that belong together for one data set.

A recipe is a plain function of the data; what it returns is compiled and ready for `fit`. Scores are on the test split,
after the last epoch; what was chosen was chosen on a part of train. `choose` finds one by names.
"""

from keras_ssl.recipes import digits, mnist, photographs, small_images
from keras_ssl.recipes.choosing import CLASSICAL, JOINT_EMBEDDING, UNLABELED, choose
from keras_ssl.recipes.recipe import Recipe, compiled

__all__ = [
    "CLASSICAL",
    "JOINT_EMBEDDING",
    "UNLABELED",
    "Recipe",
    "choose",
    "compiled",
    "digits",
    "mnist",
    "photographs",
    "small_images",
]
