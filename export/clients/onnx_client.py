"""Answer with ONNX Runtime, in process: no server, no TensorFlow.

    python onnx_client.py models/digits/1 images.npy
    python onnx_client.py models/words/1 inputs.npz --signature embed

Needs NumPy, onnxruntime and the rest of the kit beside it.
"""

import argparse
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # the rest of the kit

from artifact import ArtifactError, content, read_manifest
from graphs import onnx_faults
from samples import SamplesError, check_samples, classes_of, read_samples


def load(directory, signature="serving_default", manifest_sha256=None):
    """Return a callable from samples to a dict of arrays, such as `probabilities`.

    The ONNX file is loaded only if it has the sum in the manifest, reads no other files, and has the inputs and outputs
    that the manifest says.

    Args:
        directory: A version folder with ONNX files, `manifest.json` and `manifest.sha256`.
        signature: Name of a signature in the manifest. Default: "serving_default".
        manifest_sha256: The SHA-256 of `manifest.json`, kept from the deployment. Default: only that in
            `manifest.sha256`.

    Returns:
        Function of an array, if there is one input, or of a dict of arrays by name of the input. It raises
        `SamplesError`, a `ValueError`, if they are not what the manifest says: names, dtype, shape, range, finite.

    Raises:
        FileNotFoundError: If there is no manifest.
        ArtifactError: If the manifest or the ONNX file has changed, or there is no such signature.
    """
    import onnxruntime

    manifest = read_manifest(directory, manifest_sha256)
    if signature not in manifest["signatures"]:
        raise ArtifactError(f"there is no signature {signature!r}, but {', '.join(manifest['signatures'])}")
    about = manifest["signatures"][signature]
    data = content(directory, manifest, about["onnx"])
    if faults := onnx_faults(data, about):
        raise ArtifactError(f"{about['onnx']} {faults[0]}")
    try:
        session = onnxruntime.InferenceSession(data, providers=["CPUExecutionProvider"])
    except Exception as error:  # ONNX Runtime has many kinds
        raise ArtifactError(f"ONNX Runtime does not load {about['onnx']}: {error}") from error
    names = [output.name for output in session.get_outputs()]

    def predict(samples):
        return dict(zip(names, session.run(names, check_samples(samples, about["inputs"]))))

    return predict


def main(arguments=None):
    """Print the class of each sample of a file, by name where the manifest has names; return the exit status."""
    parser = argparse.ArgumentParser(description="Answer with ONNX Runtime, in process.")
    parser.add_argument("directory", type=Path, help="a version folder, such as models/digits/1")
    parser.add_argument("samples", help=".npy file of the only input, or .npz file of all inputs by name")
    parser.add_argument("--signature", default="serving_default")
    parser.add_argument("--manifest-sha256", help="that manifest.json must have, kept from the deployment")
    options = parser.parse_args(arguments)
    try:
        predict = load(options.directory, options.signature, options.manifest_sha256)
        outputs = predict(read_samples(options.samples))
        names = read_manifest(options.directory, options.manifest_sha256)["class_names"]
    except FileNotFoundError as error:
        print(f"{error}.\nGive a version folder, such as models/digits/1.", file=sys.stderr)
        return 2
    except (ArtifactError, SamplesError) as error:
        print(error, file=sys.stderr)
        return 1
    for name, value in outputs.items():
        print(name, value.shape)
    if (classes := classes_of(outputs, names if options.signature == "serving_default" else None)) is not None:
        print("classes", classes)
    return 0


if __name__ == "__main__":
    sys.exit(main())
