"""Shapes and types before a run, and what operators cost."""

import logging
from typing import Any, Dict, List, Optional, Sequence, Tuple

from doppio import _core, errors
from doppio.caffe2_state.blob import want
from doppio.caffe2_state.protos import caffe2_pb2
from doppio.caffe2_state.workspace import current

__all__ = [
    "get_operator_cost", "infer_shapes_and_types_from_map",
    "infer_shapes_and_types_from_workspace",
]

_log = logging.getLogger("doppio.caffe2_state")
_UNDEFINED = "undefined"
# Elements of an integer tensor up to which its values, which may be a shape, are used.
_MOST_VALUES = 64

Known = Dict[str, Tuple[Any, ...]]


def _number(dtype: Optional[str]) -> int:
    if dtype is None or dtype == _UNDEFINED:
        return caffe2_pb2.TensorProto.UNDEFINED
    if dtype == "bfloat16":
        return caffe2_pb2.TensorProto.FLOAT
    return caffe2_pb2.TensorProto.DataType.Value(dtype.upper())


def _shapes(nets: Sequence[bytes], known: Known) -> bytes:
    """TensorShapes (bytes) of all blobs; none at all where shapes contradict each other."""
    try:
        found = _core.infer(list(nets), known)
    except errors.InvalidArgumentError as error:
        _log.error("no shapes are inferred: %s", error)
        return b""
    shapes = caffe2_pb2.TensorShapes()
    for name in sorted({**known, **found}):
        dtype, dims = found.get(name, known.get(name, (None, None)))[:2]
        shape = shapes.shapes.add(name=name, data_type=_number(dtype))
        if dims is None or shape.data_type == caffe2_pb2.TensorProto.UNDEFINED:
            shape.unknown_shape = True
        else:
            shape.dims.extend(dims)
    return shapes.SerializeToString()


def infer_shapes_and_types_from_workspace(nets: Sequence[bytes]) -> bytes:
    """Of all blobs of the workspace and of the nets, as bytes of TensorShapes."""
    workspace = current()._core
    known: Known = {}
    for name in workspace.blob_names():
        _, dtype, dims = workspace.describe_blob(name)
        if dtype is None or dtype == _UNDEFINED:
            continue
        value = None
        if dtype in ("int32", "int64") and _elements(dims) <= _MOST_VALUES:
            value = workspace.fetch(name, True)
        known[name] = (dtype, dims, value)
    return _shapes(nets, known)


def _elements(dims: Sequence[int]) -> int:
    count = 1
    for dim in dims:
        count *= dim
    return count


def infer_shapes_and_types_from_map(nets: Sequence[bytes], blob_dimensions: Dict[str, List[int]],
                                    blob_types: Optional[Dict[str, int]] = None) -> bytes:
    """The same, given the shapes of some blobs, and their types (numbers of TensorProto.DataType;
    float where none are given)."""
    want(blob_dimensions, dict, "the shapes of blobs")
    want(blob_types, (dict, type(None)), "the types of blobs")
    names = caffe2_pb2.TensorProto.DataType
    known: Known = {}
    for name, dims in blob_dimensions.items():
        dtype = names.FLOAT if blob_types is None else blob_types.get(name, names.UNDEFINED)
        try:
            text = names.Name(dtype).lower()
        except ValueError:
            raise errors.InvalidArgumentError(
                f'"{name}": {dtype} is no TensorProto.DataType') from None
        known[name] = (None if text == _UNDEFINED else text, tuple(dims))
    return _shapes(nets, known)


def get_operator_cost(op_def: bytes, input_blobs: Sequence[str]) -> Tuple[int, int, int]:
    """(operations, bytes written, bytes read) of one run of an operator on these blobs of the
    current workspace."""
    inputs = []
    for name in input_blobs:
        _, dtype, dims = current()._core.describe_blob(name)
        if dtype is None:
            raise errors.InvalidArgumentError(f'get_operator_cost: blob "{name}" holds no tensor')
        inputs.append((dtype, list(dims)))
    flops, written, read = _core.operator_cost(op_def, inputs)
    return flops, written, read
