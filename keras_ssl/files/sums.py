"""Checksums of the files of a folder, and whether they are still the same."""

import hashlib
import pathlib
from collections.abc import Mapping, Sequence
from typing import Any

from keras_ssl.typing import Path

__all__ = ["checksums", "damage"]


def checksums(folder: Path, without: Sequence[str] = ()) -> dict[str, str]:
    """Return the SHA-256 of every file under a folder, by its relative path.

    Args:
        folder: Folder.
        without: Relative paths of files that are left out, such as the one that will hold the checksums.
    """
    folder, found = pathlib.Path(folder), {}
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        if path.is_file() and name not in without:
            with path.open("rb") as file:
                found[name] = hashlib.file_digest(file, "sha256").hexdigest()
    return found


def damage(folder: Path, sums: Mapping[str, Any], without: Sequence[str] = ()) -> str | None:
    """Return in words how the files under a folder differ from their checksums, or None if they do not.

    Args:
        folder: Folder.
        sums: What `checksums` returned when they were written.
        without: See `checksums`.
    """
    found = checksums(folder, without)
    if missing := sorted(sums.keys() - found.keys()):
        return f"{missing[0]} is missing"
    if unknown := sorted(found.keys() - sums.keys()):
        return f"{unknown[0]} does not belong to it"
    changed = sorted(name for name in found if found[name] != sums[name])
    return f"{changed[0]} is not as it was written" if changed else None
