"""Texts from lines, tables and folders, their ids, streams of ids, and every damage of a file by name and line."""

import gzip
import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from keras_ssl import data, tokenizers
from keras_ssl.data import readers
from keras_ssl.errors import UserError

WORDS = tokenizers.words(["good bad film a the was not"])
BYTES = tokenizers.byte_pairs(["the cat sat on the mat, the end"] * 3, 290)


def write(path, content, packed=False):
    path.parent.mkdir(parents=True, exist_ok=True)
    content = content if isinstance(content, bytes) else content.encode("utf-8")
    path.write_bytes(gzip.compress(content) if packed else content)
    return path


# ---- texts -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("ending", [".txt", ".txt.gz", ".TXT"])
def test_lines_of_a_file_are_texts(tmp_path, ending):
    file = write(tmp_path / f"a{ending}", "\ufeffone\r\n\r\n  \ntwo é\n\nthree", ending.endswith("gz"))
    found = data.texts(file)
    assert found.texts == ["one", "two é", "three"]
    assert (found.labels, found.classes, len(found)) == (None, None, 3)


TABLES = {
    "t.csv": 'label,text\nneg,"bad, ""very"" bad\nfilm"\npos,good\nneg,not good\n',
    "t.csv.gz": 'text,id,label\n"bad, ""very"" bad\nfilm",1,neg\n\ngood,2,pos\nnot good,3,neg\n',
    "t.tsv": 'text\tlabel\nbad, "very" bad film\tneg\ngood\tpos\nnot good\tneg\n',
    "t.jsonl": "".join(
        json.dumps({"text": text, "label": label}) + "\n\n"
        for text, label in [('bad, "very" bad\nfilm', "neg"), ("good", "pos"), ("not good", "neg")]
    ),
}


@pytest.mark.parametrize("name", TABLES)
def test_tables_have_texts_and_labels(tmp_path, name):
    found = data.texts(write(tmp_path / name, TABLES[name], name.endswith("gz")))
    assert [text.replace("\n", " ") for text in found.texts] == ['bad, "very" bad film', "good", "not good"]
    assert found.labels.tolist() == [0, 1, 0]
    assert found.class_names == ("neg", "pos")
    assert repr(found) == f"Texts('{tmp_path / name}', 3 texts, 2 classes)"


def test_columns_have_names_and_numbers_are_sorted_by_value(tmp_path):
    file = write(tmp_path / "t.csv", "review,stars\nfine,10\nbad,2\n ,2\nso so,9\n")
    with pytest.warns(UserWarning, match="1 records"):
        found = data.texts(file, text="review", label="stars")
    assert found.texts == ["fine", "bad", "so so"]
    assert found.class_names == ("2", "9", "10")
    assert found.labels.tolist() == [2, 0, 1]
    assert data.texts(file, text="review", say=str).labels is None
    numbers = write(tmp_path / "t.jsonl", '{"text": "a", "label": 1}\n{"text": "b", "label": 0}\n')
    assert data.texts(numbers).labels.tolist() == [1, 0]


def test_one_label_is_one_class_in_files_of_all_kinds_and_with_space_around(tmp_path):
    write(tmp_path / "train.csv", "text,label\na,1\nb, 2\nc,1 \n")
    write(tmp_path / "test.jsonl", '{"text": "d", "label": 2}\n')
    train, test = data.texts(tmp_path), data.texts(tmp_path, "test")
    assert train.class_names == test.class_names == ("1", "2")
    assert (train.labels.tolist(), test.labels.tolist()) == ([0, 1, 0], [1])


def test_files_without_text_are_left_out_by_name(tmp_path):
    for name, content in (("pos/a", "fine"), ("pos/b", "good"), ("neg/c", " \n"), ("neg/d", "bad")):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        write(tmp_path / f"{name}.txt", content)
    with pytest.warns(UserWarning, match=r"left out.*1 files: neg/c\.txt"):
        found = data.texts(tmp_path)
    assert (found.texts, found.labels.tolist()) == (["bad", "fine", "good"], [0, 1, 1])


def test_files_of_splits_number_the_classes_alike(tmp_path):
    write(tmp_path / "train.csv", "text,label\na,x\nb,z\n")
    write(tmp_path / "test.csv", "text,label\nc,y\n")
    train, test = data.texts(tmp_path), data.texts(tmp_path, "test")
    assert train.class_names == test.class_names == ("x", "y", "z")
    assert (train.labels.tolist(), test.labels.tolist()) == ([0, 2], [1])
    write(tmp_path / "test.csv", "text\nc\n")
    for label in (None, "label"):
        assert data.texts(tmp_path, label=label).class_names == ("x", "z")
    assert data.texts(tmp_path, "test").labels is None
    write(tmp_path / "test.csv", "text,label\nc,\n")
    with pytest.raises(UserError, match=r"a label in each record of .*test\.csv"):
        data.texts(tmp_path)
    with pytest.raises(UserError, match=r"splits of .* \(train, test\).*'val'"):
        data.texts(tmp_path, "val")
    (tmp_path / "test.csv").unlink()
    write(tmp_path / "test.txt", "c\n")
    assert data.texts(tmp_path).class_names == ("x", "z")
    write(tmp_path / "train.txt", "a\n")
    with pytest.raises(UserError, match=r"one file of the split train .*train\.csv and train\.txt"):
        data.texts(tmp_path)


def test_folders_of_files_have_classes_and_splits(tmp_path):
    for split in ("train", "test"):
        for label in ("neg", "pos"):
            for k in range(2):
                write(tmp_path / split / label / f"{k}.txt", f"{split} {label}\n{k}\n")
    said = []
    found = data.texts(tmp_path, "test", say=said.append)
    assert found.texts == ["test neg\n0\n", "test neg\n1\n", "test pos\n0\n", "test pos\n1\n"]
    assert found.labels.tolist() == [0, 0, 1, 1]
    assert found.class_names == ("neg", "pos")
    assert said == [f"{tmp_path / 'test'}: 4 texts, 2 classes: neg, pos"]
    write(tmp_path / "train" / "stray.txt", "stray")
    with pytest.warns(UserWarning, match=r"no labels, since stray.txt lies beside.*leave no text beside them"):
        assert data.texts(tmp_path).labels is None


def test_parts_and_slices_keep_labels():
    found = data.Texts([f"text {k}" for k in range(10)], np.arange(10) % 2, ("even", "odd"))
    assert found[2:4].texts == ["text 2", "text 3"]
    assert found[[7, 0]].labels.tolist() == [1, 0]
    first, rest = found.split(0.6)
    assert sorted(first.texts + rest.texts) == found.texts
    assert np.bincount(first.labels).tolist() == [3, 3]
    assert all(int(text[-1]) % 2 == label for text, label in zip(rest.texts, rest.labels))


def test_sources_of_ids():
    texts = data.Texts(["good film", "bad"], np.array([1, 0]), ("bad", "good"), "films")
    source = data.from_texts(texts, WORDS, 4, end=True)
    good, film, bad = WORDS.ids("good film bad")
    assert source.stored.tolist() == [[good, film, 4, 0], [bad, 4, 0, 0]]
    assert (source.kind, source.classes, source.class_names, source.name) == ("ids", 2, ("bad", "good"), "films")
    assert data.from_texts(["good", "bad film"], WORDS, labels=[0, 1]).labels.tolist() == [0, 1]
    assert data.from_texts(iter(["good"]), WORDS).labels is None
    with pytest.raises(UserError, match="1 of 2 that are longer; text 0 has 2"):
        data.from_texts(texts, WORDS, 1)
    assert data.from_texts(texts, WORDS, 1, truncate=True).shape == (1,)
    with pytest.raises(UserError, match="one string"):
        data.from_texts("good film", WORDS)
    with pytest.raises(UserError, match="one label for each"):
        data.from_texts(["good"], WORDS, labels=[0, 1])


# ---- what is refused -------------------------------------------------------------------------------------------------

DAMAGED = {
    "a.txt: UTF-8": (b"one\ntwo\xff\n", "byte 0xff.* in line 2"),
    "b.txt: surrogate": (b"one\n\n\xed\xb2\x80\n", "byte 0xed.* in line 3"),
    "c.txt: NUL": (b"one\nt\0wo\n", "NUL in line 2"),
    "d.txt: empty": (b"\n \n", "texts in .*none"),
    "e.txt.gz: not packed": (b"one\n", "Not a gzipped file"),
    "f.txt.gz: cut off": (gzip.compress(b"one\n" * 100)[:-9], "text file that can be read"),
    "g.csv: fields": (b"text,label\na,b\na,b,c\n", "2 fields .*3 in line 3"),
    "h.csv: quotes": (b'text\n"a" b\n', "in line 2"),
    "i.csv: column": (b"review,label\na,b\n", r"column 'text' .*'review', 'label' in line 2"),
    "j.csv: twice": (b"text,text\na,b\n", "different names"),
    "k.csv: no label": (b"text,label\na,b\na,\n", "a label in each record .*'' in 1"),
    "l.csv: UTF-8": (b"text\na\n\xff\n", "line 3"),
    "m.jsonl: JSON": (b'{"text": "a"}\n{"text"}\n', "in line 2"),
    "n.jsonl: list": (b'["a"]\n', "list in line 1"),
    "o.jsonl: number": (b'{"text": 3}\n', "record 1 .*a int"),
    "p.jsonl: label": (b'{"text": "a", "label": [1]}\n', r"labels as strings or whole numbers .*\[1\]"),
    "q.jsonl: surrogate": (b'{"text": "\\ud800"}\n', "record 1 .*surrogate"),
    "r.csv: nothing": (b"", "none"),
}


@pytest.mark.parametrize("case", DAMAGED)
def test_damaged_files_are_named_with_the_line(tmp_path, case):
    content, message = DAMAGED[case]
    file = write(tmp_path / case.partition(":")[0], content)
    with pytest.raises(UserError, match=message) as caught:
        data.texts(file)
    assert str(file) in str(caught.value)


def test_places_without_texts_are_refused(tmp_path):
    with pytest.raises(UserError, match=r"file or folder of texts.*none\.txt"):
        data.texts(tmp_path / "none.txt")
    write(tmp_path / "x" / "a.pdf", "")
    with pytest.raises(UserError, match=r"texts in .*1 \.pdf.*train\.txt, train\.csv, train\.tsv, train\.jsonl"):
        data.texts(tmp_path / "x")
    file = write(tmp_path / "a.txt", "a")
    with pytest.raises(UserError, match=r"split 'train' of the single file .*train\.txt and test\.txt"):
        data.texts(file, "test")
    with pytest.raises(UserError, match=r"load them by `data\.texts"):
        data.load(file)
    with pytest.raises(UserError, match=r"data\.texts"):
        data.load(tmp_path)
    write(tmp_path / "y" / "a.txt", b"a\n\xff")
    with pytest.raises(UserError, match=r"a\.txt.*line 2"):
        data.texts(tmp_path / "y")


# ---- streams ---------------------------------------------------------------------------------------------------------


class Watched:
    """A tokenizer that notes how much text it is given at a time."""

    end = BYTES.end

    def __init__(self):
        self.most = 0

    def ids(self, text):
        self.most = max(self.most, len(text))
        return BYTES.ids(text)


@settings(deadline=None, max_examples=30)
@given(st.text(st.sampled_from("ab é,'\n\t1"), max_size=80), st.integers(8, 30), st.booleans())
def test_pieces_are_the_texts(tmp_path_factory, text, size, by_line):
    file = write(tmp_path_factory.mktemp("text") / "t.txt", text)
    texts = [one for one in text.split("\n") if one.strip()] if by_line else [text] * bool(text)
    found = list(readers.pieces(file, by_line, size))
    joined = "".join(piece + "\0" * ended for piece, ended in found)
    assert joined == "".join(one + "\0" for one in texts)


def test_a_stream_is_that_of_the_texts_whatever_the_chunk(tmp_path):
    text = "the cat sat on the mat, the end\n\n  the café's  mat\n" * 20
    files = [write(tmp_path / "a.txt", text), write(tmp_path / "b.txt.gz", "the end", packed=True)]
    for by_line, texts in ((False, [text, "the end"]), (True, [*filter(str.strip, text.split("\n")), "the end"])):
        for chunk in (16, 10_000):
            stream = data.token_stream(files, BYTES, tmp_path / "ids.npy", by_line, chunk)
            assert np.array_equal(stream, BYTES.stream(texts))
    assert isinstance(stream, np.memmap)
    assert stream.dtype == "int32"
    source = data.Source(data.Windows(np.load(tmp_path / "ids.npy", mmap_mode="r"), 8), kinds="ids")
    assert np.array_equal(source.inputs(np.array([3, 0])), [stream[24:32], stream[:8]])


def test_a_chunk_of_text_is_held_at_a_time(tmp_path):
    file = write(tmp_path / "a.txt", "the cat sat on the mat " * 500)  # one line, as in text8
    tokenizer = Watched()
    data.token_stream(file, tokenizer, tmp_path / "ids.npy", by_line=True, chunk=100)
    assert 100 <= tokenizer.most < 150
    assert len(file.read_text()) > 10_000


def test_a_failed_stream_leaves_nothing(tmp_path):
    good = write(tmp_path / "a.txt", "the cat\n" * 50)
    bad = write(tmp_path / "b.txt", b"the cat\n" * 50 + b"\xff")
    with pytest.raises(UserError, match=r"b\.txt.*line 51"):
        data.token_stream([good, bad], BYTES, tmp_path / "out" / "ids.npy", chunk=64)
    assert not (tmp_path / "out").exists()
    with pytest.raises(UserError, match=r"\.npy"):
        data.token_stream(good, BYTES, tmp_path / "ids.bin")
    with pytest.raises(UserError, match="none in 1"):
        data.token_stream(write(tmp_path / "c.txt", "\n"), BYTES, tmp_path / "ids.npy", by_line=True)
