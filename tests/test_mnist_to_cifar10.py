"""The benchmark of transfer from MNIST to CIFAR-10: its rows, and its section of a made-up result."""

import numpy as np
from cases import convolutional, images

from benchmarks import mnist_to_cifar10
from keras_ssl import data, transfer

ROWS = [
    "raw inputs",
    "untrained, frozen",
    "from scratch",
    "MNIST, frozen",
    "MNIST, fine-tuned",
    "CIFAR-10, frozen",
    "CIFAR-10, fine-tuned",
]


def made_up():
    values = {row: {"10": [0.2 + k / 100, 0.22 + k / 100], "100": [0.4, 0.4]} for k, row in enumerate(ROWS)}
    values["MNIST, frozen"]["100"] = [0.3, 0.7]
    return {
        "protocol": {"version": 2},
        "images": 10_000,
        "epochs": 5,
        "test": 10_000,
        "rows": values,
        "pretraining_seconds": [{"MNIST": 70.0, "CIFAR-10": 90.0}, {"MNIST": 60.0, "CIFAR-10": 95.0}],
        "machine": "2 cores",
    }


def test_the_section_has_means_gains_by_seed_and_the_protocol():
    lines = mnist_to_cifar10.section(made_up()).splitlines()
    assert lines[0] == "| CIFAR-10, pretrained on | 10 labels per class | 100 labels per class |"
    assert [line.split(" | ")[0].removeprefix("| ") for line in lines[2:9]] == ROWS
    assert "| raw inputs | 0.210 ± 0.010 | 0.400 ± 0.000 |" in lines
    assert "| MNIST, frozen | 0.240 ± 0.010 | 0.500 ± 0.200 |" in lines
    frozen, tuned = (line for line in lines if line.startswith("- "))
    # the seeds' differences, not those of the means: the spread over seeds is in both
    assert "untrained encoder: MNIST +0.020 ± 0.000 and +0.100 ± 0.200; CIFAR-10 +0.040 ± 0.000 and" in frozen
    assert "from scratch: MNIST +0.020 ± 0.000 and +0.000 ± 0.000; CIFAR-10 +0.040 ± 0.000 and" in tuned
    assert "first 10,000 images of train for 5 epochs, in 60 s on MNIST and 90 s on CIFAR-10" in lines[-1]
    assert "10,000 test images; mean ± standard deviation over 2 seeds (2 cores)." in lines[-1]
    assert "10,000 validation images" in mnist_to_cifar10.section(made_up(), "validation")


def test_the_rows_of_a_seed_are_those_of_the_table_and_predict_every_test_image():
    x = images(16, 0)
    source = data.from_arrays(x, np.arange(16) % 2)
    encoder = convolutional()
    encoders = {"raw inputs": None, "untrained": encoder, "MNIST": encoder, "CIFAR-10": encoder}
    embedded = {name: x.reshape(16, -1) if e is None else np.array(e(x)) for name, e in encoders.items()}
    tuning = transfer.FineTuning(encoder, classes=2, steps=1)
    found = dict(mnist_to_cifar10.few_labels(encoders, embedded, (x, source.labels), source, tuning, seed=0))
    assert list(found) == ROWS
    assert {len(predictions) for predictions in found.values()} == {16}
    np.testing.assert_array_equal(found["MNIST, frozen"], found["untrained, frozen"])


def test_validation_looks_at_the_end_of_train_and_never_loads_the_test_split(monkeypatch):
    asked = []

    def load(name, split):
        asked.append(split)
        return data.from_arrays(images(16, 0), np.arange(16) % 2)

    monkeypatch.setattr(data, "load", load)
    monkeypatch.setattr(mnist_to_cifar10, "VALIDATION", 6)
    assert [len(source) for source in mnist_to_cifar10.splits(validate=True)] == [10, 6]
    assert asked == ["train"]
    assert [len(source) for source in mnist_to_cifar10.splits(validate=False)] == [16, 16]
    assert asked[1:] == ["train", "test"]
