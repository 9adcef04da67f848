"""What hides or changes a sample: noise, masks and rearrangements of pixels. Pure functions."""

from keras_ssl.transforms.masks import block_mask, random_boxes, random_mask
from keras_ssl.transforms.noise import gaussian_noise, masking_noise, salt_and_pepper
from keras_ssl.transforms.rearrangements import distant_permutations, mirror, shuffle_tiles, turn

__all__ = [
    "block_mask",
    "distant_permutations",
    "gaussian_noise",
    "masking_noise",
    "mirror",
    "random_boxes",
    "random_mask",
    "salt_and_pepper",
    "shuffle_tiles",
    "turn",
]
