"""Rebuilding a model from other layers: stock ones, or ones that compute in float32."""

import keras

from keras_ssl.errors import UserError
from keras_ssl.networks import all_layers, copy_layer, is_graph, set_weights

__all__ = ["in_float32", "stock"]

_HALF = ("float16", "bfloat16")


def stock(model: keras.Model) -> keras.Model:
    """Return the same model in stock Keras layers with the same weights.

    Its `.keras` file loads with Keras alone, without keras_ssl. Every layer with a method `to_stock()` is replaced by
    what that returns, in nested models, too.

    Args:
        model: Functional or built sequential `keras.Model`. It is not changed.

    Returns:
        A new `keras.Model` (functional, not compiled) with the same names, inputs, outputs and weights.

    Raises:
        UserError: If `model` is not a graph of layers, or a layer of keras_ssl has no stock equivalent.
    """
    if not is_graph(model):
        raise UserError(
            "a functional or built sequential keras.Model",
            f"a {type(model).__name__}",
            "give the encoder itself, for example `objective.encoder`",
        )
    rewritten = _rewrite(model, lambda layer: layer.to_stock() if hasattr(layer, "to_stock") else copy_layer(layer))
    ours = sorted({type(x).__name__ for x in all_layers(rewritten) if type(x).__module__.startswith("keras_ssl")})
    if ours:
        raise UserError(
            "layers that have an equivalent in Keras",
            f"{', '.join(ours)}, which have none",
            "save the model as it is and `import keras_ssl` before loading it",
        )
    return rewritten


def in_float32(model: keras.Model) -> keras.Model:
    """Return `model`, or a copy that computes in float32 if any of its layers computes in half precision.

    ONNX Runtime has no bfloat16 convolution for CPUs, and a deployed model's outputs should not depend on the
    precision of training. A mixed-precision model keeps its weights in float32, so nothing is lost.

    Args:
        model: Functional or built sequential `keras.Model`, or an objective. It is not changed.
    """
    if not any(layer.compute_dtype in _HALF for layer in all_layers(model)):
        return model
    policy = keras.config.dtype_policy()
    keras.config.set_dtype_policy("float32")  # layers inside custom layers take the global policy
    try:
        return _rewrite(model, _in_float32)
    finally:
        keras.config.set_dtype_policy(policy)


def _rewrite(model, layer_function):
    rewritten = _clone(model, layer_function) if is_graph(model) else layer_function(model)
    set_weights(rewritten, model.get_weights())
    return rewritten


def _clone(model, layer_function):
    # Clone a plain functional model: the clone of a compiled one would be compiled, that of a Backbone rebuilt.
    inputs, outputs = model.inputs[0], model.outputs[0]
    if not isinstance(model, keras.Sequential):
        inputs, outputs = model.input, model.output  # in their structure, which may be a dict
    graph = keras.Model(inputs, outputs, name=model.name)
    return keras.models.clone_model(
        graph, clone_function=lambda layer: _clone(layer, layer_function) if is_graph(layer) else layer_function(layer)
    )


def _in_float32(layer):
    if isinstance(layer, keras.layers.Lambda):
        copy = copy_layer(layer)
        copy.dtype_policy = "float32"
        return copy
    return type(layer).from_config(_config_in_float32(layer.get_config()))


def _config_in_float32(config):
    if isinstance(config, str) and config in _HALF:  # an operation of the graph, such as `ops.cast`
        return "float32"
    if isinstance(config, dict):
        if config.get("class_name") in ("DTypePolicy", "FloatDTypePolicy"):
            return "float32" if "float16" in config["config"]["name"] else config
        return {key: _config_in_float32(value) for key, value in config.items()}
    if isinstance(config, (list, tuple)):
        return type(config)(_config_in_float32(value) for value in config)
    return config
