"""Sound files: what is read, what is said, what is refused, and the way from a folder to a deployed model."""

import json
import pathlib
import shutil
import warnings

import keras
import numpy as np
import pytest
import recordings
from typer.testing import CliRunner

from keras_ssl import cli, data, encoders, evaluate, objectives, recipes, runs, views
from keras_ssl.blocks.mel import mel_filters
from keras_ssl.data.readers import sound_sets
from keras_ssl.errors import UserError
from keras_ssl.evaluate.baseline import baseline
from keras_ssl.networks import parts

soundfile, soxr = pytest.importorskip("soundfile"), pytest.importorskip("soxr")
RATE = recordings.RATE
KIT = pathlib.Path(__file__).parents[1] / "export"


def write(path, sound, rate=RATE, **how):
    path.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(path, sound, rate, **how)
    return path


def load(place, **options):
    said = []
    return data.load(place, say=said.append, **options), " ".join(said)


# ---- what is read ----------------------------------------------------------------------------------------------------


def test_class_folders_become_int16_of_one_length_with_labels(tmp_path):
    source, said = load(recordings.class_folders(tmp_path / "tones"))
    assert (source.kind, source.shape, source.stored.dtype) == ("audio", (100,), "int16")
    assert source.class_names == ("high", "low")
    assert source.labels.tolist() == [0] * 6 + [1] * 6
    assert source.preparation.to_json() == {"rate": RATE, "length": None}
    assert "2 classes: high 6, low 6" in said
    assert "padded with zeros to 0.0125 s: 10 recordings" in said
    first = soundfile.read(tmp_path / "tones/high/0.flac", dtype="int16")[0]
    np.testing.assert_array_equal(source.stored[0], np.pad(first, (0, 20)))
    np.testing.assert_array_equal(source.inputs()[0], np.pad(first, (0, 20)) / np.float32(32768))
    later, _ = load(tmp_path / "tones", in_memory=False)
    assert isinstance(later.samples, data.Files)
    np.testing.assert_array_equal(later.stored, source.stored)
    cut, said = load(tmp_path / "tones", length=0.005)
    np.testing.assert_array_equal(cut.stored, source.stored[:, :40])
    assert "cut to their first 0.005 s: 12 recordings" in said


@pytest.mark.parametrize(
    ("subtype", "tolerance"), [("PCM_U8", 1 / 100), ("PCM_16", 0), ("PCM_24", 1 / 32768), ("FLOAT", 1 / 32768)]
)
def test_integers_of_any_width_and_floats_have_one_scale(tmp_path, subtype, tolerance):
    sound = np.rint(recordings.tone(500) * 32768).astype("float32") / 32768
    source, _ = load(write(tmp_path / "a" / "a.wav", sound, subtype=subtype).parent)
    np.testing.assert_allclose(source.inputs()[0], sound, atol=tolerance)


def test_other_formats_and_splits_are_read(tmp_path):
    for part, name in (("train", "a.ogg"), ("train", "b.mp3"), ("test", "c.wav")):
        write(tmp_path / part / name, recordings.tone(500, 0.5, 8000), 8000)
    train, _ = load(tmp_path)
    assert len(train) == 2
    peaks = np.abs(train.inputs()).max(axis=1)
    assert ((peaks > 0.4) & (peaks < 0.6)).all()
    assert len(load(tmp_path, split="test")[0]) == 1
    with pytest.raises(UserError, match="splits of"):
        load(tmp_path, split="val")


def test_a_table_gives_labels_and_texts(tmp_path):
    for k in range(3):
        write(tmp_path / "clips" / f"{k}.wav", recordings.tone(500))
    rows = ['clips/0.wav,yes,"Yes, please"', "clips/1.wav,no,No"]
    (tmp_path / "train.csv").write_text("\n".join(["file,label,text", *rows]) + "\n")
    (tmp_path / "test.csv").write_text("file,label,text\nclips/2.wav,maybe,Well\n")
    train, said = load(tmp_path)
    assert train.class_names == ("maybe", "no", "yes"), "the splits number the classes alike"
    assert train.labels.tolist() == [2, 1]
    assert train.columns["text"].tolist() == ["Yes, please", "No"]
    assert "2 recordings with texts" in said
    assert load(tmp_path, split="test")[0].labels.tolist() == [0]
    (tmp_path / "train.csv").write_text("file\nclips/0.wav\n")
    assert "no column 'label'" in load(tmp_path / "train.csv")[0].why_unlabeled
    (tmp_path / "train.csv").write_text("file\nclips/7.wav\n")
    with pytest.raises(UserError, match=r"1 that are not there: .*7\.wav"):
        load(tmp_path / "train.csv")


def test_a_folder_of_pictures_stays_one_whatever_lies_beside_them(tmp_path):
    from PIL import Image

    for k in range(2):
        Image.new("L", (8, 8), 9 * k).save(tmp_path / f"{k}.png")
    write(tmp_path / "a.wav", recordings.tone(500))
    assert load(tmp_path)[0].kind == "image"


# ---- bad input -------------------------------------------------------------------------------------------------------


def test_other_rates_are_resampled_and_said(tmp_path):
    for k in range(2):
        write(tmp_path / f"{k}.wav", recordings.tone(500, 0.1, 8000), 8000)
    write(tmp_path / "other.wav", recordings.tone(500, 0.1, 16000), 16000)
    source, said = load(tmp_path)
    assert source.preparation.rate == 8000
    assert "resampled to 8,000 Hz, the rate of most; pass `rate=` to choose another: 1 recording of 16,000 Hz" in said
    middle = slice(100, 700)
    np.testing.assert_allclose(source.inputs()[2][middle], source.inputs()[0][middle], atol=2e-3)
    source, said = load(tmp_path, rate=4000)
    assert source.shape == (400,)
    assert "2 recordings of 8,000 Hz, 1 recording of 16,000 Hz" in said
    with pytest.warns(UserWarning, match="the rate of most"):
        data.load(tmp_path)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        data.load(tmp_path, rate=8000)
    with pytest.raises(UserError, match="rate as a whole number"):
        data.load(tmp_path, rate=8000.5)


def test_stereo_is_mixed_and_said_once(tmp_path):
    sound = recordings.tone(500)
    for k in range(2):
        write(tmp_path / f"{k}.wav", np.stack([sound, 0 * sound], axis=1))
    source, said = load(tmp_path)
    np.testing.assert_allclose(source.inputs()[0], sound / 2, atol=1e-4)
    assert said.count("mixed to one channel: 2 recordings") == 1


def test_recordings_that_are_silent_once_prepared_are_named(tmp_path):
    sound = recordings.tone(500)
    write(tmp_path / "opposite.wav", np.stack([sound, -sound], axis=1))
    write(tmp_path / "quiet.wav", 1e-5 * sound, subtype="FLOAT")
    write(tmp_path / "good.wav", np.stack([sound, sound], axis=1))
    for options in ({}, {"in_memory": False}):
        source, said = load(tmp_path, **options)
        assert np.abs(source.inputs()).max(axis=1).astype(bool).tolist() == [True, False, False]
        assert "silent once prepared" in said
        assert "2 recordings: opposite.wav, quiet.wav." in said
        assert "silent from beginning" not in said


def test_what_cancels_out_is_silent_after_resampling_too(tmp_path):
    sound = recordings.tone(500)
    write(tmp_path / "opposite.wav", np.stack([sound, -sound], axis=1))
    write(tmp_path / "good.wav", sound)
    source, said = load(tmp_path, rate=2 * RATE)
    assert np.abs(source.inputs()).max(axis=1).astype(bool).tolist() == [True, False]
    assert "silent once prepared" in said


def test_what_is_silent_before_the_cut_is_not_called_silent(tmp_path):
    write(tmp_path / "late.wav", np.concatenate([np.zeros(2 * RATE), recordings.tone(500)]))
    write(tmp_path / "good.wav", recordings.tone(500))
    _, said = load(tmp_path, length=1)
    assert "silent as far as they are kept: 1 recording: late.wav." in said
    assert "from beginning to end" not in said


def test_rates_in_kilohertz_and_lengths_that_a_model_does_not_take_are_refused(tmp_path):
    write(tmp_path / "a.wav", recordings.tone(500))
    with pytest.raises(UserError, match=r"at least 1,000 Hz.*8000 for 8 kHz"):
        load(tmp_path, rate=8)
    samples = keras.Input((RATE,), name="audio")
    model = keras.Model(samples, keras.layers.Dense(2)(samples))
    with pytest.raises(UserError, match=r"the model takes.*length=0\.5"):
        load(tmp_path, rate=RATE, length=0.5, like=model)


def test_silent_and_clipped_recordings_are_named(tmp_path):
    write(tmp_path / "silence.wav", np.zeros(80, "float32"))
    write(tmp_path / "loud.wav", np.clip(recordings.tone(500, amplitude=2), -1, 1))
    write(tmp_path / "good.wav", recordings.tone(500, amplitude=1.0))
    for options in ({}, {"in_memory": False}):
        source, said = load(tmp_path, **options)
        assert len(source) == 3
        assert "silent from beginning to end: 1 recording: silence.wav." in said
        assert "full scale: 1 recording: loud.wav." in said
    assert "silent from" not in load(tmp_path, in_memory=False, trust=True)[1]


def test_recordings_shorter_than_a_frame_are_padded(tmp_path):
    for name, samples in (("one", 1), ("three", 3)):
        write(tmp_path / "short" / f"{name}.wav", recordings.tone(500)[:samples])
    source, said = load(tmp_path / "short")
    assert source.shape == (3,)
    assert "padded with zeros" in said
    assert not source.stored[0, 1:].any()
    features = evaluate.log_mel_features(source.inputs(), RATE)
    assert np.isfinite(features).all()
    assert len(np.unique(features.round(3), axis=0)) == 2
    write(tmp_path / "short" / "good.wav", recordings.tone(500))
    assert load(tmp_path / "short")[0].shape == (80,)


def test_broken_files_are_named_or_left_out(tmp_path):
    good = write(tmp_path / "good.wav", recordings.tone(500))
    write(tmp_path / "empty.wav", np.zeros(0, "float32"))
    (tmp_path / "nothing.wav").write_bytes(b"")
    (tmp_path / "text.flac").write_text("no sound")
    (tmp_path / "half.wav").write_bytes(good.read_bytes()[:100])
    whole = write(tmp_path / "half.flac", recordings.tone(500, 0.2)).read_bytes()
    (tmp_path / "half.flac").write_bytes(whole[: len(whole) // 2])
    write(tmp_path / "nan.wav", np.full(80, np.nan, "float32"), subtype="FLOAT")
    with pytest.raises(UserError, match=r"recordings that can be read.*4 of 7.*skip_broken"):
        load(tmp_path)
    for options in ({}, {"in_memory": False}):
        source, said = load(tmp_path, skip_broken=True, **options)
        assert len(source) == 1
        np.testing.assert_allclose(source.inputs()[0][:80], recordings.tone(500), atol=1e-4)
        for words in (
            r"empty.wav (has no samples)",
            "half.wav (is cut off: it has 56 of the 160 bytes that its header says)",
            "nan.wav (has values that are not finite)",
            "half.flac (",
            "4 of 7 recordings",
            "2 of 3 recordings",
        ):
            assert words in said
    good.unlink()
    with pytest.raises(UserError, match="recordings that can be read"):
        load(tmp_path, skip_broken=True)


def test_a_streamed_wav_has_no_length_in_its_header_and_is_whole(tmp_path):
    data_ = bytearray(write(tmp_path / "a.wav", recordings.tone(500)).read_bytes())
    for place in (4, 40):
        data_[place : place + 4] = b"\xff\xff\xff\xff"
    (tmp_path / "a.wav").write_bytes(data_)
    assert load(tmp_path)[0].shape == (80,)


def test_a_long_recording_among_short_ones_is_warned_of(tmp_path):
    for k in range(3):
        write(tmp_path / f"{k}.wav", recordings.tone(500, 0.1 if k == 0 else 0.01))
    with pytest.warns(
        UserWarning, match=r"padded with zeros to 0.1 s: 2 recordings; the median is 0.01 s. Pass `length="
    ):
        data.load(tmp_path)


def test_without_its_packages_the_extra_is_named(tmp_path, monkeypatch):
    import sys

    recordings.class_folders(tmp_path / "tones", 1)
    monkeypatch.setitem(sys.modules, "soxr", None)
    with pytest.raises(UserError, match=r"the package soxr, which resamples.*keras-ssl\[audio\]"):
        data.load(tmp_path / "tones")


def test_recordings_that_do_not_fit_into_memory_are_decoded_when_needed(tmp_path, monkeypatch):
    recordings.class_folders(tmp_path / "tones", 2)
    monkeypatch.setattr(sound_sets, "fits_in_memory", lambda *_: False)
    source, _ = load(tmp_path / "tones", length=0.005)
    assert isinstance(source.samples, data.Files)
    assert next(iter(data.batches(source, batch_size=2)))["input"].shape == (2, 40)


# ---- baseline --------------------------------------------------------------------------------------------------------


def test_log_mel_features_of_a_tone_peak_at_its_band_and_do_not_see_padding():
    sounds = np.stack([recordings.tone(f, 0.5, 8000) for f in (300, 1000, 3000)])
    features = evaluate.log_mel_features(sounds, 8000)
    assert features.shape == (3, 80)
    mel = np.linspace(*(2595 * np.log10(1 + f / 700) for f in (20, 4000)), 42)[1:-1]
    peaks = mel[features[:, :40].argmax(axis=1)]
    np.testing.assert_allclose(peaks, [2595 * np.log10(1 + f / 700) for f in (300, 1000, 3000)], atol=55)
    frames = [np.pad(f := sounds[1][k : k + 256], (0, 256 - len(f))) for k in range(0, 4000, 128)]
    by_hand = np.array([np.square(np.abs(np.fft.rfft(f * np.hanning(256)))) for f in frames])
    by_hand[:, 1:-1] *= 2
    expected = np.log(by_hand @ mel_filters(8000, 256, 40) + 1e-4)
    np.testing.assert_allclose(features[1], [*expected.mean(0), *expected.std(0)], rtol=1e-3, atol=1e-3)
    padded = evaluate.log_mel_features(np.pad(sounds, ((0, 0), (0, 1000))), 8000)
    np.testing.assert_allclose(padded, features, atol=1e-5)
    assert np.isfinite(evaluate.log_mel_features(np.zeros((2, 5), "float32"), 8000)).all()
    with pytest.raises(UserError, match="floats"):
        evaluate.log_mel_features(np.zeros((2, 5), "int16"))


def test_the_baseline_is_of_the_spectrogram_that_encoders_have():
    sounds = np.stack([recordings.tone(f, 0.2, 250) for f in (30, 70, 110)])
    sounds[2, 33:] = 0
    encoder = encoders.spectrogram_conv(8, (2,), depth=1, rate=250, frame=8, step=4, mels=3)
    tokens, keep = map(np.array, parts(encoder).embed(sounds))
    features = evaluate.log_mel_features(sounds, 250, mels=3)
    for x, kept, mean, std in zip(tokens, keep, features[:, :3], features[:, 3:]):
        deviation = np.sqrt(np.square(std).mean() + mean.var() + 1e-3)
        np.testing.assert_allclose(x[kept].mean(axis=0), (mean - mean.mean()) / deviation, atol=1e-3)
        np.testing.assert_allclose(x[kept].std(axis=0), std / deviation, atol=1e-3)


def test_the_baseline_of_arrays_has_their_rate_and_that_of_encoders_if_it_is_not_known():
    sounds = np.stack([recordings.tone(f, 0.1, 8000) for f in (300, 3000)])
    for known, rate in (({}, 8000), ({"rate": 16000}, 16000)):
        source = data.from_arrays(sounds, kind="audio", **known)
        name, features = baseline(source, recordings.encoder())
        assert (name, source.rate) == ("log_mel", rate)
        np.testing.assert_array_equal(features(source), evaluate.log_mel_features(sounds, rate))
    np.testing.assert_array_equal(evaluate.log_mel_features(sounds), evaluate.log_mel_features(sounds, 8000))
    with pytest.raises(UserError, match=r"`rate` of recordings only.*rows"):
        data.from_arrays(np.zeros((4, 3)), rate=8000)


# ---- the whole way ---------------------------------------------------------------------------------------------------


def invoke(*words):
    result = CliRunner().invoke(cli.app, [str(word) for word in words])
    if result.exception:
        raise result.exception
    return result.output


@pytest.mark.parametrize(
    ("objective", "option", "message"),
    [
        (
            "wav2vec2",
            ("--length", 2),
            r"for recordings, which wav2vec2.*--length.*texts.*videos.*, clip",
        ),
        ("simclr", ("--rate", 8000), r"for images, which simclr.*--rate.*recordings.*wav2vec2, simclr_speech"),
        ("ts2vec", ("--seconds", 2), r"for series, which ts2vec.*--seconds"),
        ("simclr_speech", ("--size", 32), r"--size.*images.*simclr, moco, nnclr, byol, …"),
        ("clip", ("--rate", 8000), r"for images with texts.*--rate"),
    ],
)
def test_options_of_another_kind_of_data_are_refused(tmp_path, objective, option, message):
    with pytest.raises(UserError, match=message):
        invoke("pretrain", "--dataset", tmp_path, "--objective", objective, *option, "--out", tmp_path / "out")


def test_an_objective_of_another_kind_of_data_is_refused_by_the_name_of_one_that_fits():
    for kind, shape, names in (("audio", (4, 8), "wav2vec2, simclr_speech"), ("series", (4, 8, 2), "ts2vec")):
        source = data.from_arrays(np.zeros(shape, "float32"), kind=kind)
        with pytest.raises(UserError, match=f"such as {names}"):
            recipes.check_kind(source, "simclr")
    with pytest.raises(UserError, match="Do: fit one on an encoder of your own"):
        recipes.check_kind(data.from_arrays(np.zeros((4, 3), "float32")), "simclr")


@pytest.fixture(scope="module")
def story(tmp_path_factory):
    """An encoder that SimCLR pretrained on a folder of tones, fine-tuned and deployed by the command line."""
    folder = tmp_path_factory.mktemp("story")
    tones = recordings.class_folders(folder / "tones")
    keras.utils.set_random_seed(0)
    pair = views.pair(views.Policy([views.gain(), views.white_noise()], kind="audio"))
    pair.pure = False  # or XLA would compile it
    simclr = objectives.SimCLR(recordings.encoder())
    recipe = recipes.compiled(simclr, load(tones)[0], 1, views=pair)
    simclr.run_eagerly = True
    runs.pretrain(recipe, folder / "run")
    words = ("--encoder", folder / "run" / "encoder.keras", "--dataset", tones, "--out", folder)
    printed = invoke("finetune", *words, "--steps", 2)
    deployed = invoke("export", folder / "classifier.keras", "--out", folder / "model", "--input-dtype", "int16")
    return folder, tones, printed, deployed


def test_a_model_file_and_the_deployed_manifest_know_the_rate(story):
    folder, _, printed, _ = story
    kept = {"rate": RATE, "length": None}
    assert runs.preparation_of(folder / "run" / "encoder.keras") == kept
    assert json.loads((folder / "classifier.json").read_text())["preparation"] == kept
    assert "Classifier:" in printed
    manifest = json.loads((folder / "model" / "1" / "manifest.json").read_text())
    assert manifest["preparation"] == kept
    assert manifest["class_names"] == ["high", "low"]
    sound = manifest["signature"]["inputs"]["audio"]
    assert (sound["shape"], sound["dtype"], sound["kind"]) == ([None, None], "int16", "audio")
    (sizes,) = sound["sizes"].values()
    assert sizes[0] != sizes[1], "verified at two lengths"
    with pytest.raises(UserError, match="`fit` for images only"):
        runs.preparation_of(folder / "run" / "encoder.keras", "pad")


def test_the_command_line_measures_and_embeds_recordings_of_other_rates_as_in_training(story, tmp_path):
    folder, tones, *_ = story
    with_data = ("--encoder", folder / "run" / "encoder.keras", "--dataset", tones)
    shown = invoke("evaluate", *with_data, "--labels-per-class", 2, "--seeds", 1, "--steps", 1)
    assert shown.splitlines()[-5].startswith("log-mel ")
    for path in tones.rglob("*.*"):
        place = tmp_path / "quick" / path.relative_to(tones)
        sound = soundfile.read(path, dtype="float32")[0]
        write(place.with_suffix(".wav"), soxr.resample(sound, RATE, 2 * RATE), 2 * RATE, subtype="FLOAT")
    embedded = {}
    for name, place in (("slow", tones), ("quick", tmp_path / "quick")):
        words = ("--encoder", folder / "run" / "encoder.keras", "--dataset", place, "--out", tmp_path / "h.npz")
        said = invoke("embed", *words)
        assert ("resampled to 8,000 Hz: 12 recordings of 16,000 Hz" in said) == (name == "quick")
        embedded[name] = np.load(tmp_path / "h.npz")["embedding"]
    assert embedded["slow"].shape == (12, 8)
    apart = np.abs(embedded["quick"] - embedded["slow"]).max()
    assert apart < 0.1 * np.ptp(embedded["slow"], axis=0).max()


@pytest.fixture
def kit(monkeypatch):
    """The kit's modules, importable."""
    monkeypatch.syspath_prepend(str(KIT))
    monkeypatch.syspath_prepend(str(KIT / "clients"))


def test_the_client_answers_sound_files_as_keras_does(story, kit, capsys, monkeypatch, tmp_path):
    import rest
    import sound_client

    folder, tones, *_ = story
    classifier = keras.saving.load_model(folder / "classifier.keras")
    files = [tones / "high" / "0.flac", tones / "low" / "5.wav"]
    other = write(tmp_path / "other.wav", np.stack([recordings.tone(500, 0.01, 20000)] * 2, axis=1), 20000)
    files.append(other)
    for k, path in enumerate(files):
        shutil.copy(path, (tmp_path / "same").mkdir(exist_ok=True) or tmp_path / "same" / f"{k}{path.suffix}")
    source, _ = load(tmp_path / "same", rate=RATE)
    expected = np.asarray(classifier(source.inputs()))
    assert sound_client.main([str(folder / "model" / "1"), *map(str, files)]) == 0
    rows = [f"{['high', 'low'][p.argmax()]}\thigh {p[0]:.3f}  low {p[1]:.3f}\t{f}" for p, f in zip(expected, files)]
    assert capsys.readouterr().out.splitlines() == rows
    sent = {}

    def served(samples, model, url, version, inputs):
        sent.update(samples, model=model, url=url)
        return {"embedding": np.array([[0.25, 0.75]])}

    monkeypatch.setattr(rest, "predict", served)
    assert sound_client.main([str(folder / "model" / "1"), str(other), "--url", "http://localhost:8501"]) == 0
    assert capsys.readouterr().out == f"embedding [0.25, 0.75]\t{other}\n"
    np.testing.assert_array_equal(sent["audio"], source.stored[2:, :80])
    assert sent["model"] == "model"
    for bad, words in (("no.wav", "cannot be read"), ("empty.wav", "0 samples"), ("nan.wav", "not finite")):
        if bad != "no.wav":
            write(tmp_path / bad, np.full(80 * (bad == "nan.wav"), np.nan, "float32"), subtype="FLOAT")
        assert sound_client.main([str(folder / "model" / "1"), str(tmp_path / bad)]) == 1
        assert words in capsys.readouterr().err
    assert sound_client.main([str(tmp_path), str(other)]) == 2


def test_the_client_minds_the_manifest(story, kit):
    from artifact import ArtifactError
    from sounds import load_sounds

    folder, tones, *_ = story
    path = tones / "high" / "0.flac"
    manifest = json.loads((folder / "model" / "1" / "manifest.json").read_text())
    about = manifest["signatures"]["serving_default"]["inputs"]["audio"]
    whole = load_sounds([path], manifest)
    about |= {"shape": [None, 100], "dtype": "float32"}
    np.testing.assert_array_equal(load_sounds([path], manifest), np.pad(whole, ((0, 0), (0, 20))) / np.float32(32768))
    about["shape"] = [None, None]
    manifest["preparation"]["length"] = 0.005
    np.testing.assert_array_equal(load_sounds([path], manifest), whole[:, :40] / np.float32(32768))
    for kept in (None, {"fit": "crop"}, {"rate": 1e9}, {"rate": True}, {"rate": RATE, "length": "long"}):
        with pytest.raises(ArtifactError, match=r"no sample rate|no length"):
            load_sounds([path], {**manifest, "preparation": kept})
    about["kind"] = "row"
    with pytest.raises(ArtifactError, match="takes one input of sound, and serving_default takes audio"):
        load_sounds([path], manifest)
