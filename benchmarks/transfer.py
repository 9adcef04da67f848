"""The ways to fine-tune a pretrained encoder with few labels, beside each other.

    python -m benchmarks.transfer                      # digits, minutes
    python -m benchmarks.transfer fashion_mnist        # needs the data set of TensorFlow Datasets
    python -m benchmarks.transfer --validate           # to choose by; writes nothing

Protocol: the encoder is that of `benchmarks.label_efficiency`, SimCLR's of one seed at its last epoch. Five draws of
labels from train (seeds 0 to 4), the same for all ways; 300 steps of Adam with batches of 32, at the learning rate of
each way; accuracy on the whole test split after the last step. `transfer.WAYS` has what the ways are. With --validate
the last fifth of train takes the place of the test split.
"""

import argparse
import os
import time

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")  # as keras_ssl does, but before Keras is imported

import numpy as np

from benchmarks.label_efficiency import TITLES, pretrained, splits
from benchmarks.pages import publish
from benchmarks.protocol import VERSION, note
from keras_ssl import evaluate, progress, transfer
from keras_ssl.figures.palette import label

WAYS = ("fine_tune", "layer_decay", "l2_sp", "lora", "bitfit", "prototypes")  # beside LP-FT
LABELS = (1, 5, 10, 50)
SEEDS = 5


def measure(dataset, validate, labels, seeds):
    """Accuracies of all ways on one data set, by number of labels, a list over draws."""
    unlabeled, train, test = splits(dataset, validate)
    encoder, _ = pretrained("simclr", dataset, unlabeled, 0, again=False)
    begun = time.process_time()
    with progress.bar(f"{dataset}, ways", after=0) as move:
        few = evaluate.label_efficiency({"simclr": encoder}, train, test, labels, seeds, ways=WAYS, progress=move)
    accuracy = {row: {n: scores["accuracy"] for n, scores in by.items()} for row, by in few.values.items()}
    return {
        "dataset": dataset,
        "protocol": {"version": VERSION},
        "accuracy": accuracy,
        "trains": {way: share(encoder, train, way) for way in transfer.WAYS},
        "test": len(test),
        "seeds": seeds,
        "cpu_seconds": time.process_time() - begun,
    }


def share(encoder, train, way):
    """The part of the encoder's weights that trains."""
    inputs, labels = train[:200].inputs(), train[:200].labels
    model = transfer.prepared(encoder, inputs, labels, int(train.labels.max()) + 1, way=way)
    inside = {id(variable) for variable in model.layers[-2].variables}
    weights = [variable for variable in model.trainable_variables if id(variable) in inside]
    return sum(int(np.prod(variable.shape)) for variable in weights) / encoder.count_params()


def section(result):
    """The table of one data set, and the lines under it."""
    accuracy = result["accuracy"]
    counts = [str(n) for n in next(iter(accuracy.values()))]
    lines = [f"| {TITLES[result['dataset']]}, labels per class | {' | '.join(counts)} | trains |"]
    lines.append("|---" * (len(counts) + 2) + "|")
    for row, by in accuracy.items():
        cells = [f"{np.mean(values):.3f} ± {np.std(values, ddof=1):.3f}" for values in by.values()]
        lines.append(f"| {label(row)} | {' | '.join(cells)} | {_share(result['trains'], row)} |")
    return "\n".join(lines) + (
        f"\n\nAccuracy on {result['test']:,} test images, mean ± standard deviation over {result['seeds']} draws of\n"
        "the labels; one pretraining, last epoch, last step. “Trains” is the part of the encoder's weights that do.\n"
        f"“SimCLR, fine-tuned” is LP-FT.{note(result)}"
    )


def _share(trains, row):
    if row in ("raw_inputs", "untrained", "simclr"):
        return "0"
    way = {"from_scratch": "fine_tune", "simclr_finetuned": "lp_ft"}.get(row) or row.removeprefix("simclr_")
    return f"{100 * trains[way]:.3g} %"


def main():
    """Measure the data sets that are named and write what came out."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("datasets", nargs="*", choices=list(TITLES), default=["digits"])
    parser.add_argument("--validate", action="store_true", help="score on the last fifth of train; write nothing")
    parser.add_argument("--small", action="store_true", help="1 and 2 labels, two draws; writes nothing")
    given = parser.parse_args()
    for dataset in given.datasets:
        result = measure(dataset, given.validate, *(((1, 2), 2) if given.small else (LABELS, SEEDS)))
        print(f"\n{section(result)}\n")
        if not (given.validate or given.small):
            publish(f"transfer_{dataset}", result)


if __name__ == "__main__":
    main()
