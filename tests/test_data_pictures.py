"""Picture files as people have them: the pixels that a viewer shows, or a refusal that says what to do."""

import struct

import numpy as np
import pytest
from PIL import Image

from keras_ssl import data, encoders, runs
from keras_ssl.errors import UserError

RED, GREEN = (200, 10, 30), (10, 180, 40)


def load_and_hear(folder, **arguments):
    """The source, and what is said while it is loaded."""
    said = []
    return data.load(folder, say=said.append, **arguments), "\n".join(said)


def refused(folder, match):
    with pytest.raises(UserError, match=match):
        data.load(folder)


def two_colors(mode="RGB"):
    """6x4 pixels, red, and the top left quarter green."""
    image = Image.new("RGB", (6, 4), RED)
    image.paste(GREEN, (0, 0, 3, 2))
    return image.convert(mode)


# ---- transparency ----------------------------------------------------------------------------------------------------


def half_transparent(mode):
    """6x4 black pixels, of which the left half is transparent."""
    if mode in ("LA", "RGBA"):
        image = Image.new(mode, (6, 4), (0,) * (len(mode) - 1) + (255,))
        image.paste((0,) * len(mode), (0, 0, 3, 4))
        return image, {}
    image = Image.new(mode, (6, 4), 0 if mode != "RGB" else (0, 0, 0))
    image.paste({"P": 1, "L": 9, "RGB": (9, 9, 9)}[mode], (0, 0, 3, 4))
    if mode == "P":
        image.putpalette([0, 0, 0, 50, 60, 70])
        return image, {"transparency": bytes([255, 0])}
    return image, {"transparency": 9 if mode == "L" else (9, 9, 9)}


@pytest.mark.parametrize("mode", ["RGBA", "LA", "P", "L", "RGB"])
def test_transparent_pictures_lie_on_white(tmp_path, mode, recwarn):
    image, options = half_transparent(mode)
    image.save(tmp_path / "1.png", **options)
    source, said = load_and_hear(tmp_path)
    assert (source.stored[0, :, :3] == 255).all()
    assert (source.stored[0, :, 3:] == 0).all()
    assert source.shape == (4, 6, 1 if mode in ("LA", "L") else 3)
    assert "laid on white (`background=`), since they have transparency: 1 image." in said
    gray = data.load(tmp_path, background=(0, 0, 255), say=str).stored[0, 0, 0]
    assert gray.tolist() == ([29] if mode in ("LA", "L") else [0, 0, 255])
    assert not recwarn  # of Pillow's palette warning either


def test_gif_and_webp_are_laid_on_the_background_too(tmp_path):
    image, _ = half_transparent("RGBA")
    image.save(tmp_path / "1.webp", lossless=True)
    image.save(tmp_path / "2.gif")
    stored = data.load(tmp_path, background="#0080ff", say=str).stored
    assert stored[:, 0, 0].tolist() == [[0, 128, 255]] * 2
    assert stored[:, 0, 5].tolist() == [[0, 0, 0]] * 2


# ---- orientation -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("ending", ["png", "jpg", "tif", "webp"])
def test_every_format_is_turned_upright_once(tmp_path, ending):
    image = Image.new("RGB", (40, 24), RED)
    image.paste(GREEN, (0, 0, 20, 24))  # the left of what is stored is the top of what is seen
    options = {"tiffinfo": {0x0112: 6}} if ending == "tif" else {}
    if ending != "tif":
        exif = Image.Exif()
        exif[0x0112] = 6
        options = {"exif": exif, "lossless": True} if ending == "webp" else {"exif": exif, "quality": 100}
    image.save(tmp_path / f"1.{ending}", **options)
    source = data.load(tmp_path)
    assert source.shape == (40, 24, 3)
    assert np.abs(source.stored[0, 10].astype(int) - GREEN).max() < 16
    assert np.abs(source.stored[0, 30].astype(int) - RED).max() < 16


# ---- depth and bands -------------------------------------------------------------------------------------------------


def save_tiff(path, pixels, **tags):
    """An uncompressed little-endian TIFF of any samples, which Pillow does not write."""
    height, width = pixels.shape[:2]
    bands = pixels.shape[2] if pixels.ndim == 3 else 1
    names = {"photometric": 262, "extra": 338, "format": 339, "subfile": 254}
    values = {256: width, 257: height, 258: (8 * pixels.itemsize,) * bands, 259: 1, 262: 2 if bands > 2 else 1}
    values |= {273: 1000, 277: bands, 278: height, 279: pixels.nbytes} | {names[key]: tags[key] for key in tags}
    entries, lists, at = b"", b"", 10 + 12 * len(values) + 4
    for tag, value in sorted(values.items()):
        value = value if isinstance(value, tuple) else (value,)
        packed = struct.pack(f"<{len(value)}I", *value)
        entries += struct.pack("<HHI", tag, 4, len(value))  # all as LONG
        entries += packed if len(value) == 1 else struct.pack("<I", at + len(lists))
        lists += packed if len(value) > 1 else b""
    head = struct.pack("<2sHIH", b"II", 42, 8, len(values)) + entries + bytes(4) + lists
    path.write_bytes(head.ljust(1000, b"\0") + pixels.tobytes())


@pytest.mark.parametrize(
    ("pixels", "tags", "said"),
    [
        (np.full((4, 6), 70_000, "uint32"), {}, "32 bits.*data.from_arrays"),
        (np.full((4, 6), -5, "int16"), {"format": 2}, "signed"),
        (np.full((4, 6), 0.5, "float32"), {"format": 3}, "floats"),
        (np.full((4, 6, 4), 5, "uint8"), {"extra": 0}, "4 bands, of which 1 .*data.from_arrays"),
        (np.full((4, 6, 4), 5, "uint8"), {}, "4 bands, of which 1"),
        (np.full((4, 6, 5), 5, "uint8"), {"extra": (2, 0)}, "5 bands, of which 2"),
        (np.full((4, 6, 13), 5, "uint16"), {"photometric": 1, "extra": (0,) * 12}, "13 bands, of which 12"),
        (np.full((4, 6, 3), 5, "uint8"), {"subfile": 1}, "thumbnail"),
    ],
)
def test_a_tiff_that_is_no_picture_is_refused_with_what_to_do(tmp_path, pixels, tags, said):
    save_tiff(tmp_path / "1.tif", pixels, **tags)
    refused(tmp_path, said)


def test_a_tiff_with_alpha_or_inverted_values_is_read(tmp_path):
    pixels = np.full((4, 6, 4), 100, "uint8")
    pixels[..., 3] = 0
    save_tiff(tmp_path / "1.tif", pixels, extra=2)
    assert (data.load(tmp_path, say=str).stored == 255).all()
    save_tiff(tmp_path / "1.tif", np.full((4, 6), 65535 - 257, "uint16"), photometric=0)  # 0 is white
    assert (data.load(tmp_path, say=str).stored == 1).all()


def test_twelve_bits_in_sixteen_are_said(tmp_path):
    values = np.arange(4096).astype("uint16").reshape(64, 64)
    Image.fromarray(values).save(tmp_path / "1.png")
    source, said = load_and_hear(tmp_path)
    assert len(np.unique(source.stored)) == 17
    assert "1 image of 16 bits, but no value above 6.2% of white, which leaves 17 of 256 levels" in said
    Image.fromarray(values * 16).save(tmp_path / "1.png")
    source, said = load_and_hear(tmp_path)
    assert len(np.unique(source.stored)) == 256
    assert "levels" not in said


def test_color_of_sixteen_bits_that_uses_twelve_is_said(tmp_path):
    save_tiff(tmp_path / "1.tif", np.full((4, 6, 3), 4095, "uint16"))
    assert "of 16 bits, but no value above" in load_and_hear(tmp_path)[1]


# ---- what is opened --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("save", ["gif", "tif"])
def test_the_first_page_is_taken_and_this_is_said(tmp_path, save):
    pages = [Image.new("RGB", (6, 4), color) for color in (RED, GREEN)]
    pages[0].save(tmp_path / f"1.{save}", save_all=True, append_images=pages[1:])
    source, said = load_and_hear(tmp_path)
    assert source.stored[0, 0, 0].tolist() == list(RED)
    assert "only the first page or frame is taken of 1 image with several" in said


def test_other_endings_of_jpeg_and_avif_are_read(tmp_path):
    for name, ending in (("1.jfif", "JPEG"), ("2.AVIF", "AVIF")):
        Image.new("RGB", (6, 4), RED).save(tmp_path / name, format=ending, quality=100)
    stored = data.load(tmp_path).stored.astype(int)
    assert len(stored) == 2
    assert np.abs(stored - RED).max() < 5


def test_content_of_another_format_is_not_given_to_its_decoder(tmp_path, monkeypatch):
    from PIL import EpsImagePlugin

    monkeypatch.setattr(EpsImagePlugin, "Ghostscript", lambda *_, **__: pytest.fail("Ghostscript"))
    (tmp_path / "1.png").write_bytes(b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 6 4\n%%EndComments\n%%EOF\n")
    refused(tmp_path, r"1\.png \(no PNG, JPEG, .* picture")
    two_colors().save(tmp_path / "1.png", format="BMP")  # which is read
    assert (data.load(tmp_path).stored[0] == np.asarray(two_colors())).all()


def test_a_picture_that_is_too_large_is_named_with_the_limit(tmp_path, monkeypatch, recwarn):
    two_colors().save(tmp_path / "large.png")
    two_colors().save(tmp_path / "larger.jpg")
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 23)
    refused(tmp_path, r"1 of 2 that cannot: .*large\.png \(too large: 6x4 pixels, at most 23 are read")
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 10)
    refused(tmp_path, r"large\.png \(too large: at most .*larger\.jpg \(too large: at most 20 are read")
    assert not recwarn


# ---- the form that a model takes -------------------------------------------------------------------------------------


def test_gray_and_color_become_what_the_model_takes(tmp_path):
    for name in ("gray", "color"):
        (tmp_path / name).mkdir()
    Image.new("L", (8, 8), 77).save(tmp_path / "gray" / "1.png")
    Image.new("RGB", (8, 8), RED).save(tmp_path / "color" / "1.png")
    rgb, gray = (encoders.mlp((8, 8, channels), (4,)) for channels in (3, 1))
    source, said = load_and_hear(tmp_path / "gray", like=rgb)
    assert source.stored[0, 0, 0].tolist() == [77, 77, 77]
    assert "gray images get three equal channels" in said
    source, said = load_and_hear(tmp_path / "color", like=gray)
    luma = np.asarray(Image.new("RGB", (1, 1), RED).convert("L")).item()
    assert source.stored[0, 0, 0].tolist() == [luma]
    assert "made gray, as the model takes them: 1 image in color" in said
    digits, said = load_and_hear("digits", like=rgb)
    assert digits.shape == (8, 8, 3)
    assert "The images of digits/train get three equal channels" in said


def test_a_fit_crops_pads_or_stretches(tmp_path):
    pixels = np.zeros((4, 8), "uint8")
    pixels[:, :1] = 200
    Image.fromarray(pixels).save(tmp_path / "wide.png")
    rows = {fit: data.load(tmp_path, size=8, fit=fit).stored[0, ..., 0] for fit in ("crop", "pad", "stretch")}
    assert (rows["crop"] == 0).all()
    assert (rows["pad"][[0, 1, 6, 7]] == 255).all()
    np.testing.assert_array_equal(rows["pad"][2:6], pixels)
    np.testing.assert_array_equal(rows["stretch"], np.repeat(pixels, 2, axis=0))
    thin = data.Preparation("pad", "black").resized(Image.new("L", (1000, 1), 9), (4, 4))
    assert np.asarray(thin).max(1).tolist() == [0, 9, 0, 0]  # at least one row of it
    padded = data.load("digits", size=(8, 16), fit="pad").stored
    assert (padded[:, :, :4] == 1).all()
    for wrong in ({"fit": "squeeze"}, {"background": "no color"}, {"background": (1, 2, 300)}):
        with pytest.raises(UserError, match=next(iter(wrong.values())) if "fit" in wrong else "background color"):
            data.load(tmp_path, **wrong)


def test_a_model_keeps_how_its_images_were_prepared(tmp_path):
    """What pretraining, fine-tuning and the manifest do with it is tested with the command line."""
    encoder = encoders.mlp((8, 8, 1), (4,))
    path = runs.save_model(encoder, tmp_path / "a.keras", preparation=data.Preparation("pad", "black").to_json())
    assert runs.preparation_of(path) == {"fit": "pad", "background": [0, 0, 0]}
    assert runs.preparation_of(path, "stretch") == {"fit": "stretch", "background": [0, 0, 0]}
    path = runs.save_model(encoder, tmp_path / "a.keras")
    assert runs.preparation_of(path) == {"fit": "crop", "background": [255, 255, 255]}
    path = runs.save_model(encoder, tmp_path / "a.keras", preparation={"fits": "pad"})
    with pytest.raises(UserError, match="a preparation of images"):
        runs.preparation_of(path)
