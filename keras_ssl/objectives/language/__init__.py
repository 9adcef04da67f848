"""Objectives that predict the tokens of a text, one after the other."""

from keras_ssl.objectives.language.causal import CausalLanguageModel

__all__ = ["CausalLanguageModel"]
