"""Ask a deployed model about sound files: resample them as in training, and print the probabilities of the classes.

A model without classes of whole recordings, such as an encoder, is answered by its values, one line a file.

    python sound_client.py models/digits/1 one.wav two.flac
    python sound_client.py models/digits/1 one.wav --url http://localhost:8501 --model digits

ONNX Runtime answers in process; with --url, TensorFlow Serving does. Needs NumPy, soundfile, soxr and the rest of the
kit beside it, and onnxruntime without --url.
"""

import argparse
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # the rest of the kit

import numpy as np
import onnx_client
import rest
from artifact import ArtifactError, read_manifest
from samples import SamplesError, classes_of
from sounds import load_sounds, sound_input


def main(arguments=None):
    """Print an answer for each file, and return the exit status."""
    options = _parser().parse_args(arguments)
    try:
        manifest = read_manifest(options.directory, options.manifest_sha256)
        outputs = _answers(options, manifest, load_sounds(options.files, manifest))
    except FileNotFoundError as error:
        print(f"{error}.\nGive a version folder, such as models/digits/1.", file=sys.stderr)
        return 2
    except (ArtifactError, SamplesError, RuntimeError, OSError) as error:
        print(error, file=sys.stderr)
        return 1
    if "probabilities" not in outputs or outputs["probabilities"].ndim != 2:
        for k, path in enumerate(options.files):
            print(*(f"{name} {_shown(values[k])}" for name, values in outputs.items()), path, sep="\t")
        return 0
    names = manifest["class_names"] or range(outputs["probabilities"].shape[-1])
    classes = classes_of(outputs, manifest["class_names"])
    for path, best, probabilities in zip(options.files, classes, outputs["probabilities"]):
        table = "  ".join(f"{name} {x:.3f}" for name, x in zip(names, probabilities))
        print(f"{best}\t{table}\t{path}")
    return 0


def _shown(values):
    return np.array2string(np.asarray(values), precision=3, separator=", ", max_line_width=sys.maxsize)


def _answers(options, manifest, sounds):
    about = manifest["signatures"]["serving_default"]
    name = sound_input(about)
    if options.url is None:
        return onnx_client.load(options.directory, manifest_sha256=options.manifest_sha256)({name: sounds})
    model = options.model or manifest["name"]
    return rest.predict({name: sounds}, model, options.url, options.version, inputs=about["inputs"])


def _parser():
    parser = argparse.ArgumentParser(description="Ask a deployed model about sound files.")
    parser.add_argument("directory", type=Path, help="a version folder whose manifest has a sample rate")
    parser.add_argument("files", nargs="+", help=".wav, .flac and other files that libsndfile reads")
    parser.add_argument("--url", help="address of TensorFlow Serving's REST port (default: ONNX Runtime, in process)")
    parser.add_argument("--model", help="its name there (default: that in the manifest)")
    parser.add_argument("--version", type=int, help="its version there (default: the newest)")
    parser.add_argument("--manifest-sha256", help="that manifest.json must have, kept from the deployment")
    return parser


if __name__ == "__main__":
    sys.exit(main())
