"""Objectives from one text to another."""

from keras_ssl.objectives.sequence_to_sequence.sequence_to_sequence import SequenceToSequence

__all__ = ["SequenceToSequence"]
