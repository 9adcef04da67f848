"""Decoders: from vectors to images (mirrored encoders, generators), from tokens to patches, and of text."""

from keras_ssl.decoders.generators import generator
from keras_ssl.decoders.mirrors import check_mirrors, mirror
from keras_ssl.decoders.patches import patches
from keras_ssl.decoders.text import text

__all__ = ["check_mirrors", "generator", "mirror", "patches", "text"]
