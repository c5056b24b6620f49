"""Nets, models and tensors in files."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from doppio import _core
from doppio.errors import DataLossError, InvalidArgumentError
from doppio.model import Model
from doppio.net import Net

__all__ = ["load", "save"]


def load(path: str | os.PathLike[str], *, name: str = "") -> Any:
    """What a file holds; its content decides, not its name.

    - a NetDef (.pb, .pbtxt, .json): a `Net`;
    - a predictor database or MetaNetDef, as Caffe2 exports models: a `Model`, for `Predictor`
      (`name` chooses among several);
    - an ONNX model: a `Model`;
    - tensors (.npy, .npz, BlobProto, TensorProto, a database of blobs): an array, or a dict of
      arrays by name where the file gives names.

    >>> doppio.save(doppio.Net("demo").add("Relu", "X", "Y"), "relu.pbtxt")
    >>> doppio.load("relu.pbtxt")
    <doppio.Net "demo": 1 operator>

    Raises OSError where the file can not be read, DataLossError, which names the place in the file,
    where it is cut off, damaged or none of these, and InvalidArgumentError for what can be told but
    is not loaded so: a plan, a picture.
    """
    path = os.fspath(path)
    with open(path, "rb"):
        pass  # raises FileNotFoundError, IsADirectoryError, PermissionError, ...
    kind = _core.kind_of_file(path)
    if kind == "plan":
        raise InvalidArgumentError(f"{path}: holds a plan; doppio.net_pb2.PlanDef reads it, and "
                                   "Workspace.run_plan runs it")
    if kind == "model" or (kind == "database" and _core.has_model(path)):
        return Model._from_core(_core.load_model(path, name))
    if kind in ("tensors", "database"):
        arrays = _core.load_tensors(path)
        if len(arrays) == 1 and not arrays[0][0]:
            return arrays[0][1]
        return dict(arrays)
    try:
        return Net._from_core(_core.load_net(path))  # whatever else it is, the error says
    except DataLossError as error:
        if kind != "unknown":
            raise
        raise DataLossError(f"{error}; this is no file that doppio knows, or a damaged one") from None


def save(what: Any, path: str | os.PathLike[str]) -> None:
    """Writes a file, or replaces it, in one step: it is either the old one or the new one.

    A Net becomes text for .pbtxt, JSON for .json, else binary; a Model an ONNX model for .onnx
    (`Model.to_onnx` can be told more of its inputs), else a predictor database; an array .npy, .npz
    or a BlobProto, by the ending; a mapping from names to arrays an .npz archive.

    >>> doppio.save({"w": np.zeros(2), "b": np.ones(1)}, "weights.npz")
    >>> sorted(doppio.load("weights.npz"))
    ['b', 'w']

    Raises OSError or Error where that fails, and TypeError for anything else.
    """
    path = os.fspath(path)
    if isinstance(what, Net):
        _core.save_net(what, path)
    elif isinstance(what, Model):
        _core.save_model(path, what.net, what.inits, dict(what.weights), what.inputs, what.outputs)
    elif isinstance(what, Mapping):
        _core.save_tensors({str(key): value for key, value in what.items()}, path)
    elif hasattr(what, "SerializeToString"):
        _core.save_net(Net(proto=what), path)
    elif hasattr(what, "__array__") or isinstance(what, (list, tuple, int, float)):
        _core.save_tensor(what, path, "")
    else:
        raise TypeError(f"save: there is no file for a {type(what).__name__}; a Net, Model, array or "
                        "mapping from names to arrays is wanted")
