"""Using a pretrained encoder for a task: adapting its input, heads, freezing, and fine-tuning."""

from keras_ssl.transfer.adapting import adapt_input, adapt_statistics
from keras_ssl.transfer.box_labels import box_labels
from keras_ssl.transfer.fine_tuning import FineTuning, fine_tune
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
from keras_ssl.transfer.linear import fit_linear, start_from_probe
from keras_ssl.transfer.replacing import replace_head
from keras_ssl.transfer.transcribing import decode_ctc, transcribe

__all__ = [
    "FineTuning",
    "Trainability",
    "adapt_input",
    "adapt_statistics",
    "box_labels",
    "classifier",
    "decode_ctc",
    "detector",
    "fine_tune",
    "fit_linear",
    "forecaster",
    "freeze",
    "multi_label",
    "regressor",
    "replace_head",
    "segmenter",
    "start_from_probe",
    "tagger",
    "token_labels",
    "trainability",
    "transcribe",
    "transcriber",
    "unfreeze",
    "word_labels",
]
