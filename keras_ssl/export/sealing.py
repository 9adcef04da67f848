"""SHA-256 sums of a version folder: of its files, in the manifest, and of the manifest, beside it."""

import hashlib
import json
import pathlib
from typing import Any

from keras_ssl.errors import UserError
from keras_ssl.files import damage, json_text
from keras_ssl.typing import Path

__all__ = ["UNLISTED", "check_unchanged", "write_manifest"]

UNLISTED = ("manifest.json", "manifest.sha256")
"""Files whose sums are not in the manifest: itself, and the file with its own sum."""


def write_manifest(directory: Path, about: dict[str, Any]) -> str:
    """Write `manifest.json`, and its SHA-256 as `sha256sum` writes it into `manifest.sha256`.

    Args:
        directory: Folder to write in.
        about: What `manifest` returned, with the number of the version.

    Returns:
        The SHA-256. Kept elsewhere, it shows whether anything in the folder has been changed since, by anyone.
    """
    data = json_text(about).encode()
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
    if not seal.is_file():
        changed: str | None = "manifest.sha256 is missing: it was removed, or an older version deployed the model"
    elif seal.read_bytes() != f"{hashlib.sha256(data).hexdigest()}  manifest.json\n".encode():
        changed = "manifest.json or manifest.sha256 is not as it was written"
    else:
        changed = damage(directory, json.loads(data)["sha256"], UNLISTED)
    if changed:
        raise UserError(f"the files that `deploy` wrote into {directory}", changed, "deploy the model again")
