"""Ask TensorFlow Serving over REST.

    python rest.py images.npy --model digits
    python rest.py images.npy --url http://localhost:8501 --model digits --version 3

Needs NumPy alone.
"""

import argparse
import json
import sys
import urllib.error
import urllib.request

import numpy as np


def predict(samples, model, url="http://localhost:8501", version=None, timeout=30, signature=None):
    """Return the outputs of a served model, such as `probabilities` and `embedding`, as a dict of arrays.

    Args:
        samples: Dict of arrays by name of the input, in the range and dtype of the model's manifest; or the array of
            the only input.
        model: Name of the model in the server's configuration.
        url: Address of the server's REST port.
        version: Number of a version, or None for the newest.
        timeout: In seconds.
        signature: Name of a signature, or None for the default.

    Raises:
        RuntimeError: With the server's own words, if it refuses.
    """
    path = f"{url.rstrip('/')}/v1/models/{model}" + (f"/versions/{version}" if version else "") + ":predict"
    if isinstance(samples, dict):
        body = {"inputs": {name: np.asarray(array).tolist() for name, array in samples.items()}}
    else:
        body = {"inputs": np.asarray(samples).tolist()}
    body = json.dumps({"signature_name": signature, **body} if signature else body).encode()
    request = urllib.request.Request(path, body, {"Content-Type": "application/json"})
    try:
        with urllib.request.urlopen(request, timeout=timeout) as response:
            outputs = json.load(response)["outputs"]
    except urllib.error.HTTPError as error:
        raise RuntimeError(f"the server refused: {error.read().decode(errors='replace')}") from error
    return {name: np.asarray(value, "float32") for name, value in outputs.items()}


def main(arguments=None):
    """Print what the server answers for the samples of a file, and return the exit status."""
    parser = argparse.ArgumentParser(description="Ask TensorFlow Serving over REST.")
    parser.add_argument("samples", help=".npy file of images, or .npz file of all inputs by name")
    parser.add_argument("--model", required=True)
    parser.add_argument("--url", default="http://localhost:8501")
    parser.add_argument("--version", type=int)
    parser.add_argument("--signature")
    options = parser.parse_args(arguments)
    try:
        given = np.load(options.samples)
        given = given if isinstance(given, np.ndarray) else {name: given[name] for name in given.files}
        outputs = predict(given, options.model, options.url, options.version, signature=options.signature)
    except (RuntimeError, OSError) as error:
        print(error, file=sys.stderr)
        return 1
    for name, value in outputs.items():
        print(name, value.shape)
    if "probabilities" in outputs:
        print("classes", outputs["probabilities"].argmax(-1).tolist())
    return 0


if __name__ == "__main__":
    sys.exit(main())
