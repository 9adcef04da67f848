"""SimCSE: the encoder's dropout makes the two views of a sentence."""

import warnings

import keras
import numpy as np
import pytest
from cases import sentences

from keras_ssl import callbacks, data, encoders, heads, objectives, recipes, tokenizers, views
from keras_ssl.errors import UserError

IDS = sentences(32, 0)["input"]


def simclr(dropout):
    encoder = encoders.transformer(20, width=8, depth=1, heads=2, dropout=dropout)
    model = objectives.SimCLR(encoder, heads.projector(encoder, 6, depth=0), temperature=0.05)
    model.compile(keras.optimizers.Adam(1e-2), run_eagerly=True)
    return model


def test_dropout_makes_views_of_the_same_ids():
    model, batch = simclr(0.3), views.twice()(IDS, (0, 0))
    one, other = (np.array(z) for z in model.forward_pass(batch, training=True).values())
    assert np.abs(one - other).max() > 0.01
    still, again = (np.array(z) for z in model.forward_pass(batch, training=False).values())
    np.testing.assert_array_equal(still, again)


def test_it_trains_and_the_doctor_does_not_mind():
    batches = data.batches(IDS, views=views.twice(), batch_size=32)
    (batch,) = batches
    np.testing.assert_array_equal(batch["view_1"], batch["view_2"])
    model = simclr(0.1)
    with warnings.catch_warnings():
        warnings.simplefilter("error", callbacks.CollapseWarning)
        doctor = callbacks.CollapseDoctor(batch, every=2)
        assert np.isfinite(model.fit(batches, verbose=0, callbacks=[doctor]).history["loss"]).all()


def test_without_dropout_identical_views_are_still_an_error():
    with pytest.raises(UserError, match=r"views that differ.*identical"):
        simclr(0.0).fit(data.batches(IDS, views=views.twice(), batch_size=32), verbose=0)
    with pytest.raises(UserError, match="views that differ"):
        data.batches(IDS, views=lambda ids, seed: ids, batch_size=32)


def test_the_recipe_is_built_as_the_paper_says():
    tokenizer = tokenizers.words(["a cat sat on a mat", "the dog sat on the rug"])
    ids = tokenizer.encode(["a cat sat", "the dog"] * 4)
    recipe = recipes.text.simcse(data.Source(ids, tokenizer=tokenizer))
    assert (recipe.objective.temperature, recipe.epochs, recipe.batch_size) == (0.05, 1, 8)
    assert isinstance(recipe.views, views.Twice)
    assert recipe.objective.encoder.count_params() > 1000
    with pytest.raises(UserError, match="texts with their tokenizer"):
        recipes.text.simcse(data.from_arrays(ids))
