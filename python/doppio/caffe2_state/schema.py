"""What operators say about themselves."""

from typing import Any, List, Optional, Tuple

from doppio import _core, errors

__all__ = ["OpSchema"]

_MANY = 2**31 - 1  # Caffe2's number for: as many as one likes


class _Argument:
    """An argument of an operator."""

    def __init__(self, name: str, description: str, required: bool) -> None:
        self.name = name
        self.description = description
        self.required = required


class OpSchema:
    """The schema of a type of operators. `OpSchema.get("Relu")`, or None where there is none."""

    Argument = _Argument

    def __init__(self, fields: Any) -> None:
        self._fields = fields

    @staticmethod
    def get(op_type: str) -> Optional["OpSchema"]:
        fields = _core.schema(op_type)
        return None if fields is None else OpSchema(fields)

    @staticmethod
    def get_cpu_impl(op_type: str) -> Optional[str]:
        """What is known of the implementation for the CPU; None where there is none."""
        return f"doppio, {op_type}" if _core.has_operator(op_type) else None

    @staticmethod
    def get_cuda_impl(op_type: str) -> None:
        return None

    @staticmethod
    def get_gradient_impl(op_type: str) -> Optional[str]:
        """The same of the gradient."""
        fields = _core.schema(op_type)
        return f"doppio, gradient of {op_type}" if fields and fields["has_gradient"] else None

    @property
    def file(self) -> str:
        return self._fields["file"]

    @property
    def line(self) -> int:
        return self._fields["line"]

    @property
    def private(self) -> bool:
        return False

    @property
    def doc(self) -> str:
        return self._fields["doc"]

    @property
    def args(self) -> List[_Argument]:
        return [_Argument(name, doc, required)
                for name, doc, _, required, _ in self._fields["args"]]

    @property
    def input_desc(self) -> List[Tuple[str, str]]:
        """(name, description) of each."""
        return self._fields["inputs"]

    @property
    def output_desc(self) -> List[Tuple[str, str]]:
        return self._fields["outputs"]

    @property
    def min_input(self) -> int:
        return self._fields["min_inputs"]

    @property
    def max_input(self) -> int:
        most = self._fields["max_inputs"]
        return _MANY if most < 0 else most

    @property
    def min_output(self) -> int:
        return self._fields["min_outputs"]

    @property
    def max_output(self) -> int:
        most = self._fields["max_outputs"]
        return _MANY if most < 0 else most

    @property
    def inf(self) -> bool:
        """Whether shapes of outputs are inferred."""
        return _core.has_inference(self._fields["type"])

    def infer_tensor(self, op: Any, shapes: Any) -> None:
        raise errors.UnimplementedError(
            "OpSchema.infer_tensor never worked; use infer_shapes_and_types_from_map")

    def CalculateOutput(self, num_input: int) -> int:
        """How many outputs there are for so many inputs; -1 where that is free."""
        return self.min_output if self.min_output == self.max_output else -1

    def inplace_enforced(self, input_index: int, output_index: int) -> bool:
        return _core.enforces_inplace(self._fields["type"], input_index, output_index)

    def num_inputs_allowed(self, count: int) -> bool:
        return self.min_input <= count <= self.max_input

    def num_outputs_allowed(self, count: int) -> bool:
        return self.min_output <= count <= self.max_output

    def num_inputs_outputs_allowed(self, inputs: int, outputs: int) -> bool:
        return self.num_inputs_allowed(inputs) and self.num_outputs_allowed(outputs)
