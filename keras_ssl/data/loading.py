"""One call for every set of images: the embedded digits, a folder, or a set of TensorFlow Datasets."""

import pathlib

from keras_ssl.data.readers import image_folders, named_sets
from keras_ssl.data.readers.digits import load_digits_set
from keras_ssl.data.readers.pixels import as_size
from keras_ssl.errors import UserError

__all__ = ["load"]


def load(name_or_folder, split="train", size=None, columns=()):
    """Load images, with labels where there are any, into memory.

    A name is looked for among the embedded sets, then as a folder, then in TensorFlow Datasets; write `"./digits"` for
    a folder that is called like an embedded set.

    - `"digits"`: scikit-learn's bundled handwritten digits, 1,797 float images of 8x8, in a fixed order drawn once by
      `numpy.random.RandomState(0).permutation(1797)`, so that classes and writers mix (the same people wrote both
      parts): the first 1,400 are `"train"`, the other 397 `"test"`.
    - A folder: class folders (labels follow the sorted folder names), or images without labels, in it or below it.
      Images are held as uint8: with 1 channel if all are gray, else as RGB. They keep their size if all share it;
      otherwise they are brought to 64x64 with a warning, unless `size` is given. Subfolders `train`, and `test` or
      `val`, are the splits, with one numbering of the classes; a folder without them is all `"train"`. Hidden files and
      files that are no images are ignored.
    - Any image set of TensorFlow Datasets, `"mnist"` or `"cifar10_corrupted/fog_1"`: its features `"image"` and, as
      labels, `"label"`. It is downloaded if it has not been prepared.

    Args:
        name_or_folder: Name of a set, or path of a folder.
        split: Part of the set. TensorFlow Datasets also takes slices such as `"train[:20000]"`. Default `"train"`.
        size: Side length or `(height, width)` in pixels that the images are brought to: scaled to cover it and cut in
            the middle. Default: as they are. Needed for sets of TensorFlow Datasets whose images differ in size.
        columns: Names of other features, one number a sample, of a set of TensorFlow Datasets, which become
            `Source.columns`: `("label_shape",)` of `"dsprites"`. Default none.

    Returns:
        A `Source` with the stored dtype: uint8 in 0..255, or float32 in 0..1.

    Raises:
        UserError: When there is no such set, split, folder or column, an image cannot be read, the images do not fit
            into memory, or a set is not prepared and cannot be downloaded.

    Example:
        `train = data.load("mnist", split="train[:20000]")`
    """
    size = as_size(size)
    columns = (columns,) if isinstance(columns, str) else tuple(columns)
    if str(name_or_folder) in _EMBEDDED and not isinstance(name_or_folder, pathlib.Path):
        _check_no_columns(columns, name_or_folder)
        return _EMBEDDED[name_or_folder](split, size)
    folder = pathlib.Path(name_or_folder).expanduser()
    if folder.is_dir():
        _check_no_columns(columns, folder)
        return image_folders.load_folder(folder, split, size)
    if isinstance(name_or_folder, pathlib.Path) or str(name_or_folder).startswith((".", "/", "~")):
        raise UserError("a folder of images", f"{folder}, which is no folder", "check the path")
    return named_sets.load_named(str(name_or_folder), split, size, tuple(_EMBEDDED), columns)


def _check_no_columns(columns, name):
    if columns:
        raise UserError(
            "columns of a set of TensorFlow Datasets only",
            f"{', '.join(columns)} of {name}",
            "make a source of arrays: `data.from_arrays(images, labels, columns={…})`",
        )


_EMBEDDED = {"digits": load_digits_set}
