"""Ask TensorFlow Serving over REST.

    python rest.py images.npy --model digits --manifest models/digits/1/manifest.json
    python rest.py images.npy --url http://localhost:8501 --model digits --version 3

Needs NumPy and the rest of the kit beside it.
"""

import argparse
import http.client
import json
import sys
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # the rest of the kit

from artifact import ArtifactError, read_manifest
from samples import SamplesError, check_samples, classes_of, read_samples


def predict(samples, model, url="http://localhost:8501", version=None, timeout=30, signature=None, inputs=None):
    """Return the outputs of a served model, such as `probabilities` and `embedding`, as a dict of arrays.

    Args:
        samples: Dict of arrays by name of the input, in the range and dtype of the model's manifest; or the array of
            the only input.
        model: Name of the model in the server's configuration.
        url: Address of the server's REST port.
        version: Number of a version, or None for the newest.
        timeout: In seconds.
        signature: Name of a signature, or None for the default.
        inputs: The "inputs" of the signature in the manifest, to check the samples before they are sent. TensorFlow
            Serving knows their shapes and dtypes, but not the range of their values. Default: only that they are finite
            numbers.

    Raises:
        RuntimeError: With the server's own words, if it refuses, or if its answer is no prediction.
        SamplesError: If the samples are not what the model takes.
        OSError: If there is no answer.
    """
    path = f"/v1/models/{urllib.parse.quote(model, safe='')}" + (f"/versions/{version}" if version else "")
    if inputs is not None:
        samples = check_samples(samples, inputs)
        samples = next(iter(samples.values())) if len(samples) == 1 else samples
    body = {"inputs": _listed(samples), **({"signature_name": signature} if signature else {})}
    outputs = _ask(url, path + ":predict", timeout, json.dumps(body).encode()).get("outputs")
    if outputs is None:
        raise RuntimeError(f"the server answered without outputs: is {url} the REST port of TensorFlow Serving?")
    if not isinstance(outputs, dict):  # of a model with one output TensorFlow Serving leaves out its name
        outputs = {_only_output(url, path, timeout, signature or "serving_default"): outputs}
    return {name: _as_array(name, value) for name, value in outputs.items()}


def _listed(samples):
    """Samples as lists, after a look whether they are finite numbers: JSON has no others."""
    if isinstance(samples, dict):
        return {name: _listed(array) for name, array in samples.items()}
    array = np.asarray(samples)
    if array.dtype.kind not in "biuf":
        raise SamplesError(f"a model takes numbers, and received {array.dtype}")
    if array.dtype.kind == "f" and not np.isfinite(array).all():
        raise SamplesError("a model takes finite numbers, and received NaN or infinity")
    return array.tolist()


def _only_output(url, path, timeout, signature):
    """The name of a signature's only output, by the server's description of the model."""
    found = _ask(url, path + "/metadata", timeout)
    try:
        (name,) = found["metadata"]["signature_def"]["signature_def"][signature]["outputs"]
    except (KeyError, TypeError, ValueError) as error:
        raise RuntimeError("the server answered without names of outputs, and does not describe the model") from error
    return name


def _ask(url, path, timeout, body=None):
    """The JSON object that the server answers to a request: a POST if there is a body."""
    if not url.startswith(("http://", "https://")):
        raise RuntimeError(f"an address begins with http:// or https://, and received {url}")
    request = urllib.request.Request(url.rstrip("/") + path, body, {"Content-Type": "application/json"})
    try:
        with urllib.request.urlopen(request, timeout=timeout) as response:
            answer = json.load(response)
    except urllib.error.HTTPError as error:
        raise RuntimeError(f"the server refused: {error.read().decode(errors='replace')}") from error
    except (http.client.HTTPException, ValueError, RecursionError) as error:
        raise RuntimeError(
            f"{url} did not answer as TensorFlow Serving does ({type(error).__name__}: {error})"
        ) from error
    if not isinstance(answer, dict):
        raise RuntimeError(f"{url} did not answer as TensorFlow Serving does, but with a {type(answer).__name__}")
    return answer


def _as_array(name, value):
    try:
        array = np.asarray(value)
    except ValueError as error:
        raise RuntimeError(f"the server's {name} is no array") from error
    if array.dtype.kind not in "biuf":
        raise RuntimeError(f"the server's {name} is {array.dtype}, not numbers")
    return array.astype("float32") if array.dtype.kind == "f" else array


def main(arguments=None):
    """Print what the server answers for the samples of a file, and return the exit status."""
    parser = argparse.ArgumentParser(description="Ask TensorFlow Serving over REST.")
    parser.add_argument("samples", help=".npy file of images, or .npz file of all inputs by name")
    parser.add_argument("--model", required=True)
    parser.add_argument("--url", default="http://localhost:8501")
    parser.add_argument("--version", type=int)
    parser.add_argument("--signature")
    parser.add_argument(
        "--manifest",
        type=Path,
        help="manifest.json of the model, beside its manifest.sha256, to check the samples' shape and range",
    )
    options = parser.parse_args(arguments)
    names = inputs = None
    try:
        if options.manifest is not None:
            manifest = read_manifest(options.manifest.parent)
            default, signatures = options.signature in (None, "serving_default"), manifest["signatures"]
            if (options.signature or "serving_default") not in signatures:
                raise ArtifactError(f"there is no signature {options.signature!r}, but {', '.join(signatures)}")
            inputs = signatures[options.signature or "serving_default"]["inputs"]
            names = manifest["class_names"] if default else None
        given = read_samples(options.samples)
        outputs = predict(
            given, options.model, options.url, options.version, signature=options.signature, inputs=inputs
        )
    except (RuntimeError, OSError, SamplesError, ArtifactError) as error:
        print(error, file=sys.stderr)
        return 1
    for name, value in outputs.items():
        print(name, value.shape)
    if (classes := classes_of(outputs, names)) is not None:
        print("classes", classes)
    return 0


if __name__ == "__main__":
    sys.exit(main())
