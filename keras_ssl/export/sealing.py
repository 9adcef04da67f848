"""SHA-256 sums of a version folder: of its files, in the manifest, and of the manifest, beside it."""

import hashlib
import json
import pathlib
from typing import Any

from keras_ssl.errors import UserError
from keras_ssl.typing import Path

__all__ = ["check_unchanged", "checksums", "write_manifest"]


def checksums(directory: Path) -> dict[str, str]:
    """Return the SHA-256 of every file under `directory` except the manifest and its own sum, by relative path."""
    directory = pathlib.Path(directory)
    unlisted = (directory / "manifest.json", directory / "manifest.sha256")
    files = sorted(path for path in directory.rglob("*") if path.is_file() and path not in unlisted)
    return {path.relative_to(directory).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def write_manifest(directory: Path, about: dict[str, Any]) -> str:
    """Write `manifest.json`, and its SHA-256 as `sha256sum` writes it into `manifest.sha256`.

    Args:
        directory: Folder to write in.
        about: What `manifest` returned, with the number of the version.

    Returns:
        The SHA-256. Kept elsewhere, it shows whether anything in the folder has been changed since, by anyone.
    """
    data = (json.dumps(about, indent=2) + "\n").encode()
    found = hashlib.sha256(data).hexdigest()
    (pathlib.Path(directory) / "manifest.json").write_bytes(data)
    (pathlib.Path(directory) / "manifest.sha256").write_text(f"{found}  manifest.json\n", encoding="utf-8")
    return found


def check_unchanged(directory: Path) -> None:
    """Raise `UserError` if the files of a version folder do not have the sums in its manifest, or are others.

    This finds damage. A folder from someone else is for the kit's `export/verify.py`, which looks into the files before
    anything loads them.

    Args:
        directory: Version folder that `deploy` made. A folder without a manifest passes.
    """
    file = pathlib.Path(directory) / "manifest.json"
    if not file.is_file():
        return
    data, seal = file.read_bytes(), file.with_name("manifest.sha256")
    if not seal.is_file() or seal.read_bytes() != f"{hashlib.sha256(data).hexdigest()}  manifest.json\n".encode():
        changed = ["manifest.json or manifest.sha256"]
    else:
        sums, found = json.loads(data)["sha256"], checksums(directory)
        changed = sorted(name for name in {*sums, *found} if sums.get(name) != found.get(name))
    if changed:
        raise UserError(
            f"the files that `deploy` wrote into {directory}",
            f"others: {', '.join(changed)} changed, appeared or went missing",
            "deploy the model again",
        )
