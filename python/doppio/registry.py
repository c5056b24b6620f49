"""The registry of operators, as Python sees it."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

from doppio import _core
from doppio.errors import NotFoundError

__all__ = ["operators", "OperatorSchema", "OperatorRegistry", "BlobSpec", "ArgSpec", "load_library"]

class BlobSpec(NamedTuple):
    """An input or output of an operator, as its schema describes it."""

    name: str
    doc: str


class ArgSpec(NamedTuple):
    """An argument of an operator. `type` is int, bool, float, str, ints, floats, strs, net or any."""

    name: str
    doc: str
    type: str
    required: bool
    default: Any


class OperatorSchema(NamedTuple):
    """What is known about an operator without running it.

    `max_inputs` and `max_outputs` are -1 where any number may be given.

    >>> doppio.operators["Expand"].inputs[1].doc
    'vector of int32 or int64: the shape to expand to'
    """

    type: str
    doc: str
    inputs: list[BlobSpec]
    outputs: list[BlobSpec]
    args: list[ArgSpec]
    min_inputs: int
    max_inputs: int
    min_outputs: int
    max_outputs: int
    has_gradient: bool
    has_side_effects: bool
    file: str
    line: int

    def documentation(self) -> str:
        """The schema as text: what the operator does, its inputs, outputs and arguments."""
        parts = [self.doc.strip()]
        for title, specs in (("Inputs", self.inputs), ("Outputs", self.outputs)):
            if specs:
                parts.append(title + ":\n" + "\n".join(f"    {s.name}: {s.doc}" for s in specs))
        if self.args:
            parts.append("Arguments:\n" + "\n".join(_arg_line(arg) for arg in self.args))
        return "\n\n".join(parts) + "\n"


def _arg_line(arg: ArgSpec) -> str:
    needed = "required" if arg.required else f"default {arg.default!r}"
    kind = arg.type if arg.required or arg.default is not None else arg.type + ", optional"
    return f"    {arg.name} ({kind}" + (f", {needed}" if "optional" not in kind else "") \
        + f"): {arg.doc}"


class OperatorRegistry(Mapping[str, OperatorSchema]):
    """All operators that nets may use, by type; `doppio.operators` is the only one.

    >>> len(doppio.operators) > 250, "Expand" in doppio.operators
    (True, True)
    >>> doppio.operators["Softmax"].has_gradient
    True
    """

    def __getitem__(self, type: str) -> OperatorSchema:
        fields = _core.schema(type) if _core.has_operator(type) else None
        if fields is None:
            raise NotFoundError(_core.missing_operator(type))
        for specs in ("inputs", "outputs"):
            fields[specs] = [BlobSpec(*spec) for spec in fields[specs]]
        fields["args"] = [ArgSpec(*spec) for spec in fields["args"]]
        return OperatorSchema(**fields)

    def __contains__(self, type: object) -> bool:
        return isinstance(type, str) and _core.has_operator(type)

    def __iter__(self) -> Iterator[str]:
        return iter(_core.operator_types())

    def __len__(self) -> int:
        return len(_core.operator_types())

    def __repr__(self) -> str:
        return f"<doppio.operators: {len(self)} operators>"


operators = OperatorRegistry()

_RETURNS = """
Returns the name of the output; of several, a tuple, or the first where `name` names just that.
"""

_methods: dict[str, Callable[..., Any]] = {}

# Keywords of every method. An argument of an operator that has the name of one is called name_.
_KEYWORDS = ("name", "engine")


def _shown(argument: str) -> str:
    return argument + "_" if argument in _KEYWORDS else argument


def method_of(type: str) -> Callable[..., Any]:
    """The method of Net that adds an operator of this type; AttributeError where there is none."""
    if type in _methods:
        return _methods[type]
    if type.startswith("_") or not _core.has_operator(type):
        raise AttributeError(_core.missing_operator(type) if not type.startswith("_") else type)
    schema = operators[type]
    renamed = {_shown(arg.name): arg.name for arg in schema.args if arg.name in _KEYWORDS}

    def method(self, *inputs, name=None, engine="", **args):
        args = {renamed.get(key, key): value for key, value in args.items()}
        return self._add_method(schema, inputs, name, engine, args)

    method.__name__ = type
    method.__qualname__ = f"Net.{type}"
    method.__doc__ = schema.documentation() + _RETURNS
    method.__signature__ = _signature(schema)  # type: ignore[attr-defined]
    _methods[type] = method
    return method


def forget(type: str) -> None:
    """To be called when an operator of this type was replaced by another."""
    _methods.pop(type, None)


def _signature(schema: OperatorSchema) -> inspect.Signature:
    kinds = inspect.Parameter
    parameters = [kinds("self", kinds.POSITIONAL_ONLY)]
    plain = schema.max_inputs == len(schema.inputs)
    if plain and all(spec.name.isidentifier() for spec in schema.inputs):
        taken = {*_KEYWORDS, *(arg.name for arg in schema.args)}  # Split has `split` twice
        for i, spec in enumerate(schema.inputs):
            default = kinds.empty if i < schema.min_inputs else None
            shown = spec.name + "_" if spec.name in taken else spec.name
            parameters.append(kinds(shown, kinds.POSITIONAL_ONLY, default=default))
    else:
        parameters.append(kinds("inputs", kinds.VAR_POSITIONAL))
    parameters.append(kinds("name", kinds.KEYWORD_ONLY, default=None))
    parameters.append(kinds("engine", kinds.KEYWORD_ONLY, default=""))
    for arg in schema.args:
        default = kinds.empty if arg.required else arg.default
        parameters.append(kinds(_shown(arg.name), kinds.KEYWORD_ONLY, default=default))
    return inspect.Signature(parameters)


def load_library(path: str) -> list[str]:
    """Loads a shared library of operators (a plug-in) and returns the types that came with it.

    >>> doppio.load_library("lib/scaled_square.so")  # doctest: +SKIP
    ['ScaledSquare', 'ScaledSquareGradient']
    """
    import os

    return _core.load_library(os.fspath(path))
