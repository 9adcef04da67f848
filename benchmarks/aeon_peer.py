"""Score a classifier of aeon on the arrays of `series.py`. Needs no keras_ssl.

    PEER_PYTHON benchmarks/aeon_peer.py MultiRocket INPUT.npz SEED

INPUT holds series `(n, time, channels)` in "train" and "test", all known and of one length, and class numbers in
"train_labels" and "test_labels". The last line printed is JSON: accuracy and seconds of fitting.
"""

import json
import sys
import time

import numpy as np

NAMES = {"MultiRocket": "MultiRocketClassifier", "Catch22": "Catch22Classifier"}


def main():
    """Fit and score."""
    row, file, seed = sys.argv[1:]
    from aeon.classification import convolution_based, feature_based

    module = convolution_based if row == "MultiRocket" else feature_based
    classifier = getattr(module, NAMES[row])(random_state=int(seed), n_jobs=1)
    with np.load(file) as stored:
        train, test = (stored[name].transpose(0, 2, 1).astype("float64") for name in ("train", "test"))
        labels, test_labels = stored["train_labels"], stored["test_labels"]
    begun = time.process_time()
    classifier.fit(train, labels)
    seconds = time.process_time() - begun
    accuracy = float((classifier.predict(test) == test_labels).mean())
    print(json.dumps({"accuracy": accuracy, "seconds": seconds}))


if __name__ == "__main__":
    main()
