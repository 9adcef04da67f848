"""Tools for networks as graphs of layers: walking, copying, setting weights, inference, encoders of sequences."""

from keras_ssl.networks.cloning import all_trainable, clone, copy_layer, copy_statistics, reinitialized, set_weights
from keras_ssl.networks.finite_weights import check_finite_weights
from keras_ssl.networks.gradients import input_gradient
from keras_ssl.networks.id_tables import checked_ids, id_table, score_ids, scoring_layer, update_scoring_layer
from keras_ssl.networks.inference import predict_in_batches, without_copies
from keras_ssl.networks.low_rank import has_low_rank, merge_lora, without_lora
from keras_ssl.networks.preprocessing import rescales_bytes
from keras_ssl.networks.sequences import Parts, kept_frames, parts, pick
from keras_ssl.networks.walking import all_layers, embedder, inner_layers, is_graph, is_random, nearest_paths

__all__ = [
    "Parts",
    "all_layers",
    "all_trainable",
    "check_finite_weights",
    "checked_ids",
    "clone",
    "copy_layer",
    "copy_statistics",
    "embedder",
    "has_low_rank",
    "id_table",
    "inner_layers",
    "input_gradient",
    "is_graph",
    "is_random",
    "kept_frames",
    "merge_lora",
    "nearest_paths",
    "parts",
    "pick",
    "predict_in_batches",
    "reinitialized",
    "rescales_bytes",
    "score_ids",
    "scoring_layer",
    "set_weights",
    "update_scoring_layer",
    "without_copies",
    "without_lora",
]
