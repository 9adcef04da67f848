"""What a model takes and a batch holds: shape, dtype and range of each named tensor. Only this package knows kinds.

The kind of an input is the name of its `keras.Input`, which survives saving, cloning and nesting:
`keras.Input((None, 3), name="series")`.
"""

from keras_ssl.specs.checking import check, check_values
from keras_ssl.specs.encoders import RescalingWarning, check_encoder, check_vectors, warn_of_rescaling
from keras_ssl.specs.kinds import KINDS, Kind, kind_of
from keras_ssl.specs.models import check_kind, inputs_like, longest_of, specs_of
from keras_ssl.specs.spec import Spec, Specs, describe, from_json, plural, to_json, without_missing, without_range
from keras_ssl.specs.stored import scale_of, stored_spec

__all__ = [
    "KINDS",
    "Kind",
    "RescalingWarning",
    "Spec",
    "Specs",
    "check",
    "check_encoder",
    "check_kind",
    "check_values",
    "check_vectors",
    "describe",
    "from_json",
    "inputs_like",
    "kind_of",
    "longest_of",
    "plural",
    "scale_of",
    "specs_of",
    "stored_spec",
    "to_json",
    "warn_of_rescaling",
    "without_missing",
    "without_range",
]
