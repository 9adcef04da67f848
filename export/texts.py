"""Texts of a client to the ids that a model takes, by the tokenizer in its version folder.

from texts import load_tokenizer
ids_of = load_tokenizer("models/reviews/1", manifest)
"""

import json

import numpy as np
from artifact import ArtifactError, content
from samples import SamplesError

__all__ = ["TOKENIZER", "load_tokenizer", "text_input", "tokenizer_faults"]

TOKENIZER = "tokenizer.json"
SPECIAL = ("[PAD]", "[UNK]", "[MASK]", "[BEGIN]", "[END]")
CHANGING = ("added_tokens", "post_processor", "truncation", "padding")
BEGIN, END = SPECIAL.index("[BEGIN]"), SPECIAL.index("[END]")


def load_tokenizer(directory, manifest, signature="serving_default"):
    """Return a function from a list of texts to the array of their ids, padded with 0.

    Args:
        directory: A version folder with `tokenizer.json`.
        manifest: What `read_manifest` returned.
        signature: Name of the signature that takes the ids.

    Returns:
        Function `(texts, begin=False, end=False, truncate=False)`. It raises `SamplesError` if a text is no Unicode,
        has NUL in it, or is longer than the model takes and not to be cut.

    Raises:
        ArtifactError: If there is none, it has changed, it has other ids than the model, or the signature takes no ids
            of text, or several.
    """
    if TOKENIZER not in manifest["sha256"]:
        raise ArtifactError("the model was deployed without a tokenizer: send it ids, with another client")
    if signature not in manifest["signatures"]:
        raise ArtifactError(f"there is no signature {signature!r}, but {', '.join(manifest['signatures'])}")
    data, about = content(directory, manifest, TOKENIZER), manifest["signatures"][signature]
    name = text_input(about)
    if name is None:
        raise ArtifactError(f"the texts need one input of ids, and {signature} takes {', '.join(about['inputs'])}")
    if faults := tokenizer_faults(data, about):
        raise ArtifactError(f"{TOKENIZER} {faults[0]}")
    try:
        import tokenizers

        model = tokenizers.Tokenizer.from_str(data.decode())
    except ImportError as error:
        raise ArtifactError("texts need the package tokenizers: pip install tokenizers") from error
    except Exception as error:  # the library raises `Exception`
        raise ArtifactError(f"{TOKENIZER} is no tokenizer: {error}") from error
    entry = about["inputs"][name]
    length = entry["shape"][1]
    longest = length or entry.get("longest")

    def ids_of(texts, begin=False, end=False, truncate=False):
        rows = [_ids(model, text, [BEGIN] * begin, [END] * end, longest, truncate) for text in texts]
        array = np.zeros((len(rows), length or max(map(len, rows), default=0) or 1), "int32")
        for row, ids in zip(array, rows):
            row[: len(ids)] = ids
        return array

    return ids_of


def text_input(about):
    """Return the name of the input of a signature that takes ids of text; None if there are none, or several."""
    names = [name for name, entry in about["inputs"].items() if entry["kind"] == "ids" and len(entry["shape"]) == 2]
    return names[0] if len(names) == 1 else None


def tokenizer_faults(data, about):
    """Return what is wrong with the bytes of a tokenizer, as sentences; nothing of it is run.

    Args:
        data: Bytes of `tokenizer.json`.
        about: A signature in the manifest.
    """
    try:
        stored = json.loads(data)
        model = stored["model"]
        more = [name for name in CHANGING if stored.get(name)] + ["dropout"] * bool(model.get("dropout"))
        ids = {token: number for token, number in model["vocab"].items() if isinstance(number, int)}
        kind = model["type"]
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        return [f"is no tokenizer ({type(error).__name__}: {error})"]
    if kind not in ("BPE", "WordLevel", "WordPiece") or sorted(ids.values()) != list(range(len(model["vocab"]))):
        return ["has other ids than 0, 1, 2, …, or is of a kind that `deploy` does not write"]
    if more:
        return [f"changes ids by its {', '.join(more)}, which `deploy` does not write"]
    if [ids.get(token) for token in SPECIAL] != list(range(len(SPECIAL))):
        return [f"does not begin with {', '.join(SPECIAL)}"]
    name = text_input(about)
    high = about["inputs"][name]["range"][1] if name and about["inputs"][name]["range"] else None
    if high is not None and high != len(ids) - 1:
        return [f"has {len(ids)} ids, and the model takes {high + 1:g}"]
    return []


def _ids(model, text, begin, end, longest, truncate):
    try:
        text.encode("utf-8")
    except UnicodeEncodeError as error:
        raise SamplesError(f"{text[:40]!r} is no Unicode: {error.reason}") from error
    if "\0" in text:
        raise SamplesError(f"{text[:40]!r} has NUL in it")
    ids, more = model.encode(text, add_special_tokens=False).ids, len(begin) + len(end)
    if longest is not None and len(ids) + more > longest:
        if not truncate:
            raise SamplesError(f"the model takes {longest} ids, and {text[:40]!r} has {len(ids) + more}")
        ids = ids[: max(longest - more, 0)]
    return [*begin, *ids, *end]
