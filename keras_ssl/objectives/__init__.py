"""Pretraining objectives: Keras models that train an encoder without labels. One file per mechanism."""

from keras_ssl.objectives.attributes import AttributePrediction
from keras_ssl.objectives.clustering import SwAV
from keras_ssl.objectives.contrastive import NNCLR, MoCo, SimCLR
from keras_ssl.objectives.decorrelation import BarlowTwins, VICReg
from keras_ssl.objectives.distillation import BYOL, DINO, SimSiam
from keras_ssl.objectives.objective import Objective
from keras_ssl.objectives.pretext import FlipPrediction, JigsawPrediction, RotationPrediction
from keras_ssl.objectives.reconstruction import Autoencoder

__all__ = [
    "BYOL",
    "DINO",
    "NNCLR",
    "AttributePrediction",
    "Autoencoder",
    "BarlowTwins",
    "FlipPrediction",
    "JigsawPrediction",
    "MoCo",
    "Objective",
    "RotationPrediction",
    "SimCLR",
    "SimSiam",
    "SwAV",
    "VICReg",
]
