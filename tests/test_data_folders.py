"""Folders of images: what becomes a class, a split, a size, and what is refused before training."""

import os

import numpy as np
import pytest
from PIL import Image

from keras_ssl import data
from keras_ssl.errors import UserError


def draw(path, color=100, size=(6, 4), mode="L"):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new(mode, size, color).save(path)


def test_class_folders_become_labels_in_the_order_of_their_names(tmp_path):
    draw(tmp_path / "wolf" / "a.png", 10)
    draw(tmp_path / "bear" / "2020" / "b.PNG", 20)
    draw(tmp_path / "bear" / "c.png", 30)
    (tmp_path / "empty").mkdir()
    (tmp_path / "wolf" / "notes.txt").write_text("no image")
    (tmp_path / "wolf" / "._a.png").write_bytes(b"hidden")
    draw(tmp_path / ".cache" / "d.png")
    loaded = data.load(tmp_path)
    assert loaded.class_names == ("bear", "wolf")
    assert loaded.classes == 2
    assert loaded.stored.shape == (3, 4, 6, 1)
    assert loaded.stored.dtype == np.uint8
    assert {(int(i), int(n)) for i, n in zip(loaded.stored[:, 0, 0, 0], loaded.labels)} == {(30, 0), (20, 0), (10, 1)}


def test_images_in_no_class_folder_have_no_labels(tmp_path):
    draw(tmp_path / "a.png")
    draw(tmp_path / "more" / "b.png")
    draw(tmp_path / "others" / "c.png")
    loaded = data.load(str(tmp_path))
    assert loaded.labels is None
    assert len(loaded) == 3
    (tmp_path / "a.png").unlink()
    assert data.load(tmp_path).classes == 2


def test_splits_share_the_numbers_of_the_classes(tmp_path):
    for name in ("train/a/1", "train/b/2", "train/c/3", "test/c/4"):
        draw(tmp_path / f"{name}.png")
    assert data.load(tmp_path).labels.tolist() == [0, 1, 2]
    test = data.load(tmp_path, split="test")
    assert test.labels.tolist() == [2]
    assert test.class_names == ("a", "b", "c")
    with pytest.raises(UserError, match=r"train, test\). Received 'val'"):
        data.load(tmp_path, split="val")


def test_a_folder_without_splits_is_all_train(tmp_path):
    draw(tmp_path / "a.png")
    with pytest.raises(UserError, match=r"split\(0\.8\)"):
        data.load(tmp_path, split="test")


def test_color_anywhere_makes_all_rgb(tmp_path):
    draw(tmp_path / "gray.png", 77)
    draw(tmp_path / "color.png", (1, 2, 3), mode="RGB")
    pixels = data.load(tmp_path).stored[:, 0, 0]
    assert pixels.tolist() == [[1, 2, 3], [77, 77, 77]]


def test_sixteen_bits_become_eight(tmp_path):
    Image.fromarray(np.array([[0, 32768], [65535, 257]], "uint16")).save(tmp_path / "deep.png")
    assert data.load(tmp_path).stored[0, ..., 0].tolist() == [[0, 128], [255, 1]]


def test_sizes_that_differ_become_64_with_a_warning_or_what_is_asked(tmp_path):
    draw(tmp_path / "a.png", size=(30, 20))
    draw(tmp_path / "b.png", size=(100, 90))
    with pytest.warns(UserWarning, match="from 30x20 to 100x90 pixels.*64x64.*size="):
        assert data.load(tmp_path).shape == (64, 64, 1)
    assert data.load(tmp_path, size=(10, 12)).shape == (10, 12, 1)


def test_an_image_is_cut_in_the_middle_and_not_squeezed(tmp_path):
    pixels = np.zeros((8, 24), "uint8")
    pixels[:, 8:16] = 200  # the middle square
    Image.fromarray(pixels).save(tmp_path / "wide.png")
    assert (data.load(tmp_path, size=8).stored == 200).all()


def test_photographs_are_turned_upright(tmp_path):
    pixels = np.zeros((16, 32), "uint8")
    pixels[:, 16:] = 255
    exif = Image.Exif()
    exif[0x0112] = 6  # the right of what is stored is the bottom of what is seen
    Image.fromarray(pixels).save(tmp_path / "phone.jpg", exif=exif, quality=100)
    loaded = data.load(tmp_path)
    assert loaded.shape == (32, 16, 1)
    assert loaded.stored[0, :12].max() < 30
    assert loaded.stored[0, 20:].min() > 220


def test_large_photographs_are_decoded_at_a_fraction_with_the_same_result(tmp_path):
    ramp = np.linspace(0, 255, 1024).astype("uint8")
    Image.fromarray(np.tile(ramp, (768, 1))).save(tmp_path / "large.jpg", quality=95)
    row = data.load(tmp_path, size=32).stored[0, 16, :, 0].astype(int)
    centers = (np.arange(32) + 0.5) / 32 * 768 + 128  # of the square in the middle
    np.testing.assert_allclose(row, centers / 1024 * 255, atol=2)


@pytest.mark.parametrize("damage", ["text", "truncated", "empty"])
def test_a_corrupt_image_is_named_before_training(tmp_path, damage):
    draw(tmp_path / "good.png")
    noise = np.random.default_rng(0).integers(0, 255, (4, 6), "uint8")
    Image.fromarray(noise).save(tmp_path / "bad.png")
    whole = (tmp_path / "bad.png").read_bytes()
    (tmp_path / "bad.png").write_bytes({"text": b"no image", "truncated": whole[:-30], "empty": b""}[damage])
    for in_memory in (True, False):
        with pytest.raises(UserError, match=r"1 of 2 that cannot: .*bad\.png.*skip_broken"):
            data.load(tmp_path, in_memory=in_memory)
        with pytest.warns(UserWarning, match=r"1 of 2 images cannot be read and are left out: .*bad\.png"):
            assert data.load(tmp_path, skip_broken=True, in_memory=in_memory).stored[:, 0, 0, 0].tolist() == [100]


def test_an_empty_folder_and_a_missing_one_are_named(tmp_path):
    with pytest.raises(UserError, match=r"images in .*none.*\.jpg"):
        data.load(tmp_path)
    for missing in (tmp_path / "nowhere", str(tmp_path / "nowhere"), "./nowhere", "~/nowhere-at-all"):
        with pytest.raises(UserError, match=r"nowhere.*does not exist"):
            data.load(missing)


def test_what_does_not_fit_into_memory_is_refused_before_it_is_read(tmp_path):
    draw(tmp_path / "a.png")
    with pytest.raises(UserError, match=r"memory.*smaller `size`"):
        data.load(tmp_path, size=3_000_000)


# ---- splits and classes ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("names", [("Training", "Testing"), ("training_set", "test-set"), ("train2017", "validation")])
def test_splits_are_recognized_by_the_names_that_people_give_them(tmp_path, names):
    for name in names:
        for cls, color in (("a", 1), ("b", 2)):
            draw(tmp_path / name / cls / f"{name}.png", color)
    assert data.load(tmp_path).class_names == ("a", "b")
    assert data.splits_of(tmp_path) == ("train", "val" if names[1] == "validation" else "test")
    for asked in (names[1], data.splits_of(tmp_path)[1]):
        assert data.load(tmp_path, asked).name == str(tmp_path / names[1])


def load_and_hear(folder, **arguments):
    """The source, and what is said while it is loaded."""
    said = []
    return data.load(folder, say=said.append, **arguments), "\n".join(said)


def test_folders_that_may_be_splits_or_classes_are_refused_or_said(tmp_path):
    draw(tmp_path / "vehicles" / "train" / "a.png")
    draw(tmp_path / "vehicles" / "car" / "a.png")
    with pytest.raises(UserError, match="train, which looks like a split, beside car"):
        data.load(tmp_path / "vehicles")
    for name in ("train/a", "train/b", "test/a", "unlabeled/b"):
        draw(tmp_path / "stl" / f"{name}.png")
    draw(tmp_path / "stl" / "cover.png")
    assert "not read, since they are in no split: unlabeled, cover.png" in load_and_hear(tmp_path / "stl")[1]
    for name in ("cat/train/a", "cat/test/a", "dog/train/a", "dog/test/a"):
        draw(tmp_path / "inside" / f"{name}.png")
    with pytest.raises(UserError, match=r"Received .*cat, which contains the splits test, train"):
        data.load(tmp_path / "inside")
    draw(tmp_path / "twice" / "val" / "a.png")
    draw(tmp_path / "twice" / "validation" / "a.png")
    with pytest.raises(UserError, match=r"for the split 'val'. Received val and validation"):
        data.load(tmp_path / "twice")
    draw(tmp_path / "only" / "test" / "a.png")
    with pytest.raises(UserError, match=r"one of the splits of .* \(test\). Received 'train'"):
        data.load(tmp_path / "only")
    for name in ("test1/a", "control/a"):
        draw(tmp_path / "trial" / f"{name}.png")
    assert "the class names test1 look like splits" in load_and_hear(tmp_path / "trial")[1]


def test_what_was_found_is_said(tmp_path):
    for name in ("bugs/a.png", "bugs/b.png", "flags/c.png"):
        draw(tmp_path / name)
    for name in ("bugs/d.heic", "bugs/e.heic", "flags/notes.txt", "flags/@eaDir/a.png", "@eaDir/flags/c.png"):
        (tmp_path / name).parent.mkdir(exist_ok=True, parents=True)
        (tmp_path / name).write_bytes(b"")
    with pytest.warns(UserWarning, match="2 .heic"):  # they may be pictures
        data.load(tmp_path)
    source, said = load_and_hear(tmp_path)
    assert said == f"{tmp_path}: 2 classes: bugs 2, flags 1; 3 files skipped: 2 .heic, 1 .txt; not looked into: @eaDir"
    assert source.class_names == ("bugs", "flags")


def test_what_does_not_look_like_classes_is_said(tmp_path):
    for name in ("dates/2019-05-01/a", "dates/2020/b"):
        draw(tmp_path / f"{name}.png")
    assert "the class names look like dates (2019-05-01, 2020)" in load_and_hear(tmp_path / "dates")[1]
    for name in ("batches/one/cat/a", "batches/one/dog/a", "batches/two/cat/a", "batches/two/dog/a"):
        draw(tmp_path / f"{name}.png")
    assert "cat, dog, are inside of several classes (one, two)" in load_and_hear(tmp_path / "batches")[1]
    for name in ("uneven/train/a/a", "uneven/train/b/a", "uneven/test/c/a"):
        draw(tmp_path / f"{name}.png")
    (tmp_path / "uneven" / "train" / "d").mkdir()
    _, said = load_and_hear(tmp_path / "uneven")
    assert "only test has the classes c" in said
    assert "no images are in d" in said


def test_an_image_beside_class_folders_is_named_where_labels_are_needed(tmp_path):
    for name in ("a/1", "b/2", "cover"):
        draw(tmp_path / f"{name}.png")
    source, said = load_and_hear(tmp_path)
    assert "no labels, since cover.png lies beside the folders a, b" in said
    with pytest.raises(UserError, match=r"without labels: cover.png lies beside the folders a, b"):
        data.check_labeled(source)
    for name in ("b/2", "cover"):
        (tmp_path / f"{name}.png").unlink()
    source, said = load_and_hear(tmp_path)
    assert "no labels, since all images are in one folder, a," in said
    with pytest.raises(UserError, match="all images are in one folder, a"):
        data.check_labeled(source)


def test_a_class_has_one_name_in_all_unicode_forms(tmp_path):
    for name in ("train/caf\u00e9", "train/b", "test/cafe\u0301"):
        draw(tmp_path / name / "1.png")
    assert data.load(tmp_path, "test").class_names == ("b", "caf\u00e9")


# ---- links and special files -----------------------------------------------------------------------------------------


def test_every_file_is_read_once_and_only_regular_ones(tmp_path):
    for name in ("train/a/1", "train/b/2", "test/a/3", "elsewhere/4"):
        draw(tmp_path / "set" / f"{name}.png")
    (tmp_path / "set" / "elsewhere").rename(tmp_path / "elsewhere")
    train = tmp_path / "set" / "train"
    (train / "a" / "loop").symlink_to(tmp_path / "set")
    (train / "b" / "self").symlink_to("self")
    (train / "a" / "0.png").symlink_to("1.png")  # before what it leads to
    (train / "a" / "leak.png").symlink_to(tmp_path / "set" / "test" / "a" / "3.png")
    (train / "a" / "gone.png").symlink_to("nowhere.png")
    (train / "b" / "more").symlink_to(tmp_path / "elsewhere")
    os.mkfifo(train / "b" / "pipe.png")
    source, said = load_and_hear(tmp_path / "set", in_memory=False)
    names = [str(path.relative_to(train)) for path in source.samples.paths]
    assert names == ["a/1.png", "b/2.png", "b/more/4.png"]
    assert "7 files skipped: 4 linked again, 2 linked to nothing, 1 not regular" in said
    assert len(data.load(tmp_path / "set", "test")) == 1


def test_no_bar_is_written_where_there_is_no_terminal(capsys):
    from keras_ssl.progress import bar

    with bar("Exporting", after=0) as move:
        move(1, 2)
    assert capsys.readouterr() == ("", "")


def test_a_bar_appears_only_when_it_takes_long(capsys, monkeypatch):
    monkeypatch.setenv("FORCE_COLOR", "1")  # for rich, as in a terminal
    from keras_ssl.progress import track

    assert list(track(range(5), 5, "Reading")) == [0, 1, 2, 3, 4]
    assert capsys.readouterr().err == ""
    assert list(track(range(5), 5, "Reading", after=-1)) == [0, 1, 2, 3, 4]
    assert "Reading" in capsys.readouterr().err
