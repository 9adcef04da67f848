"""Folders of images: what becomes a class, a split, a size, and what is refused before training."""

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
    draw(tmp_path / "transparent.png", (4, 5, 6, 9), mode="RGBA")
    pixels = data.load(tmp_path).stored[:, 0, 0]
    assert pixels.tolist() == [[1, 2, 3], [77, 77, 77], [4, 5, 6]]


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
    with pytest.raises(UserError, match=r"1 that cannot: .*bad\.png"):
        data.load(tmp_path)


def test_an_empty_folder_and_a_missing_one_are_named(tmp_path):
    with pytest.raises(UserError, match=r"images in .*none.*\.jpg"):
        data.load(tmp_path)
    for missing in (tmp_path / "nowhere", str(tmp_path / "nowhere"), "./nowhere", "~/nowhere-at-all"):
        with pytest.raises(UserError, match=r"nowhere.*is not a folder"):
            data.load(missing)


def test_what_does_not_fit_into_memory_is_refused_before_it_is_read(tmp_path):
    draw(tmp_path / "a.png")
    with pytest.raises(UserError, match=r"memory.*smaller `size`"):
        data.load(tmp_path, size=3_000_000)


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
