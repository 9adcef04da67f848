"""Tables of pictures and texts: how they are read, what is wrong with them, and the commands on them."""

import json
import shutil

import keras
import numpy as np
import pytest
from PIL import Image
from test_bad_input import refused
from test_cli import invoke
from test_pairs import of_texts

from keras_ssl import data, encoders, export, objectives, recipes, runs, tokenizers, views
from keras_ssl.data.readers import image_folders
from keras_ssl.errors import UserError
from keras_ssl.recipes import choosing
from keras_ssl.runs import pretraining
from keras_ssl.runs.facts import facts_of

COLORS = {"red": (200, 30, 30), "blue": (30, 30, 200), "green": (30, 160, 30), "black": (0, 0, 0)}


def table(folder, rows, name="pictures.csv", header="picture,text"):
    """Write a table beside the folder "pictures"."""
    folder.mkdir(exist_ok=True)
    (folder / name).write_text("\n".join([header, *(",".join(row) for row in rows)]) + "\n")
    return folder / name


def drawn(folder, each=3):
    """Draw squares of each color at two places, and return records of their paths and texts."""
    (folder / "pictures").mkdir(parents=True)
    rows = []
    for color, shade in COLORS.items():
        for k in range(each):
            picture = Image.new("RGB", (8, 8), "white")
            picture.paste(shade, (4 * (k % 2), 1, 4 * (k % 2) + 4, 5))
            picture.save(folder / "pictures" / f"{color}{k}.png")
            rows.append((f"pictures/{color}{k}.png", f"{color} square {'right' if k % 2 else 'left'}"))
    return rows


@pytest.fixture(scope="module")
def clipart(tmp_path_factory):
    """A table of 12 pictures, and its folder."""
    folder = tmp_path_factory.mktemp("clipart")
    return table(folder, drawn(folder))


def test_a_table_of_pictures_and_texts_becomes_pairs(clipart):
    said = []
    source = data.pairs(clipart, say=said.append)
    assert {name: spec.shape for name, spec in source.specs.items()} == {"image": (None, 8, 8, 3), "ids": (None, 3)}
    assert list(source.columns["text"][:2]) == ["red square left", "red square right"]
    assert [source.tokenizer.text(row) for row in source.stored["ids"][:2]] == list(source.columns["text"][:2])
    np.testing.assert_array_equal(source.stored["image"][0, 2, 2], COLORS["red"])
    assert "8 of 12 texts are those of several pairs, most often 'red square left' (2 times)" in said[-1]
    assert said[-1].count("In one batch they count as wrong") == 1
    batch = source[[3, 1]].inputs()
    assert (batch["image"].dtype, batch["ids"].dtype) == ("float32", "int32")
    test = data.pairs(
        clipart, tokenizer=source.tokenizer, length=2, like=encoders.mlp((6, 6, 1), (4,)), say=said.append
    )
    assert test.stored["image"].shape == (12, 6, 6, 1)
    assert test.stored["ids"].shape == (12, 2)
    assert "12 of 12 texts have more than 2 tokens. They are cut." in said[-1]


def test_pictures_that_are_decoded_when_needed_are_the_same(clipart):
    memory, files = (data.pairs(clipart, in_memory=kept, say=str) for kept in (True, False))
    assert isinstance(files.samples, data.Joined)
    assert files.samples.parts["image"].paths[0].name == "red0.png"
    for which in ([5, 0, 7], slice(2, 4), np.arange(12) % 3 == 1):
        one, other = (source[which].inputs() for source in (memory, files))
        np.testing.assert_array_equal(one["image"], other["image"])
        np.testing.assert_array_equal(one["ids"], other["ids"])
    (batch,) = data.batches(files, batch_size=12, shuffle=False)
    np.testing.assert_array_equal(batch["input"]["image"], memory.inputs()["image"])
    parts = {"image": data.Arrays(np.zeros(3)), "ids": data.Arrays(np.zeros(2))}
    refused(lambda: data.Joined(parts), "as many samples of each of image, ids", "3 of image, 2 of ids")


def test_a_picture_may_have_several_texts_and_other_columns_names(tmp_path, clipart):
    rows = [("red0.png", "first"), ("blue1.png", "second"), ("red0.png", "third")]
    path = table(clipart.parent / "pictures", rows, "more.csv", "file,caption")
    source = data.pairs(path, picture="file", text="caption", tokenizer=tokenizers.words(["first second third"]))
    images = source.stored["image"]
    np.testing.assert_array_equal(images[0], images[2])
    assert list(source.columns["text"]) == ["first", "second", "third"]
    assert list(source.columns["picture"]) == [0, 1, 0]
    refused(lambda: data.pairs(path), "a table with the columns 'picture' and 'text'", "'file', 'caption' in")
    with pytest.raises(UserError, match=r"a column 'text'.*'caption'.*`data\.pairs\(path, picture='…'"):
        data.pairs(path, picture="file")
    refused(lambda: data.pairs("./nowhere.csv"), "a table of pictures and texts", "nowhere.csv")


def test_a_table_is_loaded_as_images_with_a_column_of_texts(clipart):
    source = data.load(clipart, say=str)
    assert source.shape == (8, 8, 3)
    assert source.columns["text"][4] == "blue square right"
    assert data.has_pairs(clipart)
    assert not data.has_pairs("digits")


def test_folders_with_tables_of_the_splits(tmp_path, clipart):
    folder = tmp_path / "set"
    shutil.copytree(clipart.parent / "pictures", folder / "pictures")
    for name, color in (("train", "red"), ("val", "blue")):
        table(folder, [(f"pictures/{color}{k}.png", f"{color} {k}") for k in (0, 1)], f"{name}.csv")
    with pytest.warns(UserWarning, match="a new tokenizer is trained on the texts of the split 'val'"):
        assert list(data.pairs(folder, "val").columns["text"]) == ["blue 0", "blue 1"]
    refused(lambda: data.pairs(folder, "test"), "one of the splits")
    (folder / "train.csv").write_text("name,label\n1,2\n")  # of something else: a folder of images as before
    assert len(data.load(folder, say=str)) == 12


def test_pictures_of_several_texts_are_said(clipart, monkeypatch):
    rows, said = [("red0.png", "one"), ("blue0.png", "two"), ("red0.png", "a")], []
    path = table(clipart.parent / "pictures", rows, "shared.csv")
    data.pairs(path, say=said.append)
    assert "2 of 3 pairs have a picture that others have, too, at most 2 the same. In one batch they" in said[-1]
    monkeypatch.setattr(image_folders, "fits_in_memory", lambda count, *_: count < 3)  # a copy for each text
    assert isinstance(data.pairs(path, say=str).samples, data.Joined)


def test_a_clip_gets_no_new_tokenizer(clipart):
    model = objectives.CLIP(encoders.mlp((8, 8, 3), (6,)), of_texts(20))
    refused(lambda: data.pairs(clipart, like=model), "the tokenizer that the CLIP was trained with", "none")


@pytest.mark.parametrize(
    ("rows", "expected", "received"),
    [
        ([("a.png", "one"), ("b.png", "two")], "pictures that exist", "1 of 2 without: b.png in record 2"),
        ([("a.png", "one"), ("", "two")], "pictures that exist", "no path in record 2"),
        ([("a.png", "one"), ("a.png", " ")], "a text for each picture", "1 of 2 without: none for a.png in record 2"),
        ([("a.png", "one"), ("broken.png", "two")], "images that can be read", "broken.png"),
        ([("a.png", "one"), ("a.png", "one")], "texts that tell the images in", "'one' for all 2"),
        ([], "records in", "none"),
    ],
    ids=["picture missing", "no path", "text empty", "picture broken", "one text for all", "no records"],
)
def test_bad_records_are_named(tmp_path, rows, expected, received):
    Image.new("RGB", (4, 4)).save(tmp_path / "a.png")
    (tmp_path / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\nno more")
    path = table(tmp_path, rows)
    refused(lambda: data.pairs(path), expected, received)
    if rows:
        good = table(tmp_path, [*rows, ("a.png", "three")])
        left = 3 if expected.startswith("texts") else 2
        assert len(data.pairs(good, skip_broken=True, say=str)) == left


def test_texts_are_given_to_images_in_memory():
    images = np.zeros((3, 4, 4, 1), "uint8")
    labels = np.array([0, 1, 0])
    source = data.from_pairs(data.from_arrays(images, labels), ["a cat", "a dog", "the cat"])
    assert (source.classes, len(source)) == (2, 3)
    assert source.tokenizer.kind == "word_pieces"
    refused(lambda: data.from_pairs(images, ["a", "b"]), "one text for each image", "2 texts of 3 images")
    refused(lambda: data.from_pairs(images, ["same"] * 3), "texts that tell", "'same' for all 3")
    refused(lambda: data.from_pairs(images, ["Same", "same", "SAME"]), "texts that tell", "as the tokenizer reads them")
    for nothing in ("", "  ", None):
        refused(
            lambda text=nothing: data.from_pairs(images, ["cat", text, "dog"]), "a text for each image", "at index 1"
        )
    letters = tokenizers.characters(["cat"])
    refused(lambda: data.from_pairs(images, ["cat", "act", " "], letters), "a text for each image", "at index 2")


# ---- recipe and commands ---------------------------------------------------------------------------------------------


def tiny(source, epochs=None, seed=0):
    """In place of the recipe: what takes little time to build."""
    keras.utils.set_random_seed(seed)
    model = objectives.CLIP(encoders.mlp((8, 8, 3), (6,)), of_texts(source.tokenizer.vocabulary))
    return recipes.compiled(model, source, epochs, batch_size=12, views=views.captioned())


@pytest.fixture(scope="module")
def run(clipart, tmp_path_factory):
    """What `pretrain` trains and then writes, not trained; and what it printed."""
    out, given = tmp_path_factory.mktemp("run"), []
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(choosing._ANYWHERE, "clip", tiny)
        patch.setattr(runs, "pretrain", lambda recipe, folder, resume, facts, **_: given.append((recipe, facts)))
        words = ("--dataset", clipart, "--objective", "clip", "--epochs", 1, "--vocabulary", 300, "--out", out)
        printed = invoke("pretrain", *words)
    recipe, facts = given[0]
    facts = facts_of(recipe, facts)
    pretraining._save(recipe, recipe.objective.encoder, out / "encoder.keras", facts)
    pretraining._save(recipe, recipe.objective, out / "objective.keras", facts)
    return out, printed


def test_pretraining_keeps_the_tokenizer_beside_the_objective_alone(run):
    out, printed = run
    assert "12 images with rows of ids of (8, 8, 3) and (3,); 1 epoch of clip" in printed
    assert runs.tokenizer_of(out / "objective.keras").kind == "word_pieces"
    assert runs.tokenizer_of(out / "encoder.keras") is None
    assert runs.about(out / "encoder.keras")["views"]["policy"] is None


@pytest.mark.pages
def test_evaluate_tells_retrieval_beside_chance(run, clipart, tmp_path, monkeypatch):
    out, _ = run
    words = ("--encoder", out / "objective.keras", "--dataset", clipart)
    printed = invoke("evaluate", *words, "--out", tmp_path / "scores")
    assert all(word in printed for word in ("R@1", "median rank", "image to text", "chance"))
    results = json.loads((tmp_path / "scores" / "results.json").read_text())
    assert results["chance_image_to_text"]["recall_at_1"] == pytest.approx(1 / 6, abs=0.05)  # most have a twin
    page = (tmp_path / "scores" / "evaluation.html").read_text()
    assert page.count("data:image/") == 2
    assert "could not be drawn" not in page
    assert "No test split: these are all pairs of the table." in printed
    assert (results["split"], results["pictures"]) == ("train", 12)
    monkeypatch.setattr(runs.pairs, "load_model", lambda path: encoders.mlp((8, 8, 3), (6,)))
    refused(lambda: runs.evaluate_pairs(out / "encoder.keras", clipart), "the objective.keras of a CLIP", "Functional")


def test_a_model_that_is_right_about_pictures_of_two_texts_has_all_points(run, clipart, monkeypatch):
    """Copies of a picture are no wrong answers, and each of its texts is a right one."""
    out, _ = run
    colors = list(COLORS)
    rows = [(f"{color}0.png", f"{color} {word}") for color in colors for word in ("one", "two")]
    path = table(clipart.parent / "pictures", rows, "two.csv")
    each = np.repeat(np.eye(4), 2, axis=0)
    monkeypatch.setattr(runs.pairs, "embed_pairs", lambda model, source: (each, each))
    said = []
    found = runs.evaluate_pairs(out / "objective.keras", path, say=said.append)
    for name in ("image_to_text", "text_to_image"):
        assert found[name]["recall_at_1"] == 1
        assert found[name]["median_rank"] == 1
    assert found["chance_text_to_image"]["recall_at_1"] == pytest.approx(1 / 4)
    assert found["chance_image_to_text"]["recall_at_1"] == pytest.approx(2 / 8)


def test_embed_takes_the_pictures_and_export_serves_both_sides(run, clipart, tmp_path, monkeypatch):
    out, _ = run
    words = ("--encoder", out / "objective.keras", "--dataset", clipart, "--out", tmp_path / "h.npz")
    assert "(12, 6) in" in invoke("embed", *words)
    served = {}

    def deploy(model, out, *_, tokenizer, **__):
        served.update(signatures=set(model.signatures()), tokenizer=tokenizer.kind)
        (tmp_path / "manifest.sha256").write_text("0 manifest.json")
        return tmp_path

    monkeypatch.setattr(export, "deploy", deploy)
    invoke("export", out / "objective.keras", "--out", tmp_path / "served")
    assert served == {"signatures": {"embed", "embed_text"}, "tokenizer": "word_pieces"}


def test_the_recipe_fits_pairs_alone(clipart):
    source = data.pairs(clipart, size=16, say=str)
    recipe = recipes.pairs.clip(source)
    assert isinstance(recipe.objective, objectives.CLIP)
    assert f"Default: {recipe.epochs}." in recipes.pairs.clip.__doc__
    assert recipes.choose("clip", clipart) is recipes.pairs.clip
    assert set(recipe.objective.batch_specs) == set(recipe.views.keys)
    bright = np.broadcast_to(np.linspace(0.9, 0.1, 16, dtype="float32")[:, None], (32, 16, 16, 3))
    seen = keras.ops.convert_to_numpy(recipe.views({"image": bright, "ids": np.ones((32, 2))}, (0, 0))["image"])
    assert (seen[:, :, 0].mean(axis=(1, 2)) > seen[:, :, -1].mean(axis=(1, 2))).all()  # left stays left
    images = data.load(clipart, say=str)
    refused(lambda: recipes.pairs.clip(images), "pictures with texts and their tokenizer", "image in")
    refused(lambda: recipes.check_kind(images, "clip"), "pictures with texts, which all recipes of clip", "images in")

    recipes.check_kind(source, "clip")
