"""Decoders: from vectors to images (mirrored encoders, generators), and from tokens to patches."""

from keras_ssl.decoders.generators import generator
from keras_ssl.decoders.mirrors import check_mirrors, mirror
from keras_ssl.decoders.patches import patches

__all__ = ["check_mirrors", "generator", "mirror", "patches"]
