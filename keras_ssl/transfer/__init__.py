"""Using a pretrained encoder for a task: adapting its input, heads, freezing, and the ways to fine-tune it."""

from keras_ssl.networks import merge_lora
from keras_ssl.transfer.adapting import adapt_input, adapt_statistics
from keras_ssl.transfer.box_labels import box_labels
from keras_ssl.transfer.efficient import bitfit, lora
from keras_ssl.transfer.finding import blocks
from keras_ssl.transfer.fine_tuning import FineTuning, fine_tune, prepared
from keras_ssl.transfer.freezing import Trainability, freeze, trainability, unfreeze
from keras_ssl.transfer.heads import (
    classifier,
    detector,
    forecaster,
    multi_label,
    regressor,
    segmenter,
    tagger,
    token_labels,
    transcriber,
    word_labels,
)
from keras_ssl.transfer.learning_rate import LearningRates, find_learning_rate
from keras_ssl.transfer.linear import fit_linear
from keras_ssl.transfer.multi_task import MultiTask, multi_task
from keras_ssl.transfer.nearest import knn_classifier
from keras_ssl.transfer.penalties import L2SP, regularize
from keras_ssl.transfer.rates import layer_rates
from keras_ssl.transfer.replacing import replace_head
from keras_ssl.transfer.starting import start_from_probe, start_from_prototypes
from keras_ssl.transfer.summary import LayerSummary, Summary, summary
from keras_ssl.transfer.transcribing import decode_ctc, transcribe
from keras_ssl.transfer.watching import Changes, watch
from keras_ssl.transfer.ways import WAYS, Way

__all__ = [
    "Changes",
    "FineTuning",
    "L2SP",
    "LayerSummary",
    "LearningRates",
    "MultiTask",
    "Summary",
    "Trainability",
    "WAYS",
    "Way",
    "adapt_input",
    "adapt_statistics",
    "bitfit",
    "blocks",
    "box_labels",
    "classifier",
    "decode_ctc",
    "detector",
    "find_learning_rate",
    "fine_tune",
    "fit_linear",
    "forecaster",
    "freeze",
    "knn_classifier",
    "layer_rates",
    "lora",
    "merge_lora",
    "multi_label",
    "multi_task",
    "prepared",
    "regressor",
    "regularize",
    "replace_head",
    "segmenter",
    "start_from_probe",
    "start_from_prototypes",
    "summary",
    "tagger",
    "token_labels",
    "trainability",
    "transcribe",
    "transcriber",
    "unfreeze",
    "watch",
    "word_labels",
]
