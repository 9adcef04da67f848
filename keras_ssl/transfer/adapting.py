"""Adapting an encoder to images of another size, number of channels, or statistics than in pretraining."""

import keras
import numpy as np

from keras_ssl import checks, specs
from keras_ssl.errors import UserError
from keras_ssl.networks import all_layers, copy_layer, is_graph, set_weights
from keras_ssl.typing import Shape

__all__ = ["adapt_input", "adapt_statistics"]


def adapt_input(encoder: keras.Model, input_shape: Shape, name: str | None = None) -> keras.Model:
    """Return a new encoder for images of another shape, with the weights of a pretrained one.

    If the number of channels changes, convolutions of the image itself get, in every new channel, the mean of their
    filters over the old channels, times old over new channels. So a gray image, the same in all channels, gives the
    same response as before; what the filters knew about color is lost. All other weights are copied, including the
    statistics of batch normalization, and so are the layers' `trainable` flags.

    Args:
        encoder: Functional or built sequential `keras.Model` with one input `(n, height, width, channels)`. Nested
            models and registered layers are fine. It is not changed.
        input_shape: `(height, width, channels)` of the new images. Any height and width at which all weights keep their
            shapes: four convolutions of stride 2 make 2x2 positions of 28x28 and of 32x32. If the representation is a
            flattened map, its width may change.
        name: Name of the new encoder. Default: the old one's.

    Returns:
        Functional `keras.Model`, not compiled.

    Raises:
        UserError: If the encoder or the shape is not as above, or a layer would need weights of another shape.

    Example:
        `encoder = transfer.adapt_input(pretrained_on_mnist, (32, 32, 3))`
    """
    input_shape = tuple(input_shape)
    _check(encoder, input_shape)
    image = encoder.inputs[0]
    new = keras.Input(input_shape, dtype=image.dtype, name=image.name)
    pairs: list = []
    nested: dict = {}

    def copied(layer):
        if is_graph(layer):  # adapted when it is called, to its input
            return layer
        copy = copy_layer(layer)
        pairs.append((layer, copy))
        return copy

    def called(layer, *args, **kwargs):
        if is_graph(layer):
            if id(layer) not in nested:
                nested[id(layer)] = adapt_input(layer, args[0].shape[1:])
            layer = nested[id(layer)]
        try:
            return layer(*args, **kwargs)
        except Exception as error:  # Keras and its backends raise many kinds
            reason = str(error).strip().splitlines()[0]
            raise _does_not_fit(encoder, input_shape, layer, f"cannot be built: {reason}") from error

    # not the encoder itself: the clone of a compiled model would be compiled
    graph = keras.Model(image, encoder.outputs[0], name=name or encoder.name)
    adapted = keras.models.clone_model(graph, new, clone_function=copied, call_function=called)
    for old, layer in pairs:
        _copy_weights(old, layer, encoder, input_shape)
    return adapted


def adapt_statistics(encoder: keras.Model, images: np.ndarray, batch_size: int = 256) -> keras.Model:
    """Return a copy of an encoder whose batch normalization has the statistics of other images. No labels are needed.

    Each layer's mean and variance are averages over batches in random order. The encoder runs in training mode, so
    earlier layers normalize by the batch's own statistics, and dropout is on. Nothing else changes.

    Args:
        encoder: See `adapt_input`. It is not changed.
        images: Float array `(n, height, width, channels)` in 0..1 that fits the encoder, n at least 2.
        batch_size: Images in a batch, at least 2. A batch holds up to twice as many if it does not divide n. Default:
            256.

    Returns:
        Functional `keras.Model`, not compiled.

    Raises:
        UserError: If the encoder has no batch normalization, or images or batch size are not as above.

    Example:
        `encoder = transfer.adapt_statistics(transfer.adapt_input(encoder, train.shape), train[:10_000].inputs())`

    Reference:
        Li et al. 2016, "Revisiting Batch Normalization For Practical Domain Adaptation", Algorithm 1.

    Departures:
        The paper takes the statistics of all images at once; the mean of the batches' variances lacks the variance
        between batches. A layer that is used more than once keeps the statistics of its last use.
    """
    _check_graph(encoder)
    adapted = adapt_input(encoder, encoder.inputs[0].shape[1:])
    norms = [layer for layer in all_layers(adapted) if isinstance(layer, keras.layers.BatchNormalization)]
    if not norms:
        raise UserError(
            "an encoder with batch normalization, whose statistics can be adapted",
            f"'{encoder.name}', which has none",
            "use it as it is",
        )
    images = checks.as_array(images)
    specs.check_values(specs.specs_of(encoder), images, "images", at_least=2)
    checks.check_between("batch_size", batch_size, least=2, whole=True)
    moving = {id(variable) for norm in norms for variable in (norm.moving_mean, norm.moving_variance)}
    kept = [(variable, np.array(variable)) for variable in adapted.variables if id(variable) not in moving]
    momenta = [norm.momentum for norm in norms]
    for norm in norms:
        norm.trainable = True  # a frozen one would use the statistics that it has
    order = np.random.default_rng(0).permutation(len(images))  # they may be sorted by class
    done = 0
    for batch in np.array_split(order, max(1, len(images) // batch_size)):
        for norm in norms:
            norm.momentum = done / (done + len(batch))
        adapted(images[np.sort(batch)], training=True)
        done += len(batch)
    for norm, momentum in zip(norms, momenta):
        norm.momentum = momentum
    for variable, value in kept:
        variable.assign(value)
    _copy_flags(encoder, adapted)
    return adapted


def _check_graph(encoder):
    specs.specs_of(encoder)  # raises if its inputs are not known
    if len(encoder.inputs) != 1 or len(encoder.outputs) != 1:
        raise UserError(
            "an encoder with one input and one output",
            f"'{encoder.name}', with {len(encoder.inputs)} and {len(encoder.outputs)}",
            "adapt the parts that read one image each, and join them again",
        )


def _check(encoder, input_shape):
    _check_graph(encoder)
    known = [size for size in input_shape if size is not None]
    if len(input_shape) != len(encoder.inputs[0].shape) - 1 or not input_shape or input_shape[-1] is None:
        raise UserError(
            f"a shape like that of '{encoder.name}', {encoder.inputs[0].shape[1:]}, with a known last number",
            f"{input_shape}",
            "give (height, width, channels), without the batch",
        )
    if any(size < 1 for size in known):
        raise UserError("a shape of positive numbers", f"{input_shape}", "give (height, width, channels)")


def _copy_weights(old, new, encoder, input_shape):
    """Give `new` the flags and weights of `old`; the filters of an image are fitted to its number of channels."""
    channels = encoder.inputs[0].shape[-1], input_shape[-1]
    values = [np.array(weight) for weight in getattr(old, "weights", ())]
    wanted = [tuple(weight.shape) for weight in getattr(new, "weights", ())]
    for k, (value, shape) in enumerate(zip(values, wanted)):
        if value.shape == shape:
            continue
        if not _looks_at_image(old) or (value.shape[-2:-1], shape[-2:-1]) != (channels[:1], channels[1:]):
            reason = f"would need weights of shape {shape}, not {value.shape}"
            raise _does_not_fit(encoder, input_shape, old, reason)
        values[k] = np.repeat(value.sum(axis=-2, keepdims=True) / channels[1], channels[1], axis=-2)
    if values:
        set_weights(new, values)
    if isinstance(old, keras.layers.Layer):
        _copy_flags(old, new)


def _copy_flags(old, new):
    for before, after in zip(all_layers(old), all_layers(new)):  # outer layers first
        after.trainable = before.trainable


def _looks_at_image(layer):
    layer = getattr(layer, "layer", layer)  # inside spectral normalization
    return isinstance(layer, keras.layers.Conv2D) and layer.groups == 1


def _does_not_fit(encoder, input_shape, layer, reason):
    return UserError(
        f"a shape at which all layers of '{encoder.name}' keep their weights, as {encoder.inputs[0].shape[1:]} does",
        f"{input_shape}, at which '{layer.name}' {reason}",
        "resize the images (`data.load(…, size=…)`) so that this layer's input is as large as before, or pretrain an "
        "encoder whose pooling is 'average'",
    )
