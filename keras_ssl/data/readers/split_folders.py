"""Folders that hold the splits of a set, as subfolders or as files."""

import pathlib
from collections.abc import Iterable

from keras_ssl.data.readers.classes import shown
from keras_ssl.data.readers.notes import Note
from keras_ssl.data.readers.splits import split_of, splits_among
from keras_ssl.data.readers.walking import subfolders, walk
from keras_ssl.errors import UserError
from keras_ssl.typing import Path

__all__ = ["split_file", "split_files", "split_folder", "splits_of"]

_WITH_NAME = (".ts", ".tsv")
"""Endings of files that are called by their set and split, as in the UCR archive: GunPoint_TRAIN.ts."""


def splits_of(folder: Path, endings: tuple[str, ...] = (".npz",)) -> tuple[str, ...]:
    """Return the splits that a folder has, in the order "train", "test", "val"; none if it has no train.

    Args:
        folder: Path of the folder. A split is a subfolder, or a file of its name.
        endings: Endings of such files. Default: those of arrays.
    """
    folder = pathlib.Path(folder)
    there = split_files(folder, endings) or splits_among(subfolders(folder), folder)
    return tuple(there) if "train" in there else ()


def split_file(path: pathlib.Path, split: str, endings: tuple[str, ...]) -> pathlib.Path | None:
    """Return the file of a split: the path itself, or a file of its name in a folder; None if there is none.

    Args:
        path: Path of a file or folder.
        split: Name of the split.
        endings: Endings of the files.

    Raises:
        UserError: If the folder has such files of other splits only, or a single file is asked for another split.
    """
    if path.is_file() and path.name.lower().endswith(endings):
        if split != "train":
            do = f"give a folder with train{endings[0]} and test{endings[0]}"
            raise UserError(f"split 'train' of the single file {path}", repr(split), do)
        return path
    there = split_files(path, endings) if path.is_dir() else {}
    wanted = split_of(split) or split
    if there and wanted not in there:
        raise UserError(f"one of the splits of {path} ({', '.join(there)})", repr(wanted), "choose one of them")
    return there.get(wanted)


def split_files(folder: pathlib.Path, endings: tuple[str, ...]) -> dict[str, pathlib.Path]:
    """Return the files of the splits in a folder, by split.

    Args:
        folder: Path of the folder.
        endings: Endings of the files.

    Raises:
        UserError: If a split has two.
    """
    stems: dict[str, pathlib.Path] = {}
    for file in sorted(folder.iterdir()):
        ending = next((one for one in endings if file.name.lower().endswith(one)), None)
        if ending is None or not file.is_file():
            continue
        stem = file.name[: -len(ending)]
        if ending in _WITH_NAME and split_of(stem) is None:
            stem = stem.rpartition("_")[2]
        if split_of(stem) is not None:
            if stem in stems:
                raise UserError(
                    f"one file of the split {stem} in {folder}", f"{stems[stem].name} and {file.name}", "remove one"
                )
            stems[stem] = file
    return {split: stems[stem] for split, stem in splits_among(stems, folder).items()}


def split_folder(
    folder: pathlib.Path, split: str, endings: Iterable[str], what: str = "images", load: str = "data.load"
) -> tuple[pathlib.Path, list[pathlib.Path], list[Note]]:
    """Return the folder of a split, those of all splits, and notes about what is in none.

    Args:
        folder: Path of the folder. Without splits it is all "train".
        split: Name of a split.
        endings: Endings of the files that are looked for.
        what: What they are called in errors. Default: `"images"`.
        load: The function that reads them, for errors. Default: `"data.load"`.

    Raises:
        UserError: If there is no such split, or what seems one is beside others.
    """
    endings = frozenset(endings)
    names = subfolders(folder)
    there = splits_among(names, folder)
    others = [name for name in names if name not in there.values()]
    if not there or ("train" not in there and others):  # "test" may be a class beside others
        if split != "train":
            raise UserError(
                f"split 'train', since {folder} has no subfolders train and test",
                repr(split),
                f"sort the {what} into train/ and test/, or write `train, test = {load}(folder).split(0.8)`",
            )
        return folder, [folder], []
    places = {name: folder / its for name, its in there.items()}
    if others and len(there) == 1:
        if any(one.files for one in walk([folder / name for name in others], endings).values()):
            raise UserError(
                f"the splits train and test in {folder}, or classes",
                f"the folder {there['train']}, which looks like a split, beside {shown(others)}",
                f"add a folder test, or move the others into {there['train']}; if it is a class, name it otherwise",
            )
        others = []
    wanted = split_of(split) or split
    if wanted not in there:
        shown_splits = ", ".join(name if name == its else f"{name} ({its})" for name, its in there.items())
        raise UserError(f"one of the splits of {folder} ({shown_splits})", repr(split), "choose one of them")
    others += sorted(path.name for path in folder.glob("[!.]*") if path.suffix.lower() in endings)
    notes = [Note(f"{folder}: not read, since they are in no split: {shown(others)}.")] if others else []
    return places[wanted], list(places.values()), notes
