"""The house rules: floors, no cycles, small files and functions, true `__all__`, docstrings, a light import."""

import ast
import importlib
import json
import pathlib
import re

import new_process
import pytest

import keras_ssl

ROOT = pathlib.Path(keras_ssl.__file__).parent
FILES = sorted(ROOT.rglob("*.py"))
TREES = {path: ast.parse(path.read_text(encoding="utf-8")) for path in FILES}
every_file = pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))

FLOORS = [  # from the ground up; a package imports only from floors below its own
    {"errors", "typing"},
    {
        "backends",
        "batch_keys",
        "boxes",
        "directions",
        "files",
        "logs",
        "onednn",
        "progress",
        "seeds",
        "set_names",
        "trees",
    },
    {"checks", "names", "networks"},
    {"distribute", "specs"},
    {"blocks", "likelihoods", "losses", "measures", "optimizers", "transforms"},
    {"figures"},
    {"decoders", "encoders", "heads", "state", "tokenizers", "views"},
    {"data"},
    {"export", "objectives", "transfer"},
    {"evaluate", "word_vectors"},
    {"callbacks", "registered"},
    {"commands", "recipes"},
    {"runs"},
    {"cli"},
    {"__main__"},
]
FLOOR = {package: number for number, floor in enumerate(FLOORS) for package in floor}
HEAVY = {
    "tensorflow",
    "matplotlib",
    "sklearn",
    "onnx",
    "onnxruntime",
    "tf2onnx",
    "PIL",
    "tensorflow_datasets",
    "rich",
    "tokenizers",
    "soundfile",
    "soxr",
    "av",
}
FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)


def module_of(path):
    parts = ["keras_ssl", *path.relative_to(ROOT).with_suffix("").parts]
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {module_of(path): path for path in FILES}


def package_of(module):
    """The name that the module has on its floor; None for `keras_ssl` itself."""
    return module.split(".")[1] if "." in module else None


def imports(node):
    """Full names of what an import statement imports: modules, or names in them."""
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    if isinstance(node, ast.ImportFrom):
        if node.level:
            return ["."]
        return [f"{node.module}.{alias.name}" for alias in node.names]
    return []


def imported_modules(path):
    """Modules of the package that a file imports, anywhere in it."""
    found = set()
    for name in (name for node in ast.walk(TREES[path]) for name in imports(node)):
        if name == "keras_ssl.__version__":
            continue
        while name and name not in MODULES:
            name = name.rpartition(".")[0]
        found |= {name} - {""}
    return found


def public(body):
    return [node for node in body if isinstance(node, (*FUNCTIONS, ast.ClassDef)) and not node.name.startswith("_")]


# ---- floors ----------------------------------------------------------------------------------------------------------


@every_file
def test_a_file_imports_only_from_lower_floors_or_its_own_package(path):
    own = package_of(module_of(path))
    assert not [name for node in ast.walk(TREES[path]) for name in imports(node) if name == "."], "relative import"
    if own is None:
        return
    assert own in FLOOR, f"{own} has no floor yet: give it one"
    for module in imported_modules(path):
        package = package_of(module)
        assert package is not None, "imports keras_ssl itself"
        assert package == own or FLOOR[package] < FLOOR[own], f"{own} imports {module}"
        assert (own, package) not in {("objectives", "views"), ("objectives", "data")}


def test_there_are_no_import_cycles():
    graph = {module: imported_modules(path) - {module} for module, path in MODULES.items()}
    done = set()

    def visit(module, above):
        assert module not in above, " -> ".join([*above, module])
        if module not in done:
            for other in graph[module]:
                visit(other, [*above, module])
            done.add(module)

    for module in graph:
        if module != "keras_ssl":
            visit(module, [])
    assert len(done) >= len(graph) - 1


# ---- size ------------------------------------------------------------------------------------------------------------


@every_file
def test_no_file_has_more_than_400_lines(path):
    assert len(path.read_text(encoding="utf-8").splitlines()) <= 400


@every_file
def test_no_function_has_more_than_60_lines(path):
    for node in ast.walk(TREES[path]):
        if isinstance(node, FUNCTIONS):
            lines = node.end_lineno - node.lineno + 1
            if ast.get_docstring(node) is not None:
                lines -= node.body[0].end_lineno - node.body[0].lineno + 1
            assert lines <= 60, f"{node.name}: {lines} lines"


def test_no_file_is_named_after_nothing():
    words = {"utils", "util", "helpers", "helper", "common", "misc"}
    assert not [path for path in ROOT.rglob("*") if words & set(path.stem.lower().split("_"))]


# ---- what is public --------------------------------------------------------------------------------------------------


def called(node):
    """What is called, as source: "app.command" of `app.command()`, whose function is reached by way of `app`."""
    return ast.unparse(node.func) if isinstance(node, ast.Call) else ""


@every_file
def test_all_is_true(path):
    module = importlib.import_module(module_of(path)) if path.stem != "__main__" else None
    names = [
        ast.literal_eval(node.value)
        for node in TREES[path].body
        if isinstance(node, ast.Assign) and [getattr(target, "id", None) for target in node.targets] == ["__all__"]
    ]
    if path.stem == "__main__":
        return
    assert len(names) == 1, "no __all__"
    assert len(set(names[0])) == len(names[0])
    assert not [name for name in names[0] if not hasattr(module, name)]
    commands = {n.name for n in public(TREES[path].body) if "app.command" in map(called, n.decorator_list)}
    assert not {node.name for node in public(TREES[path].body)} - set(names[0]) - commands
    assert not [name for name in names[0] if name.startswith("_")]


SECTION = re.compile(r"^( *)(Args|Attributes|Returns|Yields|Raises|Reference|References|Departures|Example|Note):\s*$")


def empty_sections(docstring):
    lines = docstring.splitlines()
    for k, line in enumerate(lines):
        if match := SECTION.match(line):
            following = next((other for other in lines[k + 1 :] if other.strip()), "")
            if len(following) - len(following.lstrip()) <= len(match[1]):
                yield match[2]


def test_empty_sections_are_found():
    assert list(empty_sections("Do.\n\nArgs:\n\nReturns:\n    It.\n\nRaises:")) == ["Args", "Raises"]
    assert list(empty_sections("Do.\n\nArgs:\n    x: It.")) == []


@every_file
def test_everything_public_has_a_docstring_without_empty_sections(path):
    tree = TREES[path]
    nodes = {"the module": tree}
    for node in public(tree.body):
        nodes[node.name] = node
        if isinstance(node, ast.ClassDef):
            nodes.update({f"{node.name}.{inner.name}": inner for inner in public(node.body)})
    for name, node in nodes.items():
        docstring = ast.get_docstring(node)
        assert docstring, f"{name} has no docstring"
        assert docstring.strip()
    for node in ast.walk(tree):
        if isinstance(node, (*FUNCTIONS, ast.ClassDef, ast.Module)):
            assert not list(empty_sections(ast.get_docstring(node) or "")), getattr(node, "name", "the module")


def unannotated(function):
    """Names of the arguments of a function without an annotation, and "return" where it has none."""
    a = function.args
    arguments = [*a.posonlyargs, *a.args, *a.kwonlyargs, *filter(None, (a.vararg, a.kwarg))]
    found = [one.arg for one in arguments if one.annotation is None and one.arg not in ("self", "cls")]
    return found + ["return"] * (function.returns is None and function.name != "__init__")


@every_file
def test_everything_public_is_annotated(path):
    functions = [node for node in public(TREES[path].body) if isinstance(node, FUNCTIONS)]
    for cls in [node for node in public(TREES[path].body) if isinstance(node, ast.ClassDef)]:
        functions += [inner for inner in public(cls.body) if isinstance(inner, FUNCTIONS)]
        functions += [inner for inner in cls.body if getattr(inner, "name", "") in ("__init__", "__call__")]
    assert not {function.name: found for function in functions if (found := unannotated(function))}


# ---- what must not be there ------------------------------------------------------------------------------------------


@every_file
def test_there_is_no_assert(path):
    assert not [node.lineno for node in ast.walk(TREES[path]) if isinstance(node, ast.Assert)]


def outside_functions(node):
    """Every node that runs when the module is imported."""
    for child in ast.iter_child_nodes(node):
        if not isinstance(child, (*FUNCTIONS, ast.Lambda)):
            yield child
            yield from outside_functions(child)


@every_file
def test_tensorflow_and_heavy_libraries_are_imported_inside_functions(path):
    names = {name.split(".")[0] for node in outside_functions(TREES[path]) for name in imports(node)}
    assert not names & HEAVY


IMPORTING = """
import json, sys, time
import keras
before = set(sys.modules)
start = time.process_time()  # of a machine that does other work, too
import keras_ssl
seconds = time.process_time() - start
print(json.dumps({"seconds": seconds, "new": sorted({name.split(".")[0] for name in set(sys.modules) - before})}))
"""


def test_importing_keras_ssl_costs_little_over_keras():
    figures = json.loads(new_process.run(IMPORTING, folder=ROOT.parent).splitlines()[-1])
    assert figures["seconds"] < 0.3
    assert "keras_ssl" in figures["new"]
    assert not set(figures["new"]) & HEAVY
