"""Three hundred pictures as people have them: does every command take them, and is what is read what a viewer shows?

    python -m benchmarks.mixed_pictures [FOLDER]

Draws shapes in three class folders and saves them in 22 forms: transparent, with a palette, CMYK, 16 bits, turned by
their orientation, with several pages, …, under names in several scripts; and puts broken files, links, a link to its
own folder, a FIFO, hidden files and folders of storage devices between them. Then it pretrains, evaluates, fine-tunes,
exports and embeds by the command line, and compares each picture that was read with the one that was drawn. The table
goes to `benchmarks/results/mixed_pictures.json` and into docs/command_line.md. FOLDER, a temporary one by default, also
gets `sheet.png`: a picture of each form as it was read, above the drawing.
"""

import contextlib
import functools
import io
import os
import pathlib
import sys
import tempfile

import numpy as np
from PIL import Image, ImageDraw

from benchmarks.pages import publish

CLASSES, SIZE, EACH = ("cross", "disc", "stripes"), 64, 12
NAMES = ("Ünïcode", "写真", "фото", "صورة", "📷 1", "it's", "a  b", 'quo"te', "new\nline", "%s{}", "-rf", "e\u0301")


# ---- drawing ---------------------------------------------------------------------------------------------------------


def drawing(rng, name):
    """A shape of one color on nothing, an RGBA picture of some size that is not square."""
    width, height = (int(side) for side in rng.integers(40, 91, 2))
    color = tuple(int(value) for value in rng.integers(0, 160, 3))
    image = Image.new("RGBA", (width, height + (width == height)), (*color[::-1], 0))
    draw = ImageDraw.Draw(image)
    w, h = image.size
    if name == "disc":
        draw.ellipse((w // 6, h // 6, w - w // 6, h - h // 6), (*color, 255))
    elif name == "cross":
        draw.line((5, 5, w - 5, h - 5), (*color, 255), 9)
        draw.line((5, h - 5, w // 2, h // 2), (*color, 255), 9)  # one arm short: no symmetry hides a wrong turn
    else:
        for y in range(4, h, 16):
            draw.rectangle((4, y, w - 5 - y // 3, y + 6), (*color, 255))
    return image


def on_white(image):
    """What a viewer shows of it."""
    return Image.alpha_composite(Image.new("RGBA", image.size, "white"), image).convert("RGB")


def _turned(image, method):
    """The image as a camera stores it that is held so, and its orientation."""
    exif = Image.Exif()
    exif[0x0112] = {Image.Transpose.ROTATE_90: 6, Image.Transpose.ROTATE_180: 3}[method]
    return image.transpose(method), exif


def _palette(image, path, transparent):
    flat = on_white(image).quantize(16)
    if not transparent:
        return flat.save(path)
    index = flat.getpixel((0, 0))
    palette = flat.getpalette()
    palette[3 * index : 3 * index + 3] = (0, 0, 0)  # what lies under the transparency
    flat.putpalette(palette)
    return flat.save(path, transparency=bytes(0 if k == index else 255 for k in range(16)))


def _gray_alpha(image, path):
    Image.merge("LA", (on_white(image).convert("L"), image.getchannel("A"))).save(path)


def _sixteen_bits(image, path):
    Image.fromarray(np.asarray(on_white(image).convert("L")).astype("uint16") * 257).save(path)


def _sideways(image, path, **options):
    stored, exif = _turned(on_white(image), Image.Transpose.ROTATE_90)
    stored.save(path, **({"tiffinfo": {0x0112: 6}} if path.suffix == ".tif" else {"exif": exif}), **options)


def _pages(image, path, **options):
    black = Image.new(image.mode, image.size, (0, 0, 0, 255)[: len(image.getbands())])
    image.save(path, save_all=True, append_images=[black], **options)


def _flat(image, path, mode="RGB", **options):
    on_white(image).convert(mode).save(path, **options)


FORMS = {
    "RGB .png": (".png", _flat),
    "transparent .png": (".png", lambda image, path: image.save(path)),
    "gray and alpha .png": (".png", _gray_alpha),
    "palette .png": (".png", lambda image, path: _palette(image, path, False)),
    "transparent palette .png": (".png", lambda image, path: _palette(image, path, True)),
    "gray .png": (".png", functools.partial(_flat, mode="L")),
    "16-bit .png": (".png", _sixteen_bits),
    "turned .png": (".png", _sideways),
    ".jpg": (".jpg", functools.partial(_flat, quality=95)),
    "CMYK .jpg": (".JPG", functools.partial(_flat, mode="CMYK", quality=95)),
    "turned .jpg": (".jpeg", functools.partial(_sideways, quality=95)),
    ".jfif": (".jfif", functools.partial(_flat, format="JPEG", quality=95)),
    "transparent .gif": (".gif", lambda image, path: image.save(path)),
    "animated .gif": (".gif", lambda image, path: _pages(on_white(image), path)),
    "transparent .webp": (".webp", functools.partial(Image.Image.save, quality=95)),
    "turned .webp": (".webp", functools.partial(_sideways, quality=95)),
    ".avif": (".avif", functools.partial(_flat, quality=95)),
    "turned .tif": (".tif", _sideways),
    "transparent .tif": (".tif", functools.partial(Image.Image.save, compression="tiff_lzw")),
    "CMYK .tif, two pages": (".tiff", lambda image, path: _pages(on_white(image).convert("CMYK"), path)),
    ".bmp": (".bmp", _flat),
    ".ppm": (".ppm", _flat),
}
"""How each form is saved. What a viewer shows is always the drawing on white, or that in gray."""
GRAY = ("gray and alpha .png", "gray .png", "16-bit .png")


def write(folder):
    """Write the pictures; return the forms and the drawings by path."""
    rng, drawn = np.random.default_rng(0), {}
    for form, (ending, save) in FORMS.items():
        for k in range(EACH):
            name = CLASSES[k % len(CLASSES)]
            path = folder / name / f"{NAMES[k]} {len(drawn)}{ending}"
            path.parent.mkdir(parents=True, exist_ok=True)
            image = drawing(rng, name)
            save(image, path)
            seen = on_white(image).convert("L" if form in GRAY else "RGB").convert("RGB")
            drawn[path] = form, seen
    return drawn, spoil(folder, list(drawn))


def spoil(folder, paths):
    """Put what is no picture between the pictures; return the number of broken ones."""
    whole = next(path for path in paths if path.suffix == ".jpg").read_bytes()
    broken = {
        "cut.jpg": whole[: len(whole) // 2], "empty.png": b"", "text.gif": b"no picture",
        "eps.png": b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n%%EOF\n", "page.jpg": b"<html>404</html>",
    }  # fmt: skip
    for name, content in broken.items():
        (folder / CLASSES[0] / name).write_bytes(content)
    Image.fromarray(np.full((9, 9), 70_000, "int32")).save(folder / CLASSES[1] / "deep.tif")
    Image.fromarray(np.full((9, 9), 0.5, "float32")).save(folder / CLASSES[1] / "floats.tif")
    Image.new("1", (13_000, 13_000)).save(folder / CLASSES[2] / "large.png")
    others = [f"disc/.hidden{k}.png" for k in range(5)] + ["disc/._a.jpg", "@eaDir/disc/1.png", ".cache/1.png"]
    others += ["cross/notes.txt", "cross/Thumbs.db", "stripes/1.heic", "stripes/2.heic"]
    for name in others:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(whole)
    links = [folder / "disc" / f"link{k}{path.suffix}" for k, path in enumerate(paths[:12])]
    for link, path in zip(links, paths):
        link.symlink_to(path)
    (folder / "cross" / "loop").symlink_to(folder)
    (folder / "cross" / "self").symlink_to("self")
    (folder / "cross" / "gone.png").symlink_to("nowhere.png")
    os.mkfifo(folder / "cross" / "pipe.png")
    return len(broken) + 3


# ---- what is done with them ------------------------------------------------------------------------------------------


def command(*words):
    """What a command said."""
    from keras_ssl import cli

    said = io.StringIO()
    with contextlib.redirect_stdout(said):
        cli.app([str(word) for word in words], standalone_mode=False)
    return said.getvalue()


def run_all(pictures, out):
    """The last line of each command, and what `pretrain` said before it trained."""
    data, encoder = ("--dataset", pictures, "--skip-broken"), ("--encoder", out / "encoder.keras")
    trained = ("--size", 32, "--fit", "pad", "--objective", "dense_autoencoder", "--epochs", 2)
    said = {
        "pretrain": command("pretrain", *data, *trained, "--out", out),
        "evaluate": command("evaluate", *encoder, *data, "--labels-per-class", 5, "--seeds", 1, "--steps", 20),
        "finetune": command("finetune", *encoder, *data, "--steps", 100, "--out", out),
        "export": command("export", out / "classifier.keras", "--out", out / "model", "--input-dtype", "uint8"),
        "embed": command("embed", *encoder, *data, "--out", out / "h.npz"),
    }
    with np.load(out / "h.npz") as arrays:
        shape = list(arrays["embedding"].shape)
    return {"commands": list(said), "embedded": shape}, said["pretrain"]


def compare(pictures, drawn, sheet):
    """Mean difference, of 255, between what is read and what was drawn, largest of each form; and the contact sheet."""
    from keras_ssl import data, views

    said = []
    source = data.load(pictures, size=SIZE, fit="pad", in_memory=False, skip_broken=True, say=said.append)
    pixels, paths = source.stored, [pathlib.Path(path) for path in source.samples.paths]
    fit = data.Preparation("pad")
    seen = np.stack([np.asarray(fit.resized(drawn[path][1], (SIZE, SIZE))) for path in paths])
    away = np.abs(pixels.astype(float) - seen).mean((1, 2, 3))
    forms = [drawn[path][0] for path in paths]
    shown = [forms.index(form) for form in FORMS]
    sheets = [shown[k : k + 11] for k in range(0, len(shown), 11)]
    for number, some in enumerate(sheets):
        read, drawings = (array[some].astype("float32") / 255 for array in (pixels, seen))
        path = sheet.with_stem(f"{sheet.stem}{number + 1}")
        views.preview(lambda images, seed, drawings=drawings: drawings, read, columns=11, rows=1, path=path)
    return {form: float(away[[one == form for one in forms]].max()) for form in FORMS}, len(source)


def section(result):
    """The table."""
    lines = ["| form | largest difference |", "|---|---|"]
    lines += [f"| {form} | {value:.1f} |" for form, value in result["difference"].items()]
    lines += [
        "",
        f"{result['files']} entries in three class folders: {result['read']} pictures, {EACH} of each form; broken",
        "files, links, hidden files and others were left out. The difference is the mean over the pixels of a",
        "picture, of 255, from what was drawn; the largest of each form.",
        f"`{'`, `'.join(result['commands'])}` ran through (`python -m benchmarks.mixed_pictures`).",
    ]
    return "\n".join(lines)


def main(folder=None):
    """Write, run, compare and publish."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    with tempfile.TemporaryDirectory() as made:
        folder = pathlib.Path(folder or made).resolve()
        pictures = folder / "pictures"
        drawn, broken = write(pictures)
        difference, read = compare(pictures, drawn, folder / "sheet.png")
        ran, said = run_all(pictures, folder / "run")
        files = sum(len(names) for _, _, names in os.walk(pictures)) + 1  # the link to a folder
        print(said)
        publish("mixed_pictures", {"files": files, "read": read, "broken": broken, "difference": difference, **ran})


if __name__ == "__main__":
    main(*sys.argv[1:])
