"""The model of several tasks: its losses, their weights, and what it logs."""

from collections.abc import Mapping
from typing import Any, Self

import keras
from keras import ops

from keras_ssl import losses
from keras_ssl.backends import require_tensorflow
from keras_ssl.distribute import mean, replicas, total
from keras_ssl.errors import UserError
from keras_ssl.losses.task_weights import uncertainty_weights
from keras_ssl.transfer.checking import with_checked_fit
from keras_ssl.transfer.multi_task import gradnorm, targets
from keras_ssl.typing import Tensor

__all__ = ["WEIGHTINGS", "MultiTask"]

WEIGHTINGS = ("fixed", "uncertainty", "gradnorm")
"""How much each task counts: by given numbers, learned variances, or gradients of balanced lengths."""


@keras.saving.register_keras_serializable("keras_ssl")
class MultiTask(keras.Model):
    """A functional model of several tasks, which `transfer.multi_task` builds. Samples may lack labels of some tasks.

    The loss of a batch is `sum_i w_i L_i`, where L_i is the mean of the loss of task i over its known labels in the
    global batch, and w_i its weight; a task without any label in the batch adds nothing. With `weighting="uncertainty"`
    the logarithms of the deviations are added. The logs hold each `task_loss`, over an epoch the mean over all known
    labels, and each `task_weight`.

    Args:
        inputs: Symbolic inputs.
        outputs: Dict of symbolic outputs by task.
        encoder: Name of the layer that is the shared encoder.
        task_weights: The factor of each task's loss, in the order of the tasks; with another weighting 1 for each.
        weighting: See `transfer.multi_task`. Default: "fixed".
        alpha: See `transfer.multi_task`. Default: 1.5.
        rate: See `transfer.multi_task`. Default: 0.025.
        name: Name of the model. Default: "multi_task".

    Attributes:
        tasks: Names of the tasks.
        log_variances: Variable `(tasks,)` of "uncertainty", which trains: `log σ²`. It starts at 0.
        balance: Variable `(tasks,)` of "gradnorm": the weights. They start at 1.
        first_losses: Variable `(tasks,)` of "gradnorm": the losses of each task's first batch; 0 before that.
    """

    def __init__(
        self,
        inputs: Any,
        outputs: Mapping[str, Any],
        encoder: str,
        task_weights: Mapping[str, float],
        weighting: str = "fixed",
        alpha: float = 1.5,
        rate: float = 0.025,
        name: str = "multi_task",
    ):
        super().__init__(inputs, dict(outputs), name=name)
        self.tasks = tuple(task_weights)
        self.task_weights = dict(task_weights)
        self.weighting, self.alpha, self.rate, self.encoder_name = weighting, alpha, rate, encoder
        state = {"shape": (len(self.tasks),), "dtype": "float32", "autocast": False}
        if weighting == "uncertainty":
            self.log_variances = self.add_weight(name="log_variances", initializer="zeros", **state)
        if weighting == "gradnorm":
            self.balance = self.add_weight(name="balance", initializer="ones", trainable=False, **state)
            self.first_losses = self.add_weight(name="first_losses", initializer="zeros", trainable=False, **state)
        self.loss_trackers = [keras.metrics.Mean(name=f"{task}_loss") for task in self.tasks]
        self.weight_trackers = [keras.metrics.Mean(name=f"{task}_weight") for task in self.tasks]
        with_checked_fit(self, targets.check_targets)

    @property
    def encoder(self) -> keras.Model:
        """The shared encoder."""
        return self.get_layer(self.encoder_name)

    # ---- compiling and saving --------------------------------------------------------------------------------------

    def compile(
        self,
        optimizer: Any = "adam",
        loss: Any = None,
        loss_weights: None = None,
        metrics: Any = None,
        weighted_metrics: Any = None,
        **kwargs: Any,
    ) -> None:
        """Compile with a loss for each task; see `keras.Model.compile`.

        Args:
            optimizer: Keras optimizer or its name. Default: "adam".
            loss: Dict from each task to what `losses.WhereKnown` takes, or to such a loss.
            loss_weights: Must be None: `transfer.multi_task` takes `task_weights`.
            metrics: Dict from tasks to a metric, or a list of them, which count known labels only. Default: none.
            weighted_metrics: The same as `metrics`.
            **kwargs: `run_eagerly`, `jit_compile`, … of `keras.Model.compile`.

        Raises:
            UserError: If a task has no loss, a loss or metric is of no task, there are loss weights, or GradNorm has no
                weights to work on or does not run on TensorFlow.
        """
        if loss_weights is not None:
            raise UserError(
                "no `loss_weights`", repr(loss_weights), "give `task_weights` to `transfer.multi_task` instead"
            )
        by_task = targets.by_task(self.tasks, loss, "losses")
        if self.weighting == "gradnorm":
            require_tensorflow("which has a gradient of each task for GradNorm", "choose weighting='uncertainty'")
            gradnorm.last_kernel(self.encoder)
        super().compile(
            optimizer=optimizer,
            loss={task: targets.where_known(one) for task, one in by_task.items()},
            weighted_metrics=targets.joined_metrics(self.tasks, metrics, weighted_metrics),
            **kwargs,
        )
        self._compile_loss = None  # Keras's sum of the losses, which has no weights that change

    def compile_from_config(self, config: dict[str, Any]) -> None:
        """Compile as the model in a file was, and build the optimizer so that its state can load.

        Args:
            config: The result of `get_compile_config`.
        """
        self.compile(**keras.saving.deserialize_keras_object(config))
        self.optimizer.build(self.trainable_variables)

    def get_config(self) -> dict[str, Any]:
        """Return the network and the other arguments of the constructor."""
        network = keras.Model(self.input, self.output, name=self.name)
        return {
            "network": keras.saving.serialize_keras_object(network),
            "encoder": self.encoder_name,
            "task_weights": dict(self.task_weights),
            **{name: getattr(self, name) for name in ("weighting", "alpha", "rate", "name")},
        }

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: Mapping[str, Any] | None = None) -> Self:
        """Make a model from the result of `get_config`.

        Args:
            config: The result of `get_config`.
            custom_objects: See `keras.Model.from_config`.
        """
        arguments = dict(config)
        network = keras.saving.deserialize_keras_object(arguments.pop("network"), custom_objects=custom_objects)
        return cls(network.input, network.output, **arguments)

    # ---- training --------------------------------------------------------------------------------------------------

    def train_step(self, *args: Any) -> Any:
        """Take one training step: Keras's own, or that of GradNorm. See `keras.Model.train_step`.

        Args:
            *args: On TensorFlow a batch; on JAX the state and a batch.
        """
        return gradnorm.train_step(self, *args) if self.weighting == "gradnorm" else super().train_step(*args)

    def compute_loss(
        self, x: Any = None, y: Any = None, y_pred: Any = None, sample_weight: Any = None, training: bool = True
    ) -> Tensor:
        """Return the loss of a batch, divided by the number of replicas, and log it by task.

        Args:
            x: Samples, which are not used.
            y: Labels by task.
            y_pred: Outputs by task.
            sample_weight: Weights of samples `(n,)`, or a dict of them by task, or None.
            training: Whether this is a training step. Makes no difference.

        Raises:
            UserError: If `y` is not a dict with labels of each task.
        """
        return self.weighted_loss(*self.task_losses(y, y_pred, sample_weight))

    def task_losses(self, y: Any, y_pred: Any, sample_weight: Any = None) -> tuple[Tensor, Tensor]:
        """Return each task's mean loss over known labels of the global batch, and the sum of these labels' weights.

        Args:
            y: See `compute_loss`.
            y_pred: See `compute_loss`.
            sample_weight: See `compute_loss`.

        Returns:
            Two float32 tensors `(tasks,)`.
        """
        labels = targets.by_task(self.tasks, y, "labels")
        given = targets.sample_weights(self.tasks, sample_weight)
        found = []
        for task in self.tasks:
            values, weights = self.loss[task].weighted(labels[task], y_pred[task], given[task])
            found.append((mean(values, weights), total(ops.sum(weights))))
        return ops.stack([value for value, _ in found]), ops.stack([count for _, count in found])

    def weighted_loss(self, values: Tensor, counts: Tensor) -> Tensor:
        """Return what the optimizer minimizes, divided by the number of replicas, and update the logs.

        Args:
            values: Losses of the tasks `(tasks,)`.
            counts: Weights of their known labels `(tasks,)`.
        """
        factors, known = self.current_weights(), counts > 0
        for k, (loss, weight) in enumerate(zip(self.loss_trackers, self.weight_trackers)):
            loss.update_state(ops.stop_gradient(values[k]), sample_weight=counts[k])
            weight.update_state(ops.stop_gradient(factors[k]))
        if self.weighting == "uncertainty":
            loss = losses.uncertainty_weighted(values, self.log_variances, self._discrete(), known)
        else:
            loss = ops.sum(factors * values)
        return loss / replicas() + sum(self._aggregate_additional_loss(one) for one in self.losses)

    def current_weights(self) -> Tensor:
        """Return the factor of each task's loss, float32 `(tasks,)`. With "uncertainty" the model must be compiled."""
        if self.weighting == "uncertainty":
            return uncertainty_weights(self.log_variances, self._discrete())
        if self.weighting == "gradnorm":
            return ops.convert_to_tensor(self.balance)
        return ops.convert_to_tensor([self.task_weights[task] for task in self.tasks], "float32")

    def _discrete(self):
        return ops.convert_to_tensor([targets.is_discrete(self.loss[task]) for task in self.tasks])

    def compute_metrics(self, x: Any, y: Any, y_pred: Any, sample_weight: Any = None) -> dict[str, Tensor]:
        """Update the metrics with known labels, and return all logs. See `compute_loss` for the arguments."""
        labels = targets.by_task(self.tasks, y, "labels")
        given = targets.sample_weights(self.tasks, sample_weight)
        pairs = {task: targets.for_metrics(labels[task], self.loss[task], given[task]) for task in self.tasks}
        known, weights = ({task: pair[k] for task, pair in pairs.items()} for k in (0, 1))
        return super().compute_metrics(x, known, y_pred, weights)
