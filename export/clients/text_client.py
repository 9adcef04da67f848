"""Ask a deployed model about texts: tokenize them as in training, and print the probabilities of the classes.

A model without classes of whole texts, such as a tagger or a regressor, is answered by its values, one line a text.

    python text_client.py models/reviews/1 "a good film" "not for me"
    python text_client.py models/reviews/1 "a good film" --url http://localhost:8501 --model reviews

Of several signatures it asks serving_default if that takes ids of text, else the first that does, such as embed_text.
ONNX Runtime answers in process; with --url, TensorFlow Serving does. Needs NumPy, tokenizers and the rest of the kit
beside it, and onnxruntime without --url.
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
from texts import load_tokenizer, text_input


def main(arguments=None):
    """Print an answer for each text, and return the exit status."""
    options = _parser().parse_args(arguments)
    try:
        manifest = read_manifest(options.directory, options.manifest_sha256)
        signature = options.signature or _of_texts(manifest["signatures"])
        ids_of = load_tokenizer(options.directory, manifest, signature)
        ids = ids_of(options.texts, options.begin, options.end, options.truncate)
        outputs = _answers(options, manifest, signature, ids)
    except FileNotFoundError as error:
        print(f"{error}.\nGive a version folder, such as models/reviews/1.", file=sys.stderr)
        return 2
    except (ArtifactError, SamplesError, RuntimeError, OSError) as error:
        print(error, file=sys.stderr)
        return 1
    if "probabilities" not in outputs or outputs["probabilities"].ndim != 2:
        for k, text in enumerate(options.texts):
            print(*(f"{name} {_shown(values[k])}" for name, values in outputs.items()), text, sep="\t")
        return 0
    classes = classes_of(outputs, manifest["class_names"])
    names = manifest["class_names"] or range(outputs["probabilities"].shape[-1])
    for text, best, probabilities in zip(options.texts, classes, outputs["probabilities"]):
        table = "  ".join(f"{name} {x:.3f}" for name, x in zip(names, probabilities))
        print(f"{best}\t{table}\t{text}")
    return 0


def _shown(values):
    return np.array2string(np.asarray(values), precision=3, separator=", ", max_line_width=sys.maxsize)


def _of_texts(signatures):
    """The name of a signature that takes ids of text, "serving_default" if it is one."""
    names = [name for name, about in signatures.items() if text_input(about) is not None]
    return names[0] if names and "serving_default" not in names else "serving_default"


def _answers(options, manifest, signature, ids):
    about = manifest["signatures"][signature]
    name = text_input(about)
    if len(about["inputs"]) > 1:
        raise ArtifactError(f"this client sends one input of ids, and the model takes {', '.join(about['inputs'])}")
    if options.url is None:
        return onnx_client.load(options.directory, signature, options.manifest_sha256)({name: ids})
    model, asked = options.model or manifest["name"], None if signature == "serving_default" else signature
    return rest.predict({name: ids}, model, options.url, options.version, signature=asked, inputs=about["inputs"])


def _parser():
    parser = argparse.ArgumentParser(description="Ask a deployed model about texts.")
    parser.add_argument("directory", type=Path, help="a version folder with tokenizer.json, such as models/reviews/1")
    parser.add_argument("texts", nargs="+")
    parser.add_argument("--url", help="address of TensorFlow Serving's REST port (default: ONNX Runtime, in process)")
    parser.add_argument("--model", help="its name there (default: that in the manifest)")
    parser.add_argument("--version", type=int, help="its version there (default: the newest)")
    parser.add_argument("--signature", help="such as embed_text (default: the one that takes ids of text)")
    parser.add_argument("--begin", action="store_true", help="begin each text with [BEGIN], if training did")
    parser.add_argument("--end", action="store_true", help="end each text with [END], if training did")
    parser.add_argument("--truncate", action="store_true", help="cut texts that are longer than the model takes")
    parser.add_argument("--manifest-sha256", help="that manifest.json must have, kept from the deployment")
    return parser


if __name__ == "__main__":
    sys.exit(main())
