"""Loss functions: the mathematics of the project, as pure functions of tensors.

Every loss function returns a float32 scalar, except `token_cross_entropy`, `each_binary_crossentropy`, `center_focal`
and those of word vectors, which return one number for each token, label, image or pair; `cpc_scores` returns the scores
that `cpc` takes, `gradnorm_weights` the weights of tasks.
What the network produces comes first, what it is compared with second: `squared_error(reconstruction, x)`,
`cross_entropy(logits, labels)`, `dino(student, teacher, center)`. Two views of the same samples, `z_1` and `z_2`, can
be swapped. Adversarial losses take the discriminator's outputs: real, then generated. `sinkhorn` is not a loss: it
computes the codes that `swav` takes. Nor is `distractor_logits`, which computes scores for `token_cross_entropy`.
`WhereKnown` is a loss for Keras's own `compile`, where labels may be missing; `Scaled` is one for values in units of
their own, and `CenterLoss` one for detectors, whose targets `center_targets` makes.
"""

from keras_ssl.losses.adversarial import gradient_penalty, non_saturating, wasserstein
from keras_ssl.losses.classification import cross_entropy, each_binary_crossentropy
from keras_ssl.losses.clustering import sinkhorn, swav
from keras_ssl.losses.contrastive import dcl, info_nce, nt_xent
from keras_ssl.losses.decorrelation import barlow_twins, vicreg
from keras_ssl.losses.detection import CenterLoss, CenterTargets, center_focal, center_targets
from keras_ssl.losses.distillation import dino, negative_cosine
from keras_ssl.losses.language import token_cross_entropy
from keras_ssl.losses.latent import gaussian_kl, l1, sparsity_kl
from keras_ssl.losses.missing_labels import WhereKnown
from keras_ssl.losses.pairs import clip, siglip
from keras_ssl.losses.predictive import cpc, cpc_scores
from keras_ssl.losses.reconstruction import (
    absolute_error,
    binary_cross_entropy,
    masked_squared_error,
    squared_error,
)
from keras_ssl.losses.scaled import Scaled
from keras_ssl.losses.speech import code_diversity, distractor_logits
from keras_ssl.losses.task_weights import gradnorm_weights, uncertainty_weighted
from keras_ssl.losses.temporal import hierarchical_contrast, instance_contrast, temporal_contrast
from keras_ssl.losses.word_vectors import cbow, glove, negative_sampling, skip_gram, window_weights

__all__ = [
    "CenterLoss",
    "CenterTargets",
    "Scaled",
    "WhereKnown",
    "absolute_error",
    "barlow_twins",
    "binary_cross_entropy",
    "cbow",
    "center_focal",
    "center_targets",
    "clip",
    "code_diversity",
    "cpc",
    "cpc_scores",
    "cross_entropy",
    "dcl",
    "dino",
    "distractor_logits",
    "each_binary_crossentropy",
    "gaussian_kl",
    "glove",
    "gradient_penalty",
    "gradnorm_weights",
    "hierarchical_contrast",
    "info_nce",
    "instance_contrast",
    "l1",
    "masked_squared_error",
    "negative_cosine",
    "negative_sampling",
    "non_saturating",
    "nt_xent",
    "siglip",
    "sinkhorn",
    "skip_gram",
    "sparsity_kl",
    "squared_error",
    "swav",
    "temporal_contrast",
    "token_cross_entropy",
    "uncertainty_weighted",
    "vicreg",
    "wasserstein",
    "window_weights",
]
