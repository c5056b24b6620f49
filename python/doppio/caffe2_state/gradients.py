"""Gradients of single operators; the front end's own code makes nets of them."""

from typing import List, Sequence, Tuple, Union

from doppio import _core, errors

__all__ = ["GradientWrapper", "get_gradient_defs"]


def _text(field: str) -> property:
    """A field that takes text only, as one of C++ does."""
    slot = "_" + field

    def write(self: "GradientWrapper", value: Union[str, bytes]) -> None:
        if isinstance(value, bytes):
            value = value.decode()
        if not isinstance(value, str):
            raise TypeError(f"GradientWrapper.{field} is text, not {type(value).__name__}")
        setattr(self, slot, value)

    return property(lambda self: getattr(self, slot), write)


class GradientWrapper:
    """The gradient of a blob: nothing, the name of a blob (`dense`), or the names of `indices` and
    `values`. Empty text is no name."""

    __slots__ = ("_dense", "_indices", "_values")

    dense = _text("dense")
    indices = _text("indices")
    values = _text("values")

    def __init__(self) -> None:
        self._dense = self._indices = self._values = ""

    def is_dense(self) -> bool:
        return bool(self._dense)

    def is_sparse(self) -> bool:
        return bool(self._indices or self._values)

    def is_empty(self) -> bool:
        return not self.is_dense() and not self.is_sparse()


def _unwrapped(gradient: GradientWrapper) -> Union[None, str, Tuple[str, str]]:
    if not isinstance(gradient, GradientWrapper):
        raise TypeError("get_gradient_defs: gradients are GradientWrapper, not "
                        + type(gradient).__name__)
    if gradient.is_dense():
        return gradient.dense
    return (gradient.indices, gradient.values) if gradient.is_sparse() else None


def _wrapped(gradient: Union[None, str, Tuple[str, str]]) -> GradientWrapper:
    wrapper = GradientWrapper()
    if isinstance(gradient, str):
        wrapper.dense = gradient
    elif gradient is not None:
        wrapper.indices, wrapper.values = gradient
    return wrapper


def get_gradient_defs(
        op_def: bytes,
        output_gradients: Sequence[GradientWrapper]) -> Tuple[List[bytes], List[GradientWrapper]]:
    """The gradient operators of an operator (bytes of an OperatorDef each), and the gradient of
    each of its inputs, given those of its outputs. RuntimeError where the operator has none."""
    gradients = [_unwrapped(gradient) for gradient in output_gradients]
    try:
        ops, inputs = _core.gradient_of_op(op_def, gradients)
    except errors.InvalidArgumentError as error:
        if _core.schema_problems(op_def):
            raise errors.InvalidArgumentError(
                f"the operator does not pass the checks of its schema: {error}") from None
        raise
    return ops, [_wrapped(gradient) for gradient in inputs]
