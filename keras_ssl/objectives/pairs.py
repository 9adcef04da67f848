"""Objectives on pairs of two kinds of data: images and texts."""

import math
from collections.abc import Sequence
from typing import Any, cast

import keras
import numpy as np
from keras import ops

from keras_ssl import heads, losses, measures
from keras_ssl.checks import check_between, check_not_empty
from keras_ssl.directions import unit
from keras_ssl.distribute import assign, gather
from keras_ssl.errors import UserError
from keras_ssl.networks import clone, predict_in_batches, set_weights
from keras_ssl.objectives.base.objective import Objective
from keras_ssl.specs import Spec, Specs, check_encoder, check_kind, check_values, inputs_like, plural, specs_of
from keras_ssl.tokenizers import Tokenizer, check_fits
from keras_ssl.typing import Batch, Samples, Tensor

__all__ = ["CLIP"]

_CONTRASTS = ("softmax", "sigmoid")
_TEMPERATURE = {"softmax": 0.07, "sigmoid": 0.1}  # at the start, as in the papers
_HIGHEST_SCALE = 100.0  # Radford et al. 2021, section 2.5


@keras.saving.register_keras_serializable("keras_ssl")
class CLIP(Objective):
    """Match images and their texts: an image's projection is near to that of its own text, and far from all others.

    The representation of the objective, by `call` and `predict`, is that of the image encoder, which is transferred.
    `embed_image` and `embed_text` map to the space that both share, in which the nearest texts describe an image.

    The temperature is a weight and trained with the rest. Texts that several pairs of a batch share are false
    negatives: each image is pushed away from its own words. A few do little harm; if all are the same, nothing can be
    learned, which is an error.

    Besides the loss it logs `accuracy`, the share of the images of the global batch to which their own text is nearest;
    `temperature`; and `std` and `dimensions` of the images' projections, see `SimCLR`.

    Args:
        encoder: Encoder of images: built `keras.Model` from `(n, height, width, channels)` to `(n, d)`.
        text_encoder: Encoder of text, such as `encoders.transformer`: built `keras.Model` from ids `(n, length)` to
            `(n, e)`.
        projector: `keras.Model` from `(n, d)` to `(n, k)`. Default: linear, `heads.projector(encoder, depth=0)`,
            k = 128.
        text_projector: `keras.Model` from `(n, e)` to `(n, k)`. Default: linear, of the width of `projector`.
        contrast: "softmax", `losses.clip`: each image picks its text among all, and each text its image. "sigmoid",
            `losses.siglip`: each possible pair is judged alone. Default: "softmax".
        temperature: Temperature at the start, at least 0.01. After each step it is brought back to 0.01 if it is lower,
            from where it can rise. Default: None, 0.07 with "softmax" and 0.1 with "sigmoid", as in the papers.
        bias: Bias at the start, of "sigmoid" only; it is trained. Default: -10, for the paper's batches of 32,768; a
            batch of 256 has log-odds of -5.5.
        seed: See `Objective`.
        **kwargs: See `Objective`.

    Raises:
        UserError: If an encoder takes something else, the projections differ in width, or an argument is out of range.

    Reference:
        Radford et al. 2021, "Learning Transferable Visual Models From Natural Language Supervision", Figure 3 and
        section 2.5. Sigmoid: Zhai et al. 2023, "Sigmoid Loss for Language Image Pre-Training", Eq. 1.

    Departures:
        Weight decay does not spare the temperature unless the optimizer is told to:
        `optimizer.exclude_from_weight_decay(var_names=["log_scale"])`.

    Example:
        `CLIP(encoders.conv_net((64, 64, 3)), encoders.transformer(tokenizer.vocabulary))`, fitted on
        `data.batches(data.pairs("pictures.csv"), views=views.captioned())`
    """

    batch_keys = ("image", "ids")
    terms = ("loss", "accuracy", "temperature", "std", "dimensions")
    batches_call = "data.batches(pairs, views=views.captioned())"
    compares_samples = True

    def __init__(
        self,
        encoder: keras.Model,
        text_encoder: keras.Model,
        projector: keras.Model | None = None,
        text_projector: keras.Model | None = None,
        contrast: str = "softmax",
        temperature: float | None = None,
        bias: float = -10.0,
        seed: int = 0,
        **kwargs: Any,
    ):
        super().__init__(encoder, seed=seed, **kwargs)
        check_kind(encoder, "image", type(self).__name__)
        check_encoder(text_encoder)
        check_kind(text_encoder, "ids", type(self).__name__)
        if contrast not in _CONTRASTS:
            raise UserError(f"contrast among {', '.join(_CONTRASTS)}", repr(contrast), "choose one of them")
        self.text_encoder = text_encoder
        self.projector = heads.projector(encoder, depth=0) if projector is None else projector
        self.text_projector = (
            _text_projector(text_encoder, self.projector) if text_projector is None else text_projector
        )
        _check_widths(self.projector, self.text_projector)
        self.contrast = contrast
        self.temperature = temperature
        self.bias = bias
        start = _TEMPERATURE[contrast] if temperature is None else temperature
        check_between("temperature", start, least=1 / _HIGHEST_SCALE)
        check_between("bias", bias)
        self.log_scale = self._number(-math.log(start), "log_scale")
        if contrast == "sigmoid":
            self.shift = self._number(bias, "shift")

    @property
    def batch_specs(self) -> dict[str, Specs]:
        """What the two encoders take."""
        return {"image": specs_of(self.encoder), "ids": specs_of(self.text_encoder)}

    def forward_pass(self, batch: Batch, training: bool) -> dict[str, Tensor]:
        """Project the images and the texts."""
        h_image = self.encoder(batch["image"], training=training)
        h_text = self.text_encoder(batch["ids"], training=training)
        return {
            "z_image": self.projector(h_image, training=training),
            "z_text": self.text_projector(h_text, training=training),
        }

    def loss_terms(self, outputs: dict[str, Tensor]) -> dict[str, Tensor]:
        """Contrast the pairs of the global batch."""
        z_image, z_text = gather(outputs["z_image"]), gather(outputs["z_text"])
        t = 1 / self._scale()
        if self.contrast == "sigmoid":
            loss = losses.siglip(z_image, z_text, t, ops.convert_to_tensor(self.shift))
        else:
            loss = losses.clip(z_image, z_text, t)
        similarity = ops.matmul(unit(z_image), ops.transpose(unit(z_text)))
        accuracy = measures.accuracy(similarity, ops.arange(ops.shape(similarity)[0]))
        return {"loss": loss, "accuracy": accuracy, "temperature": t, **measures.spread(z_image)}

    def after_step(self, outputs: dict[str, Tensor]) -> None:
        """Keep the temperature at 0.01 or above. The weight itself is cut, so that it still has a gradient there."""
        assign([self.log_scale], [ops.minimum(self.log_scale, math.log(_HIGHEST_SCALE))])

    def embed_image(self, images: Samples, batch_size: int = 256) -> np.ndarray:
        """Return the unit vectors of images in the space that images and texts share.

        Args:
            images: Float array `(n, height, width, channels)` in 0..1.
            batch_size: Images at a time. Default: 256.

        Returns:
            Float32 array `(n, k)`.

        Raises:
            UserError: If they are not what the image encoder takes.
        """
        return predict_in_batches(_tower(self.encoder, self.projector), self.as_input(images), batch_size)

    def embed_text(
        self, texts: Samples | Sequence[str], tokenizer: Tokenizer | None = None, batch_size: int = 256
    ) -> np.ndarray:
        """Return the unit vectors of texts in the space that images and texts share.

        Args:
            texts: Ids `(n, length)`; or strings, with a tokenizer. Strings that are too long are cut.
            tokenizer: The tokenizer that the model was trained with, for strings. Default: None.
            batch_size: Texts at a time. Default: 256.

        Returns:
            Float32 array `(n, k)`.

        Raises:
            UserError: If the ids are not what the text encoder takes, a text is empty, or the tokenizer is another
                model's.
        """
        wanted = specs_of(self.text_encoder)
        ids = np.asarray(texts) if tokenizer is None else _encoded(texts, tokenizer, wanted)
        check_values(wanted, ids, plural(wanted))
        check_not_empty(ids)
        return predict_in_batches(_tower(self.text_encoder, self.text_projector), ids.astype("int32"), batch_size)

    def zero_shot(
        self,
        classes: Sequence[str],
        tokenizer: Tokenizer,
        templates: Sequence[str] = ("{}",),
        name: str = "zero_shot",
    ) -> keras.Model:
        """Return a classifier of images that was given no labels, only the names of the classes.

        A class is the mean of the unit vectors of its texts, one for each template. The probabilities are a softmax of
        the similarities over the temperature. The model has copies of the weights, so it can be fine-tuned and exported
        like any classifier.

        Args:
            classes: At least two names of classes, in words that the texts of the training have.
            tokenizer: The tokenizer that the model was trained with.
            templates: Texts in which `{}` stands for the name of a class, such as `"a drawing of a {}"`. Default: the
                name alone.
            name: Name of the model. Default: "zero_shot".

        Returns:
            Functional `keras.Model` from images to `probabilities` `(n, classes)` in float32, not compiled.

        Raises:
            UserError: If there are fewer than two classes, two of them are equal, also to the tokenizer or once their
                texts are cut, or a template has no `{}`.

        Reference:
            Radford et al. 2021, "Learning Transferable Visual Models From Natural Language Supervision", sections
            3.1.2 and 3.1.4.

        Example:
            `clip.zero_shot(["cat", "dog"], tokenizer, templates=["{}", "a drawing of a {}"]).predict(images)`
        """
        _check_classes(classes, templates)
        texts = [template.replace("{}", one) for one in classes for template in templates]
        ids = _encoded(texts, tokenizer, specs_of(self.text_encoder))
        _check_told_apart(classes, ids.reshape(len(classes), -1))
        z = self.embed_text(ids).reshape(len(classes), len(templates), -1)
        vectors = ops.convert_to_numpy(unit(z.mean(axis=1)))
        encoder, projector = _copy(self.encoder), _copy(self.projector)
        inputs = inputs_like(encoder)
        head = keras.layers.Dense(
            len(classes), activation="softmax", use_bias=False, dtype="float32", name="probabilities"
        )
        classifier = keras.Model(inputs, head(unit(projector(encoder(inputs)))), name=name)
        head.set_weights([float(self._scale()) * vectors.T])
        return classifier

    def signatures(self) -> dict[str, tuple[Any, Specs]]:
        """Return "embed", from images, and "embed_text", from ids: `embedding` in the space that both share.

        So "embed" differs from `predict`, which returns the representation that is transferred; deploy `encoder` for
        that.
        """
        towers = {
            "embed": _tower(self.encoder, self.projector, "embed"),
            "embed_text": _tower(self.text_encoder, self.text_projector, "embed_text"),
        }
        return {
            name: (keras.Model(tower.input, {"embedding": tower.output}, name=name), specs_of(tower))
            for name, tower in towers.items()
        }

    def check_array(self, key: str, array: Samples) -> None:
        """Check as `Objective.check_array` does, and check that no text is empty and that texts differ.

        Args:
            key: See `Objective.check_array`.
            array: See `Objective.check_array`.

        Raises:
            UserError: Also if a text is padding only, or all texts are the same.
        """
        super().check_array(key, array)
        if key == "ids":
            check_not_empty(array, "texts of the images", "leave these pairs out")
            if len(array) > 1 and (array == array[0]).all():
                raise UserError(
                    "texts that tell images apart", f"the same one for all {len(array)}", "check the column of texts"
                )

    def _number(self, value, name):
        return self.add_weight(shape=(), initializer=keras.initializers.Constant(value), name=name)

    def _scale(self):
        """What similarities are multiplied by: the inverse of the temperature."""
        return ops.exp(ops.convert_to_tensor(self.log_scale))


def _tower(encoder, projector, name=None):
    """A model from the encoder's inputs to unit vectors."""
    inputs = inputs_like(encoder)
    return keras.Model(inputs, unit(projector(encoder(inputs))), name=name)


def _copy(model):
    """A model of the same layers with weights of its own."""
    copy = clone(model)
    set_weights(copy, model.get_weights())
    return copy


def _encoded(texts, tokenizer, wanted):
    """Strings as ids, cut to what the text encoder takes."""
    check_fits(tokenizer, wanted)
    spec = cast(Spec, wanted)
    ids = tokenizer.encode(texts)
    length = spec.shape[1] or min(ids.shape[1], spec.longest or ids.shape[1])
    return ids if ids.shape[1] == length else tokenizer.encode(texts, length, truncate=True)


def _text_projector(text_encoder, projector):
    width = projector.output_shape[-1]
    return heads.projector(text_encoder, width, depth=0, name="text_projector")


def _check_widths(projector, text_projector):
    one, other = projector.output_shape[-1], text_projector.output_shape[-1]
    if one != other:
        raise UserError(
            f"a text_projector to vectors of {one} numbers, as the projector's", f"{other}", "give both the same width"
        )


def _check_told_apart(classes, rows):
    """Raise if all texts of two classes are the same ids."""
    seen: dict[bytes, str] = {}
    for name, row in zip(classes, rows):
        if (other := seen.setdefault(row.tobytes(), name)) != name:
            raise UserError(
                "classes whose texts the model can tell apart",
                f"'{other}' and '{name}', of the same ids",
                "use words that the tokenizer knows, and short templates: what comes after the model's length is cut",
            )


def _check_classes(classes, templates):
    if isinstance(classes, str) or len(classes) < 2 or len(set(classes)) < len(classes):
        raise UserError("at least two classes of different names", repr(classes), "give a list of names")
    if isinstance(templates, str) or not len(templates) or any("{}" not in one for one in templates):
        raise UserError("a list of templates with '{}' in each", repr(templates), 'give ["{}"], for instance')
