"""The whole story on the embedded digits, with everything that takes long made small."""

import json
import re

import numpy as np
import pytest
from quick import eagerly

from keras_ssl import evaluate, transfer, views
from keras_ssl.errors import UserError
from keras_ssl.runs import demo

METHODS = ["raw_inputs", "untrained", "from_scratch", "simclr", "autoencoder", "simclr_finetuned"]


@pytest.fixture(scope="module")
def told(tmp_path_factory):
    """The folder that a small demo wrote, what it returned and what it said."""
    out, said = tmp_path_factory.mktemp("demo") / "out", []
    measure, tune, policy = evaluate.label_efficiency, transfer.fine_tune, eagerly(views.digits())

    def little(*arguments, **options):
        return measure(*arguments, **options, seeds=1, steps=1)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(demo.evaluate, "label_efficiency", little)
        patch.setattr(views, "digits", lambda: policy)
        patch.setattr(demo.plots, "map_2d", lambda x: x[:, :2])  # t-SNE has a test of its own
        patch.setattr(demo.transfer, "fine_tune", lambda *a, **options: tune(*a, **options, steps=1))
        results = demo.run("digits", out, seed=0, epochs=1, say=said.append)
    return out, results, "\n".join(said)


def test_results_have_the_keys_that_are_promised(told):
    out, results, _ = told
    assert json.loads((out / "results.json").read_text()) == results
    assert set(results) == {"dataset", "seed", "wall_seconds", "label_efficiency", "parity", "collapse"}
    assert (results["dataset"], results["seed"]) == ("digits", 0)
    assert results["wall_seconds"] > 0
    assert set(results["label_efficiency"]) == set(METHODS)
    for by_labels in results["label_efficiency"].values():
        assert list(by_labels) == ["1", "5", "10", "100"]
        for entry in by_labels.values():
            assert set(entry) == {"mean", "std"}
            assert 0 <= entry["mean"] <= 1
    assert set(results["parity"]) == {"saved_model", "onnx"}
    assert all(0 <= value <= 1e-5 for value in results["parity"].values())
    assert set(results["collapse"]) == {"simclr", "autoencoder"}
    assert all(np.isfinite(list(figures.values())).all() for figures in results["collapse"].values())


def test_figures_do_not_depend_on_the_encoder_where_there_is_none(told):
    """Raw digits with ten labels per class, in draw 0: any change of split, draw or probe shows here."""
    _, results, _ = told
    assert results["label_efficiency"]["raw_inputs"]["10"]["mean"] == pytest.approx(0.915, abs=0.03)
    assert results["label_efficiency"]["raw_inputs"]["100"]["mean"] > 0.95


def test_the_model_is_deployed_with_its_class_names(told):
    out, _, _ = told
    assert [path.name for path in (out / "model").iterdir()] == ["1"]
    manifest = json.loads((out / "model" / "1" / "manifest.json").read_text())
    assert manifest["class_names"] == list("0123456789")
    assert manifest["samples"] == "given"
    assert {"saved_model.pb", "model.onnx"} <= {path.name for path in (out / "model" / "1").iterdir()}


def test_the_report_is_one_file_with_all_pictures(told):
    out, results, _ = told
    page = (out / "report.html").read_text()
    assert not re.search(r"""(src|href)=["'](?!data:|#)""", page)
    assert "could not be drawn" not in page
    assert page.count("data:image/") == 11
    for heading in ("Accuracy with few", "converges", "sees", "Pretraining", "Reconstructions", "Parity", "depend on"):
        assert heading in page
    assert f"{results['label_efficiency']['simclr']['5']['mean']:.1%}" in page
    assert f"{results['label_efficiency']['raw_inputs']['5']['mean']:.1%}" in page


def test_the_table_and_the_paths_are_said(told):
    out, _, said = told
    for words in ("labels per class", "raw inputs", "SimCLR, fine-tuned", "Autoencoder, frozen"):
        assert words in said
    assert str(out / "report.html") in said
    assert str(out / "model" / "1") in said


def test_a_folder_that_cannot_be_written_in_is_refused_at_once(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match="a folder that can be written in"):
        demo.run("digits", tmp_path / "file" / "out")
