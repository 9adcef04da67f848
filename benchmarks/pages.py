"""The pages (README.md and docs/*.md) and the sections in them that are generated from `benchmarks/results/`.

    python -m benchmarks.pages

writes every generated section again from the committed results, without measuring anything. A section stands between
`<!-- name -->` and the next `<!-- end -->`, on any page, and on several pages if several have its markers.
"""

import importlib
import json
import pathlib

RESULTS = pathlib.Path(__file__).parent / "results"
ROOT = RESULTS.parent.parent
END = "<!-- end -->"

SECTIONS = {
    "label efficiency": (
        "label_efficiency.summary",
        "label_efficiency_digits",
        "label_efficiency_mnist",
        "label_efficiency_fashion_mnist",
    ),
    "label efficiency: digits": ("label_efficiency.section", "label_efficiency_digits"),
    "label efficiency: mnist": ("label_efficiency.section", "label_efficiency_mnist"),
    "label efficiency: fashion_mnist": ("label_efficiency.section", "label_efficiency_fashion_mnist"),
    "joint embedding: fashion_mnist": ("joint_embedding.section", "joint_embedding_fashion_mnist"),
    "joint embedding: cifar10": ("joint_embedding.section", "joint_embedding_cifar10"),
    "classical: fashion_mnist": ("classical.section", "classical_fashion_mnist"),
    "classical: mnist": ("classical.section", "classical_mnist"),
    "classical: cifar10": ("classical.section", "classical_cifar10"),
    "generative: likelihood": ("generative.section", "generative_likelihood"),
    "generative: samples": ("generative.section", "generative_samples"),
    "masked autoencoder": ("masked_autoencoder.section", "masked_autoencoder"),
    "autoencoders": ("autoencoders.section", "autoencoders"),
    "mnist to cifar10": ("mnist_to_cifar10.section", "mnist_to_cifar10"),
    "views": ("views.section", "views"),
    "resnet step": ("resnet_step.section", "resnet_step"),
    "onednn": ("onednn.section", "onednn"),
    "collapse": ("collapse.section", "collapse"),
    "replicas": ("replicas.section", "replicas"),
    "export matrix": ("export_matrix.section", "export_matrix"),
    "resume": ("resume.section", "resume"),
    "mixed pictures": ("mixed_pictures.section", "mixed_pictures"),
    "faults": ("faults.section", "faults"),
    "finite": ("finite.section", "finite"),
    "input pipeline": ("input_pipeline.section", "input_pipeline"),
    "word vectors": ("word_vectors.section", "word_vectors"),
    "language models: small": ("language_models.section", "language_models_small"),
    "language models: hour": ("language_models.section", "language_models_hour"),
    "language models: long": ("language_models.section", "language_models_long"),
    "masked language model": ("masked_language_model.section", "masked_language_model"),
    "text transfer": ("text_transfer.section", "text_transfer"),
    "translation": ("translation.section", "translation"),
    "speech": ("speech.section", "speech"),
    "pairs": ("pairs.section", "pairs"),
    "series": ("series.section", "series"),
    "dense": ("dense.section", "dense"),
    "video": ("video.section", "video"),
    "transfer: digits": ("transfer.section", "transfer_digits"),
    "transfer: fashion_mnist": ("transfer.section", "transfer_fashion_mnist"),
    "transfer: mnist_to_fashion_mnist": ("transfer.section", "transfer_mnist_to_fashion_mnist"),
    "transfer: ItalyPowerDemand": ("transfer.section", "transfer_ItalyPowerDemand"),
    "multi task": ("multi_task.section", "multi_task"),
    "anomalies": ("anomalies.section", "anomalies"),
    "label free": ("label_free.section", "label_free"),
    "item vectors": ("item_vectors.section", "item_vectors"),
}
"""The function that writes each section, `module.function` in `benchmarks`, and the files of results that it takes."""


def pages():
    """Paths of all pages."""
    return [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]


def load(file):
    """The committed result `benchmarks/results/file.json`."""
    return json.loads((RESULTS / f"{file}.json").read_text(encoding="utf-8"))


def published(file, wanted=True):
    """The committed result that a benchmark goes on from: an empty dict if there is none, or none is wanted."""
    return load(file) if wanted and (RESULTS / f"{file}.json").exists() else {}


def text_of(name):
    """The text of a section, from the committed results."""
    function, *files = SECTIONS[name]
    module, _, function = function.partition(".")
    return getattr(importlib.import_module(f"benchmarks.{module}"), function)(*map(load, files))


def publish(file, result):
    """Write a result to `benchmarks/results/file.json`, then every section that is made from it."""
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / f"{file}.json").write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    refresh(file)


def refresh(file=None):
    """Write the sections that are made from a result, or all sections, into their pages."""
    for name, (_, *files) in SECTIONS.items():
        if file is None or file in files:
            write_section(name, text_of(name))


def write_section(name, text):
    """Put `text` between `<!-- name -->` and the next `<!-- end -->`, on every page that has the marker."""
    begin, found = f"<!-- {name} -->\n", False
    for page in pages():
        before, *rest = page.read_text(encoding="utf-8").split(begin)
        if rest:
            parts = [before, *(f"{text}\n{END}{part.split(END, 1)[1]}" for part in rest)]
            page.write_text(begin.join(parts), encoding="utf-8")
            found = True
    if not found:
        raise SystemExit(f"Expected a page with '{begin.strip()}'. Received {[page.name for page in pages()]}.")


if __name__ == "__main__":
    refresh()
