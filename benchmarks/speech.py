"""What encoders of speech, pretrained without labels on 2,500 spoken digits, are worth on few labels.

    python -m benchmarks.speech                                # all rows, three seeds; interrupted, it goes on
    python -m benchmarks.speech --rows simclr --seeds 1        # only some
    python -m benchmarks.speech --small                        # two epochs of 300 clips, to try it; writes nothing
    python -m benchmarks.speech --validate                     # to choose by; writes nothing

Data: the Free Spoken Digit Dataset as TensorFlow Datasets has it, five speakers, ten digits, 50 clips of each, 8 kHz;
the first 0.8 s of each clip, which cut one in a hundred. `../shared/datasets/fetch.py spoken_digit` prepares it.

Protocol: "10 labels per class" is MTEB's: a logistic regression (`transfer.fit_linear`) on frozen representations of 10
clips of each digit, drawn five times, accuracy on all other clips, mean over the draws. "left-out speaker": the same
classifier on all clips of four speakers, accuracy on the fifth, mean over the five. Encoders are pretrained on all
clips without labels, those of the speaker who is left out among them, for a fixed number of epochs, and scored after
the last. Seeds are those of weights, order and views; draws of labels are the same for all rows.

All encoders have the pool "thirds": what is said depends on the order of sounds, which a mean over time does not know.
So the log-mel spectrogram has a row with means of thirds, too, of the spectrogram that the encoders begin with.

A fifth of the clips, drawn at random, is for choices: `--validate` fits and scores on these alone. All else fits and
scores on the others alone. Seeds that are published stay, and representations are kept (see `protocol.kept`);
`--again` measures anew.
"""

import argparse
import json
import os
import time

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")  # as keras_ssl does, but before Keras is imported

import keras
import numpy as np
import tensorflow as tf

from benchmarks.pages import publish, published
from benchmarks.protocol import VERSION, kept, note
from benchmarks.tables import cell, over_seeds
from keras_ssl import blocks, data, encoders, evaluate, heads, objectives, recipes, transfer, views
from keras_ssl.data.few_labels import few_indices
from keras_ssl.recipes import compiled

RATE, LENGTH = 8000, 6400  # Hz and samples, which cut one clip in a hundred
LABELS, DRAWS = 10, 5


def clips():
    """Recordings `(2500, 6400)` as int16, padded with zeros, their digits and their speakers."""
    import tensorflow_datasets as tfds

    builder = tfds.builder("spoken_digit")
    if not builder.is_prepared():
        raise SystemExit(
            "Expected the set spoken_digit. Received none. Do: `../shared/datasets/fetch.py spoken_digit`."
        )
    rows = sorted(tfds.as_numpy(builder.as_dataset(split="train")), key=lambda row: row["audio/filename"])
    audio = np.zeros((len(rows), LENGTH), "int16")
    for clip, row in zip(audio, rows):
        clip[: len(row["audio"])] = row["audio"][:LENGTH]
    speakers = [row["audio/filename"].decode().split("_")[1] for row in rows]
    return audio, np.array([row["label"] for row in rows]), np.array(speakers)


# ---- pretraining -----------------------------------------------------------------------------------------------------


def conv(source, seed):
    """The recipe's encoder of spectrograms, by convolutions over time alone."""
    return recipes.speech.wav2vec2(source, seed=seed).objective.encoder


def waveform():
    """An encoder of samples."""
    return encoders.with_pool(encoders.wav2vec2(), "thirds")


def simclr(source, epochs, seed):
    """SimCLR on spectrograms."""
    return _two_views(objectives.SimCLR, source, epochs, seed, temperature=0.2)


def vicreg(source, epochs, seed):
    """VICReg on spectrograms."""
    return _two_views(objectives.VICReg, source, epochs, seed)


def _two_views(objective, source, epochs, seed, **arguments):
    encoder = conv(source, seed)
    model = objective(encoder, heads.projector(encoder), seed=seed, **arguments)
    return compiled(model, source, epochs, 2e-3, views.recordings(RATE), batch_size=128)


def wav2vec2(source, epochs, seed):
    """wav2vec 2.0 on samples."""
    return compiled(objectives.Wav2Vec2(waveform(), seed=seed), source, epochs, batch_size=64)


ROWS = {"simclr": simclr, "vicreg": vicreg, "wav2vec2_conv": recipes.speech.wav2vec2, "wav2vec2": wav2vec2}
EPOCHS = {"simclr": 20, "vicreg": 20, "wav2vec2_conv": 60, "wav2vec2": 20}
NAMES = {
    "log_mel": "log-mel, mean and deviation",
    "log_mel_thirds": "log-mel, means of thirds and deviation",
    "untrained_conv": "`spectrogram_conv`, untrained",
    "untrained_wav2vec2": "`wav2vec2`, untrained",
    "simclr": "`SimCLR` on `spectrogram_conv`",
    "vicreg": "`VICReg` on `spectrogram_conv`",
    "wav2vec2_conv": "`Wav2Vec2` on `spectrogram_conv`",
    "wav2vec2": "`Wav2Vec2` on `wav2vec2`",
}
UNTRAINED = {"untrained_conv": conv, "untrained_wav2vec2": lambda source, seed: waveform()}


def log_mel_thirds(source):
    """Means of each third and deviations of the bands of the spectrogram that the encoders begin with."""
    encoder = conv(source, seed=0)
    frames, keep = encoder.get_layer("tokens").output
    bands = blocks.thirds_of_kept(frames, keep)
    mean = blocks.mean_of_kept(frames, keep)
    variance = blocks.mean_of_kept(keras.ops.square(frames - mean[:, None]), keep)
    features = keras.ops.concatenate([bands, keras.ops.sqrt(variance)], axis=1)
    return evaluate.embed(keras.Model(encoder.get_layer("tokens").input, features), source)


def features(name, source, seed, given):
    """Representations of all clips by a row, with what was logged last; those of pretrained encoders are kept."""
    if name == "log_mel":
        return evaluate.log_mel_features(source.inputs(), RATE), {}
    if name == "log_mel_thirds":
        return log_mel_thirds(source), {}
    if name in UNTRAINED:
        keras.utils.set_random_seed(seed)
        return evaluate.embed(UNTRAINED[name](source, seed), source), {}
    epochs = given.epochs or EPOCHS[name]
    file = kept(name, dataset="spoken_digit", seed=seed, epochs=epochs, clips=len(source)).with_suffix(".npz")
    if given.again or not file.exists():
        keras.utils.set_random_seed(seed)
        recipe, begun = ROWS[name](source, epochs, seed), time.process_time()
        history = recipe.fit(verbose=2).history
        figures = {term: values[-1] for term, values in history.items()} | {"cpu_seconds": time.process_time() - begun}
        figures |= {"weights": recipe.objective.encoder.count_params()}
        np.savez(file, features=evaluate.embed(recipe.objective.encoder, source), figures=json.dumps(figures))
    with np.load(file) as stored:
        return stored["features"], json.loads(str(stored["figures"]))


# ---- scores ----------------------------------------------------------------------------------------------------------


def scores(x, source, speakers, validate):
    """Mean accuracies of both protocols."""
    labels, (to_choose, to_test) = source.labels, _pools(len(x))
    pool = to_choose if validate else to_test
    few = []
    for draw in range(DRAWS):
        chosen = pool[few_indices(source[pool], LABELS, 1000 + draw if validate else draw)]
        others = np.setdiff1d(pool, chosen)
        few.append(_accuracy(x, labels, chosen, others))
    left_out = [
        _accuracy(x, labels, np.setdiff1d(pool, pool[speakers[pool] == one]), pool[speakers[pool] == one])
        for one in np.unique(speakers)
    ]
    return {"few": float(np.mean(few)), "speaker": float(np.mean(left_out))}


def _pools(count):
    """Indices of the fifth of the clips that choices are made by, and of all others."""
    order = np.random.default_rng(1).permutation(count)
    return order[: count // 5], order[count // 5 :]


def _accuracy(x, labels, train, test):
    fitted = transfer.fit_linear(x[train], labels[train])
    return float((fitted.predict(x[test]) == labels[test]).mean())


def section(result, split="the clips that no choice was made by, four fifths of all"):
    """The table and its protocol."""
    lines = [
        f"| spoken digits | {LABELS} labels per class | left-out speaker | weights | CPU min |",
        "|---|---|---|---|---|",
    ]
    for name, runs in result["rows"].items():
        values = ([run[score] for run in runs] for score in ("few", "speaker"))
        cells = [cell(of if len(set(of)) > 1 else of[:1]) for of in values]  # raw inputs are the same for all seeds
        figures = runs[0].get("figures", {})
        size = f"{figures['weights']:,}" if figures else ""
        minutes = f"{np.mean([run['figures']['cpu_seconds'] for run in runs]) / 60:.0f}" if figures else ""
        lines.append(f"| {NAMES[name]} | {' | '.join([*cells, size, minutes])} |")
    return "\n".join(lines) + (
        f"\n\nLogistic regression on frozen representations; fitted and scored on {split}; "
        f"{over_seeds(map(len, result['rows'].values()))} (without ±, of one), after the last epoch "
        f"({result['machine']}; `python -m benchmarks.speech`)." + note(result)
    )


def main():
    """Pretrain, score, and write what came out."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--rows", nargs="*", choices=NAMES, help="(all)")
    parser.add_argument("--seeds", type=int, default=3, help="0, 1, … (3)")
    parser.add_argument("--epochs", type=int, help="instead of those of each row; writes nothing")
    parser.add_argument("--small", action="store_true", help="two epochs of 300 clips; writes nothing")
    parser.add_argument("--validate", action="store_true", help="on the clips to choose by; writes nothing")
    parser.add_argument("--again", action="store_true", help="measure anew what is published or kept")
    given = parser.parse_args()
    audio, digits, speakers = clips()
    if given.small:
        some = np.random.default_rng(0).permutation(len(audio))[:300]
        (audio, digits, speakers), given.epochs = (x[some] for x in (audio, digits, speakers)), 2
    source = data.from_arrays(audio, digits, kind="audio", name="spoken_digit")
    usual = not (given.epochs or given.small or given.validate)
    old = published("speech", usual).get("rows", {})
    result = {
        "protocol": {"version": VERSION},
        "rows": old,
        "machine": f"{os.cpu_count()} cores, TensorFlow {tf.__version__}, Keras {keras.__version__}",
    }
    for name in given.rows or NAMES:
        runs = [] if given.again else result["rows"].get(name, [])[: given.seeds]
        for seed in range(len(runs), given.seeds):
            x, figures = features(name, source, seed, given)
            runs.append(scores(x, source, speakers, given.validate) | ({"figures": figures} if figures else {}))
            print(name, seed, runs[-1], flush=True)
        result["rows"][name] = runs
        if usual:
            result["rows"] = {key: result["rows"][key] for key in NAMES if key in result["rows"]}
            publish("speech", result)
    print(f"\n{section(result, *['the clips to choose by'] * given.validate)}\n")


if __name__ == "__main__":
    main()
