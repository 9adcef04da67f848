"""The benchmarks of figures without labels, of anomalies and of ways: what their tables say of made-up results."""

import numpy as np
import pytest

from benchmarks import anomalies, label_free, protocol, transfer


def checkpoints(accuracies, **figures):
    """Checkpoints of a training with these accuracies; figures that are not given rise with the epoch."""
    names = [name for name in label_free.SIGNS if "+" not in name]
    rising = {name: np.arange(len(accuracies), dtype=float) for name in names} | figures
    return {
        "checkpoints": [
            {
                "figures": {name: float(rising[name][k]) for name in names},
                "scores": {"linear": accuracy, "ten_labels": accuracy},
            }
            for k, accuracy in enumerate(accuracies)
        ],
        "cpu_seconds": 1.0,
    }


RESULT = {
    "protocol": {"version": 2, "epochs": [1, 2, 5]},
    "machine": "2 cores",
    "baselines": [{"raw inputs": {"linear": 0.95}, "untrained encoder": {"linear": 0.9}}],
    "rows": {
        "simclr": [checkpoints([0.90, 0.95, 0.93], lidar=[1, 3, 2], alpha=[0.2, 1.1, 1.5])],
        "autoencoder": [checkpoints([0.80, 0.85, 0.88], lidar=[3, 2, 1], alpha=[2, 1.5, np.inf])],
    },
}


def test_correlations_within_trainings_and_over_all():
    assert label_free.within(RESULT, "lidar", label_free.TWO_VIEWS) == pytest.approx([1.0])
    assert label_free.within(RESULT, "lidar", label_free.ONE_INPUT) == pytest.approx([-1.0])
    assert label_free.within(RESULT, "rank_me", label_free.TWO_VIEWS) == pytest.approx([0.5])
    assert label_free.within(RESULT, "uniformity", label_free.ONE_INPUT) == pytest.approx([-1.0])  # lower is better
    assert label_free.within(RESULT, "alpha", label_free.TWO_VIEWS) == pytest.approx([1.0])  # 0.1 from 1 is best
    assert label_free.within(RESULT, "alpha", label_free.ONE_INPUT) == pytest.approx([-0.5])  # infinity is worst
    # ranks of accuracy 4, 6, 5, 1, 2, 3 and of LiDAR 1.5, 5.5, 3.5, 5.5, 3.5, 1.5
    ranks = [4, 6, 5, 1, 2, 3], [1.5, 5.5, 3.5, 5.5, 3.5, 1.5]
    assert label_free.over_all(RESULT, "lidar") == pytest.approx([np.corrcoef(*ranks)[0, 1]])
    assert label_free.over_all(RESULT, "loss") == []


def test_what_choosing_by_a_figure_loses():
    assert label_free.lost(RESULT, "lidar") == pytest.approx([0, 8])
    assert label_free.lost(RESULT, "epoch") == pytest.approx([2, 0])


def test_a_figure_or_an_accuracy_that_stands_still():
    assert label_free.correlation(np.ones(3), np.arange(3)) == 0
    assert label_free.correlation(np.arange(3), np.ones(3)) is None


def test_the_section_says_which_figures_follow_the_accuracy():
    text = label_free.section(RESULT)
    assert "| LiDAR | 1.00 | -1.00 |" in text
    assert text.count("joint embedding: alpha-ReQ (distance from 1), LiDAR; others: RankMe") == 2
    assert "raw inputs 0.950, untrained encoder 0.900" in text
    assert "1 joint-embedding objectives and of 1 others, 3 checkpoints each" in text
    assert "; 1 seed of a row." in text


def test_every_objective_of_the_benchmark_is_one():
    assert len(label_free.NAMES) >= 15
    assert not [name for name in label_free.NAMES.values() if not hasattr(label_free.objectives, name)]


def test_detectors_stand_beside_their_peers():
    def one(auroc):
        return {"auroc": auroc, "average_precision": 0.5, "precision_at_n": 0.5, "seconds": 2.0}

    rows = {"chance": one(0.5), **dict.fromkeys(anomalies.PEERS, one(0.7)), "Autoencoder, neighbors": one(0.8)}
    better = {**rows, "Autoencoder, neighbors": one(0.9)}
    text = anomalies.section({"sets": {"cancer": [rows, better]}, "machine": "2 cores"})
    assert "| Autoencoder, neighbors | 0.850 ± 0.050 | 0.500 ± 0.000 | 2.0 |" in text
    assert "cancer: Autoencoder, neighbors 0.850, beside Isolation Forest 0.700" in text
    assert text.splitlines()[2].startswith("| chance | 0.500 ± 0.000 |")
    assert "SimCLR" not in text  # which has no row here


def test_half_of_what_is_normal_is_scored_with_all_anomalies():
    x, is_anomaly = np.arange(10.0)[:, None], np.arange(10) >= 6
    train, scored, known = anomalies._split(x, is_anomaly, seed=0)
    assert len(train) == 3
    assert sorted([*train[:, 0], *scored[:, 0]]) == list(range(10))
    assert known.sum() == 4
    np.testing.assert_array_equal(known, scored[:, 0] >= 6)
    train, scored, _ = anomalies._standardized(train, scored, known)
    assert train.mean() == pytest.approx(0, abs=1e-6)
    assert train.std() == pytest.approx(1, abs=1e-3)


def test_windows_before_the_event_are_trained_on_and_share_no_reading_with_the_others():
    readings, events = np.arange(200.0).reshape(100, 2), np.isin(np.arange(100), [50, 51, 52])
    train, scored, known = anomalies._windows(readings, events)
    assert train.shape[1:] == scored.shape[1:] == (anomalies.LENGTH, 2)
    assert train.max() < scored.min()
    assert train[:, 0, 0].tolist() == [2 * begin for begin in (0, 4, 8, 12, 16, 20)]  # the event is from 36 on
    assert known.tolist() == [True] * 5 + [False] * 8  # 36, 40, 44, 48, 52 have the event; 56 to 84 do not


def test_ways_stand_beside_each_other_and_a_temperature_beside_the_probe():
    draws = {"1": [0.5, 0.7], "10": [0.8, 0.8]}
    result = {
        "dataset": "mnist_to_fashion_mnist",
        "objective": "simclr",
        "protocol": {"version": protocol.VERSION},
        "accuracy": {"simclr": draws, "simclr_finetuned": draws, "simclr" + transfer.TEMPERED: {"10": [0.8, 0.8]}},
        "ece": {
            "simclr": draws,
            "simclr_finetuned": {"10": [0.9, 0.9]},
            "simclr" + transfer.TEMPERED: {"10": [0.7, 0.8]},
        },
        "trains": {"lp_ft": 1.0},
        "test": 10_000,
        "seeds": 2,
    }
    text = transfer.section(result)
    assert "| SimCLR, frozen | 0.600 ± 0.100 | 0.800 ± 0.000 | 0 |" in text
    assert "| SimCLR, fine-tuned | 0.600 ± 0.100 | 0.800 ± 0.000 | 100 % |" in text
    assert text.count("at a temperature") == 1
    assert "| SimCLR, fine-tuned, at a temperature | 0.750 ± 0.050 |" in text
    assert "with 10 labels from 0.900 to 0.750, at most the probe's 0.800" in text


def test_a_temperature_comes_from_labels_that_were_not_tuned_on(monkeypatch):
    class Tuning:
        classes, model = 2, "the model"

        def fit(self, weights, images, labels, seed):
            self.seen = set(images.tolist())

    tuning, images = Tuning(), np.arange(20)
    labels, unsure = images % 2, []

    def predicted(model, images):
        assert not tuning.seen & set(images.tolist())
        assert {image % 2 for image in tuning.seen} == {0, 1}
        unsure.extend(images.tolist())
        return np.tile([0.9, 0.1], (len(images), 1))

    monkeypatch.setattr(transfer, "predict_in_batches", predicted)
    assert transfer.temperature(tuning, None, images, labels, 0) > 10  # right half of the time, though it says 0.9
    assert sorted(unsure) == images.tolist()


def test_figures_are_measured_once_and_half_a_file_is_none(monkeypatch, tmp_path):
    monkeypatch.setenv("KERAS_SSL_BENCHMARKS", str(tmp_path))
    measured = []

    def make():
        measured.append(1)
        return {"x": len(measured)}

    def fails():
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        protocol.figures("row", fails, seed=0)
    assert [protocol.figures("row", make, seed=0) for _ in range(2)] == [{"x": 1}, {"x": 1}]
    assert protocol.figures("row", make, seed=1) == {"x": 2}
    assert protocol.figures("row", make, again=True, seed=0) == {"x": 3}
