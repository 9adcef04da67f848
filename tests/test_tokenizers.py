"""Tokenizers: ids by hand, nothing lost, the same from the same texts, words, files, and what they refuse."""

import json
import types

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from keras_ssl import tokenizers
from keras_ssl.errors import UserError

TEXTS = ["the cat sat on the mat", "the naïve rat, a [MASK] rat!", "don't\tsit on a well-known mat\n"] * 3
KINDS = {
    "characters": tokenizers.characters,
    "words": tokenizers.words,
    "byte_pairs": lambda texts: tokenizers.byte_pairs(texts, 290),
    "word_pieces": lambda texts: tokenizers.word_pieces(texts, 80),
}
TRAINED = {kind: make(TEXTS) for kind, make in KINDS.items()}
every_kind = pytest.mark.parametrize("kind", KINDS)
UNICODE = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"))


def names(t, ids):
    return [t.tokens[one] for one in ids]


# ---- ids -------------------------------------------------------------------------------------------------------------


@every_kind
def test_the_first_five_ids_are_the_same_in_all(kind):
    t = TRAINED[kind]
    assert t.kind == kind
    assert (t.padding, t.unknown, t.mask, t.begin, t.end) == (0, 1, 2, 3, 4)
    assert t.tokens[:5] == tokenizers.SPECIAL
    assert len(t.tokens) == t.vocabulary == len(t.first_of_word)
    assert t.ids("").shape == (0,)
    assert t.ids("the cat").dtype == "int32"


def test_ids_by_hand():
    t = tokenizers.words(["b a b c", "a b"], vocabulary=7)  # b three times, a twice; no room for c
    assert t.tokens[5:] == ("b", "a")
    assert t.ids("a c b").tolist() == [6, 1, 5]
    assert tokenizers.words(["b a b c", "a b"], min_count=2).tokens == t.tokens
    c = tokenizers.characters(["aab", "a\n"])
    assert c.tokens[5:] == ("a", "\n", "b")  # equal counts in the order of characters
    assert c.ids("b\nax").tolist() == [7, 6, 5, 1]
    p = tokenizers.byte_pairs(["ab ab ab"], 263)
    assert p.tokens[-2:] == ("ab", "Ġab")
    assert names(p, p.ids("ab abé")) == ["ab", "Ġab", "Ã", "©"]  # é is two bytes
    w = tokenizers.word_pieces(["aba aba ab"], 5 + 4 + 1)
    assert w.tokens[5:] == ("a", "b", "##a", "##b", "ab")
    assert names(w, w.ids("abba xa")) == ["ab", "##b", "##a", "[UNK]"]


def test_words_are_runs_of_letters_and_single_marks():
    t = TRAINED["words"]
    assert names(t, t.ids("Don't, [MASK] well-known!")) == ["[UNK]", ",", "[", "MASK", "]", "well-known", "!"]
    assert tokenizers.words(["don’t u2019"]).tokens[5:] == ("don’t", "u2019")  # noqa: RUF001
    lower = tokenizers.words(["The THE the É"], lowercase=True)
    assert lower.tokens[5:] == ("the", "é")
    assert lower.ids("tHe").tolist() == [5]


@every_kind
@pytest.mark.parametrize("special", tokenizers.SPECIAL)
def test_text_does_not_become_a_special_token(kind, special):
    t = KINDS[kind]([special] * 50)
    assert not set(t.ids(f"{special} {special}").tolist()) & {0, 2, 3, 4}


@settings(deadline=None, max_examples=40)
@given(UNICODE)
def test_byte_pairs_lose_nothing(text):
    t = TRAINED["byte_pairs"]
    assert t.text(t.ids(text)) == text


@settings(deadline=None, max_examples=25)
@given(st.text(sorted(set("".join(TEXTS)))))
def test_characters_lose_nothing_that_they_know(text):
    t = TRAINED["characters"]
    assert t.text(t.ids(text)) == text


def test_text_leaves_out_special_ids():
    for kind, text in (("words", "the cat"), ("word_pieces", "the cat, a rat"), ("characters", "the cat")):
        t = TRAINED[kind]
        assert t.text(t.encode([text], 30, begin=True, end=True)[0]) == text
    assert TRAINED["words"].text([]) == ""


@every_kind
def test_training_is_deterministic(kind):
    assert KINDS[kind](TEXTS).checksum == TRAINED[kind].checksum
    assert KINDS[kind](iter(TEXTS)).tokens == TRAINED[kind].tokens
    assert KINDS[kind](TEXTS[:1]).checksum != TRAINED[kind].checksum


# ---- arrays of ids ---------------------------------------------------------------------------------------------------


def test_encode_pads_begins_ends_and_truncates():
    t = tokenizers.characters(["abc"])
    a, b, c = t.ids("abc")
    assert t.encode(["ab", "", "c"]).tolist() == [[a, b], [0, 0], [c, 0]]
    assert t.encode(["abc", "c"], 4, end=True).tolist() == [[a, b, c, 4], [c, 4, 0, 0]]
    assert t.encode(["abc", "c"], 4, begin=True, end=True, truncate=True).tolist() == [[3, a, b, 4], [3, c, 4, 0]]
    assert t.encode(["abc"], 2, begin=True, end=True, truncate=True).tolist() == [[3, 4]]
    assert t.encode([], 3).shape == (0, 3)
    assert t.encode(np.array(["ab"])).dtype == "int32"
    with pytest.raises(UserError, match=r"at most 3 tokens with begin and end.*2 of 3 .*text 1 has 5.*length=5"):
        t.encode(["ab", "abcc", "abc"], 3, end=True)
    with pytest.raises(UserError, match="length as a whole number at least 2"):
        t.encode(["ab"], 1, begin=True, end=True, truncate=True)


def test_stream_ends_every_text_in_any_number_of_chunks(monkeypatch):
    t = tokenizers.characters(["abc"])
    a, b, c = t.ids("abc")
    assert t.stream(["ab", "", "c"]).tolist() == [a, b, 4, 4, c, 4]
    whole = t.stream(["abc"] * 5)
    monkeypatch.setattr("keras_ssl.tokenizers.tokenizer._CHUNK", 2)
    assert np.array_equal(t.stream(iter(["abc"] * 5)), whole)


# ---- words -----------------------------------------------------------------------------------------------------------


@every_kind
def test_words_are_what_white_space_separates(kind):
    t = TRAINED[kind]
    text = " the  well-known cat, naïve\trat \n"
    ids, word = t.words(text)
    assert np.array_equal(ids, t.ids(text))
    assert word.dtype == "int32"
    of = [t.text(ids[word == k]).strip().replace(" ", "") for k in range(5)]
    assert of == ["the", "well-known", "cat,", "naïve", "rat"]
    assert np.all(np.diff(word) >= 0)
    assert t.words("")[1].shape == (0,)
    assert not t.words(" ")[1].any()


@settings(deadline=None, max_examples=25)
@given(st.lists(st.text("aé-,'1", min_size=1), min_size=1), st.sampled_from(sorted(KINDS)))
def test_encode_words_agrees_with_words(words, kind):
    t = TRAINED[kind]
    ids, first = t.encode_words([words])
    again, word = t.words(" ".join(words))
    assert np.array_equal(ids[0], again)
    assert first[0][first[0] >= 0].tolist() == list(range(len(words)))
    assert np.all((first[0] == -1) | (first[0] == word))


def test_encode_words_by_hand():
    t = tokenizers.characters(["ab "])
    a, b, space = (t.ids(one)[0] for one in "ab ")
    ids, first = t.encode_words([["ab", "b"], ["a"]], length=5)
    assert ids.tolist() == [[a, b, space, b, 0], [a, 0, 0, 0, 0]]
    assert first.tolist() == [[0, -1, -1, 1, -1], [0, -1, -1, -1, -1]]
    assert t.encode_words([["ab", "b"]], length=2, truncate=True)[1].tolist() == [[0, -1]]
    with pytest.raises(UserError, match="1 of 1 that are longer"):
        t.encode_words([["ab", "b"]], length=2)
    for blank in ("", " "):
        with pytest.raises(UserError, match=r"sentence 1.*word 1"):
            t.encode_words([["a"], ["a", blank, "a"]])


def test_first_of_word():
    byte_pairs, pieces, characters = TRAINED["byte_pairs"], TRAINED["word_pieces"], TRAINED["characters"]
    assert TRAINED["words"].first_of_word.all()
    assert byte_pairs.first_of_word[byte_pairs.ids(" the")[0]]
    assert not byte_pairs.first_of_word[byte_pairs.ids("x")[0]]
    assert pieces.first_of_word[pieces.ids("sxyz")[0]] or pieces.ids("sxyz")[0] == pieces.unknown
    assert not any(first for token, first in zip(pieces.tokens, pieces.first_of_word) if token.startswith("##"))
    assert characters.first_of_word[characters.ids("\t ")].all()
    assert not characters.first_of_word[characters.ids("the")].any()


# ---- files -----------------------------------------------------------------------------------------------------------


@every_kind
def test_files_round_trip(kind, tmp_path):
    TRAINED[kind].save(tmp_path / "new" / "t.json")
    t = tokenizers.load(tmp_path / "new" / "t.json")
    assert (t.kind, t.tokens, t.checksum) == (kind, TRAINED[kind].tokens, TRAINED[kind].checksum)
    assert np.array_equal(t.stream(TEXTS), TRAINED[kind].stream(TEXTS))


@every_kind
def test_the_checksum_is_that_of_the_ids_and_not_of_how_the_library_writes(kind):
    stored = json.loads(TRAINED[kind].model.to_str())
    stored |= {"version": "2.0", "model": {**stored["model"], "new_option": None, "another": False}}
    if kind == "byte_pairs":
        stored["model"]["merges"] = [" ".join(pair) for pair in stored["model"]["merges"]]  # as before version 0.20

    def other(**model):
        t = tokenizers.Tokenizer(TRAINED[kind].model)
        content = json.dumps({**stored, "model": {**stored["model"], **model}})
        t.model = types.SimpleNamespace(to_str=lambda pretty: content)
        return t.checksum

    assert other() == TRAINED[kind].checksum
    ids = stored["model"]["vocab"]
    first, second = list(ids)[5:7]
    assert other(vocab={**ids, first: ids[second], second: ids[first]}) != TRAINED[kind].checksum


TEMPLATE = {
    "type": "TemplateProcessing",
    "single": [{"SpecialToken": {"id": "[END]", "type_id": 0}}, {"Sequence": {"id": "A", "type_id": 0}}],
    "pair": [{"Sequence": {"id": "A", "type_id": 0}}, {"Sequence": {"id": "B", "type_id": 1}}],
    "special_tokens": {"[END]": {"id": "[END]", "ids": [4], "tokens": ["[END]"]}},
}
CHANGES = {
    "truncation": {"direction": "Right", "max_length": 2, "strategy": "LongestFirst", "stride": 0},
    "padding": {
        "strategy": {"Fixed": 9},
        "direction": "Left",
        "pad_to_multiple_of": None,
        "pad_id": 0,
        "pad_type_id": 0,
        "pad_token": "[PAD]",
    },
    "post_processor": TEMPLATE,
    "added_tokens": [
        {
            "id": 2,
            "content": "[MASK]",
            "single_word": False,
            "lstrip": False,
            "rstrip": False,
            "normalized": False,
            "special": True,
        }
    ],
}


@pytest.mark.parametrize("part", [*CHANGES, "dropout"])
def test_files_that_change_ids_are_refused(part, tmp_path):
    stored = json.loads(TRAINED["byte_pairs"].model.to_str())
    if part == "dropout":
        stored["model"]["dropout"] = 0.5
    else:
        stored[part] = CHANGES[part]
    (tmp_path / "t.json").write_text(json.dumps(stored))
    with pytest.raises(UserError, match=f"only splits text.*one with (a |){part.replace('_', '.')}.*change ids"):
        tokenizers.load(tmp_path / "t.json")


def test_what_is_not_a_tokenizer_is_refused(tmp_path):
    file = tmp_path / "t.json"
    for content in (b"", b"{}", b"[]", b"\xff", b"1", b'{"version": "1.0"}'):
        file.write_bytes(content)
        with pytest.raises(UserError, match=r"t\.json"):
            tokenizers.load(file)
    with pytest.raises(UserError, match="No such file"):
        tokenizers.load(tmp_path / "none.json")
    TRAINED["words"].save(file)
    stored = json.loads(file.read_text())
    stored["model"]["vocab"]["[PAD]"] = 99
    file.write_text(json.dumps(stored))
    with pytest.raises(UserError, match=r"starts with \[UNK\]"):
        tokenizers.load(file)


# ---- what is refused -------------------------------------------------------------------------------------------------

BAD = {
    "a string": ("the cat", "one string"),
    "bytes": ([b"the cat"], "decode"),
    "a number": (["a", 3], "text 1"),
    "a surrogate": (["a", "a\udc80"], "text 1.*surrogate.*at character 1"),
    "NUL": (["a\0"], "NUL at character 1"),
}


@every_kind
@pytest.mark.parametrize("bad", BAD)
def test_bad_texts_are_refused(kind, bad):
    texts, message = BAD[bad]
    for call in (KINDS[kind], TRAINED[kind].encode, TRAINED[kind].stream):
        with pytest.raises(UserError, match=message):
            call(texts)
    if bad != "a string":
        for one in (TRAINED[kind].ids, TRAINED[kind].words):
            with pytest.raises(UserError):
                one(texts[-1])


@every_kind
@pytest.mark.parametrize("texts", [[], [""], [" \n"]], ids=repr)
def test_there_must_be_texts_to_learn_from(kind, texts):
    with pytest.raises(UserError, match="texts to learn from"):
        KINDS[kind](texts)


def test_vocabularies_that_are_too_small_are_refused():
    with pytest.raises(UserError, match="at least 261"):
        tokenizers.byte_pairs(TEXTS, 260)
    with pytest.raises(UserError, match="at least 9: 5 special ids, and each of the 2 characters"):
        tokenizers.word_pieces(["ab"], 8)
    with pytest.raises(UserError, match="at least 6"):
        tokenizers.words(TEXTS, vocabulary=5)
    with pytest.raises(UserError, match=r"occur 100 times.*a lower `min_count`"):
        tokenizers.words(TEXTS, min_count=100)


def test_ids_that_are_none_are_refused():
    t = TRAINED["words"]
    for ids in ([t.vocabulary], [-1], [0.5], [[5]]):
        with pytest.raises(UserError, match=r"ids \(k,\) in 0"):
            t.text(ids)
