"""Fine-tuning a small part of an encoder's weights: low-rank products beside its kernels, or its biases."""

import keras

from keras_ssl.checks import check_between, check_counts
from keras_ssl.distribute import scope_of
from keras_ssl.errors import UserError
from keras_ssl.networks import all_layers, has_low_rank
from keras_ssl.transfer.finding import Layers, is_leaf, leaves, nested_encoder, resolve
from keras_ssl.transfer.freezing import Trainability, set_flags, train_only, trainability
from keras_ssl.transfer.recompiling import check_one_optimizer, compile_again

__all__ = ["bitfit", "lora"]


def lora(
    model: keras.Model, rank: int = 8, alpha: float | None = None, layers: Layers = "encoder", seed: int = 0
) -> Trainability:
    """Train low-rank products beside the kernels of layers, in place of everything else in the encoder (LoRA).

    A kernel W becomes `W + (α / r) A B`. W stays as it is, whatever `freeze` and `unfreeze` do. All other weights of
    the encoder are frozen; its batch normalization uses its moving statistics. B starts at 0, so the outputs do not
    change. What is outside the encoder, as a head, trains as before.

    `callbacks.Resume` goes on exactly. A `.keras` file has the same outputs, but Keras merges the products in it: train
    on from it, and new products begin on the merged kernels. `merge_lora` gives a copy without products, which is what
    `export.deploy` deploys.

    Args:
        model: Model with a nested encoder, such as `transfer.classifier` builds, compiled or not. A compiled one is
            compiled again, as `freeze` does.
        rank: r, the number of columns of A, at least 1. Default: 8, the paper's for GPT-2 is 4.
        alpha: α, above 0. Default: None, it is `rank`.
        layers: Where: layers, names or globs over paths; in a container, all that have a kernel. Default: "encoder".
        seed: Seed of A. Default: 0.

    Returns:
        The `Trainability` after the call.

    Raises:
        UserError: If nothing fits `layers`, none of them has a kernel, one has such a product already or a constraint
            on its kernel, or the model is compiled with two optimizers.

    Reference:
        Hu et al. 2022, "LoRA: Low-Rank Adaptation of Large Language Models", Eq. 3 and section 4.1.

    Departures:
        A is drawn from He's uniform distribution, Keras's default, in place of a Gaussian one. Dense, convolutional and
        embedding layers alike have a product; in the paper only those of attention.
    """
    check_counts(rank=rank)
    if alpha is not None:
        check_between("alpha", alpha, above=0)
    chosen = [leaf for leaf in _leaves(model, layers) if hasattr(leaf, "enable_lora")]
    if not chosen:
        raise UserError(
            "layers with a kernel for LoRA", f"{layers!r} without any", "name dense or convolutional layers"
        )
    if twice := [layer.name for layer in chosen if has_low_rank(layer)]:
        raise UserError("layers without LoRA", f"{', '.join(twice)} with it", "merge it first: `transfer.merge_lora`")
    if bound := [layer.name for layer in chosen if _constraint(layer) is not None]:
        raise UserError(
            "kernels without a constraint, which the sum with a product would not obey",
            f"{', '.join(bound)} with one",
            "name other layers",
        )
    _train_in_encoder(model, layers, chosen)
    with scope_of(model):
        for k, layer in enumerate(chosen):
            layer.enable_lora(rank, lora_alpha=alpha, a_initializer=keras.initializers.HeUniform(seed + k))
            train_only(layer, lambda variable: variable.name.startswith("lora_"))
    return _changed(model)


def bitfit(model: keras.Model, layers: Layers = "encoder") -> Trainability:
    """Train the biases of an encoder only, those of normalization layers among them (BitFit).

    Its batch normalization uses its moving statistics. What is outside the encoder, as a head, trains as before.

    `callbacks.Resume` goes on exactly. A `.keras` file does not keep which variables of a layer train: call this again
    after loading it, or the kernels beside the biases train, too.

    Args:
        model: Model with a nested encoder, compiled or not; see `lora`.
        layers: Where: layers, names or globs over paths. Default: "encoder".

    Returns:
        The `Trainability` after the call.

    Raises:
        UserError: If nothing fits `layers`, there is no bias in them, one has LoRA's product, or the model is compiled
            with two optimizers.

    Reference:
        Ben Zaken et al. 2022, "BitFit: Simple Parameter-efficient Fine-tuning for Transformer-based Masked
        Language-models", section 3.

    Departures:
        A batch normalization is frozen whole: its offset does not train.
    """
    everything = _leaves(model, layers)
    if merged := [leaf.name for leaf in everything if has_low_rank(leaf)]:
        raise UserError("layers without LoRA", f"{', '.join(merged)} with it", "merge it first: `transfer.merge_lora`")
    chosen = [leaf for leaf in everything if _has_bias(leaf)]
    if not chosen:
        raise UserError("layers with a bias", f"{layers!r} without any", "choose another way")
    _train_in_encoder(model, layers, chosen)
    for layer in chosen:
        train_only(layer, _is_bias)
    return _changed(model)


def _leaves(model, layers):
    """The layers chosen that hold no others, each once."""
    check_one_optimizer(model, "change what trains before `compile`")
    return list(dict.fromkeys(leaf for layer in resolve(model, layers) for leaf in leaves(layer)))


def _constraint(layer):
    return getattr(layer, "kernel_constraint", None) or getattr(layer, "embeddings_constraint", None)


def _is_bias(variable):
    return variable.name in ("bias", "beta")


def _has_bias(layer):
    normalizes = isinstance(layer, keras.layers.BatchNormalization)  # trains whole or not at all
    return not normalizes and any(_is_bias(variable) for variable in layer._trainable_variables)


def _train_in_encoder(model, layers, chosen):
    """Freeze all of the encoder but the layers chosen."""
    encoder = nested_encoder(model)
    frozen = resolve(model, layers) if encoder is None else [encoder]
    set_flags(model, {leaf: leaf in chosen for layer in frozen for leaf in leaves(layer)})
    for container in (inner for layer in frozen for inner in all_layers(layer) if not is_leaf(inner)):
        train_only(container, lambda variable: False)  # weights that it has beside those of its inner layers


def _changed(model):
    if getattr(model, "compiled", False):
        compile_again(model)
    return trainability(model)
