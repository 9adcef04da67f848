"""A SavedModel answered by TensorFlow's C library alone, as TensorFlow Serving does: no Python of TensorFlow runs.

    from c_api import run
    outputs = run("models/digits/1", {"image": images})

The library is the one inside the tensorflow wheel; `TENSORFLOW_LIBRARY` may name another.
"""

import ctypes
import importlib.util
import os
from pathlib import Path

import numpy as np
from artifact import ArtifactError, content, file_faults, read_manifest
from graphs import TENSORFLOW_DTYPES as DTYPES
from graphs import saved_model_faults

__all__ = ["CApiError", "Session", "library_path", "run"]

CODES = {name: code for code, name in DTYPES.items()}


class CApiError(RuntimeError):
    """TensorFlow's C library is not there, or refused."""


class _Output(ctypes.Structure):
    """TF_Output of c_api.h: one output of an operation."""

    _fields_ = [("operation", ctypes.c_void_p), ("index", ctypes.c_int)]


def library_path():
    """Return the path of TensorFlow's C library, found without importing TensorFlow."""
    if named := os.environ.get("TENSORFLOW_LIBRARY"):
        if not Path(named).is_file():
            raise CApiError(f"TENSORFLOW_LIBRARY names {named}, which is not there")
        return Path(named)
    spec = importlib.util.find_spec("tensorflow")
    if spec is None or not spec.origin:
        raise CApiError("no tensorflow wheel is installed: pip install tensorflow, or set TENSORFLOW_LIBRARY")
    for name in ("libtensorflow_cc.so.2", "libtensorflow_cc.2.dylib"):
        path = Path(spec.origin).parent / name
        if path.exists():
            return path
    raise CApiError(f"no libtensorflow_cc beside {spec.origin}: set TENSORFLOW_LIBRARY")


class Session:
    """A loaded SavedModel. Close it, or use it in a `with` block. Loading runs what is in the file: check it before.

    Args:
        directory: Folder with `saved_model.pb` and `variables/`.
        signatures: The "signatures" of its manifest.
    """

    def __init__(self, directory, signatures):
        self.signatures = signatures
        self._session = None
        self._library = _load(library_path())
        self._status = self._library.TF_NewStatus()
        self._graph = self._library.TF_NewGraph()
        options = self._library.TF_NewSessionOptions()
        tags = (ctypes.c_char_p * 1)(b"serve")
        session = self._library.TF_LoadSessionFromSavedModel(
            options, None, os.fsencode(directory), tags, 1, self._graph, None, self._status
        )
        self._library.TF_DeleteSessionOptions(options)
        self._check()
        self._session = session

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self.close()

    def run(self, inputs, signature="serving_default"):
        """Return the outputs of a signature for its inputs, both dicts of arrays by name."""
        if signature not in self.signatures:
            raise CApiError(f"there is no signature {signature!r}, but {sorted(self.signatures)}")
        about = self.signatures[signature]
        names = list(about["outputs"])
        feeds = (_Output * len(inputs))(*(self._output(about["inputs"], "input", name) for name in inputs))
        fetches = (_Output * len(names))(*(self._output(about["outputs"], "output", name) for name in names))
        given = [self._tensor(array) for array in inputs.values()]
        answers = (ctypes.c_void_p * len(names))()
        self._library.TF_SessionRun(
            self._session, None,
            feeds, (ctypes.c_void_p * len(given))(*given), len(given),
            fetches, answers, len(names),
            None, 0, None, self._status,
        )  # fmt: skip
        for tensor in given:
            self._library.TF_DeleteTensor(tensor)
        self._check()
        return {name: self._array(answer) for name, answer in zip(names, answers)}

    def close(self):
        """Free the session and its graph."""
        if self._session is not None:
            self._library.TF_CloseSession(self._session, self._status)
            self._library.TF_DeleteSession(self._session, self._status)
            self._library.TF_DeleteGraph(self._graph)
            self._library.TF_DeleteStatus(self._status)
            self._session = None

    def _output(self, described, side, name):
        if name not in described:
            raise CApiError(f"the signature has no {side} {name!r}, but {sorted(described)}")
        operation, index = described[name]["tensor"].split(":")
        found = self._library.TF_GraphOperationByName(self._graph, operation.encode())
        if not found:
            raise CApiError(f"the graph has no operation {operation!r}, which the manifest names")
        return _Output(found, int(index))

    def _tensor(self, array):
        array = np.ascontiguousarray(array)
        if array.dtype.name not in CODES:
            raise CApiError(f"a model takes none of {array.dtype}, but {', '.join(CODES)}")
        sizes = (ctypes.c_int64 * array.ndim)(*array.shape)
        tensor = self._library.TF_AllocateTensor(CODES[array.dtype.name], sizes, array.ndim, array.nbytes)
        ctypes.memmove(self._library.TF_TensorData(tensor), array.ctypes.data, array.nbytes)
        return tensor

    def _array(self, tensor):
        library = self._library
        shape = [library.TF_Dim(tensor, axis) for axis in range(library.TF_NumDims(tensor))]
        if library.TF_TensorType(tensor) not in DTYPES:
            raise CApiError(
                f"an output is no tensor of numbers, but of TensorFlow's type {library.TF_TensorType(tensor)}"
            )
        data = ctypes.string_at(library.TF_TensorData(tensor), library.TF_TensorByteSize(tensor))
        array = np.frombuffer(data, DTYPES[library.TF_TensorType(tensor)]).reshape(shape)
        library.TF_DeleteTensor(tensor)
        return array

    def _check(self):
        if self._library.TF_GetCode(self._status) != 0:
            raise CApiError(self._library.TF_Message(self._status).decode())


def run(directory, inputs, signature="serving_default"):
    """Check the SavedModel of a version folder, load it, answer once, and free it: dict of arrays to dict of arrays."""
    manifest = read_manifest(directory)
    faults = file_faults(directory, manifest, say=lambda line: None)
    faults = faults or saved_model_faults(content(directory, manifest, "saved_model.pb"), manifest["signatures"])
    if faults:
        raise ArtifactError(faults[0])
    with Session(directory, manifest["signatures"]) as session:
        return session.run(inputs, signature)


def _load(path):
    """Load the library and declare the functions that are used; a pointer left undeclared would be cut to 32 bits."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    try:
        library = ctypes.CDLL(str(path))
    except OSError as error:
        raise CApiError(f"cannot load {path}: {error}") from error
    pointer, text, number = ctypes.c_void_p, ctypes.c_char_p, ctypes.c_int
    status = options = graph = session = operation = tensor = pointer
    declarations = {
        "TF_NewStatus": (status, []),
        "TF_DeleteStatus": (None, [status]),
        "TF_GetCode": (number, [status]),
        "TF_Message": (text, [status]),
        "TF_NewGraph": (graph, []),
        "TF_DeleteGraph": (None, [graph]),
        "TF_NewSessionOptions": (options, []),
        "TF_DeleteSessionOptions": (None, [options]),
        "TF_LoadSessionFromSavedModel": (
            session, [options, pointer, text, ctypes.POINTER(text), number, graph, pointer, status],
        ),
        "TF_CloseSession": (None, [session, status]),
        "TF_DeleteSession": (None, [session, status]),
        "TF_GraphOperationByName": (operation, [graph, text]),
        "TF_AllocateTensor": (tensor, [number, ctypes.POINTER(ctypes.c_int64), number, ctypes.c_size_t]),
        "TF_DeleteTensor": (None, [tensor]),
        "TF_TensorData": (pointer, [tensor]),
        "TF_TensorByteSize": (ctypes.c_size_t, [tensor]),
        "TF_TensorType": (number, [tensor]),
        "TF_NumDims": (number, [tensor]),
        "TF_Dim": (ctypes.c_int64, [tensor, number]),
        "TF_SessionRun": (
            None,
            [
                session, pointer,
                ctypes.POINTER(_Output), ctypes.POINTER(tensor), number,
                ctypes.POINTER(_Output), ctypes.POINTER(tensor), number,
                pointer, number, pointer, status,
            ],
        ),
    }  # fmt: skip
    for name, (result, arguments) in declarations.items():
        function = getattr(library, name)
        function.restype, function.argtypes = result, arguments
    return library
