"""Operators written in Python."""

from __future__ import annotations

import functools
import inspect
import typing
from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple, Union

import numpy as np

from doppio import _core, registry

__all__ = ["operator", "PythonOperator", "ArraySpec"]

# A number of inputs or outputs, the least and the most, or their names.
Arity = Union[int, tuple[int, int], Sequence[str]]

# Keywords of the methods of Net, and arguments that gradients have.
_RESERVED = {"name", "engine", "op_name", "type", "inputs", "outputs", "self", "forward_inputs",
             "grad_input_indices", "grad_output_indices"}

_TYPES = {bool: "bool", int: "int", float: "float", str: "str", bytes: "str"}


class ArraySpec(NamedTuple):
    """What is known of an array before a run: for functions that infer shapes."""

    shape: tuple[int, ...]
    dtype: np.dtype


def operator(function: Callable[..., Any] | None = None, *, name: str | None = None,
             inputs: Arity | None = None, outputs: Arity = 1,
             inplace: bool | Iterable[tuple[int, int]] = (), side_effects: bool = False,
             infer: str | Callable[..., Any] | None = None) -> Any:
    """Makes an operator of a function; every net, executor and Predictor may use it.

    >>> @doppio.operator
    ... def CubePlus(x, *, bias=0.0):
    ...     '''Y = X^3 + bias.'''
    ...     return x ** 3 + bias
    >>> @CubePlus.gradient
    ... def _(x, y, dy, *, bias):
    ...     return 3 * x ** 2 * dy
    >>> net = doppio.Net("demo")
    >>> net.CubePlus("X", name="Y", bias=1.0)
    'Y'
    >>> ws = doppio.Workspace()
    >>> ws["X"] = np.array([1, 2], np.float32)
    >>> ws.run(net)
    >>> ws["Y"]
    array([2., 9.], dtype=float32)

    The signature says what the operator takes. Positional parameters are inputs (with the default
    None: one that may be left out; `*xs`: any number), keyword-only ones are arguments, of the type
    of their default or annotation; floats have the 32 bits that nets have. The docstring is the
    documentation.

    The function is given NumPy arrays: views of the inputs, which it may keep but not write to
    (strings: object arrays of bytes; bfloat16: a copy as float32). It returns an array, or whatever
    NumPy makes one of, or a tuple of them for several outputs; its dtype is the output's. A new
    array is taken over without a copy; one that the function keeps is copied, so that writing to it
    later changes no blob.

    An exception ends the run and reaches the caller of `run` as it is. The function is called with
    the interpreter's lock; other Python threads run where it or NumPy gives that up. Several nets
    may call it at the same time.

    `name`: the operator's type; else that of the function.
    `inputs`, `outputs`: how many (a number, or the least and the most), or their names.
    `inplace`: pairs (input, output) that may be the same blob, or True for each input and its
    output.
    `side_effects`: two calls may differ or do more than return a value (random numbers, files);
    nothing may leave such an operator out.
    `infer`: shapes and types before a run: the name of the input that all outputs are like, or a
    function of an `ArraySpec` for each input, and the arguments, that returns one (or a tuple).

    Registering a name again replaces the function, also in nets that exist. An operator that is not
    written in Python is never replaced (AlreadyExistsError).
    """
    options = dict(name=name, inputs=inputs, outputs=outputs, inplace=inplace,
                   side_effects=side_effects, infer=infer)
    if function is None:
        return functools.partial(PythonOperator, **options)
    return PythonOperator(function, **options)


class PythonOperator:
    """A function that is an operator; made by `doppio.operator`. Calling it calls the function."""

    def __init__(self, function: Callable[..., Any], *, name: str | None = None,
                 inputs: Arity | None = None, outputs: Arity = 1,
                 inplace: bool | Iterable[tuple[int, int]] = (), side_effects: bool = False,
                 infer: str | Callable[..., Any] | None = None):
        if isinstance(function, PythonOperator):
            function = function.function
        if not callable(function):
            raise TypeError(f"operator: a function is wanted, not {function!r}")
        self.function = function
        self.name = getattr(function, "__name__", type(function).__name__) if name is None else name
        if not isinstance(self.name, str) or not self.name.isidentifier():
            raise ValueError(f"operator: {self.name!r} is no name of an operator; give one with "
                             "@doppio.operator(name=...)")
        functools.update_wrapper(self, function)
        self._inputs = _inputs(function, self.name)
        arguments = _arguments(function, self.name)
        low, high, names = self._inputs
        if inputs is not None:
            low, high, names = _arity(inputs, names, f"{self.name}: inputs")
        self._input_names = names
        self._max_inputs = high
        low_outputs, high_outputs, output_names = _arity(outputs, ["Y"], f"{self.name}: outputs")
        self._max_outputs = high_outputs
        if inplace is True:
            inplace = [(i, i) for i in range(min(len(names), max(high_outputs, 1)))]
        file, line = _place(function)
        _core.register_python_operator(self.name, function, {
            "doc": inspect.getdoc(function) or "", "file": file, "line": line,
            "inputs": names, "min_inputs": low, "max_inputs": high,
            "outputs": output_names, "min_outputs": low_outputs, "max_outputs": high_outputs,
            "args": arguments, "takes": _taken(function),
            "inplace": [(int(i), int(o)) for i, o in inplace or ()],
            "side_effects": bool(side_effects), "infer": _inference(infer, names, self.name),
        })
        registry.forget(self.name)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return self.function(*args, **kwargs)

    def __repr__(self) -> str:
        return f"<doppio.operator {self.name}{inspect.signature(self.function)}>"

    def gradient(self, function: Callable[..., Any] | None = None, *,
                 of: Iterable[str | int] | str | int | None = None) -> Any:
        """Makes a function the operator's gradient.

        It is given the inputs, the outputs and the gradients of the outputs (zeros where nothing
        depends on one), and those of the operator's arguments that it names. It returns the
        gradient of each input, of the input's shape; None stands for zeros. `of` says which inputs
        have a gradient, by name or position, where not all have; the function then returns theirs.

        >>> @doppio.operator
        ... def TakeRows(table, rows):
        ...     return table[rows]
        >>> @TakeRows.gradient(of="table")
        ... def _(table, rows, taken, dtaken):
        ...     dtable = np.zeros_like(table)
        ...     np.add.at(dtable, rows, dtaken)
        ...     return dtable
        """
        if function is None:
            return functools.partial(self.gradient, of=of)
        if isinstance(function, PythonOperator):
            function = function.function
        if not callable(function):
            raise TypeError(f"{self.name}.gradient: a function is wanted, not {function!r}")
        name = f"{self.name}Gradient"
        low, high, _ = _inputs(function, name)
        if self._max_inputs == len(self._input_names) and self._max_outputs >= 0:
            wanted = self._max_inputs + 2 * self._max_outputs
            if low > wanted or (high >= 0 and high < wanted):
                raise TypeError(
                    f"the gradient of {self.name} is given {wanted} arrays: {self._max_inputs} "
                    f"inputs, {self._max_outputs} outputs and their gradients; this function takes "
                    f"{low if low == high else f'{low} to {high}' if high >= 0 else f'at least {low}'}")
        _core.register_python_gradient(self.name, function, {
            "doc": inspect.getdoc(function) or f"Gradient of {self.name}.",
            **dict(zip(("file", "line"), _place(function))),
            "takes": _taken(function), "gradient_inputs": self._gradient_inputs(of),
        })
        registry.forget(name)
        registry.forget(self.name)
        return function

    def _gradient_inputs(self, of: Any) -> list[int]:
        """Positions of the inputs that have a gradient; none: all of them."""
        if of is None:
            return []
        indices = []
        for item in [of] if isinstance(of, (str, int)) else of:
            if isinstance(item, str):
                if item not in self._input_names:
                    raise ValueError(f"{self.name}.gradient: there is no input {item!r}; there are "
                                     + ", ".join(self._input_names))
                item = self._input_names.index(item)
            if item < 0 or 0 <= self._max_inputs <= item:
                raise ValueError(f"{self.name}.gradient: there is no input {item}")
            indices.append(int(item))
        if len(set(indices)) != len(indices) or not indices:
            raise ValueError(f"{self.name}.gradient: `of` names each input with a gradient once")
        return indices


def _parameters(function: Callable[..., Any], what: str) -> list[inspect.Parameter]:
    try:
        return list(inspect.signature(function).parameters.values())
    except (TypeError, ValueError):
        raise TypeError(f"{what}: {function!r} does not say what it takes; wrap it in a function "
                        "that does") from None


def _inputs(function: Callable[..., Any], what: str) -> tuple[int, int, list[str]]:
    """(least, most, names) of the inputs; most is -1 for any number."""
    least, names, is_open = 0, [], False
    for parameter in _parameters(function, what):
        if parameter.kind is parameter.VAR_POSITIONAL:
            is_open = True
        if parameter.kind not in (parameter.POSITIONAL_ONLY, parameter.POSITIONAL_OR_KEYWORD):
            continue
        names.append(parameter.name)
        if parameter.default is parameter.empty:
            least = len(names)
        elif parameter.default is not None:
            raise TypeError(f"{what}: {parameter.name}={parameter.default!r} is a positional "
                            "parameter, which is an input; put arguments behind a *, as in "
                            f"def {what}(x, *, {parameter.name}={parameter.default!r})")
    return least, -1 if is_open else len(names), names


def _arity(given: Arity, names: list[str], what: str) -> tuple[int, int, list[str]]:
    if isinstance(given, str):
        return 1, 1, [given]
    if isinstance(given, int) and not isinstance(given, bool):
        low = high = given
    else:
        given = list(given)
        if all(isinstance(item, str) for item in given):
            return len(given), len(given), given
        if len(given) != 2 or not all(isinstance(item, int) for item in given):
            raise TypeError(f"{what}: a number, a pair (least, most) or names are wanted, "
                            f"not {given!r}")
        low, high = given
    if low < 0 or -1 < high < low:
        raise ValueError(f"{what}: can not be {given!r}")
    if high >= 0 and high != len(names):
        stem = names[0] if names else "input"
        names = names[:high] if high < len(names) else \
            [names[i] if i < len(names) else f"{stem}{i}" for i in range(high)]
    return low, high, names


def _arguments(function: Callable[..., Any], what: str) -> list[tuple[str, str, str, bool, Any]]:
    """(name, doc, type, required, default) of each argument."""
    try:
        hints = typing.get_type_hints(function)
    except Exception:  # annotations may name anything, also what does not exist
        hints = {}
    arguments = []
    for parameter in _parameters(function, what):
        if parameter.kind is not parameter.KEYWORD_ONLY:
            continue
        if parameter.name in _RESERVED:
            raise ValueError(f"{what}: an argument can not be called {parameter.name!r}")
        required = parameter.default is parameter.empty
        default = None if required else parameter.default
        if isinstance(default, np.generic):
            default = default.item()
        kind = _type_of(default) if default is not None else _type_of_hint(hints.get(parameter.name))
        if kind is None:
            raise TypeError(f"{what}: argument {parameter.name}={default!r}: defaults are bool, int, "
                            "float, str, lists of them, or None")
        arguments.append((parameter.name, "", kind, required,
                          None if kind.endswith("s") or kind == "any" else default))
    return arguments


def _type_of(default: Any) -> str | None:
    if isinstance(default, (list, tuple)):
        kinds = {_TYPES.get(type(item)) for item in default}
        if not kinds:
            return "any"
        if kinds == {"int", "float"}:
            kinds = {"float"}
        kind = kinds.pop()
        return kind + "s" if not kinds and kind in ("int", "float", "str") else None
    return _TYPES.get(type(default))


def _type_of_hint(hint: Any) -> str:
    if hint in _TYPES:
        return _TYPES[hint]
    if typing.get_origin(hint) in (list, tuple) and typing.get_args(hint):
        kind = _TYPES.get(typing.get_args(hint)[0])
        return kind + "s" if kind in ("int", "float", "str") else "any"
    return "any"


def _taken(function: Callable[..., Any]) -> set[str] | None:
    """Names of the keyword-only parameters; None for all (**kwargs)."""
    parameters = _parameters(function, "operator")
    if any(p.kind is p.VAR_KEYWORD for p in parameters):
        return None
    return {p.name for p in parameters if p.kind is p.KEYWORD_ONLY}


def _place(function: Callable[..., Any]) -> tuple[str, int]:
    code = getattr(inspect.unwrap(function), "__code__", None)
    return (code.co_filename, code.co_firstlineno) if code is not None else ("", 0)


def _inference(infer: Any, names: list[str], what: str) -> Callable[..., Any] | None:
    if infer is None:
        return None
    if isinstance(infer, str):
        if infer not in names:
            raise ValueError(f"{what}: infer={infer!r} is no input; there are {', '.join(names)}")
        index = names.index(infer)
        return lambda blobs, arguments, outputs: [blobs[index]] * outputs
    if not callable(infer):
        raise TypeError(f"{what}: infer is the name of an input or a function, not {infer!r}")

    def infer_outputs(blobs: Any, arguments: Any, outputs: int) -> Any:
        result = infer(*[ArraySpec(*blob) for blob in blobs], **arguments)
        results = [result] if isinstance(result, ArraySpec) else result
        return [(tuple(shape), np.dtype(dtype)) for shape, dtype in results]

    return infer_outputs
