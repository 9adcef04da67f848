"""What is in `saved_model.pb` and the ONNX files, read from their bytes before anything loads or runs them.

    from graphs import onnx_faults, saved_model_faults

Each function returns a list of sentences, empty if the file holds what the manifest says, and only operations that
compute.
"""

from operations import COMPUTE, ONNX_DOMAINS, RESTORE, SAVE
from protobuf import Message

__all__ = ["onnx_faults", "saved_model_faults"]

TENSORFLOW_DTYPES = {
    1: "float32", 2: "float64", 3: "int32", 4: "uint8", 5: "int16", 6: "int8", 9: "int64", 10: "bool", 17: "uint16",
    19: "float16", 22: "uint32", 23: "uint64",
}  # fmt: skip
ONNX_DTYPES = {
    1: "float32", 2: "uint8", 3: "int8", 4: "uint16", 5: "int16", 6: "int32", 7: "int64", 9: "bool", 10: "float16",
    11: "float64", 12: "uint32", 13: "uint64",
}  # fmt: skip
INIT = "__saved_model_init_op"
MAIN_OPS = {"saved_model_main_op", "legacy_init_op"}


def saved_model_faults(data, signatures, allowed=()):
    """Return what is wrong with the bytes of a `saved_model.pb`.

    Args:
        data: The bytes.
        signatures: The "signatures" of the manifest.
        allowed: Names of operations to allow besides those of `operations.COMPUTE`.
    """
    try:
        graphs = Message(data).messages(2)
        if len(graphs) != 1 or graphs[0].message(1).strings(4) != ["serve"]:
            return ['holds other than one graph for "serve"']
        (meta,) = graphs
        faults = _described(meta.entries(5), signatures)
        if 6 in meta or set(meta.entries(4)) - MAIN_OPS:
            faults.append("names files or collections that a deployed model does not have")
        return faults + _Operations(meta, allowed).faults()
    except (ValueError, RecursionError) as error:
        return [f"is no SavedModel ({error})"]


def _described(found, signatures):
    """What differs between the signatures of a SavedModel, or their names, and those of the manifest."""
    faults = []
    if unknown := set(found) - {INIT} ^ set(signatures):
        faults.append(f"and the manifest do not have the same signatures: {', '.join(sorted(unknown))}")
    for name in set(found) & set(signatures):
        for number, side in ((1, "inputs"), (2, "outputs")):
            here = {key: _tensor_info(info) for key, info in found[name].entries(number).items()}
            there = {
                key: (about["tensor"], about["dtype"], about["shape"]) for key, about in signatures[name][side].items()
            }
            if here != there:
                faults.append(f"has other {side} of {name} than the manifest says: {here}, not {there}")
    return faults


def _tensor_info(info):
    shape = info.message(3)
    sizes = [dim.number(1) for dim in shape.messages(2)]
    shape = None if shape.number(3) else [None if size < 0 else size for size in sizes]
    return info.string(1), TENSORFLOW_DTYPES.get(info.number(2), f"dtype {info.number(2)}"), shape


class _Node:
    def __init__(self, message):
        self.name, self.op, self.inputs = message.string(1), message.string(2), message.strings(3)
        self.calls = {self.op, *_functions(message.messages(5))}


def _functions(attributes):
    """Names of all functions in attributes, which are entries of maps: value 2, whose 10 is a function and 1 a list."""
    for value in (entry.message(2) for entry in attributes):
        for function in [*value.messages(10), *value.message(1).messages(9)]:
            yield function.string(1)
            yield from _functions(function.messages(2))


class _Operations:
    """Checks which operations a graph has, and which of them run when."""

    def __init__(self, meta, allowed):
        graph, saver = meta.message(2), meta.message(3)
        self.allowed = COMPUTE | set(allowed)
        self.nodes = {node.name: node for node in map(_Node, graph.messages(1))}
        self.functions, self.arguments = {}, {}
        for function in graph.message(2).messages(1):
            name = function.message(1).string(1)
            if name in self.functions:
                raise ValueError(f"function {name} is there twice")
            self.functions[name] = [_Node(node) for node in function.messages(3)]
            self.arguments[name] = [argument.string(1) for argument in function.message(1).messages(2)]
        self.filename, self.save, self.restore = (_base(saver.string(number)) for number in (1, 2, 3))
        self.roots = [info.string(1) for one in meta.entries(5).values() for info in one.entries(2).values()]
        self.roots += [name for one in meta.entries(4).values() for name in one.message(1).strings(1)]
        self.of_python = set(meta.message(7).entries(2))

    def faults(self):
        groups = {"": self.nodes.values(), **self.functions}
        used = {node.op for nodes in groups.values() for node in nodes}
        called = {name for nodes in groups.values() for node in nodes for name in node.calls - {node.op}}
        faults = []
        if unknown := used - self.allowed - SAVE - RESTORE - set(self.functions):
            faults.append(
                f"has operations that are not known to only compute: {', '.join(sorted(unknown))} (--allow takes them)"
            )
        if missing := called - set(self.functions):
            faults.append(f"calls functions that are not in it: {', '.join(sorted(missing))}")
        if len(self.nodes) < len(set(self.nodes)):
            faults.append("has two operations of one name")
        return faults or [*self._saving(), *self._restoring()]

    def _saving(self):
        """Whether what writes and reads files is only where TensorFlow has it: in the saver and the restorer."""
        served, faults = self._reached(self.roots), []
        loaded = self._reached([*self.roots, self.restore])  # what a restorer waits for runs when the model is loaded
        for what, operations, place, run in (
            ("writes", SAVE, self.save, loaded),
            ("reads", RESTORE, self.restore, served),
        ):
            functions = self._that_use(operations - self.allowed)
            places = {n for n, node in self.nodes.items() if node.calls & (functions | operations - self.allowed)}
            if places - {place} or places & run or functions & self.of_python:
                faults.append(f"{what} files when it answers, is initialized or is loaded")
        return faults

    def _restoring(self):
        """Whether what is read when the model is loaded is `variables/`, whose path the loader gives."""
        node = self.nodes.get(self.restore)
        if node is None:
            return [] if not self.restore else [f"has no operation {self.restore}, which restores it"]
        function = next(iter(node.calls & set(self.functions)), None)
        source = self.nodes.get(self.filename)
        prefix = node.inputs.index(self.filename) if self.filename in node.inputs else None
        right = function and source and source.op == "Placeholder" and prefix is not None and len(node.calls) == 2
        name = self.arguments[function][prefix] if right and prefix < len(self.arguments[function]) else None
        for one in self.functions.get(function, []):
            right = right and not (one.calls & self._that_use({"RestoreV2"}))
            right = right and (one.op != "RestoreV2" or one.inputs[:1] == [name])
        return [] if right else ["reads other files than variables/ when it is loaded"]

    def _that_use(self, operations):
        """Names of the functions that have one of some operations, or call one that has."""
        found, before = set(), None
        while found != before:
            before = set(found)
            found |= {f for f, nodes in self.functions.items() if any(n.calls & (operations | before) for n in nodes)}
        return found

    def _reached(self, roots):
        """Names of the graph's operations that some tensors depend on."""
        todo, found = [_base(root) for root in roots], set()
        while todo:
            name = todo.pop()
            if name in found or name not in self.nodes:
                continue
            found.add(name)
            todo += [_base(one) for one in self.nodes[name].inputs]
        return found


def _base(tensor):
    """Name of the operation that makes a tensor, or is waited for."""
    return tensor.removeprefix("^").split(":")[0]


def onnx_faults(data, about=None):
    """Return what is wrong with the bytes of an ONNX file.

    Args:
        data: The bytes.
        about: The signature in the manifest that it answers. Default: inputs and outputs are not compared.
    """
    try:
        model = Message(data)
        graph = model.message(7)
        faults = []
        domains, external = {entry.string(1) for entry in model.messages(8)}, []
        _look(graph, domains, external)
        if others := domains - ONNX_DOMAINS:
            faults.append(f"has operations that are not ONNX's own: {', '.join(sorted(others))}")
        if external:
            faults.append(f"reads other files: {', '.join(sorted(set(external)))}")
        if 25 in model or 20 in model:
            faults.append("has functions or training steps, which a deployed model does not have")
        if not graph.messages(12):
            faults.append("has no outputs")
        return faults if about is None else faults + _compared(graph, about)
    except (ValueError, RecursionError) as error:
        return [f"is no ONNX file ({error})"]


def _look(graph, domains, external):
    """Collect the domains of all operations and the places of tensors outside the file, in subgraphs too."""
    sparse = graph.messages(15)
    tensors = graph.messages(5)
    for node in graph.messages(1):
        domains.add(node.string(7))
        for attribute in node.messages(5):
            tensors += [*attribute.messages(5), *attribute.messages(10)]
            sparse += [*attribute.messages(22), *attribute.messages(23)]
            for subgraph in (*attribute.messages(6), *attribute.messages(11)):
                _look(subgraph, domains, external)
    for one in sparse:
        tensors += [*one.messages(1), *one.messages(2)]
    for tensor in tensors:
        if tensor.number(14) or 13 in tensor:
            external += [entry.string(2) for entry in tensor.messages(13) if entry.string(1) == "location"] or [
                "(no path)"
            ]


def _compared(graph, about):
    """What differs between the inputs and outputs of an ONNX graph and those of the manifest."""
    stored = {tensor.string(8) for tensor in graph.messages(5)}
    faults = []
    for number, side in ((11, "inputs"), (12, "outputs")):
        found = {value.string(1): value.message(2).message(1) for value in graph.messages(number)}
        if set(found) - stored != set(about[side]):
            faults.append(f"has the {side} {', '.join(found)}, and the manifest {', '.join(about[side])}")
            continue
        for name, tensor in found.items():
            dtype, shape = (
                ONNX_DTYPES.get(tensor.number(1)),
                [dim.number(1) or None for dim in tensor.message(2).messages(1)],
            )
            wanted = about[side][name]
            pairs = zip(wanted["shape"], shape)
            same = len(shape) == len(wanted["shape"]) and all(a == b or None in (a, b) for a, b in pairs)
            fits = same or 2 not in tensor
            if dtype != wanted["dtype"] or not fits:
                faults.append(f"has {name} as {dtype} {shape}, and the manifest as {wanted['dtype']} {wanted['shape']}")
    return faults
