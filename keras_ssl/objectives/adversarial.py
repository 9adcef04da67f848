"""Objectives in which a discriminator plays against the networks that it judges."""

import keras
from keras import ops

from keras_ssl import decoders, directions, heads, losses
from keras_ssl.checks import check_between
from keras_ssl.errors import UserError
from keras_ssl.objectives.objective import Objective
from keras_ssl.optimizers import schedules

__all__ = ["GAN", "Adversarial", "BiGAN"]

_NORMALISATION = keras.layers.BatchNormalization


class Adversarial(Objective):
    """The base of objectives with two players, each with an optimizer, that take turns in every step. TensorFlow only.

    A subclass says which networks discriminate, in `discriminators`; all others are the other player's. Its terms are
    "loss", which that one lowers, and "discriminator_loss".
    """

    terms: tuple[str, ...] = ("loss", "discriminator_loss")
    minimised: tuple[str, ...] = ("discriminator_loss", "loss")

    discriminator_optimizer = None
    """Of the discriminators, from `compile` on."""

    @property
    def discriminators(self):
        """Layers and models whose weights the discriminator's optimizer trains."""
        raise NotImplementedError(f"{type(self).__name__} must define the property discriminators.")

    @property
    def players(self):
        """The discriminator, then the other player, each an optimizer and the variables that it trains."""
        first = [v for network in self.discriminators for v in network.trainable_variables]
        mine = {id(v) for v in first}
        rest = [v for v in self.trainable_variables if id(v) not in mine]
        by_term = {"discriminator_loss": (self.discriminator_optimizer, first), "loss": (self.optimizer, rest)}
        return [by_term[term] for term in self.minimised]

    def compile(self, optimizer, discriminator_optimizer=None, **kwargs):
        """Compile with an optimizer for each player.

        Args:
            optimizer: Of the player who is judged: Keras optimizer or its name.
            discriminator_optimizer: Of the discriminator. Default None: another like `optimizer`, whose learning rate,
                where it is a schedule, is read at the steps of the objective, not at the discriminator's, which may be
                several times as many.
            **kwargs: See `Objective.compile`.

        Raises:
            UserError: If Keras does not run on TensorFlow, or one optimizer is given for both.
        """
        if keras.backend.backend() != "tensorflow":
            raise UserError(
                f"Keras on TensorFlow, on which {type(self).__name__} trains two networks in turn",
                f"Keras on {keras.backend.backend()}",
                "set KERAS_BACKEND=tensorflow",
            )
        if optimizer is discriminator_optimizer and not isinstance(optimizer, str):
            raise UserError("an optimizer for each player", "one for both", "leave `discriminator_optimizer` out")
        super().compile(optimizer, **kwargs)
        if discriminator_optimizer is None:
            second = self._another_like(self.optimizer)
        else:
            second = keras.optimizers.get(discriminator_optimizer)
            scaled = keras.optimizers.LossScaleOptimizer
            if isinstance(self.optimizer, scaled) and not isinstance(second, scaled):  # as Keras does to the first
                second = scaled(second)
        self.discriminator_optimizer = second

    def _another_like(self, optimizer):
        config = optimizer.get_config()
        innermost = config["inner_optimizer"]["config"] if "inner_optimizer" in config else config
        steps = self.minimised.count("discriminator_loss")
        if isinstance(innermost["learning_rate"], dict) and steps > 1:
            schedule = keras.saving.deserialize_keras_object(innermost["learning_rate"])
            innermost["learning_rate"] = keras.saving.serialize_keras_object(schedules.Slower(schedule, steps))
        return type(optimizer).from_config(config)

    def get_compile_config(self):
        """Return what `compile` was called with, serialised."""
        second = keras.saving.serialize_keras_object(self.discriminator_optimizer)
        return {**super().get_compile_config(), "discriminator_optimizer": second}


@keras.saving.register_keras_serializable("keras_ssl")
class GAN(Adversarial):
    """Generate images that a discriminator cannot tell from real ones; the discriminator's trunk is the encoder.

    In each step the discriminator is trained first, then the generator on new samples. Batch normalisation lets the
    samples of a batch see each other, and its moving statistics are those of real and generated images together:
    encoders without it (`encoders.conv_net(…, normalise=False)`) are the rule, and with the gradient penalty a must.
    With `blocks.spectrally_normalised(encoder)` the encoder cannot become steep, only its head, one linear layer, can,
    which is there to keep the game even (Miyato et al. 2018). Terms beside the losses: the shares of real and of
    generated images that are told right.

    Args:
        encoder: Built `keras.Model` from `(n, …)` to `(n, d)`.
        generator: `keras.Model` from `(n, latent)` to images in 0..1 of the encoder's input shape. Default:
            `decoders.generator(shape, latent)`.
        latent: Dimensions of z, which is drawn from N(0, I), at least 1. Default 64.
        adversarial_loss: `losses.non_saturating`, the default, `losses.wasserstein`, or a registered function of your
            own of the discriminator's outputs for real and generated images.
        gradient_penalty: Weight of `losses.gradient_penalty`, at least 0. Default 0; 10 with `losses.wasserstein`.
        discriminator_steps: Steps of the discriminator to one of the generator, on the same real images. Default 1; 5
            with `losses.wasserstein`.
        seed: See `Objective`.
        **kwargs: See `Objective`.

    Raises:
        UserError: If an argument is out of its range, the generator does not fit, there is none and the encoder
            does not take images of known size, or there is a gradient penalty and batch normalisation in the encoder.

    Reference:
        Goodfellow et al. 2014, "Generative Adversarial Nets"; Radford et al. 2016, "Unsupervised Representation
        Learning with Deep Convolutional Generative Adversarial Networks" (the discriminator's features).

    Departures:
        Several steps of the discriminator see the same real images; Gulrajani et al. 2017 draw new ones for each.
    """

    terms = ("loss", "discriminator_loss", "real_right", "generated_right")
    optional_keys = ("noise", "mix")

    def __init__(
        self,
        encoder,
        generator=None,
        latent=64,
        adversarial_loss=losses.non_saturating,
        gradient_penalty=0.0,
        discriminator_steps=1,
        seed=0,
        **kwargs,
    ):
        super().__init__(encoder, seed=seed, **kwargs)
        check_between("latent", latent, 1, whole=True)
        check_between("gradient_penalty", gradient_penalty, 0)
        check_between("discriminator_steps", discriminator_steps, 1, whole=True)
        if gradient_penalty and any(isinstance(layer, _NORMALISATION) for layer in encoder._flatten_layers()):
            raise UserError(
                "an encoder without batch normalisation, since the penalty is on each sample's own gradient",
                f"'{encoder.name}' with it",
                "use `encoders.conv_net(…, normalise=False)`, or leave `gradient_penalty` out",
            )
        self.latent = latent
        self.generator = decoders.generator(encoder.input_shape[1:], latent) if generator is None else generator
        decoders.check_mirrors(self.generator, encoder, latent)
        self.adversarial_loss = adversarial_loss
        self.gradient_penalty = gradient_penalty
        self.discriminator_steps = discriminator_steps
        self.minimised = ("discriminator_loss",) * discriminator_steps + ("loss",)
        self.head = heads.linear(encoder, 1, name="discriminator_head")

    @property
    def discriminators(self):
        """The encoder and its head."""
        return [self.encoder, self.head]

    def discriminate(self, images, training=False):
        """Return a logit `(n, 1)` for each of `images` `(n, …)`: the higher, the more real."""
        return self.head(self.encoder(images, training=training), training=training)

    def forward_pass(self, batch, training):
        """Generate as many images as there are real ones, and judge both."""
        x, draws = batch["input"], self.draws(training)
        noise = batch.get("noise")
        if noise is None:
            noise = keras.random.normal((ops.shape(x)[0], self.latent), dtype="float32", seed=draws)
        generated = self.generator(noise, training=training)
        outputs = {"real": self.discriminate(x, training), "generated": self.discriminate(generated, training)}
        if self.gradient_penalty:
            mix = batch.get("mix")
            if mix is None:
                mix = keras.random.uniform((ops.shape(x)[0],), dtype="float32", seed=draws)
            outputs["steepness"] = self._steepness(x, generated, mix, training)
        return outputs

    def _steepness(self, x, generated, mix, training):
        """Length of the discriminator's gradient at a point between each real and generated image."""
        import tensorflow as tf

        mix = ops.reshape(mix, (-1, *[1] * (len(x.shape) - 1)))
        between = mix * ops.cast(x, "float32") + (1 - mix) * ops.cast(generated, "float32")
        with tf.GradientTape() as tape:
            tape.watch(between)
            scores = ops.sum(self.discriminate(between, training))
        slope = ops.reshape(tape.gradient(scores, between), (ops.shape(x)[0], -1))
        return ops.sqrt(ops.sum(ops.square(slope), axis=-1) + 1e-12)

    def loss_terms(self, outputs):
        """What each player lowers."""
        real, generated = outputs["real"], outputs["generated"]
        penalty = losses.gradient_penalty(outputs["steepness"]) if self.gradient_penalty else 0.0
        return {
            "loss": self.adversarial_loss(generated, real),
            "discriminator_loss": self.adversarial_loss(real, generated) + self.gradient_penalty * penalty,
            "real_right": ops.mean(ops.cast(real > 0, "float32")),
            "generated_right": ops.mean(ops.cast(generated < 0, "float32")),
        }

    def sample(self, count, seed=0):
        """Return `count` new images, 1 or more, from latent vectors that are drawn by `seed`."""
        check_between("count", count, least=1, whole=True)
        return self.generator(keras.random.normal((count, self.latent), seed=seed), training=False)

    def interpolate(self, first, second, steps=8):
        """Return images on the arcs between two batches of latent vectors.

        Args:
            first: Vectors `(n, latent)`, such as draws from N(0, I).
            second: As many.
            steps: Number of images on each arc, both ends among them, at least 2. Default 8.

        Returns:
            Float32 tensor `(n, steps, …)`.
        """
        return _along(self.generator, first, second, steps)


@keras.saving.register_keras_serializable("keras_ssl")
class BiGAN(Adversarial):
    """Learn an encoder that inverts a generator: the discriminator sees an image and a latent vector together.

    It tells pairs of a real image and its representation from pairs of a generated image and what it was made of; the
    best answer to it are networks that are each other's inverses. Terms beside the losses: the shares of encoded and
    generated pairs that are told right.

    Args:
        encoder: Built `keras.Model` from `(n, …)` to `(n, d)`; its output is compared with draws from N(0, I), so let
            it be linear.
        generator: `keras.Model` from `(n, d)` to images in 0..1 of the encoder's input shape. Default:
            `decoders.generator(shape, d)`.
        discriminator: `keras.Model` from `[image, latent]` to a logit `(n, 1)`. Default: `heads.judge(encoder)`.
        adversarial_loss: See `GAN`. There is no gradient penalty here: nothing holds `losses.wasserstein` to
            Lipschitz functions but what the discriminator given is made of.
        seed: See `Objective`.
        **kwargs: See `Objective`.

    Raises:
        UserError: If generator or discriminator do not fit, or there is no generator and the encoder does not take
            images of known size.

    Reference:
        Donahue et al. 2017, "Adversarial Feature Learning", Eq. 2 and 3.
    """

    terms = ("loss", "discriminator_loss", "encoded_right", "generated_right")
    optional_keys = ("noise",)

    def __init__(
        self,
        encoder,
        generator=None,
        discriminator=None,
        adversarial_loss=losses.non_saturating,
        seed=0,
        **kwargs,
    ):
        super().__init__(encoder, seed=seed, **kwargs)
        width = encoder.output_shape[-1]
        self.generator = decoders.generator(encoder.input_shape[1:], width) if generator is None else generator
        decoders.check_mirrors(self.generator, encoder, width)
        self.discriminator = heads.judge(encoder) if discriminator is None else discriminator
        _check_judge(self.discriminator, encoder)
        self.adversarial_loss = adversarial_loss

    @property
    def discriminators(self):
        """The discriminator."""
        return [self.discriminator]

    def forward_pass(self, batch, training):
        """Encode the real images, generate as many, and judge the pairs."""
        x, noise = batch["input"], batch.get("noise")
        if noise is None:
            shape = (ops.shape(x)[0], self.encoder.output_shape[-1])
            noise = keras.random.normal(shape, dtype="float32", seed=self.draws(training))
        h = self.encoder(x, training=training)
        generated = self.generator(noise, training=training)
        return {
            "encoded": self.discriminator([x, h], training=training),
            "generated": self.discriminator([generated, noise], training=training),
        }

    def loss_terms(self, outputs):
        """What each player lowers: the same, with the pairs exchanged."""
        encoded, generated = outputs["encoded"], outputs["generated"]
        return {
            "loss": self.adversarial_loss(generated, encoded),
            "discriminator_loss": self.adversarial_loss(encoded, generated),
            "encoded_right": ops.mean(ops.cast(encoded > 0, "float32")),
            "generated_right": ops.mean(ops.cast(generated < 0, "float32")),
        }

    def reconstruct(self, images):
        """Return what the generator makes of the representations of `images` `(n, …)`, floats in 0..1."""
        return self.generator(self.encoder(self.as_images(images), training=False), training=False)

    def sample(self, count, seed=0):
        """Return `count` new images, 1 or more, from latent vectors that are drawn by `seed`."""
        check_between("count", count, least=1, whole=True)
        return self.generator(keras.random.normal((count, self.encoder.output_shape[-1]), seed=seed), training=False)

    def interpolate(self, first, second, steps=8):
        """Return images on the arcs between two batches of latent vectors; see `GAN.interpolate`."""
        return _along(self.generator, first, second, steps)


def _check_judge(judge, encoder):
    """Raise unless a network goes from an image of the encoder's and its representation to one number."""
    wanted = [tuple(encoder.input_shape), tuple(encoder.output_shape)], (None, 1)
    shapes = judge.input_shape
    found = [tuple(shape) for shape in shapes] if isinstance(shapes, list) else shapes, tuple(judge.output_shape)
    if found != wanted:
        raise UserError(
            f"a discriminator from {wanted[0]}, an image and its representation, to {wanted[1]}",
            f"'{judge.name}' from {found[0]} to {found[1]}",
            "give one that fits, such as `heads.judge(encoder)`",
        )


def _along(generator, first, second, steps):
    z = directions.arc(first, second, steps)
    images = generator(ops.reshape(z, (-1, z.shape[-1])), training=False)
    return ops.reshape(images, (-1, steps, *images.shape[1:]))
