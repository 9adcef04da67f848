"""The ways from a pretrained encoder to a task: what trains, from which head, how fast, and held by what."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from types import MappingProxyType
from typing import Any

import keras

from keras_ssl.checks import check_between, check_counts
from keras_ssl.errors import UserError
from keras_ssl.names import mistyped
from keras_ssl.optimizers import AdamW
from keras_ssl.transfer.efficient import bitfit, lora
from keras_ssl.transfer.freezing import freeze
from keras_ssl.transfer.penalties import L2SP, regularize
from keras_ssl.transfer.rates import layer_rates
from keras_ssl.transfer.starting import HEADS, start_head
from keras_ssl.typing import Samples, Schedule

__all__ = ["WAYS", "Way", "way_of"]

TRAINS = ("all", "head", "biases")


@dataclass(frozen=True)
class Way:
    """How a network with a head learns from an encoder and few labels. Any combination is one.

    Attributes:
        head: How the head starts: "random"; "probe", as the linear probe of the frozen encoder (`start_from_probe`); or
            "prototypes", as the nearest mean of a class (`start_from_prototypes`). Default: "probe".
        trains: What trains beside the head: "all", "head" for nothing, or "biases" (see `bitfit`). Default: "all".
        rank: Rank of LoRA's products, which then train in place of the encoder (see `lora`), or None. Default: None.
        alpha: LoRA's scale. Default: None, it is `rank`.
        layer_decay: Factor of the learning rate from each block to the one before it (see `layer_rates`). Default: 1.
        unfreeze_every: Steps after each of which one more block of the encoder trains, from its end; the head trains
            alone before (see `layer_rates`). Default: None, all blocks train from the start.
        l2_sp: Strength of the penalty on the encoder's distance from where it started (see `L2SP`). Default: 0.
        learning_rate: Adam's, where the caller gives none. Default: 3e-4. BitFit, whose few weights must move further,
            has 3e-3.

    Raises:
        UserError: If a value is out of its range, LoRA is asked for beside anything but `trains="all"`, or
            `trains="head"` beside what is about the training of the encoder.

    Reference:
        Kumar et al. 2022, "Fine-Tuning can Distort Pretrained Features and Underperform Out-of-Distribution", for a
        head that starts as the probe (LP-FT).
    """

    head: str = "probe"
    trains: str = "all"
    rank: int | None = None
    alpha: float | None = None
    layer_decay: float = 1.0
    unfreeze_every: int | None = None
    l2_sp: float = 0.0
    learning_rate: float = 3e-4

    def __post_init__(self) -> None:
        for name, known in (("head", HEADS), ("trains", TRAINS)):
            if getattr(self, name) not in known:
                raise UserError(f"a {name} among {', '.join(known)}", repr(getattr(self, name)), "choose one of them")
        if self.rank is not None:
            check_counts(rank=self.rank)
            if self.trains != "all":
                raise UserError('`trains="all"` beside `rank`', repr(self.trains), "LoRA says itself what trains")
        if self.unfreeze_every is not None:
            check_counts(unfreeze_every=self.unfreeze_every)
        check_between("layer_decay", self.layer_decay, above=0, most=1)
        check_between("l2_sp", self.l2_sp, least=0)
        check_between("learning_rate", self.learning_rate, above=0)
        if self.trains == "head" and (self.layer_decay != 1 or self.unfreeze_every is not None or self.l2_sp):
            raise UserError(
                "`layer_decay`, `unfreeze_every` and `l2_sp` for an encoder of which something trains",
                '`trains="head"` beside them',
                'choose `trains="all"` or "biases", or leave them out',
            )

    def apply(
        self,
        model: keras.Model,
        images: Samples,
        labels: Any,
        learning_rate: Schedule | None = None,
        seed: int = 0,
    ) -> keras.optimizers.Optimizer:
        """Start the head of a model, set what of it trains, and return the optimizer to compile it with.

        Args:
            model: Network with a head whose encoder trains whole, such as `transfer.regressor(encoder, values)`, not
                compiled. It is changed, and the encoder that it shares.
            images: Array `(n, …)`, or a dict of arrays: what the model takes. The head may start from them.
            labels: What the model is trained on. See `start_from_probe`.
            learning_rate: Adam's, a number or a schedule. Default: None, the way's own.
            seed: Seed of a random head and of LoRA's products. Default: 0.

        Raises:
            UserError: If images or labels do not fit, the head cannot start so, or the encoder lacks what should train.

        Example:
            `model = transfer.regressor(encoder, ratings)`, then `optimizer = transfer.WAYS["lora"].apply(model, images,
            ratings)` and `model.compile(optimizer, losses.Scaled("huber", ratings.std()))`
        """
        start_head(model, self.head, images, labels, seed)
        self.prepare(model, seed)
        return self.optimizer(model, learning_rate)

    def prepare(self, model: keras.Model, seed: int = 0) -> None:
        """Set what of a network with a head trains, and the penalties. The head stays as it is.

        Args:
            model: Network whose encoder trains whole, not compiled. It is changed, and the encoder that it shares.
            seed: Seed of LoRA's products. Default: 0.
        """
        if self.rank is not None:
            lora(model, self.rank, self.alpha, seed=seed)
        elif self.trains == "biases":
            bitfit(model)
        elif self.trains == "head":
            freeze(model, "encoder")
        if self.l2_sp:
            regularize(model, L2SP(self.l2_sp))

    def optimizer(self, model: keras.Model, learning_rate: Schedule | None = None) -> keras.optimizers.Optimizer:
        """Return Adam for a model that is prepared.

        Args:
            model: The model.
            learning_rate: Number or schedule. Default: None, the way's own.

        Raises:
            UserError: If the learning rate is negative or no number.
        """
        learning_rate = self.learning_rate if learning_rate is None else learning_rate
        check_between("learning_rate", learning_rate, least=0, schedule=True)
        if self.layer_decay == 1 and self.unfreeze_every is None:
            return keras.optimizers.Adam(learning_rate)
        factors = layer_rates(model, self.layer_decay, self.unfreeze_every)
        return AdamW(learning_rate, weight_decay=0.0, rate_factors=factors)

    def __repr__(self) -> str:
        """Return the constructor's call, with what differs from its defaults."""
        given = [f"{each.name}={getattr(self, each.name)!r}" for each in fields(self) if _differs(self, each)]
        return f"Way({', '.join(given)})"


def _differs(way, field):
    return getattr(way, field.name) != field.default


WAYS: Mapping[str, Way] = MappingProxyType(
    {
        "linear_probe": Way(trains="head"),
        "fine_tune": Way(head="random"),
        "lp_ft": Way(),
        "gradual": Way(unfreeze_every=20),
        "layer_decay": Way(layer_decay=0.75),
        "l2_sp": Way(l2_sp=0.01),
        "lora": Way(rank=4),
        "bitfit": Way(trains="biases", learning_rate=3e-3),
        "prototypes": Way(head="prototypes", trains="head"),
    }
)
"""The ways that have a name, in `FineTuning(way=…)`, `label_efficiency(ways=…)` and `keras-ssl finetune --way`."""


def way_of(way: Any) -> Way:
    """Return a way by its name.

    Args:
        way: Name in `WAYS`, or a `Way`, which is returned as it is.

    Raises:
        UserError: If it is neither.
    """
    if isinstance(way, Way):
        return way
    if way not in WAYS:
        known = f"a `transfer.Way`, or a name among {', '.join(WAYS)}"
        raise UserError(known, mistyped(str(way), WAYS), "choose one of them")
    return WAYS[way]
