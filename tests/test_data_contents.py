"""What a folder or file is taken for: by its tables, by most of its files, or by the kind that is wanted."""

import wave

import numpy as np
import pytest
from PIL import Image
from test_bad_input import refused

from keras_ssl import data, encoders, recipes, runs
from keras_ssl.data import loading, readers
from keras_ssl.errors import UserError
from keras_ssl.runs import sources


def files(folder, *names):
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(b"nothing")
    return folder


def pictures(folder, *names):
    for k, name in enumerate(names):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (4, 4), (50 * k, 0, 0)).save(folder / name)
    return folder


@pytest.mark.parametrize(
    ("name", "text", "lengths"),
    [
        ("equal.csv", "1,0.5,0.5,0.2\n2,0.1,0.3,0.4\n", (3, 3)),  # the first row holds a value twice
        ("equal.tsv", "1\t0.5\t0.5\n2\t0.1\t0.3\n", (2, 2)),
        ("ragged.csv", "1,0.5,0.6,0.2\n2,0.1,0.3\n", (3, 2)),
    ],
)
def test_series_without_names_of_columns_are_no_table_of_pictures(tmp_path, name, text, lengths):
    (tmp_path / name).write_text(text)
    assert not data.has_pairs(tmp_path / name)
    source = data.load(tmp_path / name, kind="series")
    assert source.kind == "series"
    assert tuple(np.isfinite(source.stored[..., 0]).sum(axis=1)) == lengths


def test_a_table_is_known_by_its_first_line_alone(tmp_path):
    (tmp_path / "train.jsonl").write_text('{"picture": "a.png", "text": "one"}\nno JSON\n')
    assert readers.listed_kind(tmp_path) == "image, ids"
    (tmp_path / "bad.csv").write_bytes(b"picture\xff,text\n")
    (tmp_path / "quote.csv").write_text('picture,"text\n')
    assert not data.has_pairs(tmp_path / "bad.csv")
    assert not data.has_pairs(tmp_path / "quote.csv")


@pytest.mark.parametrize(
    ("names", "kind"),
    [
        (("IMG_1.MOV", "a.png", "b.jpg"), "image"),
        (("a/cover.jpg", "a/1.mp4", "b/2.mp4"), "video"),
        (("1.gif", "2.gif", "a.mp4"), "image"),
        (("a.wav", "b.flac", "c.mp4", "d.png"), "audio"),
        (("a.wav", "b.png"), "image"),
        (("notes.txt",), "image"),
    ],
)
def test_a_folder_is_what_most_of_its_files_are(tmp_path, names, kind):
    assert readers.contents(files(tmp_path, *names)) == kind


def test_links_to_folders_are_looked_into(tmp_path):
    place = files(tmp_path / "elsewhere", "1.mp4", "2.mp4")
    (tmp_path / "films").mkdir()
    (tmp_path / "films" / "run").symlink_to(place, target_is_directory=True)
    assert readers.contents(tmp_path / "films") == "video"


def test_the_kind_that_is_wanted_decides(tmp_path):
    folder = files(tmp_path, "a.png", "b.png", "c.mp4", "d.wav")
    assert [readers.contents(folder, kind=kind) for kind in ("image", "video", "audio")] == ["image", "video", "audio"]
    refused(lambda: readers.contents(folder, kind="series"), "files of series in", "none")
    assert readers.contents(folder / "c.mp4", kind="video") == "video"
    assert readers.contents(folder / "c.mp4") is None


def test_a_column_file_of_pictures_is_no_list_of_recordings(tmp_path):
    folder = pictures(tmp_path, "train/a.png", "train/b.png", "test/c.png")
    (folder / "train.csv").write_text("file,label\ntrain/a.png,x\ntrain/b.png,y\n")
    assert readers.contents(folder) == "image"
    assert len(data.load(folder, say=str)) == 2
    (folder / "train.csv").write_text("file,label\na.wav,x\n")
    assert readers.contents(folder) == "audio"


def test_a_table_beside_folders_of_the_splits_does_not_hide_the_test_split(tmp_path):
    names = [f"{split}/{name}/{k}.png" for split in ("train", "test") for name in ("x", "y") for k in range(2)]
    folder, said = pictures(tmp_path, *names), []
    (folder / "train.csv").write_text("id,label\n1,x\n")
    train, test = runs.load_labeled(str(folder), encoders.mlp((4, 4, 3), (2,)), said.append)
    assert (len(train), len(test)) == (4, 4)
    assert not any("No test split" in text for text in said)


def test_recordings_are_loaded_from_folders_and_tables(tmp_path):
    for name in ("train/yes/a.wav", "train/no/b.wav", "test/yes/c.wav", "test/no/d.wav"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        with wave.open(str(tmp_path / name), "wb") as file:
            file.setparams((1, 2, 8000, 0, "NONE", ""))
            file.writeframes(np.arange(-40, 40, dtype="int16").tobytes() * 10)
    (tmp_path / "train" / "list.csv").write_text("file,label\nyes/a.wav,yes\n")
    assert [data.load(tmp_path, split, say=str).kind for split in ("train", "test")] == ["audio", "audio"]
    assert len(data.load(tmp_path / "train" / "list.csv", say=str)) == 1
    assert sources._test_split(str(tmp_path), None, "audio") == "test"


# ---- what the command line loads -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("objective", "option", "words"),
    [
        ("frame_prediction", "rate", "--rate, which is for recordings"),
        ("frame_prediction", "seconds", "--seconds, which is for recordings"),
        ("wav2vec2", "size", "--size, which is for images, videos, images with texts"),
        ("simclr", "length", "--length, which is for texts, images with texts, videos"),
        ("ts2vec", "vocabulary", "--vocabulary, which is for texts, images with texts"),
    ],
)
def test_an_option_for_another_kind_of_data_is_refused(objective, option, words):
    given = dict.fromkeys(("size", "length", "vocabulary", "rate", "seconds")) | {option: 300}
    refused(lambda: runs.load_unlabeled(objective, "nowhere", given), words, objective)


def test_the_objective_decides_what_is_read_of_a_folder(tmp_path, monkeypatch):
    folder, seen = files(tmp_path, "a.mp4", "b.mp4", "c.png"), []
    monkeypatch.setattr(loading, "videos", lambda *given, **named: seen.append((given, named["size"])))
    runs.load_unlabeled("frame_prediction", str(folder), {"length": 6}, say=str)
    assert seen == [((folder, "train", 6), 64)]  # large films are small before they are decoded
    (folder / "c.png").unlink()
    with pytest.raises(UserError, match=r"images in .*2 files skipped: 2 \.mp4"):
        runs.load_unlabeled("simclr", str(folder), {}, say=str)
    assert len(seen) == 1  # no video was read


def test_the_right_objective_is_named():
    clips = data.from_arrays(np.zeros((4, 2, 8, 8, 1)), kind="video")
    with pytest.raises(UserError, match="such as frame_prediction"):
        recipes.check_kind(clips, "simclr")
