"""How probable images are under a variational autoencoder."""

import functools
import math
from typing import Any

import keras
import numpy as np

from keras_ssl import checks
from keras_ssl.backends import on_tensorflow
from keras_ssl.data import Source
from keras_ssl.data.fitting import as_source
from keras_ssl.errors import UserError
from keras_ssl.seeds import SeedStream
from keras_ssl.typing import Progress

__all__ = ["importance_weighted_nll", "negative_elbo", "negative_log_likelihoods"]

_BOUNDS = ("importance", "elbo")


def negative_elbo(
    vae: Any,
    source: Source | np.ndarray,
    samples: int = 1,
    chunk: int = 50,
    batch_size: int = 100,
    seed: int = 0,
    progress: Progress | None = None,
) -> float:
    """Estimate the negative evidence lower bound, which is at least the negative log-likelihood, by sampling.

    Args:
        vae: Model with `latent_dim` and `log_weights`; see `importance_weighted_nll`.
        source: `data.Source`, or float array `(n, height, width, channels)` in 0..1.
        samples: Latent samples for each image. More make the estimate less noisy, not tighter. Default: 1.
        chunk: See `importance_weighted_nll`.
        batch_size: See `importance_weighted_nll`.
        seed: Seed of the samples. Default: 0.
        progress: See `importance_weighted_nll`.

    Returns:
        Mean over images, in nats per image.

    Raises:
        UserError: If the model has no `log_weights`, the images do not fit, or a number is below 1.
    """
    found = negative_log_likelihoods(vae, source, samples, "elbo", chunk, batch_size, seed, progress)
    return float(found.mean())


def importance_weighted_nll(
    vae: Any,
    source: Source | np.ndarray,
    samples: int = 5000,
    chunk: int = 50,
    batch_size: int = 100,
    seed: int = 0,
    progress: Progress | None = None,
) -> float:
    """Estimate the negative log-likelihood by importance sampling from the posterior.

    For each image `-log (1/k) Σ_i p(x|z_i) p(z_i) / q(z_i|x)`, with z_i drawn from q(z|x). In expectation this is at
    least the negative log-likelihood, and falls toward it as k grows. `likelihoods.Bernoulli` is no likelihood of gray
    values: binarize them first.

    Args:
        vae: Model with `latent_dim`, the width of z, and `log_weights(images, noise)`. For noise `(k, n, latent_dim)`
            of N(0, 1), this returns `log p(x|z) + log p(z) - log q(z|x)` `(k, n)` at the samples z of q(z|x) computed
            from the noise.
        source: `data.Source`, or float array `(n, height, width, channels)` in 0..1.
        samples: k, latent samples for each image. Default: 5000.
        chunk: Samples of each image at a time; with `batch_size`, this bounds the memory. Default: 50.
        batch_size: Images at a time. Default: 100.
        seed: Seed of the samples. The same arguments give the same samples. Default: 0.
        progress: Called as `progress(done, total)` after each chunk, in samples of all images, or None.

    Returns:
        Mean over images, in nats per image.

    Raises:
        UserError: If the model has no `log_weights`, the images do not fit, or a number is below 1.

    Reference:
        Burda et al. 2015, "Importance Weighted Autoencoders", Eq. 8.
    """
    found = negative_log_likelihoods(vae, source, samples, "importance", chunk, batch_size, seed, progress)
    return float(found.mean())


def negative_log_likelihoods(
    vae: Any,
    source: Source | np.ndarray,
    samples: int = 50,
    bound: str = "importance",
    chunk: int = 50,
    batch_size: int = 100,
    seed: int = 0,
    progress: Progress | None = None,
) -> np.ndarray:
    """Estimate the negative log-likelihood of each image, from above.

    Args:
        vae: See `importance_weighted_nll`.
        source: See `importance_weighted_nll`.
        samples: k, latent samples for each image. Default: 50.
        bound: "importance", `-log (1/k) Σ_i w_i`, or "elbo", the looser `-(1/k) Σ_i log w_i`, where
            `w_i = p(x|z_i) p(z_i) / q(z_i|x)`. Default: "importance".
        chunk: See `importance_weighted_nll`.
        batch_size: See `importance_weighted_nll`.
        seed: See `importance_weighted_nll`. The samples of an image depend on its place in the batch, too.
        progress: See `importance_weighted_nll`.

    Returns:
        Float64 array `(n,)`, in nats.

    Raises:
        UserError: If the model has no `log_weights`, the images do not fit, a number is below 1, or there is no such
            bound.

    Reference:
        See `importance_weighted_nll`.
    """
    if bound not in _BOUNDS:
        raise UserError(f"bound among {', '.join(_BOUNDS)}", repr(bound), "choose one of them")
    found = []
    for log_weights in _log_weights(vae, source, samples, chunk, batch_size, seed, progress):
        if bound == "elbo":
            found.append(sum(part.sum(axis=0) for part in log_weights) / samples)
        else:
            totals = (np.logaddexp.reduce(part, axis=0) for part in log_weights)
            found.append(functools.reduce(np.logaddexp, totals) - math.log(samples))
    return -np.concatenate(found)


def _log_weights(vae, source, samples, chunk, batch_size, seed, progress):
    """For each batch of images, an iterator over its log-weights `(at most chunk, n)`, in float64."""
    checks.check_method(vae, "log_weights")
    checks.check_counts(samples=samples, chunk=chunk, batch_size=batch_size)
    source = as_source(source, vae)
    weigh = _compiled(vae)
    counts = [min(chunk, samples - begin) for begin in range(0, samples, chunk)]
    total = samples * len(source)

    def chunks(begin):
        images = source[begin : begin + batch_size].inputs()
        done = begin * samples
        for k, count in enumerate(counts):
            key = np.array([seed, begin // batch_size * len(counts) + k], "int32")  # different for each chunk
            yield keras.ops.convert_to_numpy(weigh(images, key, count)).astype("float64")
            done += count * len(images)
            if progress:
                progress(done, total)

    return (chunks(begin) for begin in range(0, len(source), batch_size))


def _compiled(vae):
    """A function of images, seed and number of samples, compiled once for each shape and number."""

    def weigh(images, seed, count):
        noise = keras.random.normal((count, images.shape[0], vae.latent_dim), seed=SeedStream(seed))
        return vae.log_weights(images, noise)

    if keras.backend.backend() == "jax":
        import jax

        return jax.jit(weigh, static_argnums=2)
    if on_tensorflow():
        import tensorflow as tf

        return tf.function(weigh)
    return weigh
