"""The files of some endings below folders: regular ones, each once, and what else is there."""

import collections
import dataclasses
import os
import pathlib
from collections.abc import Iterable, Sequence

import numpy as np

from keras_ssl.errors import UserError

__all__ = ["Found", "path_column", "subfolders", "walk"]

_NO_DATA = {
    "@eadir",
    "@tmp",
    "@sharebin",
    "@recycle",
    "@recently-snapshot",
    "@__thumb",
    "#recycle",
    "#snapshot",
    "$recycle.bin",
    "system volume information",
    "lost+found",
    "__macosx",
    "__pycache__",
}
"""Folders, in small letters, that storage devices and operating systems make beside the user's own."""

_LINKED, _BROKEN, _SPECIAL = "linked again", "linked to nothing", "not regular"
_PICTURES = ".heic .heif .avif .webp .svg .psd .jp2 .jxl .ico .tga .exr .hdr .eps .dcm .raw .dng .cr2 .cr3 .nef .arw"


@dataclasses.dataclass
class Found:
    """What is below a folder.

    Attributes:
        files: Paths of the files, those of a folder before those of its subfolders, both in the order of names.
        skipped: How many other files there are, by their ending or by what is wrong with them.
        ignored: Names of folders that are not the user's own.
    """

    files: list[pathlib.Path] = dataclasses.field(default_factory=list)
    skipped: collections.Counter = dataclasses.field(default_factory=collections.Counter)
    ignored: set[str] = dataclasses.field(default_factory=set)

    @property
    def lost(self) -> bool:
        """Whether pictures may be among what was skipped."""
        return any(reason in (_LINKED, _BROKEN, _SPECIAL, *_PICTURES.split()) for reason in self.skipped)

    def words(self) -> str:
        """Return what was skipped, such as "3 files skipped: 2 .heic, 1 .txt"; empty if nothing was."""
        count = sum(self.skipped.values())
        files = ", ".join(f"{n} {reason}" for reason, n in sorted(self.skipped.items(), key=lambda pair: -pair[1]))
        parts = [f"{count} file{'s' * (count > 1)} skipped: {files}"] * bool(count)
        parts += [f"not looked into: {', '.join(sorted(self.ignored))}"] * bool(self.ignored)
        return "; ".join(parts)


def subfolders(folder: pathlib.Path) -> list[str]:
    """Return the sorted names of the folders in a folder that may hold the user's data."""
    return sorted(entry.name for entry in _entries(folder) if not _is_hidden(entry.name) and _is_folder(entry))


def walk(places: Sequence[pathlib.Path], endings: Iterable[str]) -> dict[pathlib.Path, Found]:
    """Return what is below each of several folders.

    Links are followed, but every real folder and file is found once in all: where it lies itself if that is below one
    of the folders, else by the first link to it. So nothing is in two splits, and a link back to its folder does no
    harm. Hidden files and folders are left out.

    Args:
        places: Paths of the folders.
        endings: Endings of the files in small letters, with the dot.

    Raises:
        UserError: If a folder cannot be read.
    """
    endings = frozenset(endings)
    seen: set[tuple[int, int]] = set()
    found = {place: Found() for place in places}
    links: list[tuple[pathlib.Path, pathlib.Path]] = []
    for place in places:
        _descend(place, place, found[place], endings, seen, links)
    for place, link in sorted(links):
        _follow(link, place, found[place], endings, seen)
    for place, one in found.items():
        one.files.sort(key=lambda path: _order(path.relative_to(place)))
    return found


def path_column(paths: Iterable[pathlib.Path]) -> dict[str, np.ndarray]:
    """Return the column "path" of a source: the path of each sample's file.

    Args:
        paths: One for each sample.
    """
    return {"path": np.array([str(path) for path in paths], dtype=object)}


def _descend(top, place, found, endings, seen, links):
    """Note what is below `top`, and put links, which come last, into `links`."""
    folders = [top]
    while folders:
        folder = folders.pop()
        if not _is_new(folder, seen):
            found.skipped[_LINKED] += 1
            continue
        for entry in _entries(folder):
            path = folder / entry.name
            if _is_hidden(entry.name):
                found.ignored |= {entry.name} if not entry.name.startswith(".") else set()
            elif entry.is_symlink():
                links.append((place, path))
            elif entry.is_dir():
                folders.append(path)
            else:
                _add(path, entry.is_file(), found, endings, seen)


def _follow(link, place, found, endings, seen):
    """Note where a link leads to, and where links below that lead to."""
    links = [(place, link)]
    while links:
        _, path = links.pop()
        if os.path.isdir(path):
            _descend(path, place, found, endings, seen, links)
        elif os.path.exists(path):
            _add(path, os.path.isfile(path), found, endings, seen)
        else:
            found.skipped[_BROKEN] += 1


def _add(path, is_regular, found, endings, seen):
    ending = path.suffix.lower()
    if ending not in endings:
        found.skipped[ending or "without ending"] += 1
    elif not is_regular:  # a FIFO would be waited for
        found.skipped[_SPECIAL] += 1
    elif _is_new(path, seen):
        found.files.append(path)
    else:
        found.skipped[_LINKED] += 1


def _is_new(path, seen):
    status = os.stat(path)
    key = (status.st_dev, status.st_ino) if status.st_ino else os.path.realpath(path)
    new = key not in seen
    seen.add(key)
    return new


def _entries(folder):
    try:
        with os.scandir(folder) as entries:
            return list(entries)
    except OSError as error:
        raise UserError(
            "folders that can be read", f"{folder}: {error.strerror}", "change its permissions, or move it away"
        ) from error


def _is_hidden(name):
    return name.startswith(".") or name.lower() in _NO_DATA


def _is_folder(entry):
    try:
        return entry.is_dir()
    except OSError:  # a link to itself
        return False


def _order(path):
    """The files of a folder before its subfolders, both by name."""
    return [(1, name) for name in path.parts[:-1]] + [(0, path.name)]
