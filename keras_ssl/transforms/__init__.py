"""Pure functions that hide or change parts of samples: masks, noise, rearrangements of pixels, corruption of text."""

from keras_ssl.transforms.masks import block_mask, random_boxes, random_mask
from keras_ssl.transforms.noise import gaussian_noise, gumbel_noise, masking_noise, salt_and_pepper
from keras_ssl.transforms.rearrangements import distant_permutations, flip, rot90, shuffle_tiles
from keras_ssl.transforms.spans import infill_spans, pack, permute_sentences
from keras_ssl.transforms.time_spans import distractors, span_mask
from keras_ssl.transforms.tokens import hidden_tokens, masked_tokens, most_hidden, word_numbers

__all__ = [
    "block_mask",
    "distant_permutations",
    "distractors",
    "flip",
    "gaussian_noise",
    "gumbel_noise",
    "hidden_tokens",
    "infill_spans",
    "masked_tokens",
    "masking_noise",
    "most_hidden",
    "pack",
    "permute_sentences",
    "random_boxes",
    "random_mask",
    "rot90",
    "salt_and_pepper",
    "shuffle_tiles",
    "span_mask",
    "word_numbers",
]
