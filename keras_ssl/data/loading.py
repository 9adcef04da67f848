"""One function that loads every set: the embedded digits, a folder, an `.npz` file, or a set of TensorFlow Datasets."""

import dataclasses
import pathlib
from collections.abc import Callable, Sequence
from typing import Any

import keras

from keras_ssl import names
from keras_ssl.data import readers
from keras_ssl.data.preparation import Preparation
from keras_ssl.data.readers.notes import Note, tell
from keras_ssl.data.readers.pixels import as_size, with_channels
from keras_ssl.data.source import Source
from keras_ssl.data.video_loading import videos
from keras_ssl.errors import UserError
from keras_ssl.networks import embedder
from keras_ssl.specs import Spec, specs_of
from keras_ssl.typing import Path

__all__ = ["image_channels", "image_size", "is_path", "load", "resolved"]


def load(
    name_or_folder: Path,
    split: str = "train",
    size: int | tuple[int, int] | None = None,
    columns: str | Sequence[str] = (),
    kind: Any = None,
    like: keras.Model | None = None,
    in_memory: bool | None = None,
    trust: bool = False,
    fit: str = "crop",
    background: Any = "white",
    skip_broken: bool = False,
    rate: int | None = None,
    length: float | None = None,
    frames: int | None = None,
    channel_names: Sequence[str] | None = None,
    say: Callable[[str], object] | None = None,
) -> Source:
    """Load samples, with labels if there are any.

    A name is looked up among the embedded sets, then as a folder, then in TensorFlow Datasets. Write `"./digits"` for
    a folder with the name of an embedded set. Texts are loaded by `data.texts`.

    - `"digits"`: scikit-learn's bundled handwritten digits, 1,797 float images of 8x8, in a fixed order drawn once by
      `numpy.random.RandomState(0).permutation(1797)`, so that classes and writers mix (the same people wrote both
      parts). The first 1,400 are `"train"`, the other 397 `"test"`.
    - A folder: one folder per class (labels number the sorted folder names), or images without labels, at any depth.
      Images are stored as uint8: with 1 channel if all are gray, else as RGB. They keep their size if all have the
      same; otherwise they are resized to 64x64 with a warning, unless `size` is given. They are turned upright, and
      transparent ones are laid on `background`. Subfolders `train`, and `test` or `val`, also by names such as
      `Training`, `test_set` and `validation`, are the splits and number the classes alike; a folder without them is
      all `"train"`. Hidden files are ignored; links are followed, and every file is read once. What is skipped, and
      what does not look like classes, is said. The path of each is `Source.columns["path"]`, as it is of recordings
      and clips.
    - A folder of sound files (`.wav`, `.flac`, `.ogg`, `.mp3`), if they are more than the images and the videos; or a
      `.csv` or `.tsv` file with a column "file", and perhaps "label" and "text": recordings of kind "audio", as int16,
      of one sample rate and one channel, padded with zeros to the longest. A folder may hold `train.csv`, `test.csv`;
      else it is read as one of images. Texts become `Source.columns["text"]`. Silent and clipped ones are named.
    - A folder with more videos than images or sound files: clips of `frames` frames, see `data.videos`. A GIF is an
      image, unless videos are asked for by `kind="video"` or by a model.
    - An `.npz` file, or a folder with `train.npz`, and `test.npz` perhaps: the array "labels", if there is one, holds
      class numbers; the others are the samples, one array of any name, or several by the names of a model's inputs.
    - A file of series, or a folder with one for each split: `.ts`, as the UEA and UCR archives have them, called
      `train.ts` or `GunPoint_TRAIN.ts`; or, with `kind="series"`, `.csv` or `.tsv`. In a table with the columns "id"
      and "time", a row is one time step, and the other columns are channels. In any other, a row is one series of one
      channel; without names of columns the first one holds the labels. A column "label" has the classes, which are
      numbered in order. Empty fields are missing values. Series are padded to one length by NaN.
    - A table with the columns `picture` and `text`, or a folder with `train.csv`: its pictures, with their texts as the
      column "text" of the source. `data.pairs` loads both for training.
    - Any image set of TensorFlow Datasets, such as `"mnist"` or `"cifar10_corrupted/fog_1"`: its features `"image"`
      and, as labels, `"label"`. It is downloaded if it has not been prepared.

    Args:
        name_or_folder: Name of a set, or path of a folder.
        split: Part of the set. TensorFlow Datasets also takes slices such as `"train[:20000]"`. Default: `"train"`.
        size: Side length or `(height, width)` in pixels to resize the images to, as `fit` says. Required for sets of
            TensorFlow Datasets whose images differ in size. Default: the size that they have.
        columns: Names of other features of a set of TensorFlow Datasets, with one number per sample, to keep as
            `Source.columns`; for example `("label_shape",)` of `"dsprites"`. Default: none.
        kind: Kind of the samples of an `.npz` file, see `from_arrays`; or which of several kinds in a folder to load:
            "image", "audio", "video", or "series", as which tables are read, too. Default: that of `like`; else by
            name, axes and dtype, or by what most files of the folder are.
        like: Model that will take the samples: arrays are of its kinds, and images, except those of an `.npz` file,
            get its size and its number of channels. Default: None.
        in_memory: Whether the images or recordings of a folder are decoded now and kept in memory; if False, each is
            decoded when it is needed, once all have been found to be whole. Everything else is in memory. Default:
            None, whether they fit into half of this machine's memory.
        trust: Whether images that are not kept in memory are taken for whole, which saves decoding each one before
            training; a broken one then ends the training. Default: False.
        fit: How images are brought to another size: "crop" scales them to cover it and crops them at the center, "pad"
            scales them to fit into it and fills the rest with `background`, "stretch" gives up their proportions.
            Default: "crop".
        background: Color behind transparent pixels and around padded images: a name, "#rrggbb", or three integers in
            0..255. Default: "white".
        skip_broken: Whether files of a folder that cannot be read are left out, and named. Default: False, they are an
            error.
        rate: Sample rate in Hz that recordings are resampled to. Default: that of most of them.
        length: Length in seconds to which longer recordings are cut. Default: that of a model that takes one length,
            else any.
        frames: Number of frames of a clip of video. Default: those that a model takes, or 20.
        channel_names: Names of the channels of series in the order that a model takes, for tables with columns "id" and
            "time". Default: the order of the columns.
        say: Called with each sentence about what was found and chosen. Default: None, choices that may be wrong are
            warnings.

    Returns:
        A `Source` with the stored dtype: of images uint8 in 0..255 or float32 in 0..1, of recordings int16.

    Raises:
        UserError: If there is no such set, split, folder or column, an image cannot be read, the images do not fit into
            memory, or a set is not prepared and cannot be downloaded.

    Example:
        `train = data.load("mnist", split="train[:20000]")`
    """
    wanted, preparation, channels = as_size(size), Preparation(fit, background), None
    if like is not None:
        wanted, channels = wanted or image_size(like), image_channels(like)
        kind = kind or _kinds(like)
    columns = (columns,) if isinstance(columns, str) else tuple(columns)
    if str(name_or_folder) in _EMBEDDED and not isinstance(name_or_folder, pathlib.Path):
        _check_no_columns(columns, name_or_folder)
        return _of_channels(_EMBEDDED[str(name_or_folder)](split, wanted, preparation), channels, say)
    folder = pathlib.Path(name_or_folder).expanduser()
    file = readers.array_file(folder, split)
    if file is not None:
        _check_no_columns(columns, folder)
        return readers.load_arrays(file, kind)
    found = readers.contents(folder, split, kind)
    if found is not None:
        _check_no_columns(columns, folder)
    given = (wanted, in_memory, trust, preparation, channels, skip_broken, say)
    if found == "audio":
        return readers.load_sounds(folder, split, rate, length, _frames(like), in_memory, trust, skip_broken, say)
    if found == "image, ids" and (table := readers.captions_file(folder, split)):
        return readers.load_captioned(table, "picture", "text", *given)
    if found == "series" and (file := readers.series_file(folder, split, kind)):
        return readers.load_series(file, folder, kind, channel_names, say)
    if found == "video":
        options: dict[str, Any] = {"in_memory": in_memory, "fit": fit, "background": background, "say": say}
        return videos(folder, split, frames, size=size, like=like, skip_broken=skip_broken, **options)
    if folder.is_dir():
        return readers.load_folder(folder, split, *given)
    if folder.is_file() and folder.name.lower().endswith(names.TEXT_FILES):
        raise UserError(
            "images or arrays",
            f"the texts {folder}",
            f"load them by `data.texts({str(folder)!r})`, or add `--objective masked_language_model` to `pretrain`; "
            "give `kind='series'`, or `--objective ts2vec`, for a table of series",
        )
    names.check_no_path(name_or_folder)
    named = readers.load_named(str(name_or_folder), split, wanted, columns, preparation)
    return _of_channels(named, channels, say)


def is_path(dataset: Path) -> bool:
    """Return whether a data set is a folder or file; the embedded sets come before folders of their names.

    Args:
        dataset: Name, folder or file.
    """
    return str(dataset) not in _EMBEDDED and pathlib.Path(dataset).expanduser().exists()


def resolved(dataset: Path) -> str:
    """Return the whole path of a data set that is a folder or file, which is the same from everywhere; else its name.

    Args:
        dataset: Name, folder or file.
    """
    return str(pathlib.Path(dataset).expanduser().resolve()) if is_path(dataset) else str(dataset)


def _kinds(model):
    """Kinds of a model's inputs."""
    return keras.tree.map_structure(lambda spec: spec.kind, specs_of(embedder(model)))


def _frames(model):
    """Number of samples of the recordings that a model takes; None if it takes any number, or something else."""
    spec = None if model is None else specs_of(embedder(model))
    return spec.shape[1] if isinstance(spec, Spec) and spec.kind == "audio" else None


def image_size(model: keras.Model) -> tuple[int, int] | None:
    """Return the size of the images that a model takes; None if it takes any size, or something else."""
    shape = _image_shape(model)
    return None if shape is None or None in shape[1:3] else shape[1:3]


def image_channels(model: keras.Model) -> int | None:
    """Return 1 or 3, the channels of the images that a model takes; None if it takes others, or something else."""
    shape = _image_shape(model)
    return shape[3] if shape is not None and shape[3] in (1, 3) else None


def _image_shape(model):
    spec = specs_of(embedder(model))
    return spec.shape if isinstance(spec, Spec) and spec.kind == "image" and len(spec.shape) == 4 else None


def _of_channels(source, channels, say):
    """Images in memory with the channels that a model takes; others than gray and RGB stay as they are."""
    if channels in (None, source.shape[-1]) or source.shape[-1] not in (1, 3):
        return source
    done = "get three equal channels" if channels == 3 else "are made gray"
    tell([Note(f"The images of {source.name} {done}, as the model takes them.")], say, stacklevel=3)
    return dataclasses.replace(source, samples=with_channels(source.stored, channels))


def _check_no_columns(columns, name):
    if columns:
        raise UserError(
            "columns of a set of TensorFlow Datasets only",
            f"{', '.join(columns)} of {name}",
            "make a source of arrays: `data.from_arrays(images, labels, columns={…})`",
        )


_EMBEDDED = {name: getattr(readers, f"load_{name}") for name in names.EMBEDDED}
