"""Decoders: from vectors to images (mirrored encoders, generators), from tokens to patches, of text, of frames of
video, and from coarse feature maps to fine ones."""

from keras_ssl.decoders.frames import feature_map, frames
from keras_ssl.decoders.generators import generator
from keras_ssl.decoders.mirrors import check_mirrors, mirror
from keras_ssl.decoders.patches import patches
from keras_ssl.decoders.text import text
from keras_ssl.decoders.top_down import top_down

__all__ = ["check_mirrors", "feature_map", "frames", "generator", "mirror", "patches", "text", "top_down"]
