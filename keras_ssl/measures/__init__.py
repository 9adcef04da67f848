"""Figures of representations: those that are logged beside a loss, and those that choose a checkpoint without labels.

Pure functions of tensors.
"""

from keras_ssl.measures.label_free import alignment, alpha_req, lidar, rank_me, uniformity
from keras_ssl.measures.logged import (
    accuracy,
    effective_rank,
    feature_std,
    participation_ratio,
    perplexity,
    spread,
    usage_entropy,
)

__all__ = [
    "accuracy",
    "alignment",
    "alpha_req",
    "effective_rank",
    "feature_std",
    "lidar",
    "participation_ratio",
    "perplexity",
    "rank_me",
    "spread",
    "uniformity",
    "usage_entropy",
]
