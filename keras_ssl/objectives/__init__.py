"""Pretraining objectives: Keras models that train an encoder without labels. One file per mechanism."""

from keras_ssl.objectives.adversarial import GAN, Adversarial, BiGAN
from keras_ssl.objectives.base.objective import Objective
from keras_ssl.objectives.clustering import SwAV
from keras_ssl.objectives.contrastive import NNCLR, MoCo, SimCLR
from keras_ssl.objectives.decorrelation import BarlowTwins, VICReg
from keras_ssl.objectives.distillation import BYOL, DINO, SimSiam
from keras_ssl.objectives.language import CausalLanguageModel
from keras_ssl.objectives.masked import (
    AdversarialInpainting,
    Imputation,
    Inpainting,
    MaskedAutoencoder,
    MaskedLanguageModel,
    Wav2Vec2,
)
from keras_ssl.objectives.pairs import CLIP
from keras_ssl.objectives.predictive import ContrastivePredictiveCoding, Forecasting, FramePrediction
from keras_ssl.objectives.pretext import (
    AttributePrediction,
    FlipPrediction,
    JigsawPrediction,
    RotationPrediction,
    TokenAttributes,
)
from keras_ssl.objectives.reconstruction import (
    Autoencoder,
    DenoisingAutoencoder,
    SparseAutoencoder,
    VariationalAutoencoder,
)
from keras_ssl.objectives.sequence_to_sequence import SequenceToSequence
from keras_ssl.objectives.temporal import TS2Vec
from keras_ssl.objectives.word_vectors import CBOW, GloVe, SkipGram

__all__ = [
    "BYOL",
    "CBOW",
    "CLIP",
    "DINO",
    "GAN",
    "NNCLR",
    "Adversarial",
    "AdversarialInpainting",
    "AttributePrediction",
    "Autoencoder",
    "BarlowTwins",
    "BiGAN",
    "CausalLanguageModel",
    "ContrastivePredictiveCoding",
    "DenoisingAutoencoder",
    "FlipPrediction",
    "Forecasting",
    "FramePrediction",
    "GloVe",
    "Imputation",
    "Inpainting",
    "JigsawPrediction",
    "MaskedAutoencoder",
    "MaskedLanguageModel",
    "MoCo",
    "Objective",
    "RotationPrediction",
    "SequenceToSequence",
    "SimCLR",
    "SimSiam",
    "SkipGram",
    "SparseAutoencoder",
    "SwAV",
    "TS2Vec",
    "TokenAttributes",
    "VICReg",
    "VariationalAutoencoder",
    "Wav2Vec2",
]
