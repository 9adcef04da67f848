"""Answer with ONNX Runtime, in process: no server, no TensorFlow.

    python onnx_client.py models/digits/1 images.npy

Needs NumPy and onnxruntime.
"""

import argparse
import json
import sys
from pathlib import Path

import numpy as np


def load(directory):
    """Return a callable from images `(n, height, width, channels)` to a dict of arrays, such as `probabilities`.

    Args:
        directory: A version folder with `model.onnx` and `manifest.json`.

    Raises:
        TypeError: From the callable, if the images are not of the manifest's dtype: an image in 0..255 given as floats
            would be answered, and wrongly.
    """
    import onnxruntime

    directory = Path(directory)
    manifest = json.loads((directory / "manifest.json").read_text(encoding="utf-8"))
    dtype, (low, high) = manifest["signature"]["inputs"]["image"]["dtype"], manifest["value_range"]["image"]
    session = onnxruntime.InferenceSession(str(directory / "model.onnx"), providers=["CPUExecutionProvider"])
    names = [output.name for output in session.get_outputs()]

    def predict(images):
        if images.dtype != dtype:
            raise TypeError(f"the model takes {dtype} in {low:g}..{high:g}, and the images are {images.dtype}")
        return dict(zip(names, session.run(names, {"image": images})))

    return predict


def main(arguments=None):
    """Print the class of each image of an .npy file, by name where the manifest has names; return the exit status."""
    parser = argparse.ArgumentParser(description="Answer with ONNX Runtime, in process.")
    parser.add_argument("directory", type=Path, help="a version folder, such as models/digits/1")
    parser.add_argument("images", help=".npy file of shape (n, height, width, channels)")
    options = parser.parse_args(arguments)
    if not (options.directory / "manifest.json").is_file():
        print(f"{options.directory} is not a deployed model: it has no manifest.json.", file=sys.stderr)
        print("Give a version folder, such as models/digits/1.", file=sys.stderr)
        return 2
    try:
        outputs = load(options.directory)(np.load(options.images))
        names = json.loads((options.directory / "manifest.json").read_text(encoding="utf-8"))["class_names"]
    except (OSError, TypeError) as error:
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
