"""Which networks export, and how far the exported files are from Keras.

    python -m benchmarks.export_matrix [--only NAME …] [--size 32]

Every row is `export.deploy` of a network with random weights: the networks of this project, others of Keras and
KerasHub, and models of series, ids and several inputs. Quoted is the largest max|a-b| / max|a| of any output of any
signature, over batches of 1, 2, 7 and 32 random samples and two sizes of each open axis, where a is the output of Keras
on the CPU; or the one reason why there is no file. "Weights" is the size of the SavedModel's variables over that of the
model's: 1 if each is stored once. Each row has a process of its own, so that none changes another.

Results go to `benchmarks/results/export_matrix.json` and into docs/exporting.md; with `--only` the other rows stay.
"""

import argparse
import importlib.metadata
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import time

from benchmarks.pages import publish, published

ROOT = pathlib.Path(__file__).parent.parent
TARGET = 1e-5


def ours(name):
    """A function that makes one of this project's encoders, for images of a size."""

    def make(size):
        from keras_ssl import encoders

        return getattr(encoders, name)((size, size, 3))

    return make


def open_resnet(_):
    """The convolutional encoder that takes images of any size."""
    from keras_ssl import encoders

    return encoders.resnet18((None, None, 3), stem="small", width=16)


def mixed(_):
    """An encoder that was trained in bfloat16, which is exported in float32."""
    import keras

    from keras_ssl import encoders

    keras.config.set_dtype_policy("mixed_bfloat16")
    encoder = encoders.conv_net((32, 32, 3))
    keras.config.set_dtype_policy("float32")
    return encoder


def classifier(size):
    """An encoder with a head, whose outputs are probabilities and embedding."""
    from keras_ssl import encoders, transfer

    return transfer.classifier(encoders.conv_net((size, size, 3)), 10)


def head(name):
    """A function that makes a head, or a decoder, of an encoder of 32x32 images."""

    def make(_):
        from keras_ssl import decoders, encoders, heads

        encoder = encoders.conv_net((32, 32, 3))
        if name == "generator":
            return decoders.generator((32, 32, 3), 64)
        return {"projector": heads.projector, "mirror": decoders.mirror, "discriminator": heads.discriminator}[name](
            encoder
        )

    return make


def objective(name):
    """A function that makes an objective, all of whose signatures are served."""

    def make(_):
        from keras_ssl import encoders, objectives

        return getattr(objectives, name)(encoders.conv_net((32, 32, 1), normalize=False))

    return make


def application(name, **arguments):
    """A function that makes a network of `keras.applications`, up to its pooled features."""

    def make(size):
        import keras

        shape = {"input_shape": (size, size, 3), "weights": None, "include_top": False, "pooling": "avg"}
        return getattr(keras.applications, name)(**shape, **arguments)

    return make


def hub(name, **arguments):
    """A function that makes a backbone of KerasHub from its configuration."""

    def make(_):
        import keras_hub

        return getattr(keras_hub.models, name)(**arguments)

    return make


def lstm(_):
    """Series of any length."""
    import keras

    inputs = keras.Input((None, 6), name="series")
    return keras.Model(inputs, keras.layers.LSTM(32)(inputs))


def convolutions(_):
    """Series of any length, without a recurrence."""
    import keras

    inputs = x = keras.Input((None, 6), name="series")
    for k in range(3):
        x = keras.layers.Conv1D(32, 3, padding="same", dilation_rate=2**k, activation="relu")(x)
    return keras.Model(inputs, keras.layers.GlobalAveragePooling1D()(x))


def two_and_two(_):
    """An image and ids in, two named outputs out."""
    import keras

    image, ids = keras.Input((16, 16, 3), name="image"), keras.Input((None,), dtype="int32", name="ids")
    x = keras.layers.GlobalAveragePooling2D()(keras.layers.Conv2D(8, 3, activation="relu")(image))
    y = keras.layers.GlobalAveragePooling1D()(keras.layers.Embedding(50, 8)(ids))
    joint = keras.layers.Concatenate()([x, y])
    outputs = {"match": keras.layers.Dense(1, activation="sigmoid")(joint), "joint": keras.layers.Dense(4)(joint)}
    return keras.Model({"image": image, "ids": ids}, outputs)


VIT = {"image_shape": (32, 32, 3), "patch_size": 8, "num_layers": 2, "num_heads": 2, "hidden_dim": 32, "mlp_dim": 64}
BERT = {"vocabulary_size": 100, "num_layers": 2, "num_heads": 2, "hidden_dim": 32, "intermediate_dim": 64}
RESNET = {
    "input_conv_filters": [64],
    "input_conv_kernel_sizes": [7],
    "stackwise_num_filters": [64, 128],
    "stackwise_num_blocks": [2, 2],
    "stackwise_num_strides": [1, 2],
    "block_type": "basic_block",
    "image_shape": (32, 32, 3),
}

ROWS = {
    "mlp": ours("mlp"),
    "conv_net": ours("conv_net"),
    "resnet18": ours("resnet18"),
    "vit": lambda size: __import__("keras_ssl.encoders").encoders.vit((32, 32, 3), patch=8, width=32, depth=2, heads=2),
    "resnet18, any size": open_resnet,
    "conv_net, trained in bfloat16": mixed,
    "conv_net with a head, uint8": classifier,
    "projector": head("projector"),
    "discriminator": head("discriminator"),
    "mirror": head("mirror"),
    "generator": head("generator"),
    "Autoencoder": objective("Autoencoder"),
    "VariationalAutoencoder": objective("VariationalAutoencoder"),
    "GAN": objective("GAN"),
    "MobileNetV3Small, uint8": application("MobileNetV3Small"),
    "EfficientNetV2B0, uint8": application("EfficientNetV2B0"),
    "ConvNeXtTiny": application("ConvNeXtTiny"),
    "DenseNet121": application("DenseNet121"),
    "ResNet50V2": application("ResNet50V2"),
    "KerasHub ViT": hub("ViTBackbone", **VIT),
    "KerasHub ResNet": hub("ResNetBackbone", **RESNET),
    "KerasHub BERT": hub("BertBackbone", **BERT, max_sequence_length=128),
    "LSTM, series of any length": lstm,
    "Conv1D, series of any length": convolutions,
    "two inputs, two outputs": two_and_two,
}


def weights(model):
    """Bytes of all weights that some signature needs."""
    import keras
    import numpy as np

    return sum(
        int(np.prod(w.shape)) * np.dtype(keras.backend.standardize_dtype(w.dtype)).itemsize for w in model.weights
    )


def measured(name, size):
    """Figures of a row: parity of each format, or the reason why there is none."""
    import keras

    from keras_ssl import errors, export

    keras.utils.set_random_seed(0)
    model = ROWS[name](size)
    options = {"input_dtype": "uint8" if name.endswith("uint8") else "float32"}
    result, begun = {"size_mb": weights(model) / 1e6}, time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        try:
            version = export.deploy(model, folder, tolerance=1e3, **options)
        except errors.UserError as error:
            return {**result, "reason": error.received.splitlines()[0][:200]}
        manifest = json.loads((version / "manifest.json").read_text())
        stored = sum(path.stat().st_size for path in (version / "variables").glob("*.data*"))
    figures = {key: max(manifest["parity"][key].values()) for key in ("saved_model", "onnx")}
    inputs = [f"{key} {entry['dtype']}" for key, entry in manifest["signatures"]["serving_default"]["inputs"].items()]
    outputs = {key: [*entry["outputs"]] for key, entry in manifest["signatures"].items() if key != "embed"}
    return {
        **result,
        **figures,
        "inputs": inputs,
        "outputs": outputs,
        "empty_batch": manifest["empty_batch"],
        "stored_over_weights": stored / max(weights(model), 1),
        "seconds": time.perf_counter() - begun,
    }


def in_a_process(name, size):
    """The figures of a row from a process of its own."""
    command = [sys.executable, "-m", "benchmarks.export_matrix", "--row", name, "--size", str(size)]
    environment = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": "-1"}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)
    if done.returncode:
        return {"reason": f"the process ended: {done.stderr.strip().splitlines()[-1][:200]}"}
    return json.loads(done.stdout.splitlines()[-1])


def section(result):
    """The table."""
    lines = ["| Network | Inputs | Outputs | SavedModel | ONNX | Weights |", "|---|---|---|---|---|---|"]
    for name, row in result["rows"].items():
        if "reason" in row:
            lines.append(f"| {name} | | | | {row['reason'].replace('|', '/')} | |")
            continue
        cells = [f"{row[key]:.1e}" + ("" if row[key] <= TARGET else " (above)") for key in ("saved_model", "onnx")]
        outputs = ", ".join(dict.fromkeys(output for names in row["outputs"].values() for output in names))
        lines.append(
            f"| {name} | {', '.join(row['inputs'])} | {outputs} | {cells[0]} | {cells[1]} | "
            f"{row['stored_over_weights']:.2f} |"
        )
    none = [name for name, row in result["rows"].items() if not row.get("empty_batch", {}).get("saved_model", True)]
    without = f", but not by {', '.join(none)}" if none else ""
    return "\n".join(lines) + (
        f"\n\nLargest max\\|a-b\\| / max\\|a\\| from Keras over batches of 1, 2, 7 and 32 and two sizes of open axes, "
        f'random weights, images of\n{result["size"]}x{result["size"]}; what is above {TARGET:g} is marked "(above)". '
        f"Weights: bytes stored over bytes of the model.\nThe SavedModels also answer a batch of no samples{without} "
        f"({result['machine']}; `python -m benchmarks.export_matrix`)."
    )


def main():
    """Measure, print and write the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", nargs="+", choices=ROWS, default=list(ROWS), metavar="NAME", help="rows (all)")
    parser.add_argument("--size", type=int, default=32, help="side of images in pixels (32)")
    parser.add_argument("--row", choices=ROWS, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.row:
        print(json.dumps(measured(options.row, options.size)))
        return
    versions = [
        f"{name} {importlib.metadata.version(name)}" for name in ("tensorflow", "keras", "tf2onnx", "onnxruntime")
    ]
    result = {"machine": f"{os.cpu_count()} cores, {', '.join(versions)}", "size": options.size, "rows": {}}
    old = published("export_matrix")
    same = all(old.get(key) == result[key] for key in ("machine", "size"))
    rows = old["rows"] if same else {}
    for name in options.only:
        rows[name] = in_a_process(name, options.size)
        print(name, json.dumps(rows[name]), flush=True)
        publish("export_matrix", {**result, "rows": {key: rows[key] for key in ROWS if key in rows}})


if __name__ == "__main__":
    main()
