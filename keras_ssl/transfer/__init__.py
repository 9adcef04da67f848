"""Using a pretrained encoder for a task: adapting its input, heads, freezing, and fine-tuning."""

from keras_ssl.transfer.adapting import adapt_input, adapt_statistics
from keras_ssl.transfer.fine_tuning import FineTuning, fine_tune
from keras_ssl.transfer.freezing import Trainability, freeze, trainability, unfreeze
from keras_ssl.transfer.heads import classifier, forecaster, regressor, tagger, token_labels, transcriber, word_labels
from keras_ssl.transfer.learning_rate import LearningRates, find_learning_rate
from keras_ssl.transfer.linear import fit_linear, start_from_probe
from keras_ssl.transfer.multi_task import MultiTask, multi_task
from keras_ssl.transfer.summary import LayerSummary, Summary, summary
from keras_ssl.transfer.transcribing import decode_ctc, transcribe
from keras_ssl.transfer.watching import Changes, watch

__all__ = [
    "Changes",
    "FineTuning",
    "LayerSummary",
    "LearningRates",
    "MultiTask",
    "Summary",
    "Trainability",
    "adapt_input",
    "adapt_statistics",
    "classifier",
    "decode_ctc",
    "find_learning_rate",
    "fine_tune",
    "fit_linear",
    "forecaster",
    "freeze",
    "multi_task",
    "regressor",
    "start_from_probe",
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
