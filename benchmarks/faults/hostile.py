"""Hostile version folders: what their manifests and files say, and what all hostile files are made with.

Each of `CASES` is a function of a sound version folder, an empty folder to write in, and the path of a canary, which
the file would write if it were run; it returns the file's path. Sums are made anew, as someone would who may write.
"""

import hashlib
import json
import os
import pathlib
import shutil

CASES = {}
"""By name: the function that makes the file, and what reads it: "folder", "model" or "samples"."""


def case(name, reader):
    """Register a function as a case."""

    def register(make):
        CASES[name] = make, reader
        return make

    return register


def copied(version, place):
    """A copy of the version folder."""
    return pathlib.Path(shutil.copytree(version, place / "1"))


def manifest_of(folder):
    """The manifest, as a dict."""
    return json.loads((folder / "manifest.json").read_text())


def write_manifest(folder, manifest):
    """Write a manifest, or the text of one, and its sum."""
    text = manifest if isinstance(manifest, str) else json.dumps(manifest)
    (folder / "manifest.json").write_text(text)
    (folder / "manifest.sha256").write_text(f"{hashlib.sha256(text.encode()).hexdigest()}  manifest.json\n")


def reseal(folder, **changes):
    """Write the sums of the files as they are now into the manifest, and other changes."""
    manifest = {**manifest_of(folder), **changes}
    if "sha256" not in changes:
        listed = (name for name in files(folder) if not name.startswith("manifest."))
        manifest["sha256"] = {name: hashlib.sha256((folder / name).read_bytes()).hexdigest() for name in listed}
    write_manifest(folder, manifest)
    return folder


def files(folder):
    """Names of the regular files of a folder."""
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


# ---- manifests and files ---------------------------------------------------------------------------------------------


def lie(name, **changes):
    """Register a change of the manifest's own values."""

    @case(name, "folder")
    def make(version, place, canary):
        return reseal(copied(version, place), **changes)

    return make


lie("a manifest without sums", sha256={})
lie("a tolerance of 1e9", tolerance=1e9)
lie("a tolerance that is no number", tolerance=float("nan"))
lie("no signatures", signatures={})
lie("names for fewer classes", class_names=["ant"])


def entry(name, **changes):
    """Register a change of what the manifest says of the input."""

    @case(name, "folder")
    def make(version, place, canary):
        folder = copied(version, place)
        signatures = manifest_of(folder)["signatures"]
        default = signatures["serving_default"]
        default["inputs"]["image"].update(changes)
        return reseal(folder, signatures=signatures, signature={side: default[side] for side in ("inputs", "outputs")})

    return make


entry("an input of another shape", shape=[None, 8, 8, 2])
entry("an input of 10^15 numbers", shape=[None, 100_000, 100_000, 100_000])
entry("an input of another dtype", dtype="float32")
entry("an input of another tensor", tensor="saver_filename:0")


@case("an edited class name, sums as they were", "folder")
def edited_class(version, place, canary):
    folder = copied(version, place)
    text = (folder / "manifest.json").read_text()
    (folder / "manifest.json").write_text(text.replace('"bee"', '"cow"'))
    return folder


@case("an ONNX file outside", "folder")
def onnx_path(version, place, canary):
    folder = copied(version, place)
    shutil.move(folder / "model.onnx", place / "model.onnx")
    signatures = manifest_of(folder)["signatures"]
    signatures["serving_default"]["onnx"] = "../model.onnx"
    sums = manifest_of(folder)["sha256"]
    sums["../model.onnx"] = sums.pop("model.onnx")
    return reseal(folder, signatures=signatures, sha256=sums)


@case("a key twice", "folder")
def key_twice(version, place, canary):
    folder = copied(version, place)
    write_manifest(folder, (folder / "manifest.json").read_text().replace("{", '{"tolerance": 1e9, ', 1))
    return folder


@case("JSON 100,000 deep", "folder")
def deep_json(version, place, canary):
    folder = copied(version, place)
    write_manifest(folder, "[" * 100_000 + "]" * 100_000)
    return folder


@case("a file besides", "folder")
def stray_file(version, place, canary):
    folder = copied(version, place)
    (folder / "assets.extra").mkdir()
    (folder / "assets.extra" / "tf_serving_warmup_requests").write_bytes(b"hostile")
    return folder


@case("a listed file that a deployment does not have", "folder")
def listed_stray(version, place, canary):
    folder = copied(version, place)
    shutil.copy(folder / "saved_model.pb", folder / "saved_model.cpb")
    return reseal(folder)


@case("a link in place of a file", "folder")
def link(version, place, canary):
    folder = copied(version, place)
    shutil.move(folder / "model.onnx", place / "model.onnx")
    (folder / "model.onnx").symlink_to(place / "model.onnx")
    return folder


@case("a pipe in place of a file", "folder")
def pipe(version, place, canary):
    folder = copied(version, place)
    (folder / "manifest.sha256").unlink()
    os.mkfifo(folder / "manifest.sha256")
    return folder
