"""Series are classified, forecast and searched for anomalies, and go through the command line."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from cases import dilated
from quick import eagerly
from sklearn.linear_model import Ridge
from sklearn.svm import SVC
from typer.testing import CliRunner

from keras_ssl import cli, data, encoders, evaluate, recipes, runs, specs, transfer
from keras_ssl.errors import UserError

RNG = np.random.default_rng(0)


@pytest.fixture(scope="module")
def encoder():
    return dilated()


# ---- classification --------------------------------------------------------------------------------------------------


def test_few_samples_get_an_unpenalized_machine_and_more_the_best_penalty():
    x = RNG.normal(size=(80, 3))
    labels = (np.square(x).sum(axis=1) > 2.4).astype(int)
    few = evaluate.fit_svm(x[:20], labels[:20])
    expected = SVC(C=1e9).fit(x[:20], labels[:20])
    np.testing.assert_array_equal(few.predict(x), expected.predict(x))
    many = evaluate.fit_svm(x[:60], labels[:60])
    assert many.best_score_ == max(many.cv_results_["mean_test_score"])
    assert len(many.cv_results_["params"]) == 10
    found = evaluate.svm_probe_of_features(x[:60], labels[:60], x[60:], labels[60:])
    assert found["accuracy"] == (many.predict(x[60:]) == labels[60:]).mean() > 0.8
    uneven = np.where(np.arange(60) < 2, 2, labels[:60])  # 2 of a third class are enough, for 20 of each on average
    with pytest.warns(UserWarning, match="least populated class"):
        assert hasattr(evaluate.fit_svm(x[:60], uneven), "best_score_")
    uneven[0] = 0
    assert isinstance(evaluate.fit_svm(x[:60], uneven), SVC)
    with pytest.raises(UserError, match="2 classes"):
        evaluate.fit_svm(x, np.zeros(80, int))


def test_the_machine_is_fitted_on_representations(encoder):
    labels = np.arange(12) % 2
    series = RNG.normal(size=(12, 6, 2)) + 3 * labels[:, None, None]
    series[0, 4:] = np.nan
    source = data.from_arrays(series, labels, kind="series")
    assert evaluate.svm_probe(encoder, source[:8], source[8:])["accuracy"] == 1
    assert evaluate.svm_probe(None, source[:8], source[8:])["accuracy"] == 1


# ---- forecasts -------------------------------------------------------------------------------------------------------


def test_errors_and_naive_forecasts_worked_by_hand():
    assert evaluate.forecast_errors([[1.0, np.nan, 3.0]], [[2.0, 9.0, 1.0]]) == {"mse": 2.5, "mae": 1.5}
    past = np.array([1.0, 2, 3, np.nan])[None, :, None]
    np.testing.assert_array_equal(evaluate.last_value(past, 3)[0, :, 0], [3, 3, 3])
    np.testing.assert_array_equal(evaluate.seasonal_naive(past, 4, 3)[0, :, 0], [2, 3, 3, 2])
    with pytest.raises(UserError, match="season"):
        evaluate.seasonal_naive(past, 1, 5)
    for truth, forecast in (([1.0], [[1.0]]), ([np.nan], [1.0]), ([1.0], [np.nan])):
        with pytest.raises(UserError, match="each known value"):
            evaluate.forecast_errors(truth, forecast)


def test_a_linear_forecast_of_a_wave_beats_the_last_value_and_the_season_knows_it():
    time = np.arange(120)
    stream = np.sin(2 * np.pi * time / 12)[:, None] + 0.01 * RNG.normal(size=(120, 1))
    source = data.Source(data.Windows(stream.astype("float32"), 18, 1), kinds="series")
    encoder = encoders.recurrent(1, width=12, pool="last")
    found = evaluate.forecast_probe(encoder, source[:70], source[85:], horizon=6, season=12)
    assert list(found) == ["encoder", "raw_inputs", "last_value", "seasonal_naive"]
    assert found["raw_inputs"]["mse"] < 0.01
    assert found["seasonal_naive"]["mse"] < 0.01
    assert found["encoder"]["mse"] < found["last_value"]["mse"] / 3
    with pytest.raises(UserError, match="horizon"):
        evaluate.split_horizon(source, 18)
    with pytest.raises(UserError, match="series to forecast"):
        evaluate.split_horizon(data.load("digits"), 1)


def test_the_penalty_is_chosen_on_windows_that_share_no_step_with_those_it_is_fitted_on(monkeypatch):
    fitted_on = []
    monkeypatch.setattr(Ridge, "fit", lambda self, x, y: fitted_on.append(x[:, 0]) or self)
    monkeypatch.setattr(Ridge, "predict", lambda self, x: np.zeros((len(x), 2)))
    encoder, stream = encoders.recurrent(1, width=2), np.arange(40, dtype="float32")[:, None]
    windows = data.Source(data.Windows(stream, 6, 1), kinds="series")
    evaluate.forecast_probe(encoder, windows[:30], windows[30:], horizon=2)
    raw = fitted_on[len(fitted_on) // 2 :]  # the first value of each window is when it starts
    assert [list(x) for x in raw[:-1]] == [list(range(19))] * 13  # those to choose by start at 24
    assert list(raw[-1]) == list(range(30))
    fitted_on.clear()
    evaluate.forecast_probe(encoder, windows.stored[:2], windows[30:], horizon=2)  # an array: series of their own
    assert [len(x) for x in fitted_on[-2:]] == [1, 2]
    for few in (windows[:6], windows.stored[:1]):
        with pytest.raises(UserError, match="end before its last fifth"):
            evaluate.forecast_probe(encoder, few, windows[30:], horizon=2)


def test_a_forecaster_predicts_in_the_units_of_the_futures(encoder):
    past, future = evaluate.split_horizon(RNG.normal(50, 10, size=(8, 9, 2)), 3)
    model = transfer.forecaster(encoder, future)
    assert model.output_shape == (None, 3, 2)
    model.layers[2].set_weights([np.zeros(w.shape) for w in model.layers[2].get_weights()])
    np.testing.assert_allclose(model(past)[0], future.mean(axis=0), rtol=1e-5)
    assert transfer.freeze(model, encoder.name).trainable == ("standardized",)
    with pytest.raises(UserError, match="horizon, channels"):
        transfer.forecaster(encoder, future[0])
    model.compile("sgd", "mse")
    with pytest.raises(UserError, match=r"of shape \(8, 3, 2\).*shape \(8, 2, 2\)"):
        model.fit(past, future[:, 1:])
    with pytest.raises(UserError, match="finite values"):
        model.fit(past, np.where(future == future[3, 0, 0], np.nan, future))


# ---- anomalies -------------------------------------------------------------------------------------------------------


def test_the_score_of_the_last_known_step_is_what_hiding_it_changes(encoder):
    series = RNG.normal(size=(3, 6, 2)).astype("float32")
    series[1, 4:] = np.nan
    found = evaluate.anomaly_scores(encoder, series, batch_size=2)
    tokens, trunk = encoder.get_layer("tokens"), encoder.get_layer("trunk")
    for k, last in enumerate((5, 3, 5)):
        x, keep = (keras.ops.convert_to_numpy(y) for y in tokens(series[k : k + 1, : last + 1]))
        hidden = x.copy()
        hidden[:, last] = 0
        change = np.abs(np.array(trunk([x, keep]))[0, last] - np.array(trunk([hidden, keep]))[0, last])
        assert found[k] == pytest.approx(change.sum(), rel=1e-4)


def test_scores_are_relative_to_those_just_before():
    scores = evaluate.relative_scores(np.array([1.0, 1.0, 3.0, 2.0]), window=2)
    np.testing.assert_allclose(scores, [0, 0, 2, 0])
    scores = evaluate.relative_scores(np.array([0.0, 0.0, 0.0, 0.5, 0.5]))
    np.testing.assert_allclose(scores, [0, 0, 0, 25, 3])  # 0.5 / 0.02 after a constant stretch, (0.5 - 0.125) / 0.125
    np.testing.assert_array_equal(evaluate.relative_scores(np.zeros(3)), np.zeros(3))
    assert len(evaluate.relative_scores(np.zeros(0))) == 0
    with pytest.raises(UserError, match="NaN or Inf at 1"):
        evaluate.relative_scores(np.array([1, np.nan, 2]))


# ---- the command line ------------------------------------------------------------------------------------------------


def test_recipes_take_the_papers_budget_and_one_channel_that_is_constant_is_an_error():
    series = RNG.normal(size=(20, 10, 1)).astype("float32")
    recipe = recipes.series.ts2vec(data.from_arrays(series, kind="series"))
    assert recipe.epochs * (20 // 8) == 200
    batches = list(recipe.batches())
    assert [len(batch["input"]) for batch in batches] == [8, 8]  # no batch of less, in which little is compared
    assert recipe.objective.embedder.output_shape == (None, 320)
    with pytest.raises(UserError, match="channels that vary"):
        recipes.series.ts2vec(data.from_arrays(np.ones((20, 10, 1)), kind="series"))


@pytest.fixture
def eager():
    """Without tracing, which takes longer than a few steps."""
    tf.config.run_functions_eagerly(True)
    yield
    tf.config.run_functions_eagerly(False)


@pytest.mark.parametrize("name", ["simclr_series", "vicreg_series"])
def test_objectives_of_two_views_train_on_series_that_end_early(name, monkeypatch):
    small = encoders.dilated_conv(1, width=2, depth=1)
    monkeypatch.setattr(encoders, "dilated_conv", lambda *_, **__: small)
    series = RNG.normal(size=(6, 10, 1)).astype("float32")
    series[::2, 7:] = np.nan
    recipe = recipes.choose(name, "x.csv")(data.from_arrays(series, kind="series"), epochs=1)
    recipe.objective.run_eagerly, recipe.views = True, eagerly(recipe.views)
    assert np.isfinite(recipe.fit(verbose=0).history["loss"]).all()
    assert recipe.batch_size == 6


def test_a_table_of_series_goes_through_the_command_line(tmp_path, monkeypatch, eager):
    labels = np.arange(24) % 2
    waves = np.sin((1 + labels[:, None]) * np.linspace(0, 6, 16) + RNG.normal(0, 0.1, (24, 1)))
    rows = [
        ",".join([*map(str, wave[: 16 - k % 3].round(3)), *[""] * (k % 3), str(k % 2)]) for k, wave in enumerate(waves)
    ]
    (tmp_path / "x.csv").write_text("\n".join([",".join([*(f"t{k}" for k in range(16)), "label"]), *rows]))
    small = encoders.dilated_conv(1, width=2, depth=1)
    monkeypatch.setattr(encoders, "dilated_conv", lambda *_, **__: small)

    def run(*words):
        result = CliRunner().invoke(cli.app, list(map(str, words)), catch_exceptions=False)
        assert result.exit_code == 0
        return result.output

    said = run("pretrain", "--dataset", tmp_path / "x.csv", "--objective", "ts2vec", "--epochs", 1, "--out", tmp_path)
    assert "24 series of (16, 1); 1 epoch of ts2vec" in said
    model = tmp_path / "encoder.keras"
    run("embed", "--encoder", model, "--dataset", tmp_path / "x.csv", "--out", tmp_path / "h.npz")
    assert np.load(tmp_path / "h.npz")["embedding"].shape == (24, 2)
    loaded = runs.load_encoder(model)
    assert specs.specs_of(loaded).missing
    train, test = runs.load_labeled(str(tmp_path / "x.csv"), loaded)
    assert [len(train), len(test), train.classes] == [20, 4, 2]
