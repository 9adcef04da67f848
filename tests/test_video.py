"""Video data, errors of predicted frames, and the recipe: exact random access, files of all sorts, bad input."""

import types

import keras
import numpy as np
import pytest
from PIL import Image
from test_cli import invoke

from keras_ssl import backends, data, evaluate, recipes, runs
from keras_ssl.data.moving_digits import _bounced
from keras_ssl.data.preparation import Preparation
from keras_ssl.data.readers import video_files
from keras_ssl.errors import UserError
from keras_ssl.evaluate import frames
from keras_ssl.recipes import choosing
from keras_ssl.runs import pretraining
from keras_ssl.runs.facts import facts_of

RNG = np.random.default_rng(0)
DIGITS = RNG.integers(0, 256, (5, 4, 4, 1)).astype("uint8")


def moving(**arguments):
    return data.moving_digits(DIGITS, **{"count": 6, "length": 5, "size": 9, "seed": 3, **arguments})


# ---- moving digits ---------------------------------------------------------------------------------------------------


def test_a_line_between_mirrors_by_hand():
    np.testing.assert_allclose(_bounced(np.array([0.2, 1.0, 1.3, 2.0, 2.1, -0.4])), [0.2, 1, 0.7, 0, 0.1, 0.4])


def test_each_video_is_drawn_from_its_own_number():
    source = moving()
    assert (source.kind, source.shape, len(source), source.stored.dtype) == ("video", (5, 9, 9, 1), 6, "uint8")
    whole = source.stored
    np.testing.assert_array_equal(source.rows(np.array([4, 1])), whole[[4, 1]])
    np.testing.assert_array_equal(source[3:].stored, whole[3:])
    np.testing.assert_array_equal(moving(count=9).stored[:6], whole)
    assert not np.array_equal(moving(seed=4).stored, whole)
    assert len({video.tobytes() for video in whole}) == 6


def test_digits_move_straight_by_the_step_and_stay_whole():
    source, kept = moving(count=20, length=8, digits=1, size=104, step=0.05), 0
    for video in source.stored[..., 0]:
        places = np.array([[line.any(axis=axis).argmax() for axis in (1, 0)] for line in video])
        for frame, (row, column) in zip(video, places):
            part = frame[row : row + 4, column : column + 4]
            assert any(np.array_equal(part, digit[..., 0]) for digit in DIGITS)
            assert frame.astype(int).sum() == part.astype(int).sum()
        moves = np.diff(places, axis=0)  # five of the hundred pixels of room, but where it turned in between
        far = np.linalg.norm(moves, axis=1)
        assert (far < 5 + 2**0.5).all()
        turned = np.zeros(len(moves), bool)
        for k, axis in np.ndindex(len(moves), 2):  # a turn lies within a step of an edge
            turned[k] |= min(places[k, axis], places[k + 1, axis], 100 - places[k, axis], 100 - places[k + 1, axis]) < 5
        assert (far[~turned] > 5 - 2**0.5).all()
        far_from_edges = ~(turned[1:] | turned[:-1])
        assert (np.abs(np.diff(moves, axis=0))[far_from_edges] <= 1 + 1e-9).all()  # straight on, but for rounding
        kept += far_from_edges.sum()
    assert kept > 30  # of 120


def test_overlapping_digits_show_the_brighter_pixel():
    bright = data.moving_digits(np.full((1, 4, 4, 1), 200, "uint8"), count=3, length=4, size=6, digits=3)
    assert set(np.unique(bright.stored)) == {0, 200}
    np.testing.assert_array_equal(
        data.moving_digits(DIGITS / 255.0, count=2, size=9).stored, moving(count=2, seed=0, length=20).stored
    )


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: moving(size=4), "larger than the images, 4x4"),
        (lambda: moving(length=0), "length"),
        (lambda: moving(step=0), "step above 0"),
        (lambda: data.moving_digits(DIGITS[..., 0]), "gray images"),
        (lambda: data.moving_digits(DIGITS.astype("int64")), "uint8, or as floats"),
    ],
)
def test_wrong_digits_are_clear_errors(make, message):
    with pytest.raises(UserError, match=message):
        make()


# ---- files -----------------------------------------------------------------------------------------------------------


def write(path, frames, codec="ffv1", rate=5):
    """Write a video without loss."""
    av = pytest.importorskip("av")
    path.parent.mkdir(parents=True, exist_ok=True)
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=rate)
        stream.width, stream.height = frames.shape[2], frames.shape[1]
        stream.pix_fmt = "bgr0" if codec == "ffv1" else "yuv420p"
        for frame in frames:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(frame, format="rgb24")))
        container.mux(stream.encode())


def video(seed, count=7, height=16, width=24):
    """Frames that differ, all of one color."""
    colors = np.random.default_rng(seed).integers(0, 256, (count, 1, 1, 3))
    return np.broadcast_to(colors, (count, height, width, 3)).astype("uint8")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Two classes of two videos of 7 and 4 frames, and a test split of one video of each."""
    root = tmp_path_factory.mktemp("films")
    for k, name in enumerate(("jump/a.avi", "jump/b.mkv", "run/c.avi", "run/d.mkv")):
        write(root / "train" / name, video(k, 7 if k % 2 == 0 else 4))
    write(root / "test" / "jump" / "e.avi", video(8))
    write(root / "test" / "run" / "f.avi", video(9))
    return root


def test_clips_of_a_folder_have_the_labels_of_their_videos(folder):
    said = []
    source = data.load(folder, frames=3, say=said.append)
    assert (source.kind, source.shape, source.class_names) == ("video", (3, 16, 24, 3), ("jump", "run"))
    np.testing.assert_array_equal(source.columns["video"], [0, 0, 1, 2, 2, 3])
    np.testing.assert_array_equal(source.labels, [0, 0, 0, 1, 1, 1])
    np.testing.assert_array_equal(source.stored[1], video(0)[3:6])
    np.testing.assert_array_equal(source.stored[5], video(3, 4)[:3])
    assert any("4 videos, 2 classes: jump, run" in text for text in said)
    assert len(data.load(folder, "test", frames=3)) == 4


def test_testing_is_on_other_videos_than_training(tmp_path):
    for k in range(5):
        write(tmp_path / "films" / ("jump" if k < 3 else "run") / f"{k}.avi", video(k, 8, 4, 4))
    inputs = keras.Input((2, 4, 4, 3), name="video")
    encoder = keras.Model(inputs, keras.layers.Flatten()(inputs))
    said = []
    train, test = runs.load_labeled(str(tmp_path / "films"), encoder, said.append)
    assert not set(train.columns["video"]) & set(test.columns["video"])
    assert set(train.labels) == set(test.labels) == {0, 1}
    assert "No test split: 2 of 5 videos with their 8 clips, drawn with seed 0" in said[-1]
    (tmp_path / "films" / "run" / "4.avi").unlink()
    with pytest.raises(UserError, match=r"at least two videos of each class.*one of class run"):
        runs.load_labeled(str(tmp_path / "films"), encoder, str)


def test_samples_of_a_column_stay_together():
    owners = np.array([7, 7, 3, 3, 3, 9])
    source = data.from_arrays(np.arange(6.0)[:, None], columns={"video": owners})
    for seed in range(4):
        first, rest = source.split(0.6, seed, by="video")
        assert len(set(first.columns["video"])) == 2
        assert not set(first.columns["video"]) & set(rest.columns["video"])
        assert len(first) + len(rest) == 6
    with pytest.raises(UserError, match="a column 'film'"):
        source.split(0.5, by="film")


def test_clips_that_are_read_when_needed_are_the_same(folder):
    for options in ({"length": 3, "stride": 2}, {"length": 2, "stride": 1, "every": 2, "size": 8, "channels": 1}):
        kept, read = (data.videos(folder, in_memory=in_memory, **options) for in_memory in (True, False))
        assert isinstance(read.samples, data.Files)
        np.testing.assert_array_equal(read.stored, kept.stored)
        np.testing.assert_array_equal(read.labels, kept.labels)
    np.testing.assert_array_equal(data.videos(folder, length=2, every=3).stored[0], video(0)[[0, 3]])


def test_one_video_and_other_formats_are_read(folder, tmp_path):
    alone = data.videos(folder / "train" / "jump" / "a.avi", length=7)
    np.testing.assert_array_equal(alone.stored[0], video(0))
    for name, codec in (("a.mp4", "mpeg4"), ("a.gif", "gif")):
        if codec == "gif":
            first, *others = map(Image.fromarray, video(1))
            first.save(tmp_path / name, save_all=True, append_images=others)  # each frame for 0 milliseconds
        else:
            write(tmp_path / name, video(1), codec)
        found = data.videos(tmp_path / name, length=7).stored[0].astype(int)
        assert np.abs(found - video(1)).max() <= 12, name
        late = data.load(tmp_path / name, frames=3, kind="video", in_memory=False)
        np.testing.assert_array_equal(late.stored[1], found[3:6])


def test_what_is_transparent_has_the_background(tmp_path):
    frames = [Image.new("RGBA", (8, 8), (0, 0, 200, 255)) for _ in range(3)]
    for k, frame in enumerate(frames):
        frame.putpixel((0, 0), (0, 0, 0, 0))
        frame.putpixel((k + 1, 5), (200, 0, 0, 255))  # frames that are the same would be one
    frames[0].save(tmp_path / "a.gif", save_all=True, append_images=frames[1:], disposal=2)
    for name, color in (("white", 255), ("black", 0)):
        found = data.videos(tmp_path / "a.gif", length=3, background=name).stored[0]
        np.testing.assert_array_equal(found[:, 0, 0], np.full((3, 3), color))


@pytest.mark.parametrize(("rotation", "turns"), [(0, 0), (90, 1), (-90, 3), (180, 2)])
def test_turned_videos_are_turned_upright(rotation, turns):
    """By as many quarters to the left as PyAV says."""
    pixels = RNG.integers(0, 256, (4, 6, 3)).astype("uint8")
    frame = types.SimpleNamespace(to_image=lambda: Image.fromarray(pixels), rotation=rotation)
    expected = np.rot90(pixels, turns)
    form = video_files.Form(expected.shape[:2], "RGB", Preparation())
    np.testing.assert_array_equal(video_files._pixels(frame, form), expected)


def test_sizes_that_differ_are_made_one(folder, tmp_path):
    write(tmp_path / "a.avi", video(0, 3))
    write(tmp_path / "b.avi", video(1, 3, height=10, width=12))
    with pytest.warns(UserWarning, match=r"differ in size, from 12x10 to 24x16 .*64x64"):
        assert data.videos(tmp_path, length=3).shape == (3, 64, 64, 3)
    assert data.videos(tmp_path, length=3, size=(6, 8)).shape == (3, 6, 8, 3)


def test_videos_that_cannot_be_read_or_are_too_short_are_named(tmp_path):
    write(tmp_path / "good.avi", video(0, 6))
    write(tmp_path / "short.avi", video(1, 2))
    (tmp_path / "broken.mp4").write_bytes(b"no video" * 50)
    with pytest.raises(UserError, match=r"1 of 3 that cannot: .*broken\.mp4 \(.*--skip-broken"):
        data.videos(tmp_path, length=3)
    (tmp_path / "broken.mp4").rename(tmp_path / "broken.txt")
    with pytest.raises(UserError, match=r"1 of 2 that cannot: .*short\.avi \(2 frames, fewer than the 3"):
        data.videos(tmp_path, length=3)
    said = []
    source = data.videos(tmp_path, length=3, skip_broken=True, say=said.append)
    assert len(source) == 2
    assert any("1 of 2 videos cannot be read and have 3 frames and are left out" in text for text in said)
    late = data.videos(tmp_path, length=3, skip_broken=True, in_memory=False, say=str)
    (tmp_path / "good.avi").write_bytes((tmp_path / "good.avi").read_bytes()[:900])
    with pytest.raises(UserError, match=r"can be decoded.*good\.avi"):
        late.inputs()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"length": 0}, "length"),
        ({"stride": 0}, "stride"),
        ({"every": 0}, "every"),
        ({"channels": 2}, "channels of 1 or 3"),
        ({"split": "val"}, "splits"),
    ],
)
def test_wrong_options_are_clear_errors(folder, options, message):
    with pytest.raises(UserError, match=message):
        data.videos(folder, **options)


def test_other_folders_are_clear_errors(tmp_path, monkeypatch):
    with pytest.raises(UserError, match="does not exist"):
        data.videos(tmp_path / "none")
    (tmp_path / "notes.txt").write_text("none")
    monkeypatch.setattr(backends, "_is_installed", lambda package: package != "av")
    with pytest.raises(UserError, match=r"package av, which reads videos.*keras-ssl\[video\]"):
        data.videos(tmp_path)
    monkeypatch.setattr(backends, "_is_installed", lambda package: True)
    with pytest.raises(UserError, match=r"none; 1 file skipped: 1 \.txt"):
        data.videos(tmp_path)


# ---- errors of frames ------------------------------------------------------------------------------------------------


def test_errors_by_hand():
    true = np.zeros((2, 3, 2, 2, 1), "float32")
    predicted = true.copy()
    predicted[0, 0, 0, 0] = 0.5
    predicted[1, 2, :, 0] = -1
    found = evaluate.frame_errors(predicted, true)
    assert found == pytest.approx({"mse": 2.25 / 6, "mae": 2.5 / 6, "mse_pixel": 2.25 / 24})


def test_similarity_is_that_of_the_frames_cut_to_their_range():
    true = RNG.random((1, 2, 12, 12, 1)).astype("float32")
    assert evaluate.frame_errors(true, true)["ssim"] == pytest.approx(1)
    noisy = true + RNG.normal(0, 0.5, true.shape).astype("float32")
    expected = evaluate.ssim(true[0], np.clip(noisy[0], 0, 1))
    assert evaluate.frame_errors(noisy, true)["ssim"] == pytest.approx(expected)


def test_baselines_and_a_model_are_measured_alike():
    clips = moving(count=40, digits=1)
    found = evaluate.frame_baselines(clips[:30], clips[30:], past=3)
    x = clips[30:].inputs()
    for name, frame in (("copy", x[:, 2:3]), ("mean", x[:, :3].mean(axis=1, keepdims=True))):
        expected = np.mean(np.sum((frame - x[:, 3:]) ** 2, axis=(2, 3, 4)))
        assert found[name]["mse"] == pytest.approx(expected, rel=1e-5)
    copying = types.SimpleNamespace(past=3, next_frames=lambda past, count: np.repeat(past[:, -1:], count, axis=1))
    assert evaluate.next_frame_errors(copying, clips[30:], batch_size=4) == pytest.approx(found["copy"])


def test_predictions_of_models_and_baselines_are_cut_to_the_range(monkeypatch):
    clips = moving(count=12, digits=1)
    found = []
    for value in (1.0, 7.5):

        def predict(x, count=2, value=value):
            return np.full((len(x), count, 9, 9, 1), value)

        found.append(evaluate.next_frame_errors(types.SimpleNamespace(past=3, next_frames=predict), clips))
        monkeypatch.setattr(frames, "_linear", lambda *_, predict=predict: predict)
        found.append(evaluate.frame_baselines(clips, clips, past=3)["linear"])
    assert all(one == found[0] for one in found)


def test_what_is_linear_is_predicted_by_the_regression():
    matrix = np.random.default_rng(1).normal(0, 0.02, (18, 18))
    past = np.random.default_rng(2).random((60, 18))
    clips = np.concatenate([past, 0.5 + past @ matrix], axis=1).reshape(60, 4, 3, 3, 1).clip(0, 1).astype("float32")
    source = data.from_arrays(clips, kind="video")
    found = evaluate.frame_baselines(source[:50], source[50:], past=2)
    assert found["linear"]["mse_pixel"] < 1e-4 < found["mean"]["mse_pixel"]


def test_wrong_frames_are_clear_errors():
    clips = moving()
    for call, message in [
        (lambda: evaluate.frame_errors(np.zeros((2, 8, 8, 1)), np.zeros((2, 8, 8, 1))), "frames, height, width"),
        (lambda: evaluate.frame_errors(np.zeros((1, 2, 8, 8, 1)), np.zeros((1, 3, 8, 8, 1))), "shape"),
        (lambda: evaluate.frame_baselines(clips, clips, past=5), "more than 5 frames"),
        (lambda: evaluate.frame_baselines(clips[:5], clips, past=2), "at least 10 clips"),
        (lambda: evaluate.next_frame_errors(object(), clips), "next_frames"),
    ]:
        with pytest.raises(UserError, match=message):
            call()


# ---- recipe and commands ---------------------------------------------------------------------------------------------


def test_the_recipe_predicts_the_second_half(folder):
    source = data.load(folder, frames=3, size=16)
    recipe = recipes.choose("frame_prediction", folder)(source, 1, seed=2, width=4, depth=1)
    assert (recipe.objective.past, recipe.objective.future, recipe.epochs, recipe.seed) == (1, 2, 1, 2)
    batch = next(iter(recipe.batches()))
    assert batch["input"].shape == (6, 3, 16, 16, 3)
    fitting = runs.load_fitting(folder, "train", recipe.objective.encoder)
    assert fitting.shape == (1, 16, 16, 3)
    assert len(fitting) == 22
    for wrong, message in [
        (data.from_arrays(np.zeros((4, 8, 8, 1))), "source of videos"),
        (moving(size=130), "up to 128x128"),
        (moving(length=1), "at least 2 frames"),
    ]:
        with pytest.raises(UserError, match=message):
            recipes.video.frame_prediction(wrong)
    with pytest.raises(UserError, match="images, which all recipes of simclr are for"):
        recipes.check_kind(source, "simclr")


def test_the_command_line_trains_on_videos_and_tests_on_other_ones(tmp_path, monkeypatch):
    for k in range(4):
        write(tmp_path / "films" / ("jump" if k < 2 else "run") / f"{k}.avi", video(k, 8))

    def tiny(source, epochs=None, seed=0):
        return recipes.video.frame_prediction(source, epochs, seed, width=4, depth=1)

    def save(recipe, folder, resume, facts, **_):
        pretraining._save(recipe, recipe.objective.encoder, folder / "encoder.keras", facts_of(recipe, facts))

    monkeypatch.setitem(choosing._ANYWHERE, "frame_prediction", tiny)
    monkeypatch.setattr(runs, "pretrain", save)
    words, out = ("--dataset", tmp_path / "films"), tmp_path / "run"
    sizes = ("--objective", "frame_prediction", "--size", 8, "--length", 4)
    assert "8 videos of (4, 8, 8, 3)" in invoke("pretrain", *words, *sizes, "--out", out)
    printed = invoke("finetune", "--encoder", out / "encoder.keras", *words, "--steps", 1, "--out", out)
    assert "2 of 4 videos with their 8 clips, drawn with seed 0, are held out" in printed
    assert (out / "classifier.keras").is_file()
