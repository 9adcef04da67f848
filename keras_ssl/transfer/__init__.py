"""Using a pretrained encoder for a task: heads, and which layers train."""

from keras_ssl.transfer.freezing import Trainability, freeze, trainability, unfreeze
from keras_ssl.transfer.heads import classifier

__all__ = ["Trainability", "classifier", "freeze", "trainability", "unfreeze"]
