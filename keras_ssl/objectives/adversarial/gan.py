"""Generative adversarial networks."""

import keras
from keras import ops

from keras_ssl import decoders, heads, losses
from keras_ssl.checks import check_between
from keras_ssl.errors import UserError
from keras_ssl.networks import all_layers
from keras_ssl.objectives.adversarial.adversarial import Adversarial
from keras_ssl.objectives.adversarial.interpolation import along

__all__ = ["GAN"]


_NORMALIZATION = keras.layers.BatchNormalization


@keras.saving.register_keras_serializable("keras_ssl")
class GAN(Adversarial):
    """Generate images that a discriminator cannot tell from real ones; the discriminator's trunk is the encoder.

    In each step the discriminator is trained first, then the generator on new samples. Batch normalization lets the
    samples of a batch see each other, and its moving statistics are those of real and generated images together:
    encoders without it (`encoders.conv_net(…, normalize=False)`) are the rule, and with the gradient penalty a must.
    With `blocks.spectrally_normalized(encoder)` the encoder cannot become steep, only its head, one linear layer, can,
    which is there to keep the game even (Miyato et al. 2018). Terms beside the losses: the shares of real and of
    generated images that are told right.

    Args:
        encoder: Built `keras.Model` from `(n, …)` to `(n, d)`.
        generator: `keras.Model` from `(n, latent_dim)` to images in 0..1 of the encoder's input shape. Default:
            `decoders.generator(shape, latent_dim)`.
        latent_dim: Dimensions of z, which is drawn from N(0, I), at least 1. Default 64.
        adversarial_loss: `losses.non_saturating`, the default, `losses.wasserstein`, or a registered function of your
            own of the discriminator's outputs for real and generated images.
        gradient_penalty: Weight of `losses.gradient_penalty`, at least 0. Default 0; 10 with `losses.wasserstein`.
        discriminator_steps: Steps of the discriminator to one of the generator, on the same real images. Default 1; 5
            with `losses.wasserstein`.
        seed: See `Objective`.
        **kwargs: See `Objective`.

    Raises:
        UserError: If an argument is out of its range, the generator does not fit, there is none and the encoder
            does not take images of known size, or there is a gradient penalty and batch normalization in the encoder.

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
        latent_dim=64,
        adversarial_loss=losses.non_saturating,
        gradient_penalty=0.0,
        discriminator_steps=1,
        seed=0,
        **kwargs,
    ):
        super().__init__(encoder, seed=seed, **kwargs)
        check_between("latent_dim", latent_dim, 1, whole=True)
        check_between("gradient_penalty", gradient_penalty, 0)
        check_between("discriminator_steps", discriminator_steps, 1, whole=True)
        if gradient_penalty and any(isinstance(layer, _NORMALIZATION) for layer in all_layers(encoder)):
            raise UserError(
                "an encoder without batch normalization, since the penalty is on each sample's own gradient",
                f"'{encoder.name}' with it",
                "use `encoders.conv_net(…, normalize=False)`, or leave `gradient_penalty` out",
            )
        self.latent_dim = latent_dim
        self.generator = decoders.generator(encoder.input_shape[1:], latent_dim) if generator is None else generator
        decoders.check_mirrors(self.generator, encoder, latent_dim)
        self.adversarial_loss = adversarial_loss
        self.gradient_penalty = gradient_penalty
        self.discriminator_steps = discriminator_steps
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
            noise = keras.random.normal((ops.shape(x)[0], self.latent_dim), dtype="float32", seed=draws)
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
        return self.generator(keras.random.normal((count, self.latent_dim), seed=seed), training=False)

    def interpolate(self, first, second, steps=8):
        """Return images on the arcs between two batches of latent vectors.

        Args:
            first: Vectors `(n, latent_dim)`, such as draws from N(0, I).
            second: As many.
            steps: Number of images on each arc, both ends among them, at least 2. Default 8.

        Returns:
            Float32 tensor `(n, steps, …)`.
        """
        return along(self.generator, first, second, steps)
