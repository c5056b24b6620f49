"""Which operators there are, and operators that are Python functions."""

import functools
from typing import Any, Dict, List, Tuple

from doppio import _core, errors
from doppio.caffe2_state.blob import TensorCPU, want
from doppio.caffe2_state.protos import caffe2_pb2, parse
from doppio.caffe2_state.workspace import Workspace

__all__ = [
    "DLPackTensorCPU", "infer_op_input_output_device", "nearby_opnames", "op_registry_key",
    "register_python_gradient_op", "register_python_op", "registered_operators",
    "set_engine_pref", "set_global_engine_pref", "set_op_engine_pref", "set_per_op_engine_pref",
]

DLPackTensorCPU = _core.DlpackOpTensor  # what functions of the operator PythonDLPack get

_EDITS = 3


def registered_operators() -> List[str]:
    """Type, or Type_ENGINE_engine, of each operator, sorted."""
    return sorted(set(_core.operator_keys()))


def op_registry_key(op_type: str, engine: str) -> str:
    return op_type if engine in ("", "DEFAULT") else f"{op_type}_ENGINE_{engine}"


def _distance(a: str, b: str) -> int:
    """Edits from a to b."""
    row = list(range(len(b) + 1))
    for i, x in enumerate(a, start=1):
        previous, row[0] = row[0], i
        for j, y in enumerate(b, start=1):
            previous, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, previous + (x != y))
    return row[-1]


def nearby_opnames(name: str) -> List[str]:
    """Types of operators at most three edits away."""
    return [key for key in registered_operators()
            if abs(len(key) - len(name)) <= _EDITS and _distance(key, name) <= _EDITS]


# Operators of which a blob is on another device than the operator: (input, output) as in Caffe2.
_ON_CPU: Dict[str, Tuple[bool, bool]] = {
    "CopyCPUToGPU": (True, False), "CopyFromCPUInput": (True, False),
    "CopyGPUToCPU": (False, True), "EnsureCPUOutput": (False, True),
}


def infer_op_input_output_device(op_def: bytes) -> Tuple[List[bytes], List[bytes]]:
    """The DeviceOption (bytes) of each input and of each output."""
    op = parse(caffe2_pb2.OperatorDef, op_def)
    there = op.device_option.SerializeToString()
    cpu = caffe2_pb2.DeviceOption().SerializeToString()
    input_on_cpu, output_on_cpu = _ON_CPU.get(op.type, (False, False))
    return ([cpu if input_on_cpu else there] * len(op.input),
            [cpu if output_on_cpu else there] * len(op.output))


def register_python_op(func: Any, pass_workspace: bool, name: str) -> str:
    """Makes a function the operator `Python` of the argument `token`, which is returned: the
    function's name, after `name:` where that is given, and with a number where that is taken."""
    return _core.register_python_op(dressed(func, "register_python_op"), pass_workspace, name)


def register_python_gradient_op(token: str, func: Any) -> None:
    """Makes a function the gradient of the operator of that token."""
    _core.register_python_gradient_op(token, dressed(func, "register_python_gradient_op"))


def dressed(func: Any, what: str) -> Any:
    """A function that calls `func` with tensors and a workspace of Caffe2's classes."""
    if not callable(func):
        raise errors.InvalidArgumentError(f"{what}: a function is wanted, not {func!r}")

    @functools.wraps(func)
    def call(inputs: List[Any], outputs: List[Any], *workspace: Any) -> None:
        func([dress(tensor) for tensor in inputs], [dress(tensor) for tensor in outputs],
             *[Workspace._of(one) for one in workspace])

    def dress(tensor: Any) -> Any:
        return TensorCPU(tensor) if isinstance(tensor, _core.OpTensor) else tensor

    return call


# Preferences choose between implementations of the same operator. doppio takes the engines that an
# operator names itself; preferences of a process are accepted and change nothing.

def set_per_op_engine_pref(pref: Dict[int, Dict[str, List[str]]]) -> None:
    want(pref, dict, "preferences")


def set_global_engine_pref(pref: Dict[int, List[str]]) -> None:
    want(pref, dict, "preferences")


def set_engine_pref(per_op_pref: Dict[int, Dict[str, List[str]]],
                    global_pref: Dict[int, List[str]]) -> None:
    set_per_op_engine_pref(per_op_pref)
    set_global_engine_pref(global_pref)


def set_op_engine_pref(op_type: str, op_pref: Dict[int, List[str]]) -> None:
    want(op_pref, dict, "preferences")
