"""What the command line calls: pretraining, evaluation and fine-tuning into folders, and the model files there."""

from keras_ssl.runs.embedding import write_embeddings
from keras_ssl.runs.evaluating import evaluate
from keras_ssl.runs.finetuning import finetune
from keras_ssl.runs.model_files import about, load_encoder, load_model, preparation_of, save_model, tokenizer_of
from keras_ssl.runs.pairs import evaluate_pairs, retrieval_table
from keras_ssl.runs.pretraining import check_folder, pretrain
from keras_ssl.runs.sources import load_fitting, load_labeled, load_to_verify
from keras_ssl.runs.unlabeled import load_unlabeled

__all__ = [
    "about",
    "check_folder",
    "evaluate",
    "evaluate_pairs",
    "finetune",
    "load_encoder",
    "load_fitting",
    "load_labeled",
    "load_model",
    "load_to_verify",
    "load_unlabeled",
    "preparation_of",
    "pretrain",
    "retrieval_table",
    "save_model",
    "tokenizer_of",
    "write_embeddings",
]
