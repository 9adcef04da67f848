"""The base class of all objectives: it runs the training step, and a subclass overrides three methods."""

import functools
import inspect
from typing import Any, Self

import keras
import numpy as np
from keras import ops

from keras_ssl import checks, onednn, specs
from keras_ssl.backends import on_tensorflow
from keras_ssl.distribute import replica_index
from keras_ssl.errors import UserError
from keras_ssl.objectives.base import batches, jax_step, optimizers, tensorflow_step
from keras_ssl.objectives.base.doors import Doors
from keras_ssl.objectives.base.updates import Update
from keras_ssl.seeds import SeedStream
from keras_ssl.specs import Specs
from keras_ssl.typing import Batch, Samples, Schedule, Tensor

__all__ = ["Objective"]

_SEEDS = "seeds"


class Objective(Doors):
    """A pretraining objective around an encoder.

    A subclass sets the attributes `batch_keys`, `optional_keys`, `missing_keys`, `terms` and `compares_samples` where
    the defaults do not fit, builds its networks in `__init__`, and overrides `forward_pass`, `loss_terms` and, if it
    keeps state, `after_step`. It stores every constructor argument in an attribute of the same name, from which
    `get_config` reads the configuration.

    Args:
        encoder: Built `keras.Model` from `(n, …)` to `(n, d)`.
        seed: Of the objective's random draws in training. Default: 0.
        **kwargs: `name` and `dtype` of the Keras model.

    Raises:
        UserError: If the encoder is not built, or does not return one vector for each sample.
    """

    batch_keys: tuple[str, ...] = ("input",)
    """Names of the tensors that a batch must hold."""
    optional_keys: tuple[str, ...] = ()
    """Names of tensors that a batch may hold; if it does, the objective uses them instead of drawing its own."""
    missing_keys: tuple[str, ...] = ()
    """Names of tensors in which NaN stands for a missing value; in all others it is an error."""
    terms: tuple[str, ...] = ("loss",)
    """Names of the scalars that `loss_terms` returns, all of which are logged."""
    batches_call: str = "data.batches(source)"
    """A call that makes such batches, for error messages."""
    compares_samples: bool = False
    """Whether the loss compares the samples of a batch, so that a batch of one is a mistake."""
    optimizer: Any = None
    """The optimizer that minimizes "loss"; set by `compile`."""

    def __init__(self, encoder: keras.Model, seed: int = 0, **kwargs: Any):
        super().__init__(autocast=False, **kwargs)  # the encoder gets its input in full precision
        specs.check_encoder(encoder)
        checks.check_between("seed", seed, least=0, whole=True)
        self.encoder = encoder
        self.seed = seed
        self.seeds = keras.random.SeedGenerator(seed)
        self.step = self.add_weight(
            shape=(), dtype="int32", initializer="zeros", trainable=False, aggregation="only_first_replica", name="step"
        )
        self.trackers: dict[str, keras.metrics.Mean] = {}  # filled by `compile`: a subclass may set `terms` until then
        self.built = True  # otherwise Keras would call the model on a batch to build it

    # ---- what a subclass overrides ---------------------------------------------------------------------------------

    def forward_pass(self, batch: Batch, training: bool) -> dict[str, Tensor]:
        """Run the networks on the local batch.

        Args:
            batch: Dict of tensors with `batch_keys` and perhaps some of `optional_keys`.
            training: Whether this is a training step.

        Returns:
            Dict of tensors; floats are cast to float32 before `loss_terms` and `after_step` get them.
        """
        raise NotImplementedError(f"{type(self).__name__} must define forward_pass(batch, training).")

    def loss_terms(self, outputs: dict[str, Tensor]) -> dict[str, Tensor]:
        """Return the scalars named in `terms`, among them "loss", from the outputs of `forward_pass`."""
        raise NotImplementedError(f"{type(self).__name__} must define loss_terms(outputs).")

    def after_step(self, outputs: dict[str, Tensor]) -> None:
        """Update target networks, queues and centers after a training step, and bound weights. Default: nothing."""

    # ---- what these methods use ------------------------------------------------------------------------------------

    @property
    def embedder(self) -> keras.Model:
        """The network whose output is the representation. Default: the encoder."""
        return self.encoder

    @property
    def batch_specs(self) -> dict[str, Specs]:
        """What must be under each of `batch_keys`: a `Spec`, or a dict of them. Default: what the encoder takes.

        A subclass may add some of `optional_keys`, which are then checked like the others where a batch has them.
        """
        return dict.fromkeys(self.batch_keys, specs.specs_of(self.encoder))

    def at(self, value: Schedule) -> Tensor:
        """Evaluate a `LearningRateSchedule` at the current step; return anything else unchanged."""
        return value(self.step) if isinstance(value, keras.optimizers.schedules.LearningRateSchedule) else value

    def check_array(self, key: str, array: Samples) -> None:
        """Raise `UserError` if an array for `fit` or `evaluate` cannot be used. Default: it must fit `batch_specs`.

        Arrays under `optional_keys` are checked only if `batch_specs` describes them. NaN passes under `missing_keys`.

        Args:
            key: One of `batch_keys` or `optional_keys`.
            array: The array under this key, or a dict of arrays.
        """
        if key in self.batch_specs:
            known = np.where(np.isnan(array), 0, array) if key in self.missing_keys else array
            with batches.errors_about(self, key):
                specs.check_values(self.batch_specs[key], known, f"'{key}'")

    def as_input(self, samples: Samples, any_range: bool = False) -> Samples:
        """Check samples and return them as tensors for the encoder.

        Args:
            samples: Array `(n, …)`, or a dict of arrays.
            any_range: Whether floats may have any finite value. Default: False.

        Raises:
            UserError: If they are not what the encoder takes.
        """
        wanted = specs.specs_of(self.encoder)
        arrays = checks.as_arrays(samples, specs.plural(wanted))
        specs.check_values(specs.without_range(wanted) if any_range else wanted, arrays, specs.plural(wanted))
        return keras.tree.map_structure(lambda x, spec: ops.convert_to_tensor(x, dtype=spec.dtype), arrays, wanted)

    def signatures(self) -> dict[str, tuple[Any, Specs]]:
        """Return what `export.deploy` serves: by name, a `keras.Model` or a function, and the specs of its inputs.

        Default: "embed", from what the encoder takes to `embedding`. A subclass that can do more adds to it. A function
        takes a tensor, or a dict of them if the specs are one, and returns a dict of tensors by name.
        """
        inputs = specs.inputs_like(self.embedder)
        embed = keras.Model(inputs, {"embedding": self.embedder(inputs)}, name="embed")
        return {"embed": (embed, specs.specs_of(embed))}

    def draws(self, training: bool) -> SeedStream:
        """Return a `seed` for `keras.random`: in training a new one for each step and replica, otherwise a fixed one.

        Args:
            training: Whether this is a training step.
        """
        if not training:
            return SeedStream((self.seed, 0))
        seed = keras.random.randint((2,), 0, 2**31 - 1, seed=self.seeds)
        return SeedStream(seed + ops.convert_to_tensor([replica_index(), 0], seed.dtype))

    @property
    def updates(self) -> list[Update]:
        """The gradient steps of a training step, in order. Default: one, on "loss", of all trainable weights.

        Each has its own forward pass. More than one needs TensorFlow.
        """
        return [Update("loss", self.optimizer, self.trainable_variables)]

    # ---- Keras -----------------------------------------------------------------------------------------------------

    def call(self, inputs: Samples, training: bool = False) -> Tensor:
        """Return the representation `(n, d)` of `inputs` `(n, …)`, or of `inputs["input"]`."""
        wrapped = isinstance(inputs, dict) and "input" in inputs
        return self.embedder(inputs["input"] if wrapped else inputs, training=training)

    @property
    def metrics(self) -> list[keras.metrics.Metric]:
        """The mean of each of `terms`."""
        return list(self.trackers.values())

    def compile(self, optimizer: Any, *, jit_compile: bool | str = "auto", **kwargs: Any) -> None:
        """Compile with an optimizer; the loss is the objective's own.

        Args:
            optimizer: Keras optimizer or its name.
            jit_compile: Whether to use XLA. Default: "auto", Keras's choice, except on TensorFlow without an
                accelerator, where XLA makes convolutions about half as fast, and on several replicas and with
                optimizers of tables, where it fails: there XLA is off.
            **kwargs: `run_eagerly`, `steps_per_execution`, `auto_scale_loss` of `keras.Model.compile`.

        Raises:
            UserError: If a loss or metrics are given, a number of the optimizer is NaN, or XLA cannot compile it.
        """
        foreign = {"loss", "metrics", "loss_weights", "weighted_metrics"} & {
            k for k, v in kwargs.items() if v is not None
        }
        if foreign:
            raise UserError(
                f"{type(self).__name__}.compile(optimizer, …): the loss and metrics are the objective's own",
                ", ".join(sorted(foreign)),
                "leave them out",
            )
        self._compile_arguments = {"optimizer": optimizer, "jit_compile": jit_compile, **kwargs}
        if on_tensorflow():
            pays = optimizers.under_xla(optimizer, jit_compile) and tensorflow_step.xla_pays()
            jit_compile = False if jit_compile == "auto" and not pays else jit_compile
        super().compile(optimizer=optimizer, jit_compile=jit_compile, **kwargs)
        optimizers.check_numbers(self.optimizer)
        if tuple(self.trackers) != tuple(self.terms):
            self.trackers = {term: keras.metrics.Mean(name=term) for term in self.terms}

    def get_compile_config(self) -> dict[str, Any] | None:
        """Return the arguments of `compile`, serialized; None if it is not compiled."""
        if not self.compiled:
            return None
        arguments = {**self._compile_arguments, "optimizer": self.optimizer}
        return keras.saving.serialize_keras_object(arguments)

    def compile_from_config(self, config: dict[str, Any]) -> None:
        """Compile with the arguments from `get_compile_config`, and build the optimizers so that their state can load.

        Args:
            config: The result of `get_compile_config`.
        """
        self.compile(**keras.saving.deserialize_keras_object(config))
        for update in self.updates:
            update.optimizer.build(update.variables)

    def make_train_function(self, force: bool = False) -> None:
        """Build the optimizers and make Keras's training function.

        Args:
            force: See `keras.Model.make_train_function`.
        """
        if on_tensorflow():
            onednn.warn_if_off()
            tensorflow_step.build_optimizers(self)
        if self.train_function is None or force:
            super().make_train_function(force)
            self.train_function: Any = functools.partial(self._take_steps, self.train_function)

    def _take_steps(self, function, *args):
        """Call Keras's training function, and raise if an update was not finite."""
        result = function(*args)
        step = jax_step if keras.backend.backend() == "jax" else tensorflow_step
        step.raise_if_stopped(self, result)
        return result

    def _get_jax_state(self, **wanted):
        """Keep what Keras takes out of the variables: if the first step failed, the weights would be lost."""
        state = super()._get_jax_state(**wanted)
        self._jax_state = jax_step.by_name(state, wanted)
        return state

    def _maybe_symbolic_build(self, *args, **kwargs):
        """Skip Keras's symbolic build: the networks are already built. See `distribute.workarounds`."""

    def train_step(self, *args: Any) -> Any:
        """Take one training step.

        Args:
            *args: On TensorFlow a batch; on JAX the state and a batch.

        Returns:
            On TensorFlow the logs; on JAX the logs and the new state.
        """
        step = jax_step if keras.backend.backend() == "jax" else tensorflow_step
        return step.train_step(self, *args)

    def test_step(self, *args: Any) -> Any:
        """Evaluate one batch, which changes only the trackers. For arguments and result see `train_step`."""
        step = jax_step if keras.backend.backend() == "jax" else tensorflow_step
        return step.test_step(self, *args)

    def run(self, data: Any, training: bool) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
        """Check the batch, run `forward_pass` and `loss_terms`, and return the results of both.

        Args:
            data: A batch as Keras passes it.
            training: Whether this is a training step.

        Returns:
            Pair of the outputs, in float32, and the terms. The regularization losses of the networks are added to every
            term that an update minimizes. Of activity regularization losses, Keras keeps only those of a network's last
            call, which is on the last view.
        """
        batch = batches.as_batch(self, data)
        outputs = self.forward_pass(batch, training)
        outputs = keras.tree.map_structure(_to_float32, outputs)
        terms = dict(self.loss_terms(outputs))
        if set(terms) != set(self.terms):
            raise ValueError(f"{type(self).__name__}.loss_terms must return {self.terms}; it returned {tuple(terms)}.")
        for term in {update.term for update in self.updates}:
            terms[term] = sum(self.losses, start=terms[term])
        return outputs, terms

    def track(self, terms: dict[str, Tensor], samples: Tensor) -> dict[str, Tensor]:
        """Update the trackers and return their results: means over batches, each by its number of samples.

        Args:
            terms: The terms of a batch.
            samples: Number of samples in the global batch.
        """
        for name, tracker in self.trackers.items():
            tracker.update_state(ops.stop_gradient(terms[name]), sample_weight=ops.cast(samples, "float32"))
        return {name: tracker.result() for name, tracker in self.trackers.items()}

    def save_own_variables(self, store: Any) -> None:
        """Store the variables and the state of the random draws, which Keras does not save."""
        super().save_own_variables(store)
        store[_SEEDS] = ops.convert_to_numpy(self.seeds.state)

    def load_own_variables(self, store: Any) -> None:
        """Load what `save_own_variables` stored."""
        stored = {key: store[key] for key in store.keys()}  # noqa: SIM118 (Keras's store is not a dict)
        if _SEEDS in stored:  # older files have none
            self.seeds.state.assign(stored.pop(_SEEDS))
        super().load_own_variables(stored)

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments, read from the attributes of the same names."""
        parameters = inspect.signature(type(self).__init__).parameters.values()
        names = [p.name for p in parameters if p.kind is p.POSITIONAL_OR_KEYWORD and p.name != "self"]
        config = {name: keras.saving.serialize_keras_object(getattr(self, name)) for name in names}
        return {"name": self.name, "dtype": keras.saving.serialize_keras_object(self.dtype_policy), **config}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Self:
        """Make an objective from the result of `get_config`."""
        return cls(**{key: keras.saving.deserialize_keras_object(value) for key, value in config.items()})


def _to_float32(x):
    is_float = "float" in keras.backend.standardize_dtype(x.dtype)
    return ops.cast(x, "float32") if is_float else x
