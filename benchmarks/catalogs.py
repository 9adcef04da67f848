"""English and German messages of programs, from the message catalogs of Debian packages.

    python -m benchmarks.catalogs

downloads the packages of `PACKAGES` that are not there yet with `apt-get download` (no root needed) and keeps their
German catalogs, `NAME.mo`, in a folder for each package under KERAS_SSL_CATALOGS or ~/.cache/keras_ssl/catalogs. The
catalogs are under the licenses of their programs; nothing of them is in this repository.

Packages are in one split each, because a program repeats its own phrases.
"""

import gettext
import os
import pathlib
import re
import subprocess
import tempfile

TRAIN = """
gettext coreutils bash gnupg-l10n tar make findutils gawk util-linux-locales e2fsprogs-l10n bison gcc-12-locales
binutils-common libparted-i18n subversion rsync mutt gnome-control-center nautilus-data evolution-common gedit-common
epiphany-browser-data gnumeric-common libglib2.0-data libgtk-3-common pidgin-data gnucash-common network-manager
thunar-data rhythmbox-data claws-mail-i18n transmission-common filezilla-common geany-common
"""
PACKAGES = {
    "train": tuple(TRAIN.split()),
    "validation": ("wget", "gthumb-data", "gparted-common"),
    "test": ("nano", "apt", "totem-common", "file-roller", "seahorse", "hexchat-common", "diffutils"),
}
LONGEST = 120  # characters of a message


def folder():
    """Where the catalogs are."""
    given = os.environ.get("KERAS_SSL_CATALOGS")
    return pathlib.Path(given) if given else pathlib.Path.home() / ".cache" / "keras_ssl" / "catalogs"


def fetch(package):
    """Download a package and keep its German catalogs, unless they are there."""
    place = folder() / package
    if place.is_dir():
        return
    with tempfile.TemporaryDirectory() as work:
        subprocess.run(["apt-get", "download", package], cwd=work, check=True, stdout=subprocess.DEVNULL)
        (archive,) = pathlib.Path(work).glob("*.deb")
        subprocess.run(["dpkg-deb", "-x", archive, f"{work}/files"], check=True)
        catalogs = sorted(pathlib.Path(work, "files").glob("usr/share/**/locale/de/LC_MESSAGES/*.mo"))
        place.mkdir(parents=True)
        for catalog in catalogs:
            (place / catalog.name).write_bytes(catalog.read_bytes())
    print(f"{package}: {len(catalogs)} catalogs, {len(messages(package))} messages", flush=True)


def messages(package):
    """The pairs of English and German messages of a package, as one line each, in the order of the catalogs."""
    found = {}
    for path in sorted((folder() / package).glob("*.mo")):
        with path.open("rb") as file:
            catalog = gettext.GNUTranslations(file)._catalog
        for key, german in catalog.items():
            english = (key[0] if isinstance(key, tuple) else key).rpartition("\x04")[2]  # after the context
            pair = one_line(english), one_line(german)
            if pair[0] != pair[1] and all(re.search(r"[^\W\d]{2}", x) and len(x) <= LONGEST for x in pair):
                found[pair] = None
    return list(found)


def one_line(message):
    """A message without line breaks and without the marks of keyboard shortcuts, as in "_Open" and "&Open"."""
    return " ".join(re.sub(r"[_&](?=[^\W\d_])", "", message).split())


def load():
    """The pairs by split, each once. An English message is in one split only, the first that has it."""
    seen, splits = set(), {}
    for split, packages in PACKAGES.items():
        pairs = dict.fromkeys(pair for package in packages for pair in messages(package) if pair[0].lower() not in seen)
        splits[split] = list(pairs)
        seen |= {english.lower() for english, _ in pairs}
    return splits


def main():
    """Download what is not there, and print the sizes of the splits."""
    for package in (package for packages in PACKAGES.values() for package in packages):
        fetch(package)
    print({split: len(pairs) for split, pairs in load().items()})


if __name__ == "__main__":
    main()
