"""doppio as a backend of the package onnx: its interface, and so its tests, run on doppio.

>>> import doppio.onnx_backend
>>> doppio.onnx_backend.supports_device("CPU"), doppio.onnx_backend.supports_device("CUDA")
(True, False)

`prepare(model).run(inputs)`, `run_model(model, inputs)` and `run_node(node, inputs)` take messages of
the package onnx (Debian: `apt-get install python3-onnx`; or `pip install onnx`), which only
`run_node` needs: `doppio.load("model.onnx")` and `doppio.Model.from_onnx` read models without it.
"""

from __future__ import annotations

import types
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from doppio.errors import InvalidArgumentError, UnimplementedError
from doppio.model import Model
from doppio.prediction import Predictor

__all__ = ["DoppioRep", "prepare", "run_model", "run_node", "supports_device"]


class DoppioRep:
    """A model that is ready to run, as onnx.backend.base.BackendRep is."""

    def __init__(self, predictor: Predictor):
        self.predictor = predictor

    def run(self, inputs: Any, **kwargs: Any) -> tuple[Any, ...]:
        """The outputs for inputs that are given in order, by name, or as one array."""
        _refuse_options("run", kwargs)
        if isinstance(inputs, Mapping):
            made = self.predictor.run(dict(inputs))
            return tuple(made[name] for name in self.predictor.outputs)
        if isinstance(inputs, np.ndarray):
            inputs = [inputs]
        return tuple(self.predictor.run(list(inputs)))


def supports_device(device: str) -> bool:
    """Whether models run there: on the CPU."""
    return device.partition(":")[0] == "CPU"


def prepare(model: Any, device: str = "CPU", **kwargs: Any) -> DoppioRep:
    """Reads a model: a message of the package onnx, or its bytes. Raises doppio's errors, with all
    that is wrong with the model or can not be taken along."""
    _refuse_options("prepare", kwargs)
    if not supports_device(device):
        raise UnimplementedError(f"onnx_backend: models run on the CPU, not on {device}")
    return DoppioRep(Predictor(Model.from_onnx(model)))


def run_model(model: Any, inputs: Any, device: str = "CPU", **kwargs: Any) -> tuple[Any, ...]:
    """The outputs of a model."""
    return prepare(model, device, **kwargs).run(inputs)


def run_node(node: Any, inputs: Any, device: str = "CPU",
             outputs_info: Sequence[tuple[Any, Sequence[int]]] | None = None,
             opset_version: int = 17, **kwargs: Any) -> tuple[Any, ...]:
    """The outputs of one node, an onnx.NodeProto, for the inputs that it names. `outputs_info` says
    their types and shapes, which doppio infers itself."""
    onnx = _onnx()
    names = [name for name in node.input if name]
    arrays = [inputs[name] for name in names] if isinstance(inputs, Mapping) else list(inputs)
    if len(arrays) != len(names):
        raise InvalidArgumentError(f"onnx_backend.run_node: {node.op_type} names {len(names)} "
                                   f"inputs, but {len(arrays)} are given")
    given = {name: np.asarray(array) for name, array in zip(names, arrays)}
    declared = []
    for name, array in given.items():
        dtype = onnx.numpy_helper.from_array(array).data_type
        declared.append(onnx.helper.make_tensor_value_info(name, dtype, array.shape))
    made = [onnx.ValueInfoProto(name=name) for name in node.output if name]
    model = onnx.helper.make_model(onnx.helper.make_graph([node], "node", declared, made),
                                   opset_imports=[onnx.helper.make_opsetid("", opset_version)])
    model.ir_version = 8  # of those opsets; later versions of onnx write later ones
    return run_model(model, given, device, **kwargs)


def _refuse_options(where: str, options: Mapping[str, Any]) -> None:
    if options:
        raise TypeError(f"onnx_backend.{where}: no option {', '.join(map(repr, options))}")


def _onnx() -> types.ModuleType:
    try:
        import onnx
        import onnx.helper
        import onnx.numpy_helper
    except ImportError as error:
        raise ImportError("doppio.onnx_backend.run_node needs the package onnx: `apt-get install "
                          "python3-onnx` on Debian, or `pip install onnx`") from error
    return onnx
