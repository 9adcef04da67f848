"""Building a model of several tasks from an encoder and heads."""

import re
from collections.abc import Callable, Mapping
from typing import Any

import keras

from keras_ssl.checks import check_between
from keras_ssl.errors import UserError
from keras_ssl.networks import check_finite_weights, is_graph
from keras_ssl.specs import check_encoder, inputs_like
from keras_ssl.transfer.multi_task.model import WEIGHTINGS, MultiTask
from keras_ssl.typing import Tensor

__all__ = ["multi_task"]


def multi_task(
    encoder: keras.Model,
    heads: Mapping[str, keras.Model | Callable[[Tensor], Tensor]],
    weighting: str = "fixed",
    task_weights: Mapping[str, float] | None = None,
    alpha: float = 1.5,
    rate: float = 0.025,
    name: str = "multi_task",
) -> MultiTask:
    """Build a network that solves several tasks: an encoder, nested under its own name, and a head for each task.

    It is an ordinary Keras model from inputs like the encoder's to a dict of outputs by task. Compile it with a loss
    for each task, and fit it on a dict of labels. A sample may lack labels: unknown class numbers are -1, unknown
    numbers NaN. Each task's loss is the mean over the labels that there are, `losses.WhereKnown` of the given one, also
    on several replicas. Metrics count known labels only, too. `fit` checks samples and labels, and logs the loss and
    the weight of each task, such as `digit_loss` and `digit_weight`.

    Args:
        encoder: Built `keras.Model` from `(n, …)` to `(n, d)`. It is shared, not copied.
        heads: By task, at least two: a model of this very encoder with a head, as `transfer.classifier` and
            `transfer.regressor` build them, which shares its head; or a function, such as a `keras.layers.Layer`, of
            the representation `(n, d)`. Names of tasks are letters, digits and underscores.
        weighting: How much each task counts. "fixed": as `task_weights` say. "uncertainty": by a learned variance of
            the noise of each task (`losses.uncertainty_weighted`), which the optimizer trains. "gradnorm": so that the
            gradients of all tasks at the encoder's last kernel get lengths that let them learn at one speed
            (`losses.gradnorm_weights`); needs TensorFlow. Default: "fixed".
        task_weights: With "fixed", the factor of each task's loss, at least 0. Default: 1 for each.
        alpha: Of "gradnorm": how strongly tasks are held to learn at one speed, at least 0. Default: 1.5, that of the
            paper's networks.
        rate: Of "gradnorm": the step of the weights, above 0. Default: 0.025, the paper's learning rate of weights.
        name: Name of the model. Default: "multi_task".

    Returns:
        `MultiTask`, a functional model, not compiled.

    Raises:
        UserError: If there are fewer than two tasks, a name cannot be used, a head does not fit the encoder, or an
            argument is out of range; from `compile` and `fit`, if a task has no loss or no labels, labels are of
            unknown tasks, of the wrong kind or out of range, or a task has not one label.

    Reference:
        Kendall, Gal and Cipolla 2018, "Multi-Task Learning Using Uncertainty to Weigh Losses for Scene Geometry and
        Semantics"; Chen et al. 2018, "GradNorm". `losses` has the equations and the departures from them.

    Example:
        `model = transfer.multi_task(encoder, {"digit": transfer.classifier(encoder, 10), "mass":
        transfer.regressor(encoder, masses)})`, `model.compile("adam", {"digit": "sparse_categorical_crossentropy",
        "mass": losses.Scaled("mse", np.nanstd(masses))})`, `model.fit(images, {"digit": digits, "mass": masses})`
    """
    check_encoder(encoder)
    check_finite_weights(encoder)
    _check_names(encoder, heads)
    if weighting not in WEIGHTINGS:
        raise UserError(f"weighting among {', '.join(WEIGHTINGS)}", repr(weighting), "choose one of them")
    check_between("alpha", alpha, least=0)
    check_between("rate", rate, above=0)
    factors = _factors(heads, weighting, task_weights)
    networks = {task: _network(encoder, task, head) for task, head in heads.items()}
    inputs = inputs_like(encoder)
    h = encoder(inputs)
    outputs = {task: network(h) for task, network in networks.items()}
    return MultiTask(inputs, outputs, encoder.name, factors, weighting, alpha, rate, name=name)


def _check_names(encoder, heads):
    if not isinstance(heads, Mapping) or len(heads) < 2:
        received = ", ".join(map(str, heads)) if isinstance(heads, Mapping) else f"a {type(heads).__name__}"
        raise UserError(
            "a dict of at least two tasks by name",
            received or "an empty dict",
            "give `{'digit': transfer.classifier(encoder, 10), …}`; for one task use its head alone",
        )
    taken = {encoder.name, *(x.name for x in encoder.inputs)}
    for task in heads:
        if not isinstance(task, str) or not re.fullmatch(r"[A-Za-z]\w*", task, re.ASCII):
            raise UserError("names of tasks of letters, digits and underscores", repr(task), "rename this one")
        if task in taken:
            raise UserError(
                f"names of tasks other than those of the encoder and its inputs, {', '.join(sorted(taken))}",
                repr(task),
                "rename this one",
            )


def _factors(heads, weighting, task_weights):
    """The factor of each task's loss, in the order of the heads."""
    given = dict(task_weights or {})
    if given and weighting != "fixed":
        raise UserError(
            f"no `task_weights` with weighting='{weighting}', which finds them", f"{given}", "leave them out"
        )
    if unknown := [task for task in given if task not in heads]:
        raise UserError(f"weights of the tasks {', '.join(heads)}", ", ".join(map(str, unknown)), "use their names")
    for task, weight in given.items():
        check_between(f"task_weights['{task}']", weight, least=0)
    return {task: float(given.get(task, 1.0)) for task in heads}


def _network(encoder, task, head):
    """The layers of a head, a model from the representation to the output of a task, under its name."""
    if is_graph(head) and encoder in head.layers:
        return _with_one_output(keras.Model(_representation(encoder, head), head.output, name=task), task)
    if not callable(head) or (is_graph(head) and _shapes(head.inputs) != [encoder.output_shape]):
        raise UserError(
            f"a head of '{encoder.name}' for '{task}'",
            f"'{head.name}', which takes something else" if is_graph(head) else f"a {type(head).__name__}",
            "build it with this very encoder, as `transfer.classifier(encoder, classes)`, or give a function of its "
            f"representation {encoder.output_shape}",
        )
    h = keras.Input(encoder.output_shape[1:], dtype=encoder.outputs[0].dtype, name="representation")
    return _with_one_output(keras.Model(h, head(h), name=task), task)


def _with_one_output(network, task):
    if len(network.outputs) != 1 or isinstance(network.output, (dict, list, tuple)):
        raise UserError(f"a head with one output for '{task}'", f"{len(network.outputs)}", "make a task of each")
    return network


def _representation(encoder: Any, head: Any) -> Any:
    """The symbolic output of the encoder within a model with a head."""
    return next(
        node.output_tensors[0] for nodes in head._nodes_by_depth.values() for node in nodes if node.operation is encoder
    )


def _shapes(tensors):
    return [tuple(x.shape) for x in tensors]
