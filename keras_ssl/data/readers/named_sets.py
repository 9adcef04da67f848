"""Sets of images and of texts of TensorFlow Datasets, by name."""

import socket
import threading
import urllib.parse
import urllib.request
from collections.abc import Sequence

import numpy as np

from keras_ssl import set_names
from keras_ssl.data.preparation import Preparation
from keras_ssl.data.readers.pixels import fit, resize, room_for
from keras_ssl.data.source import Source
from keras_ssl.data.texts import Texts
from keras_ssl.errors import UserError
from keras_ssl.names import no_such_dataset, require_datasets
from keras_ssl.progress import track

__all__ = ["load_named", "load_named_texts", "network_answers"]

_HOST = "storage.googleapis.com"


def load_named(
    name: str,
    split: str,
    size: tuple[int, int] | None = None,
    columns: Sequence[str] = (),
    preparation: Preparation | None = None,
) -> Source:
    """Load a split of an image set of TensorFlow Datasets into memory.

    Args:
        name: Name of the set, with configuration and version if wanted: `"mnist"`, `"cifar10_corrupted/fog_1"`.
        split: Split of the set, or a slice such as `"train[:20%]"`.
        size: `(height, width)` to resize the images to, or None.
        columns: Names of features with one number per sample, to keep as columns of the source.
        preparation: How images are brought to the size. Default: `Preparation()`.

    Returns:
        A `Source`.

    Raises:
        UserError: If TensorFlow Datasets or TensorFlow is not installed, there is no such set, configuration, split or
            column, its images differ in size without a `size`, or it is neither prepared nor downloadable.
    """
    require_datasets(name)
    import tensorflow_datasets as tfds

    builder = _find(tfds, name)
    features = builder.info.features
    features = dict(features.items()) if isinstance(features, tfds.features.FeaturesDict) else {}
    stored = _image_feature(tfds, features, name, size)
    _check_columns(features, columns, name)
    count = _count(builder, name, split)
    label = features.get("label")
    labeled = isinstance(label, tfds.features.ClassLabel)
    others = {column: features[column].np_dtype for column in columns} | ({"label": np.int64} if labeled else {})
    images, found = _read(tfds, builder, split, count, stored, (size, preparation or Preparation()), others, name)
    kept = {column: found[column] for column in columns} or None
    if label is None or not labeled:
        return Source(images, name=f"{name}/{split}", columns=kept, preparation=preparation)
    names = tuple(label.names)
    return Source(images, found["label"], label.num_classes, names, f"{name}/{split}", kept, preparation=preparation)


def load_named_texts(name: str, split: str, text: str = "text", label: str | None = None) -> Texts:
    """Load a split of a set of texts of TensorFlow Datasets into memory.

    Args:
        name: Name of the set, with configuration and version if wanted.
        split: Split of the set, or a slice such as `"train[:20%]"`.
        text: Name of the feature of texts. Default: `"text"`.
        label: Name of the feature of class numbers. Default: None, `"label"` if there is one.

    Returns:
        `Texts`.

    Raises:
        UserError: As `load_named`, or if a text is no UTF-8.
    """
    require_datasets(name)
    import tensorflow_datasets as tfds

    builder = _find(tfds, name)
    features = builder.info.features
    features = dict(features.items()) if isinstance(features, tfds.features.FeaturesDict) else {}
    labels = features.get(label or "label")
    labeled = isinstance(labels, tfds.features.ClassLabel)
    if not isinstance(features.get(text), tfds.features.Text) or (label is not None and not labeled):
        raise UserError(
            f"a set with texts in the feature '{text}'" + f" and classes in '{label}'" * (label is not None),
            f"{name} with {', '.join(sorted(features)) or 'no named features'}",
            "name the features: `data.texts(name, text='…', label='…')`",
        )
    count = _count(builder, name, split)
    wanted = dict.fromkeys((text, *[label or "label"] * labeled), True)
    samples = builder.as_dataset(split=split, shuffle_files=False, decoders=tfds.decode.PartialDecoding(wanted))
    rows = list(track(tfds.as_numpy(samples), count, f"Reading {name}"))
    texts = [_decoded(row[text], f"sample {number} of {name}") for number, row in enumerate(rows)]
    if not labeled:
        return Texts(texts, name=f"{name}/{split}")
    numbers = np.array([row[label or "label"] for row in rows], "int64")
    return Texts(texts, numbers, tuple(labels.names), f"{name}/{split}")


def _decoded(text, name):
    try:
        return text.decode("utf-8")
    except UnicodeDecodeError as error:
        raise UserError(f"{name} in UTF-8", f"the byte 0x{text[error.start]:02x}", "choose another feature") from error


def _find(tfds, name):
    if not set_names.is_whole_name(name):
        raise no_such_dataset(name)
    try:
        return tfds.builder(name)
    except tfds.core.DatasetNotFoundError as error:
        raise no_such_dataset(name) from error
    except (ValueError, AssertionError) as error:
        reason = str(error).split("\n")[0]
        raise UserError(
            "an image set of TensorFlow Datasets", f"{name!r}: {reason}", f"see `tfds.builder({name.split('/')[0]!r})`"
        ) from error


def _count(builder, name, split):
    """Number of samples of a split, once the set is prepared."""
    if not builder.is_prepared():
        _prepare(builder, name)
    try:
        return builder.info.splits[split].num_examples
    except (ValueError, KeyError) as error:
        there = ", ".join(builder.info.splits)
        raise UserError(
            f"a split of {name} ({there}) or a slice of one", repr(split), "write `train[:20000]`, for instance"
        ) from error


def _image_feature(tfds, features, name, size):
    image = features.get("image")
    if not isinstance(image, tfds.features.Image) or np.dtype(image.np_dtype) not in (np.uint8, np.float32):
        raise UserError(
            "a set with a feature 'image' of uint8 or float32 pixels, and labels in 'label'",
            f"{name} with {', '.join(sorted(features)) or 'no named features'}",
            "choose an image classification set, or make arrays of it yourself and pass them to `data.from_arrays`",
        )
    if None in image.shape and size is None:
        raise UserError("a size for images of different ones", f"{name} without it", "pass `size=64`, for instance")
    return image.shape, np.dtype(image.np_dtype)


def _check_columns(features, columns, name):
    numbers = [key for key, feature in features.items() if feature.shape == () and _is_number(feature)]
    if missing := [column for column in columns if column not in numbers]:
        raise UserError(
            f"columns that {name} has one number of for each sample: {', '.join(sorted(numbers)) or 'there are none'}",
            ", ".join(missing),
            "choose among them" if numbers else "leave `columns` out",
        )


def _is_number(feature):
    return np.dtype(feature.np_dtype).kind in "biuf"


def _prepare(builder, name):
    if not network_answers():
        raise UserError(
            f"{name} prepared in {builder.data_path}, or a network to download it",
            f"no prepared set, and no answer from {_HOST}",
            f"connect, or run `tfds build {name}` where there is a network and copy its folder there "
            "(TFDS_DATA_DIR names another place)",
        )
    try:
        builder.download_and_prepare()
    except Exception as error:
        raise UserError(
            f"{name} to download and prepare",
            f"{type(error).__name__}: {error}",
            f"see what `tfds build {name}` says; some sets need files that are downloaded by hand",
        ) from error


def network_answers(timeout: float = 2.0) -> bool:
    """Return within `timeout` seconds whether the host of TensorFlow Datasets, or the proxy to it, can be reached."""
    proxy = urllib.parse.urlsplit(urllib.request.getproxies().get("https", ""))
    address = (proxy.hostname, proxy.port or 80) if proxy.hostname else (_HOST, 443)
    answered = threading.Event()

    def connect():
        try:
            with socket.create_connection(address, timeout):
                answered.set()
        except OSError:
            pass

    # In a thread, because name lookup has no timeout.
    thread = threading.Thread(target=connect, daemon=True)
    thread.start()
    thread.join(timeout)
    return answered.is_set()


def _read(tfds, builder, split, count, stored, form, others, name):
    ((height, width, channels), dtype), (size, preparation) = stored, form
    varying = None in (height, width, channels)
    size = size or (height, width)
    shape = (*size, channels or 3)
    images = room_for(count, shape, dtype, name)
    found = {key: np.empty(count, dtype) for key, dtype in others.items()}
    wanted = dict.fromkeys(("image", *others), True)
    samples = builder.as_dataset(split=split, shuffle_files=False, decoders=tfds.decode.PartialDecoding(wanted))
    samples = samples.batch(1 if varying else 1024).prefetch(2)
    at = 0
    for batch in track(tfds.as_numpy(samples), -(-count // (1 if varying else 1024)), f"Reading {name}"):
        to = at + len(batch["image"])
        if varying:
            images[at] = fit(_of_channels(batch["image"][0], shape[-1], preparation.background), size, preparation)
        else:
            images[at:to] = resize(batch["image"], size, preparation)
        for key, values in found.items():
            values[at:to] = batch[key]
        at = to
    return images, found


def _of_channels(image, channels, background):
    """An image of any number of channels with those of its set: gray is repeated, and alpha laid on the background."""
    if image.shape[-1] in (2, 4) and channels < image.shape[-1] and image.dtype == np.uint8:
        alpha, behind = image[..., -1:] / 255, np.asarray(background)
        image = (image[..., :-1] * alpha + behind[: image.shape[-1] - 1] * (1 - alpha)).round().astype("uint8")
    return np.repeat(image, channels, axis=-1) if image.shape[-1] == 1 else image[..., :channels]
