"""One row for each objective: how to build it tiny and what its batches are. Every conformance test runs over them.

Runs on every backend, so nothing here imports TensorFlow.
"""

import dataclasses
from collections.abc import Callable

import keras
import numpy as np
import pytest

from keras_ssl import blocks, decoders, encoders, heads, likelihoods, losses, objectives, transforms

SHAPE = (8, 8, 1)
DRAWN = {"noise", "mix", "corrupted", "mask", "negatives", "permutation", "replacement"}
DRAWN |= {"crops", "hidden_1", "hidden_2"}
"""What a batch may hold in place of what an objective would draw."""


@dataclasses.dataclass(frozen=True)
class Case:
    """What the conformance tests need to know of an objective.

    Attributes:
        name: Of the case.
        objective: Makes the objective of an encoder. Arguments are not the defaults, so that forgetting one shows.
        batch: Makes a batch of n samples, a dict of arrays, from a seed.
        encoder: Makes a tiny encoder, with batch normalization unless the objective is meant for other ones.
        falls: Whether the loss falls when one batch is fitted again and again; not where a queue fills with it, or
            targets move.
        rate: Learning rate at which a few steps of gradient descent do not blow rounding up.
        adversarial: Whether a discriminator is trained in turn with the rest, which needs TensorFlow.
    """

    name: str
    objective: Callable[[keras.Model], objectives.Objective]
    batch: Callable[[int, int], dict[str, np.ndarray]]
    encoder: Callable[[], keras.Model]
    falls: bool = True
    rate: float = 0.1
    adversarial: bool = False

    def build(self):
        """Make the objective, with its encoder."""
        return self.objective(self.encoder())

    def needed(self, n, seed):
        """Make a batch of what the objective cannot do without."""
        return {key: value for key, value in self.batch(n, seed).items() if key not in DRAWN}


def convolutional():
    """Make a convolution with batch normalization; the tests take longer with each operation."""
    return encoders.conv_net(SHAPE, filters=(8,), first_stride=2)


def two_convolutions():
    """Make two convolutions with batch normalization, for tests that learn something or tell layers apart."""
    return encoders.conv_net(SHAPE, filters=(4, 8))


def plain():
    """Make a convolution without batch normalization."""
    return encoders.conv_net(SHAPE, filters=(8,), first_stride=2, normalize=False)


def any_size():
    """Make a convolution that takes images of any size."""
    return encoders.conv_net((None, None, 1), filters=(8,), first_stride=2)


def tokens():
    """Make a transformer of 16 tokens."""
    return encoders.vit(SHAPE, patch=2, width=8, depth=1, heads=2)


def small_head(encoder):
    """Make a projector to six dimensions."""
    return heads.projector(encoder, 6, hidden=10)


def dense():
    """Make two dense layers."""
    return encoders.mlp(SHAPE, units=(16, 8))


def of_series():
    """Make a convolution over series of twelve steps and two channels."""
    inputs = keras.Input((12, 2), name="series")
    x = keras.layers.Conv1D(8, 3, padding="same", use_bias=False, name="conv")(inputs)
    x = keras.layers.LeakyReLU(name="relu")(blocks.BatchNormalization(name="norm")(x))
    return keras.Model(inputs, keras.layers.GlobalAveragePooling1D(name="pool")(x), name="series_net")


def of_rows():
    """Make two dense layers over rows of six numbers."""
    inputs = keras.Input((6,), name="row")
    x = keras.layers.LeakyReLU(name="relu")(keras.layers.Dense(16, name="dense_1")(inputs))
    return keras.Model(inputs, keras.layers.Dense(8, name="dense_2")(x), name="row_net")


def of_ids_and_mask():
    """Make the mean of the vectors of what a mask keeps, and two dense layers, as of a text."""
    ids = keras.Input((None,), dtype="int32", name="token_ids")
    mask = keras.Input((None,), dtype="int32", name="padding_mask")
    kept = keras.ops.expand_dims(keras.ops.cast(mask, "float32"), -1)
    vectors = keras.layers.Embedding(20, 12, keras.initializers.RandomNormal(stddev=1.0), name="vectors")(ids)
    mean = keras.ops.sum(vectors * kept, axis=1) / keras.ops.maximum(keras.ops.sum(kept, axis=1), 1.0)
    x = keras.layers.LeakyReLU(name="relu")(keras.layers.Dense(10, name="dense")(mean))
    h = keras.layers.Dense(8, use_bias=False, name="pool")(x)  # the projector normalizes
    return keras.Model({"token_ids": ids, "padding_mask": mask}, h, name="text_net")


def causal():
    """Make a causal transformer of 20 ids."""
    return encoders.transformer(20, width=8, depth=1, heads=2, causal=True)


def causal_series():
    """Make a dilated convolution over two channels in which no step sees later ones."""
    return encoders.dilated_conv(2, width=8, depth=1, causal=True)


def of_videos():
    """Make a map of any number of frames: the mean over them of a convolution, and another."""
    video = keras.Input((None, *SHAPE), name="video")
    x = keras.layers.Conv3D(4, (1, 3, 3), (1, 2, 2), "same", use_bias=False, name="conv")(video)
    frames = keras.Model(video, keras.layers.LeakyReLU(name="relu")(x), name="frames")
    maps = keras.Input(frames.output_shape[1:], name="maps")
    x = keras.layers.Conv2D(8, 3, padding="same", use_bias=False, name="conv")(keras.ops.mean(maps, axis=1))
    trunk = keras.Model(maps, blocks.BatchNormalization(name="norm")(x), name="trunk")
    video = keras.Input((None, *SHAPE), name="video")
    return keras.Model(video, keras.layers.GlobalAveragePooling2D(name="pool")(trunk(frames(video))), name="video_net")


def texts(n, seed):
    """Make a batch of texts in which the next id is one or two higher, of several lengths."""
    rng = np.random.default_rng(seed)
    ids = 1 + (np.cumsum(rng.integers(1, 3, (n, 7)), axis=1) + rng.integers(0, 19, (n, 1))) % 19
    return {"input": (ids * (np.arange(7) < rng.integers(4, 8, (n, 1)))).astype("int32")}


def series(n, seed):
    """Make a batch of noisy waves of several frequencies, well outside 0..1."""
    rng = np.random.default_rng(seed)
    time = np.arange(12)[:, None] / 12
    waves = np.sin(2 * np.pi * (rng.integers(1, 4, (n, 1, 2)) * time + rng.random((n, 1, 2))))
    return {"input": (3 * waves + 0.1 * rng.normal(size=waves.shape)).astype("float32")}


def masked_series(n, seed):
    """Make a batch of series of which some steps are hidden."""
    return series(n, seed) | {"mask": np.random.default_rng(seed + 1).random((n, 12)) < 0.2}


def pairs_of_series(n, seed):
    """Make a batch of two noisy versions of each series."""
    noise = np.random.default_rng(seed + 1).normal(0, 0.1, (2, n, 12, 2))
    view_1, view_2 = (series(n, seed)["input"] + noise).astype("float32")
    return {"view_1": view_1, "view_2": view_2}


def dilated():
    """Make two dilated convolutions over series of two channels, and a third one."""
    return encoders.dilated_conv(2, width=6, depth=2, output_width=8)


def cropped_series(n, seed):
    """Make a batch of series, some of which end early, two crops of each, and what is hidden in both."""
    batch, rng = series(n, seed), np.random.default_rng(seed + 1)
    batch["input"][np.arange(12) >= rng.integers(9, 13, (n, 1))] = np.nan
    first, second, end = rng.integers(0, 3, n), rng.integers(3, 5, n), rng.integers(7, 10, n)
    batch["crops"] = np.stack([first, end, second, end + rng.integers(0, 3, n)], axis=1).astype("int32")
    return batch | {f"hidden_{k}": rng.random((n, 12)) < 0.3 for k in (1, 2)}


def rows(n, seed):
    """Make a batch of rows of correlated numbers, well outside 0..1."""
    rng = np.random.default_rng(seed)
    return 2 * rng.normal(size=(n, 2)) @ np.random.default_rng(0).normal(size=(2, 6)) + 0.1 * rng.normal(size=(n, 6))


def rows_with(**others):
    """Return what makes a batch of rows, and of standard normal numbers under other keys, of these widths."""

    def make(n, seed):
        rng = np.random.default_rng(seed + 2)
        drawn = {key: rng.normal(size=(n, width)).astype("float32") for key, width in others.items()}
        return {"input": rows(n, seed).astype("float32"), **drawn}

    return make


def of_text():
    """Make a transformer over 20 ids."""
    return encoders.transformer(20, width=8, depth=1, heads=2)


def sentences(n, seed):
    """Make a batch of sentences in which each id says much about the next, padded."""
    rng = np.random.default_rng(seed)
    ids = 5 + np.cumsum(rng.integers(1, 3, (n, 10)), axis=1) % 15
    return {"input": np.where(np.arange(10) < rng.integers(5, 11, (n, 1)), ids, 0).astype("int32")}


def masked_texts(n, seed):
    """Make a batch of texts of which up to three tokens are hidden, and what is put in their places."""
    batch, rng = sentences(n, seed), np.random.default_rng(seed + 1)
    hidden = rng.random((n, 10)).argsort(axis=1) < 3
    replacement = np.where(rng.random((n, 10)) < 0.8, 2, rng.integers(5, 20, (n, 10))).astype("int32")
    return batch | {"mask": hidden, "replacement": replacement}


def tagged_texts(n, seed):
    """Make a batch of texts of which some tokens are hidden, and two attributes of each token, some missing."""
    batch, rng = sentences(n, seed), np.random.default_rng(seed + 1)
    ids = batch["input"]
    attributes = np.stack([ids % 3, (ids - 12) / 4], axis=-1).astype("float32")
    attributes[rng.random((n, 10, 2)) < 0.3] = np.nan
    return batch | {"attributes": attributes, "mask": rng.random((n, 10)) < 0.4}


def corrupted_texts(n, seed):
    """Make a batch of texts of which one token in three is masked."""
    batch = sentences(n, seed)
    hidden = np.random.default_rng(seed + 1).random((n, 10)) < 0.3
    return batch | {"corrupted": np.where(hidden & (batch["input"] > 0), 2, batch["input"]).astype("int32")}


def pairs_of_texts(n, seed):
    """Make a batch of two parts of each text, a dict of ids and mask."""
    rng = np.random.default_rng(seed)
    ids = 1 + (np.cumsum(rng.integers(1, 3, (n, 10)), axis=1) % 19)

    def part():
        length = rng.integers(5, 11, (n, 1))
        mask = (np.arange(10) < length).astype("int32")
        return {"token_ids": (ids * mask).astype("int32"), "padding_mask": mask}

    return {"view_1": part(), "view_2": part()}


def captioned(n, seed):
    """Make a batch of images with a bright square, and of texts that say where it is, padded."""
    rng = np.random.default_rng(seed)
    rng.uniform(0, 0.3, (n, *SHAPE))  # as `images` draws
    row, column = rng.integers(0, 5, (n, 2)).T
    ids = np.stack([5 + row, 12 + column, np.where(row % 2, 0, 19)], axis=1)
    return {"image": images(n, seed), "ids": ids.astype("int32")}


def of_words():
    """Make vectors of nineteen words, large enough that gradients are."""
    encoder = encoders.word_vectors(20, 6)
    table = encoder.get_layer("tokens").get_layer("embedding").embeddings
    table.assign(np.random.default_rng(0).normal(0, 0.5, (20, 6)))
    return encoder


def word_rows(n, seed):
    """Make a batch of rows of words, some of which end early, each after a word that is near it, and of noise."""
    rng = np.random.default_rng(seed)
    ids = 1 + (np.cumsum(rng.integers(0, 2, (n, 9)), axis=1) + rng.integers(0, 19, (n, 1))) % 19
    ids *= np.arange(9) < rng.integers(5, 10, (n, 1))
    return {"input": ids.astype("int32"), "noise": rng.integers(1, 20, (n, 4)).astype("int32")}


def counted_pairs(n, seed):
    """Make a batch of pairs of words, and how often they stand together."""
    rng = np.random.default_rng(seed)
    pairs = rng.integers(1, 20, (n, 2)).astype("int32")
    return {"input": pairs, "count": (1 + 20 / (1 + abs(pairs[:, 0] - pairs[:, 1]))).astype("float32")}


def of_sound():
    """Make two convolutions of stride 4 in all and a transformer block over recordings."""
    return encoders.wav2vec2(width=8, depth=1, heads=2, filters=(4, 8), kernels=(3, 2), strides=(2, 2))


def recordings(n, seed):
    """Make a batch of recordings of 48 samples at most, tones that change, and all that is drawn for twelve frames."""
    rng = np.random.default_rng(seed)
    pitch = np.repeat(rng.uniform(0.2, 2.5, (n, 12)), 4, axis=1)
    tones = rng.uniform(0.3, 0.9, (n, 1)) * np.sin(np.cumsum(pitch, axis=1)) + rng.normal(0, 0.02, (n, 48))
    lengths = rng.integers(30, 49, n)
    audio = np.where(np.arange(48) < lengths[:, None], tones, 0).astype("float32")
    return {
        "input": audio,
        "mask": rng.random((n, 12)).argsort(axis=1) < 6,
        "noise": rng.gumbel(size=(n, 12, 2, 4)).astype("float32"),
        "negatives": rng.random((n, 12, 5)).astype("float32"),
    }


WORD_COUNTS = [0, *range(40, 21, -1)]


def single(n, seed):
    """Make a batch of images under "input"."""
    return {"input": images(n, seed)}


def pairs(n, seed):
    """Make a batch of two noisy versions of each image."""
    noise = np.random.default_rng(seed + 1).normal(0, 0.05, (2, n, *SHAPE))
    view_1, view_2 = np.clip(images(n, seed) + noise, 0, 1).astype("float32")
    return {"view_1": view_1, "view_2": view_2}


def with_noise(width):
    """Return what makes a batch of images and latent vectors."""

    def make(n, seed):
        rng = np.random.default_rng(seed + 2)
        noise, mix = rng.normal(size=(n, width)), rng.uniform(size=n)
        return {**single(n, seed), "noise": noise.astype("float32"), "mix": mix.astype("float32")}

    return make


def corrupted(n, seed):
    """Make a batch of images and noisy copies."""
    noise = np.random.default_rng(seed + 3).normal(0, 0.3, (n, *SHAPE))
    return {**single(n, seed), "corrupted": (images(n, seed) + noise).astype("float32")}


def discriminator():
    """Make a convolution and a logit."""
    return keras.Sequential([encoders.conv_net(SHAPE, filters=(4,), normalize=False), keras.layers.Dense(1)])


def masked_patches(n, seed):
    """Make a batch of images of which five patches of 16 are hidden."""
    hidden = np.random.default_rng(seed + 1).random((n, 16)).argsort(axis=1) < 5
    return {"input": images(n, seed), "mask": hidden}


def masked_pixels(n, seed):
    """Make a batch of images of which a box is hidden, on each another one."""
    mask = np.zeros((n, *SHAPE[:2]), bool)
    for one, (row, column, height) in zip(mask, np.random.default_rng(seed + 1).integers(2, 5, (n, 3))):
        one[row : row + height, column : column + 3] = True
    return {"input": images(n, seed), "mask": mask}


def crops(n, seed):
    """Make a batch of two views and two small crops of each image."""
    batch = pairs(n, seed)
    return batch | {f"crop_{k}": batch[f"view_{k}"][:, k : k + 6, k : k + 6] for k in (1, 2)}


def images(n, seed):
    """Make n images with a bright square somewhere on each."""
    rng = np.random.default_rng(seed)
    batch = rng.uniform(0, 0.3, (n, *SHAPE))
    for image, (row, column) in zip(batch, rng.integers(0, 5, (n, 2))):
        image[row : row + 3, column : column + 3] += 0.6
    return batch.astype("float32")


def videos(n, seed):
    """Make a batch of videos of five frames in which images move to the right."""
    still = images(n, seed)
    return {"input": np.stack([np.roll(still, k, axis=2) for k in range(5)], axis=1)}


def turnable(n, seed):
    """Make a batch of images, each brighter toward its upper left, so that its position can be seen."""
    slope = np.linspace(0.3, 0, SHAPE[0])[:, None, None] + np.linspace(0.1, 0, SHAPE[1])[:, None]
    return {"input": (0.5 * images(n, seed) + slope).astype("float32")}


def shuffled(n, seed):
    """Make a batch of images and the permutations that their tiles are shuffled by."""
    return turnable(n, seed) | {"permutation": np.random.default_rng(seed).integers(0, 5, n)}


def with_attributes(n, seed):
    """Make a batch of images, in which half the bright square is, and how bright they are, standardized."""
    batch = single(n, seed)
    x = batch["input"][..., 0]
    brightness = x.mean(axis=(1, 2))
    side = x[:, :, :4].sum(axis=(1, 2)) < x[:, :, 4:].sum(axis=(1, 2))
    return batch | {"attributes": np.stack([side, (brightness - 0.23) / 0.02], axis=1).astype("float32")}


CASES = [
    Case(
        "SimCLR",
        lambda encoder: objectives.SimCLR(encoder, small_head(encoder), temperature=0.3, seed=3),
        pairs,
        convolutional,
    ),
    Case(
        "SimCLR, decoupled",
        lambda encoder: objectives.SimCLR(encoder, small_head(encoder), temperature=0.3, decoupled=True),
        pairs,
        convolutional,
        rate=0.01,
    ),
    Case(
        "MoCo",
        lambda encoder: objectives.MoCo(
            encoder, small_head(encoder), temperature=0.3, queue_size=20, target_momentum=0.8, symmetric=True, seed=3
        ),
        pairs,
        convolutional,
        falls=False,
    ),
    Case(
        "NNCLR",
        lambda encoder: objectives.NNCLR(encoder, small_head(encoder), temperature=0.3, queue_size=8, seed=3),
        pairs,
        convolutional,
        rate=0.01,
    ),
    Case(
        "BYOL",
        lambda encoder: objectives.BYOL(encoder, small_head(encoder), target_momentum=0.8, seed=3),
        pairs,
        convolutional,
    ),
    Case(
        "SimSiam",
        lambda encoder: objectives.SimSiam(
            encoder,
            projector := heads.projector(encoder, 6, hidden=10, depth=2),
            heads.predictor(projector, hidden=4),
            seed=3,
        ),
        pairs,
        convolutional,
        rate=0.002,
    ),
    Case(
        "DINO",
        lambda encoder: objectives.DINO(
            encoder,
            heads.prototypes(encoder, 12, hidden=10, features=6),
            crops=2,
            student_temperature=0.3,
            teacher_temperature=0.2,
            center_momentum=0.7,
            target_momentum=0.8,
            seed=3,
        ),
        crops,
        any_size,
        rate=0.02,
    ),
    Case(
        "BarlowTwins",
        lambda encoder: objectives.BarlowTwins(encoder, small_head(encoder), redundancy=0.02, seed=3),
        pairs,
        convolutional,
        rate=0.01,
    ),
    Case(
        "VICReg",
        lambda encoder: objectives.VICReg(
            encoder, small_head(encoder), invariance=1.0, variance=2.0, covariance=0.5, seed=3
        ),
        pairs,
        convolutional,
    ),
    Case(
        "SwAV",
        lambda encoder: objectives.SwAV(
            encoder,
            small_head(encoder),
            prototypes=12,
            crops=2,
            temperature=0.2,
            sharpness=0.1,
            iterations=2,
            hold_prototypes=1,
            queue_size=16,
            queue_start=1,
            seed=3,
        ),
        crops,
        any_size,
        rate=0.02,
    ),
    Case(
        "Autoencoder, convolutional",
        lambda encoder: objectives.Autoencoder(encoder, reconstruction=losses.binary_cross_entropy, seed=3),
        single,
        convolutional,
    ),
    Case(
        "Autoencoder, dense",
        lambda encoder: objectives.Autoencoder(encoder, decoder=decoders.mirror(encoder)),
        single,
        dense,
    ),
    Case(
        "SparseAutoencoder, L1",
        lambda encoder: objectives.SparseAutoencoder(encoder, weight=0.1, seed=3),
        single,
        convolutional,
    ),
    Case(
        "SparseAutoencoder, KL",
        lambda encoder: objectives.SparseAutoencoder(encoder, weight=0.2, target=0.1),
        single,
        lambda: encoders.mlp(SHAPE, units=(16, 8), output_activation="sigmoid"),
    ),
    Case(
        "DenoisingAutoencoder",
        lambda encoder: objectives.DenoisingAutoencoder(encoder, noise=transforms.gaussian_noise, amount=0.2, seed=3),
        corrupted,
        convolutional,
    ),
    Case(
        "VariationalAutoencoder",
        lambda encoder: objectives.VariationalAutoencoder(encoder, latent_dim=3, beta=0.5, seed=3),
        with_noise(3),
        convolutional,
        rate=0.01,
    ),
    Case(
        "VariationalAutoencoder, Gaussian",
        lambda encoder: objectives.VariationalAutoencoder(encoder, latent_dim=3, likelihood=likelihoods.Gaussian(0.5)),
        with_noise(3),
        dense,
        rate=0.001,
    ),
    Case(
        "GAN",
        lambda encoder: objectives.GAN(encoder, latent_dim=5, discriminator_steps=2, seed=3),
        with_noise(5),
        convolutional,
        falls=False,
        rate=0.01,
        adversarial=True,
    ),
    Case(
        "GAN, Wasserstein",
        lambda encoder: objectives.GAN(
            encoder, latent_dim=5, adversarial_loss=losses.wasserstein, gradient_penalty=2.0, seed=3
        ),
        with_noise(5),
        plain,
        falls=False,
        rate=0.01,
        adversarial=True,
    ),
    Case(
        "BiGAN",
        lambda encoder: objectives.BiGAN(encoder, adversarial_loss=losses.wasserstein, seed=3),
        with_noise(8),
        dense,
        falls=False,
        rate=0.01,
        adversarial=True,
    ),
    Case(
        "RotationPrediction",
        lambda encoder: objectives.RotationPrediction(encoder, seed=3),
        turnable,
        convolutional,
    ),
    Case(
        "FlipPrediction",
        lambda encoder: objectives.FlipPrediction(encoder, seed=3),
        turnable,
        convolutional,
    ),
    Case(
        "JigsawPrediction",
        lambda encoder: objectives.JigsawPrediction(encoder, grid=4, permutations=5, seed=3),
        shuffled,
        convolutional,
    ),
    Case(
        "AttributePrediction",
        lambda encoder: objectives.AttributePrediction(encoder, {"side": 2, "brightness": None}, seed=3),
        with_attributes,
        convolutional,
    ),
    Case(
        "MaskedAutoencoder",
        lambda encoder: objectives.MaskedAutoencoder(
            encoder,
            decoders.patches(encoder, width=6, depth=1, heads=3),
            mask_ratio=0.3,
            normalize_targets=False,
            seed=3,
        ),
        masked_patches,
        tokens,
    ),
    Case(
        "Inpainting",
        lambda encoder: objectives.Inpainting(
            encoder, decoders.mirror(encoder, name="mine"), area=(0.2, 0.4), ratio=(0.8, 1.5), seed=3
        ),
        masked_pixels,
        convolutional,
    ),
    Case(
        "AdversarialInpainting",
        lambda encoder: objectives.AdversarialInpainting(
            encoder, discriminator(), adversarial_weight=0.1, adversarial_loss=losses.wasserstein
        ),
        masked_pixels,
        convolutional,
        rate=0.01,
        adversarial=True,
    ),
    Case(
        "MaskedLanguageModel",
        lambda encoder: objectives.MaskedLanguageModel(
            encoder,
            mask=3,
            mask_ratio=0.3,
            first_of_word=[k % 4 > 0 for k in range(20)],
            special=(0, 1, 2, 3),
            seed=3,
        ),
        masked_texts,
        of_text,
    ),
    Case(
        "TokenAttributes",
        lambda encoder: objectives.TokenAttributes(encoder, {"rest": 3, "size": None}, mask=3, mask_ratio=0.3, seed=3),
        tagged_texts,
        of_text,
    ),
    Case(
        "SequenceToSequence",
        lambda encoder: objectives.SequenceToSequence(
            encoder,
            decoders.text(encoder, depth=1, heads=2, hidden=12, max_length=12),
            mask_ratio=0.4,
            span_length=2.0,
            sentence_ends=(7,),
            mask=1,
            begin=2,
            end=3,
            seed=3,
        ),
        corrupted_texts,
        of_text,
    ),
    Case(
        "CLIP",
        lambda encoder: objectives.CLIP(
            encoder, of_text(), small_head(encoder), contrast="sigmoid", temperature=0.3, bias=-2.0, seed=3
        ),
        captioned,
        convolutional,
        rate=0.01,
    ),
    Case(
        "SimCLR, series",
        lambda encoder: objectives.SimCLR(encoder, small_head(encoder), temperature=0.3, seed=3),
        pairs_of_series,
        of_series,
    ),
    Case(
        "SimCLR, ids and mask",
        lambda encoder: objectives.SimCLR(encoder, small_head(encoder), temperature=0.3, seed=3),
        pairs_of_texts,
        of_ids_and_mask,
    ),
    Case("TS2Vec", lambda encoder: objectives.TS2Vec(encoder, mask_ratio=0.3, seed=3), cropped_series, dilated),
    Case("Autoencoder, series", lambda encoder: objectives.Autoencoder(encoder, seed=3), series, of_series),
    Case(
        "DenoisingAutoencoder, rows",
        lambda encoder: objectives.DenoisingAutoencoder(encoder, noise=transforms.gaussian_noise, amount=0.2, seed=3),
        rows_with(corrupted=6),
        of_rows,
        rate=0.01,
    ),
    Case(
        "VariationalAutoencoder, rows",
        lambda encoder: objectives.VariationalAutoencoder(encoder, latent_dim=3, likelihood=likelihoods.Gaussian(2.0)),
        rows_with(noise=3),
        of_rows,
        rate=0.001,
    ),
    Case(
        "Wav2Vec2",
        lambda encoder: objectives.Wav2Vec2(
            encoder,
            groups=2,
            entries=4,
            start_ratio=0.1,
            span=3,
            negatives=5,
            temperature=0.3,
            code_temperature=1.5,
            diversity=0.2,
            penalty=0.1,
            seed=3,
        ),
        recordings,
        of_sound,
        falls=False,  # by 7 % in 60 steps: with four entries the targets move as the code books fill
        rate=0.01,
    ),
    Case("CausalLanguageModel", lambda encoder: objectives.CausalLanguageModel(encoder, seed=3), texts, causal),
    Case(
        "Forecasting",
        lambda encoder: objectives.Forecasting(encoder, horizon=3, mask_ratio=0.2, seed=3),
        masked_series,
        causal_series,
        rate=0.02,
    ),
    Case(
        "Imputation",
        lambda encoder: objectives.Imputation(encoder, mask_ratio=0.3, span=2, seed=3),
        masked_series,
        dilated,
        rate=0.02,
    ),
    Case(
        "ContrastivePredictiveCoding",
        lambda encoder: objectives.ContrastivePredictiveCoding(encoder, horizon=2, other_times=False, seed=3),
        series,
        causal_series,
        rate=0.02,
    ),
    Case(
        "FramePrediction",
        lambda encoder: objectives.FramePrediction(
            encoder, decoders.frames(encoder, 2, filters=4), past=3, residual=True, seed=3
        ),
        videos,
        of_videos,
    ),
    Case(
        "FramePrediction, transformer",
        lambda encoder: objectives.FramePrediction(encoder, decoders.frames(encoder, 2, filters=4), past=3),
        videos,
        lambda: encoders.conv_transformer((None, *SHAPE), filters=(4,), width=6, depth=1, heads=3),
    ),
    Case(
        "SkipGram",
        lambda encoder: objectives.SkipGram(encoder, WORD_COUNTS, window=2, negatives=3.0, noise=4, power=0.5, seed=3),
        word_rows,
        of_words,
        rate=1.0,
    ),
    Case(
        "CBOW",
        lambda encoder: objectives.CBOW(encoder, WORD_COUNTS, window=2, negatives=3.0, noise=4, power=0.5, seed=3),
        word_rows,
        of_words,
        rate=1.0,
    ),
    Case(
        "GloVe",
        lambda encoder: objectives.GloVe(encoder, largest=10.0, power=0.5, seed=3),
        counted_pairs,
        of_words,
        rate=0.1,
    ),
]

MECHANISMS = {
    "SimCLR": "samples compared across replicas",
    "MoCo": "a queue and a target network",
    "DINO": "crops of several sizes, a moving center",
    "SwAV": "prototypes, and codes that are balanced over the global batch",
    "VICReg": "covariances of the global batch",
    "Autoencoder, convolutional": "a decoder",
    "VariationalAutoencoder": "draws of its own, and a likelihood",
    "GAN, Wasserstein": "two optimizers, and a gradient of a gradient",
    "AttributePrediction": "labels",
    "MaskedAutoencoder": "tokens that are taken out and put back",
    "MaskedLanguageModel": "a mean over places, of which replicas have different numbers",
    "SequenceToSequence": "a decoder that attends to the encoder",
    "CausalLanguageModel": "the same ids as input and as target",
    "SkipGram": "tables of which few rows change",
    "TS2Vec": "contrasts over time, at many scales",
    "ContrastivePredictiveCoding": "contrasts with other samples and times",
    "Wav2Vec2": "codes that are drawn, and a term over the global batch",
    "FramePrediction": "a target of several axes",
    "CLIP": "two encoders of two kinds of data",
}
"""Rows that have between them every mechanism of the objectives, and which one each stands for."""

every_case = pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)


def each_mechanism(name="case", cases=tuple(CASES), but=()):
    """Parametrize a dear test by all rows, of which `make test` runs one for each mechanism and `make test-all` all.

    Args:
        name: The argument of the test.
        cases: Rows, or pairs of a row and what the test takes for it.
        but: Names of mechanisms that only `make test-all` runs here, too, as they take longest.
    """
    known = {case.name for case in CASES}
    assert known >= {*MECHANISMS, *but}
    params = []
    for one in cases:
        case, value = one if isinstance(one, tuple) else (one, one)
        params.append(pytest.param(value, id=case.name, marks=unless_mechanism(case, but)))
    return pytest.mark.parametrize(name, params)


def unless_mechanism(case, but=()):
    """Return the mark of what only `make test-all` runs: rows that stand for no mechanism, and those named."""
    return () if case.name in MECHANISMS and case.name not in but else pytest.mark.exhaustive
