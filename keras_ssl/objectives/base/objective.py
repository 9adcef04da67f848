"""The base of all objectives: it owns the training step; a subclass writes three verbs."""

import functools
import inspect

import keras
from keras import ops

from keras_ssl import checks
from keras_ssl.distribute import replica_index
from keras_ssl.errors import UserError
from keras_ssl.objectives.base import batches, jax_step, tensorflow_step
from keras_ssl.objectives.base.updates import Update
from keras_ssl.seeds import SeedStream

__all__ = ["Objective"]

_SEEDS = "seeds"


class Objective(keras.Model):
    """A pretraining objective around an encoder.

    A subclass declares facts (`batch_keys`, `optional_keys`, `terms`, `compares_samples`), builds its networks in
    `__init__` and writes `forward_pass`, `loss_terms` and, where it keeps state, `after_step`. Every constructor
    argument is an attribute of the same name and a key of the configuration.

    Args:
        encoder: Built `keras.Model` from `(n, …)` to `(n, d)`.
        seed: Of the draws that the objective makes in training. Default 0.
        **kwargs: `name` and `dtype` of the Keras model.

    Raises:
        UserError: If the encoder is not built, or does not return one vector for each sample.
    """

    batch_keys: tuple[str, ...] = ("input",)
    """Names of the tensors that a batch must hold."""
    optional_keys: tuple[str, ...] = ()
    """Names of tensors that a batch may hold in place of what the objective would draw."""
    terms: tuple[str, ...] = ("loss",)
    """Names of the scalars that `loss_terms` returns, all of which are logged."""
    batches_call = "data.batches(source)"
    """A call that makes such batches, for error messages."""
    compares_samples = False
    """Whether the loss compares the samples of a batch, so that a batch of one is a mistake."""
    optimizer = None
    """Of the weights that minimize "loss"; set by `compile`."""

    def __init__(self, encoder, seed=0, **kwargs):
        super().__init__(**kwargs)
        batches.check_encoder(encoder)
        self.encoder = encoder
        self.seed = seed
        self.seeds = keras.random.SeedGenerator(seed)
        self.step = self.add_weight(
            shape=(), dtype="int32", initializer="zeros", trainable=False, aggregation="only_first_replica", name="step"
        )
        self.trackers = {}  # made by `compile`, when `terms` is known
        self.built = True  # otherwise Keras would call the model on a batch to build it

    # ---- the three verbs -------------------------------------------------------------------------------------------

    def forward_pass(self, batch, training):
        """Run the networks on the local batch.

        Args:
            batch: Dict of tensors with `batch_keys` and perhaps `optional_keys`.
            training: Whether this is a training step.

        Returns:
            Dict of tensors; the base casts the floats among them to float32.
        """
        raise NotImplementedError(f"{type(self).__name__} must define forward_pass(batch, training).")

    def loss_terms(self, outputs):
        """Return the scalars named in `terms`, among them "loss", from the outputs of `forward_pass`."""
        raise NotImplementedError(f"{type(self).__name__} must define loss_terms(outputs).")

    def after_step(self, outputs):
        """Update targets, queues and centers after a training step. There are none here."""

    # ---- what the verbs use ----------------------------------------------------------------------------------------

    @property
    def embedder(self):
        """The network whose output is the representation: here, the encoder."""
        return self.encoder

    @property
    def batch_shapes(self):
        """Shape that each of `batch_keys` must have, batch first: here, the encoder's input for all of them."""
        return dict.fromkeys(self.batch_keys, self.encoder.input_shape)

    def at(self, value):
        """Return a number as it is, and a `LearningRateSchedule` at the current step."""
        return value(self.step) if isinstance(value, keras.optimizers.schedules.LearningRateSchedule) else value

    def check_array(self, key, array):
        """Raise `UserError` unless the array that `fit` was given as `key` can be trained on: here, values in 0..1.

        What stands under one of `optional_keys` is not checked here.
        """
        if key in self.batch_keys:
            check = checks.check_images if array.ndim == 4 else checks.check_values
            check(array, name=f"'{key}'")

    def as_images(self, images, value_range=(0.0, 1.0)):
        """Return images as the encoder takes them, a float32 tensor `(n, …)`, after a check.

        Args:
            images: Float array `(n, …)`.
            value_range: Lowest and highest value, or None for any.

        Raises:
            UserError: If they have not the shape of the encoder's input, or are no floats in this range.
        """
        images = checks.as_array(images)
        checks.check_fits(images, self.encoder)
        if value_range is None:
            checks.check_dtype(images)
        else:
            checks.check_values(images, value_range)
        return ops.convert_to_tensor(images, dtype="float32")

    def draws(self, training):
        """Return what `keras.random` takes as `seed`: in training new in each step and replica, else constant."""
        if not training:
            return SeedStream((self.seed, 0))
        seed = keras.random.randint((2,), 0, 2**31 - 1, seed=self.seeds)
        return SeedStream(seed + ops.convert_to_tensor([replica_index(), 0], seed.dtype))

    @property
    def updates(self):
        """The gradient steps of a training step, in their order: here one, of all weights on "loss".

        Several are for TensorFlow only; each has a forward pass of its own.
        """
        return [Update("loss", self.optimizer, self.trainable_variables)]

    # ---- Keras -----------------------------------------------------------------------------------------------------

    def call(self, inputs, training=False):
        """Return the representation `(n, d)` of `inputs` `(n, …)`, or of `inputs["input"]`."""
        return self.embedder(inputs["input"] if isinstance(inputs, dict) else inputs, training=training)

    @property
    def metrics(self):
        """One mean for each of `terms`."""
        return list(self.trackers.values())

    def compile(self, optimizer, *, jit_compile="auto", **kwargs):
        """Compile with an optimizer; the loss is the objective's own.

        Args:
            optimizer: Keras optimizer or its name.
            jit_compile: Whether to use XLA. "auto" is Keras's choice, but off on TensorFlow without an accelerator,
                where XLA makes convolutions about half as fast, and on several replicas, where it fails.
            **kwargs: `run_eagerly`, `steps_per_execution`, `auto_scale_loss` of `keras.Model.compile`.

        Raises:
            UserError: If a loss or metrics are given.
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
        if jit_compile == "auto" and keras.backend.backend() == "tensorflow" and not tensorflow_step.xla_pays():
            jit_compile = False
        super().compile(optimizer=optimizer, jit_compile=jit_compile, **kwargs)
        if not self.trackers:
            self.trackers = {term: keras.metrics.Mean(name=term) for term in self.terms}

    def get_compile_config(self):
        """Return what `compile` was called with, serialized."""
        arguments = {**self._compile_arguments, "optimizer": self.optimizer}
        return keras.saving.serialize_keras_object(arguments)

    def compile_from_config(self, config):
        """Compile as `get_compile_config` says and build the optimizer, so that its state can be loaded."""
        self.compile(**keras.saving.deserialize_keras_object(config))
        for update in self.updates:
            update.optimizer.build(update.variables)

    @functools.wraps(keras.Model.fit, assigned=())
    def fit(self, *args, **kwargs):
        """Train, as `keras.Model.fit`, whose arguments these are, after a check of what can be checked before.

        Args:
            *args: `x` first: `data.batches(…)`, any other data set of such batches, or arrays, of which `batch_size`
                is 32 by default.
            **kwargs: `epochs`, `callbacks`, … of `keras.Model.fit`.

        Returns:
            `keras.callbacks.History`.

        Raises:
            UserError: If there is nothing to train on or for, or an array cannot be trained on.
        """
        given = inspect.signature(keras.Model.fit).bind(self, *args, **kwargs).arguments
        epochs = given.get("epochs", 1)
        if epochs < 1:
            raise UserError("at least one epoch", f"epochs={epochs}", "give `epochs=1` or more")
        arrays = batches.arrays_in(given.get("x"), (*self.batch_keys, *self.optional_keys))
        if not arrays:
            given["shuffle"] = False  # data sets shuffle themselves; Keras would warn
        for key, array in arrays.items():
            self.check_array(key, array)
            size = min(len(array), given.get("batch_size") or 32)
            if self.compares_samples and (size < 2 or len(array) % size == 1):
                raise batches.batch_of_one(self)
        return super().fit(**{name: value for name, value in given.items() if name != "self"})

    def make_train_function(self, force=False):
        """Make the training function, as `keras.Model.make_train_function`, after what TensorFlow should not trace."""
        if keras.backend.backend() == "tensorflow":
            tensorflow_step.build_optimizers(self)
        super().make_train_function(force)

    def _maybe_symbolic_build(self, *args, **kwargs):
        """Nothing to build: the networks are, and there are no compiled metrics. See `distribute.workarounds`."""

    def train_step(self, *args):
        """One update. On TensorFlow it takes a batch and returns logs; on JAX, state and batch to logs and state."""
        step = jax_step if keras.backend.backend() == "jax" else tensorflow_step
        return step.train_step(self, *args)

    def test_step(self, *args):
        """One evaluation. Changes nothing but the trackers."""
        step = jax_step if keras.backend.backend() == "jax" else tensorflow_step
        return step.test_step(self, *args)

    def run(self, data, training):
        """Check the batch, run `forward_pass` and `loss_terms`, and return both their results.

        Args:
            data: A batch as Keras hands it over.
            training: Whether this is a training step.

        Returns:
            Pair of the outputs, in float32, and the terms. Regularization losses of the networks are part of those that
            are minimized; of activity regularisers Keras keeps those of a network's last call, which is that on the
            last view.
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

    def track(self, terms):
        """Update the trackers and return their results."""
        for name, tracker in self.trackers.items():
            tracker.update_state(ops.stop_gradient(terms[name]))
        return {name: tracker.result() for name, tracker in self.trackers.items()}

    def save_own_variables(self, store):
        """Store the state of the random draws too, which Keras forgets."""
        super().save_own_variables(store)
        store[_SEEDS] = ops.convert_to_numpy(self.seeds.state)

    def load_own_variables(self, store):
        """Load what `save_own_variables` stored."""
        stored = {key: store[key] for key in store.keys()}  # noqa: SIM118 (what Keras gives is no dict)
        if _SEEDS in stored:  # older files have none
            self.seeds.state.assign(stored.pop(_SEEDS))
        super().load_own_variables(stored)

    def get_config(self):
        """Return the constructor's arguments, read from the attributes of the same names."""
        parameters = inspect.signature(type(self).__init__).parameters.values()
        names = [p.name for p in parameters if p.kind is p.POSITIONAL_OR_KEYWORD and p.name != "self"]
        config = {name: keras.saving.serialize_keras_object(getattr(self, name)) for name in names}
        return {"name": self.name, "dtype": keras.saving.serialize_keras_object(self.dtype_policy), **config}

    @classmethod
    def from_config(cls, config):
        """Make an objective of what `get_config` returned."""
        return cls(**{key: keras.saving.deserialize_keras_object(value) for key, value in config.items()})


def _to_float32(x):
    is_float = "float" in keras.backend.standardize_dtype(x.dtype)
    return ops.cast(x, "float32") if is_float else x
