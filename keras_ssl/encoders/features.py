"""The feature maps inside of an encoder of images."""

import math
from collections.abc import Iterator, Sequence
from typing import Any

import keras
from keras import layers

from keras_ssl.errors import UserError
from keras_ssl.networks import is_graph, nearest_paths, parts
from keras_ssl.specs import check_kind, inputs_like
from keras_ssl.typing import Shape, Tensor

__all__ = ["features"]

_NO_FEATURES = (layers.ZeroPadding2D, layers.Cropping2D, layers.Normalization)
_RATIO = 1.5  # of the sides of maps that count as different resolutions


def features(encoder: keras.Model, names: Sequence[str] | None = None, name: str | None = None) -> keras.Model:
    """Return a model from images to feature maps that an encoder computes on the way to its representation.

    The model shares the encoder's layers. What the encoder does after the last of the maps is not in it.

    Args:
        encoder: Functional or built sequential `keras.Model` of images, such as `encoders.conv_net`, `encoders.vit` or
            one of `keras.applications`. Its output may be anything.
        names: Names of layers, or paths such as "resnet50/conv3_block4_out" of layers in nested models. Frames of an
            encoder with the layers `tokens` and `trunk`, one for each patch, are laid out on their grid. Default: None,
            the last map of each resolution, from that of the first layer with weights on; each is at least 1.5 times as
            large as the next. Of an encoder with `tokens` and `trunk` it is the trunk's output.
        name: Name of the model. Default: that of the encoder.

    Returns:
        Functional `keras.Model` from inputs like the encoder's to a dict of maps `(n, height, width, channels)` by
        name, in the order of `names`; by default the finest first.

    Raises:
        UserError: If the encoder does not take images, there is no such layer, or its output is no map; with the
            default, if the encoder takes images of any size, or has no map.

    Example:
        `encoders.features(encoders.resnet18((64, 64, 3)))(images)["stage_4_block_2_relu"]`
    """
    check_kind(encoder, "image", "feature maps")
    grid = _patch_grid(encoder)
    names = [names] if isinstance(names, str) else names
    wanted = list(names) if names is not None else ["trunk"] if grid else _last_of_each_resolution(encoder)
    if not wanted:
        raise UserError("at least one name of a layer", "none", "leave `names` out for the default")
    known = [path for path, _, _ in _steps(encoder)]
    for path in wanted:
        if path not in known:
            raise UserError(
                f"the name of a layer of '{encoder.name}', or a path such as 'nested/layer'",
                repr(path),
                f"choose among: {nearest_paths(path, known)}",
            )
    inputs = inputs_like(encoder)
    _, found = _run(encoder, inputs, wanted)
    maps = {path: _as_map(encoder, path, found[path], grid, k) for k, path in enumerate(wanted, 1)}
    return keras.Model(inputs, maps, name=name or encoder.name)


def _run(model: keras.Model, inputs: Any, wanted: Sequence[str]) -> tuple[Any, dict[str, Tensor]]:
    """Run the layers of a model on symbolic inputs: its output, and by path the outputs of the layers wanted."""
    found: dict[str, Tensor] = {}
    extended: dict[int, keras.Model] = {}

    def called(layer, *args, **kwargs):
        inner = [path.removeprefix(f"{layer.name}/") for path in wanted if path.startswith(f"{layer.name}/")]
        if inner and is_graph(layer):
            if id(layer) not in extended:
                extended[id(layer)] = _with_maps(layer, inner)
            y, maps = extended[id(layer)](*args, **kwargs)
            found.update({f"{layer.name}/{path}": x for path, x in zip(inner, maps)})
        else:
            y = layer(*args, **kwargs)
        if layer.name in wanted:
            found[layer.name] = y
        return y

    rerun = keras.models.clone_model(_plain(model), inputs, clone_function=lambda layer: layer, call_function=called)
    return rerun.output, found


def _with_maps(model, wanted):
    """A nested model that returns its own output and, in a list, the maps that are wanted of it."""
    inputs = keras.tree.map_structure(
        lambda x: keras.Input(x.shape[1:], dtype=x.dtype, name=x.name), _plain(model).input
    )
    output, found = _run(model, inputs, wanted)
    return keras.Model(inputs, [output, [found[path] for path in wanted]], name=model.name)


def _plain(model):
    """The graph of a model as a functional one, which is not compiled and of no other class."""
    inputs = model.inputs[0] if len(model.inputs) == 1 else model.input
    output = model.outputs[0] if isinstance(model, keras.Sequential) else model.output
    return keras.Model(inputs, output, name=model.name)


# ---- which maps there are --------------------------------------------------------------------------------------------


def _steps(model: keras.Model, prefix: str = "") -> Iterator[tuple[str, Any, Shape]]:
    """Path, operation and shape of the output of each step of a model, in order, those of nested models in place."""
    for _, nodes in sorted(_plain(model)._nodes_by_depth.items(), reverse=True):
        for node in nodes:
            path = f"{prefix}{node.operation.name}"
            if is_graph(node.operation):
                yield from _steps(node.operation, f"{path}/")
            if len(node.output_tensors) == 1 and not isinstance(node.operation, layers.InputLayer):
                yield path, node.operation, tuple(node.output_tensors[0].shape)


def _last_of_each_resolution(encoder):
    """Paths of the last map of each resolution, finest first."""
    maps: list[tuple[str, Any]] = []
    begun = False
    for path, layer, shape in (step for step in _steps(encoder) if not is_graph(step[1])):
        begun = begun or (bool(getattr(layer, "weights", ())) and not isinstance(layer, _NO_FEATURES))
        if begun and len(shape) == 4 and not isinstance(layer, _NO_FEATURES):
            maps.append((path, shape[1:3]))
    if any(None in size for _, size in maps) and None not in encoder.inputs[0].shape[1:]:
        _, found = _run(encoder, inputs_like(encoder), [path for path, _ in maps])  # a nested model that takes any size
        maps = [(path, found[path].shape[1:3]) for path, _ in maps]
    if not maps:
        do = "give a convolutional encoder or a vision transformer, such as `encoders.conv_net` or `encoders.vit`"
        raise UserError("an encoder with feature maps (n, height, width, channels)", f"'{encoder.name}' without", do)
    if any(None in size for _, size in maps):
        raise UserError(
            "an encoder of images of a fixed size, for the default of `names`",
            f"'{encoder.name}', which takes {encoder.inputs[0].shape[1:]}",
            "give `transfer.adapt_input(encoder, (height, width, channels))`, or `names`",
        )
    kept: list[tuple[str, Any]] = []
    largest_later = 0  # a map of weights for channels is smaller than those that come after it
    for path, size in reversed(maps):
        largest_later = max(largest_later, math.prod(size))
        if math.prod(size) < largest_later:
            continue
        if not kept or max(a / b for a, b in zip(size, kept[-1][1])) >= _RATIO:
            kept.append((path, size))
    return [path for path, _ in reversed(kept)]


def _patch_grid(encoder):
    """Rows and columns of patches of an encoder with the layers `tokens` and `trunk`; None of another one."""
    if not {"tokens", "trunk", "pool"} <= {layer.name for layer in encoder.layers}:
        return None
    length = keras.tree.flatten(parts(encoder).tokens.output)[0].shape[1]
    height, width = encoder.inputs[0].shape[1:3]
    patch = math.isqrt(height * width // length) if length and height and width else 0
    if not patch or (height // patch) * (width // patch) != length:
        raise UserError(
            "an encoder with one token for each square patch of an image",
            f"'{encoder.name}', with {length} tokens for {height}x{width} pixels",
            "give one without tokens of other kinds, such as `encoders.vit`",
        )
    return height // patch, width // patch


def _as_map(encoder, path, x, grid, k):
    """A map, or frames laid out as one."""
    shape: Any = getattr(x, "shape", ())
    if len(shape) == 4:
        return x
    if grid and len(shape) == 3 and shape[1] in (None, math.prod(grid)):
        return layers.Reshape((*grid, shape[-1]), name=f"grid_{k}")(x)
    maps = [known for known, _, its in _steps(encoder) if len(its) == 4]
    raise UserError(
        f"a layer of '{encoder.name}' whose output is a map (n, height, width, channels)",
        f"'{path}', whose output has shape {tuple(shape)}",
        f"choose among: {', '.join(maps[:8])}" + (", …" if len(maps) > 8 else ""),
    )
