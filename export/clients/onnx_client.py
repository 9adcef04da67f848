"""Answer with ONNX Runtime, in process: no server, no TensorFlow.

    python onnx_client.py models/digits/1 images.npy
    python onnx_client.py models/words/1 inputs.npz --signature embed

Needs NumPy and onnxruntime.
"""

import argparse
import json
import sys
from pathlib import Path

import numpy as np


def load(directory, signature="serving_default"):
    """Return a callable from samples to a dict of arrays, such as `probabilities`.

    Args:
        directory: A version folder with ONNX files and `manifest.json`.
        signature: Name of a signature in the manifest. Default: "serving_default".

    Returns:
        Function of an array, if there is one input, or of a dict of arrays by name of the input.

    Raises:
        TypeError: From the callable, if an array is not of the manifest's dtype: an image in 0..255 given as floats
            would be answered, and wrongly.
        KeyError: If there is no such signature; from the callable, if the names are not those of the inputs.
    """
    import onnxruntime

    directory = Path(directory)
    about = json.loads((directory / "manifest.json").read_text(encoding="utf-8"))["signatures"][signature]
    session = onnxruntime.InferenceSession(str(directory / about["onnx"]), providers=["CPUExecutionProvider"])
    names = [output.name for output in session.get_outputs()]

    def predict(samples):
        samples = samples if isinstance(samples, dict) else {next(iter(about["inputs"])): samples}
        if set(samples) != set(about["inputs"]):
            raise KeyError(f"the model takes {', '.join(about['inputs'])}, and received {', '.join(samples)}")
        for name, array in samples.items():
            _check(name, array, about["inputs"][name])
        return dict(zip(names, session.run(names, samples)))

    return predict


def _check(name, array, about):
    if array.dtype != about["dtype"]:
        bounds = about["range"] or (None, None)
        low, high = ("" if bound is None else f"{bound:g}" for bound in bounds)
        values = f" in {low}..{high}" if low or high else ""
        raise TypeError(f"the model takes {name} as {about['dtype']}{values}, and it is {array.dtype}")


def main(arguments=None):
    """Print the class of each sample of a file, by name where the manifest has names; return the exit status."""
    parser = argparse.ArgumentParser(description="Answer with ONNX Runtime, in process.")
    parser.add_argument("directory", type=Path, help="a version folder, such as models/digits/1")
    parser.add_argument("samples", help=".npy file of the only input, or .npz file of all inputs by name")
    parser.add_argument("--signature", default="serving_default")
    options = parser.parse_args(arguments)
    if not (options.directory / "manifest.json").is_file():
        print(f"{options.directory} is not a deployed model: it has no manifest.json.", file=sys.stderr)
        print("Give a version folder, such as models/digits/1.", file=sys.stderr)
        return 2
    try:
        given = np.load(options.samples)
        given = given if isinstance(given, np.ndarray) else {name: given[name] for name in given.files}
        outputs = load(options.directory, options.signature)(given)
        names = json.loads((options.directory / "manifest.json").read_text(encoding="utf-8"))["class_names"]
    except (OSError, TypeError, KeyError) as error:
        print(error, file=sys.stderr)
        return 1
    for name, value in outputs.items():
        print(name, value.shape)
    if "probabilities" in outputs:
        classes = outputs["probabilities"].argmax(-1).tolist()
        print("classes", [names[k] for k in classes] if names else classes)
    return 0


if __name__ == "__main__":
    sys.exit(main())
