"""Pictures with titles: Debian's `openclipart-png` and npm's `emoji-datasource-google`, split for `benchmarks.pairs`.

    mkdir -p ~/.cache/keras_ssl/benchmarks && cd ~/.cache/keras_ssl/benchmarks
    apt-get download openclipart-png && dpkg-deb -x openclipart-png_*.deb openclipart
    npm pack emoji-datasource-google@15.1.2 && mkdir -p emoji && tar xzf emoji-datasource-google-*.tgz -C emoji

A picture's text is its title. Where more than three pictures share a title, as in a collection of icons, or it has no
letters, it is the name of the file, without the words of the author's name. Links to other files, generated stars,
gradients and patterns are left out, and a few very large pictures. Of emoji it is the name.

Pictures with the same text, and pictures that look alike (the same signs of differences between neighboring pixels of a
9x8 thumbnail, and nearly the same mean color), are on one side of the split. A keyword is the name of the folder that a
picture is in; no text has it because of that.
"""

import collections
import concurrent.futures
import json
import re
import warnings

import numpy as np
from PIL import Image

from benchmarks.protocol import kept
from keras_ssl import data

SKIPPED = ("shapes/stars", "special", "unsorted/duplicates")
LARGEST = 20_000_000  # pixels
SHARED = 3  # pictures that may have one title
KEYWORDS = {
    "birds": "bird",
    "fish": "fish",
    "bugs": "insect",
    "fruit": "fruit",
    "flags": "flag",
    "flowers": "flower",
    "trees": "tree",
    "clothing": "clothes",
    "homes": "house",
    "music": "music",
    "weather": "weather",
    "weapons": "weapon",
    "smilies": "smiley face",
    "arrows": "arrow",
    "clocks": "clock",
    "vehicles": "car",
}
"""Folders, and the word for their pictures that a classifier is given."""


def folder():
    """Where the two packages are unpacked."""
    return kept("clipart").parent


def load(size, held_out=1000, validate=False):
    """Train and test sources of images with the columns "text" and "keyword", without ids.

    Args:
        size: Side of the images in pixels.
        held_out: Number of pictures to test on, about.
        validate: Whether a part of train of this size stands for test.
    """
    paths, texts, keywords = read()
    images = pictures(paths, size)
    groups = together(images, texts)
    part = split(groups, held_out, seed=0)
    if validate:
        rest = np.flatnonzero(~part)
        images, texts, keywords = images[rest], texts[rest], keywords[rest]
        part = split(groups[rest], held_out, seed=1)
    source = data.Source(images, name="clipart", columns={"text": texts, "keyword": keywords}, kinds="image")
    return source[np.flatnonzero(~part)], source[np.flatnonzero(part)]


def pictures(paths, size):
    """The pictures, which are decoded once, in minutes, and then kept."""
    file = kept("clipart", size=size, count=len(paths)).with_suffix(".npy")
    if not file.is_file():
        with concurrent.futures.ThreadPoolExecutor() as threads:
            np.save(file, np.stack(list(threads.map(lambda path: decoded(path, size), paths))))
    return np.load(file)


def read():
    """Paths, texts and keywords of all pictures."""
    records = [*openclipart(), *emoji()]
    paths, texts, keywords = zip(*records)
    return list(paths), np.array(texts, dtype=object), np.array(keywords, dtype=object)


def openclipart():
    """Records of the clip art: path, text and keyword."""
    root = folder() / "openclipart" / "usr" / "share" / "openclipart" / "png"
    if not root.is_dir():
        raise SystemExit(f"Expected {root}. Do: unpack the package as the docstring of benchmarks.clipart says.")
    paths = [path for path in sorted(root.rglob("*.png")) if not path.is_symlink()]
    paths = [path for path in paths if not path.relative_to(root).as_posix().startswith(SKIPPED)]
    about = {path: found for path in paths if (found := described(path))}
    counts = collections.Counter(title for title, _ in about.values())
    for path, (title, author) in about.items():
        plain = counts[title] <= SHARED and re.search(r"[a-z]{3}", title)
        text = title if plain else words(path.stem, author)
        if text:
            yield path, text, path.parent.name


def described(path):
    """The words of a picture's title, and its author; None of a picture that is too large."""
    try:
        with warnings.catch_warnings(action="ignore"), Image.open(path) as image:
            large = image.width * image.height > LARGEST
            title, author = (str(image.info.get(key, "")) for key in ("Title", "Author"))
    except Image.DecompressionBombError:
        return None
    return None if large else (words(title.rpartition(" - ")[2], author), author)


def words(name, author=""):
    """The words of a name in lowercase, without numbers, single letters, and parts of the author's name."""
    found = re.findall(r"[^\W\d_]{2,}", name.replace(".svg", " ").lower())
    others = re.findall(r"[^\W\d_]{2,}", author.lower())
    kept = [word for word in found if not any(other.startswith(word) for other in others)]
    return " ".join(kept[:12])


def emoji():
    """Records of the emoji; their keyword is empty."""
    root = folder() / "emoji" / "package"
    if not root.is_dir():
        raise SystemExit(f"Expected {root}. Do: unpack the package as the docstring of benchmarks.clipart says.")
    for one in json.loads((root / "emoji.json").read_text(encoding="utf-8")):
        path, text = root / "img" / "google" / "64" / one["image"], words(one["name"] or one["short_name"])
        if one["has_img_google"] and path.is_file() and text:
            yield path, text, ""


def decoded(path, size):
    """A picture on white, padded to a square."""
    with Image.open(path) as image:
        layer = image.convert("RGBA")
    layer.thumbnail((size, size), Image.Resampling.BOX, reducing_gap=2.0)
    canvas = Image.new("RGBA", (size, size), "white")
    canvas.alpha_composite(layer, tuple((size - side) // 2 for side in layer.size))
    return np.asarray(canvas.convert("RGB"))


def together(images, texts):
    """The number of the group of each picture: the same text, or alike."""
    roots = list(range(len(images)))

    def root(k):
        while roots[k] != k:
            roots[k] = roots[roots[k]]
            k = roots[k]
        return k

    first = {}
    for k, (image, text) in enumerate(zip(images, texts)):
        thumbnail = Image.fromarray(image).convert("L").resize((9, 8), Image.Resampling.BOX)
        gray = np.asarray(thumbnail, "int16")
        looks = (np.packbits(np.diff(gray) > 0).tobytes(), *(image.mean(axis=(0, 1)) // 16).astype(int))
        for key in (("text", text), ("looks", looks)):
            roots[root(k)] = root(first.setdefault(key, k))
    return np.array([root(k) for k in range(len(images))])


def split(groups, held_out, seed):
    """Which pictures are held out: whole groups, drawn until there are enough. Groups of more than ten are not."""
    sizes = collections.Counter(groups.tolist())
    chosen, count = set(), 0
    for group in np.random.default_rng(seed).permutation(sorted(sizes)).tolist():
        if count < held_out and sizes[group] <= 10:
            chosen.add(group)
            count += sizes[group]
    return np.isin(groups, list(chosen))
