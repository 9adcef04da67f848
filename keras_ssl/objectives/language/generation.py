"""Writing on from prompts, token by token."""

import dataclasses
from collections.abc import Callable
from typing import Any

import numpy as np

from keras_ssl.checks import check_between, check_not_empty
from keras_ssl.encoders import document_end, is_cacheable
from keras_ssl.errors import UserError
from keras_ssl.networks import update_scoring_layer, without_copies
from keras_ssl.objectives.language.sampling import draw
from keras_ssl.specs import check_values, specs_of

__all__ = ["Generator"]

_CHUNK = 64  # sizes of caches and texts are multiples, so that few are compiled


class Generator:
    """Writes by a causal language model, and keeps the networks that are compiled for that.

    Args:
        model: `CausalLanguageModel`.
    """

    def __init__(self, model: Any) -> None:
        self.model = model
        self.networks: dict[str, Any] = {}

    def write(
        self,
        prompt_ids: Any,
        length: int,
        temperature: float,
        top_k: int | None,
        top_p: float | None,
        seed: int,
        end: int | None,
        slide: bool,
    ) -> np.ndarray:
        """Write on; see `CausalLanguageModel.generate` for the arguments, result and errors."""
        spec: Any = specs_of(self.model.encoder)
        _check(length, temperature, top_k, top_p, seed)
        prompts = _prompts(prompt_ids, spec)
        outgrown = spec.longest is not None and max(map(len, prompts)) + length - 1 > spec.longest
        if outgrown and not slide:
            raise UserError(
                f"prompt and text of at most {spec.longest} tokens, as many as there are learned positions",
                f"{max(map(len, prompts))} and {length}",
                "write less, or give `slide=True`: it goes on with the last tokens that fit",
            )
        plain = outgrown or not is_cacheable(self.model.encoder)
        score = self._plainly(prompts, length, spec.longest) if plain else self._cached(prompts, length, spec.longest)
        uniform = np.stack([np.random.default_rng((seed, row)).random(length) for row in range(len(prompts))])
        written, running = np.zeros((len(prompts), length), "int32"), np.ones(len(prompts), bool)
        new = None
        for k in range(length):
            new = draw(score(new), uniform[:, k], temperature, top_k, top_p)
            written[running, k] = new[running]
            running &= new != end
            if not running.any():
                break
        return written

    def _cached(self, prompts, length, longest) -> Callable[[np.ndarray | None], np.ndarray]:
        """A function from the newest ids to the scores of the next ones, which keeps keys and values."""
        network = self._network("step", self.model.step_network)
        end = document_end(self.model.encoder)
        prompts = [_last_document(prompt, end) for prompt in prompts]
        counts = np.array(list(map(len, prompts)), "int32")
        several, heads, _, d = network.input["cache"].shape[1:]
        state = {
            "cache": np.zeros((len(prompts), several, heads, _whole(counts.max() + length, longest), d), "float32"),
            "position": np.zeros(len(prompts), "int32"),
        }

        def score(new):
            ids = _rows(prompts, _whole(counts.max(), longest)) if new is None else new[:, None]
            read = counts if new is None else np.ones_like(counts)
            given = {"ids": ids, **state}
            outputs = without_copies(network.predict_on_batch(given), given)
            ended = np.zeros(len(ids), bool) if end is None else ids[np.arange(len(ids)), read - 1] == end
            state["cache"] = outputs["next_cache"]
            state["position"] = np.where(ended, 0, state["position"] + read).astype("int32")
            return outputs["logits"][np.arange(len(ids)), read - 1]

        return score

    def _plainly(self, prompts, length, longest) -> Callable[[np.ndarray | None], np.ndarray]:
        """Such a function that reads the whole text each time, or its end of `longest` tokens."""
        network = self._network("logits", lambda: self.model.signatures()["logits"][0])
        texts = [list(prompt) for prompt in prompts]
        size = _whole(max(map(len, prompts)) + length, longest)

        def score(new):
            for text, one in zip(texts, [] if new is None else new):
                text.append(one)
            ends = [text[-size:] for text in texts]
            given = _rows(ends, size)
            outputs = without_copies(network.predict_on_batch(given), given)
            return outputs["logits"][np.arange(len(ends)), [len(text) - 1 for text in ends]]

        return score

    def _network(self, name, make):
        """A network that is made once, with the vectors of the ids of now."""
        if name not in self.networks:
            self.networks[name] = make()
            self.networks[name].compile(jit_compile=False)  # it would be compiled anew for each length of a prompt
        update_scoring_layer(self.networks[name].get_layer("logits"), self.model.encoder)
        return self.networks[name]


def _whole(size, longest):
    size = -(-int(size) // _CHUNK) * _CHUNK
    return size if longest is None else min(size, longest)


def _rows(texts, size):
    """Texts as one array, with 0 after the shorter ones."""
    rows = np.zeros((len(texts), size), "int32")
    for row, text in zip(rows, texts):
        row[: len(text)] = text
    return rows


def _last_document(prompt, end):
    """What the tokens of the last document see: it alone."""
    ends = np.flatnonzero(prompt[:-1] == (-1 if end is None else end))
    return prompt[ends[-1] + 1 :] if len(ends) else prompt


def _prompts(prompt_ids, spec):
    """The prompts without padding, wherever it is, each an array."""
    ids = np.asarray(prompt_ids)
    check_values(dataclasses.replace(spec, longest=None), ids, "prompt_ids")  # padding takes no place
    do = "begin with the tokenizer's `begin` or `end`, whichever the texts of the training begin after"
    check_not_empty(ids, "prompts", do)
    return [row[row != 0] for row in ids]


def _check(length, temperature, top_k, top_p, seed):
    check_between("length", length, 1, whole=True)
    check_between("temperature", temperature, 0)
    check_between("seed", seed, 0, whole=True)
    if top_k is not None:
        check_between("top_k", top_k, 1, whole=True)
    if top_p is not None:
        check_between("top_p", top_p, most=1, above=0)
