"""Definitions of nets: loaded from files, or written operator by operator."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple, Union

from doppio import _core
from doppio.registry import OperatorSchema, method_of

__all__ = ["Net", "NetBuilder", "Op"]

# Names of blobs: one, or several.
Names = Union[str, Sequence[str]]


class Op(NamedTuple):
    """One operator of a net.

    >>> net = doppio.Net("demo")
    >>> _ = net.ReduceSum("X", name="Y", axes=[0])
    >>> net.ops[0].type, net.ops[0].args
    ('ReduceSum', {'axes': [0]})
    """

    type: str
    inputs: list[str]
    outputs: list[str]
    args: dict[str, Any]
    name: str = ""
    engine: str = ""
    is_gradient: bool = False

    def __str__(self) -> str:
        text = f"{self.type}({', '.join(self.inputs)})"
        return text + (f" -> {', '.join(self.outputs)}" if self.outputs else "")


class _Ops(Sequence[Op]):
    """The operators of a net, read when they are asked for."""

    def __init__(self, net: Net):
        self._net = net

    def __len__(self) -> int:
        return len(self._net)

    def __getitem__(self, index):
        if isinstance(index, slice):
            return [self[i] for i in range(*index.indices(len(self)))]
        op = Op(*self._net._op(index))
        for key, value in op.args.items():
            if isinstance(value, _core.Net):
                op.args[key] = Net._from_core(value)
        return op

    def __repr__(self) -> str:
        return "[" + ", ".join(str(op) for op in self) + "]"


class _NetType(type(_core.Net)):  # type: ignore[misc]
    """Lets Net.Expand be looked up, with its documentation, though nobody wrote it down."""

    def __getattr__(cls, type: str) -> Callable[..., Any]:
        return method_of(type)

    def __dir__(cls) -> list[str]:
        return sorted(set(super().__dir__()) | set(_core.operator_types()))


if TYPE_CHECKING:
    from doppio._operators import OperatorMethods as _Base
else:
    _Base = _core.Net


class Net(_Base, metaclass=_NetType):
    """The definition of a net: a NetDef.

    Every operator is a method. It takes the names of the inputs, `name` (of the output; of several,
    a list), and the operator's arguments, and returns the name of the output:

    >>> net = doppio.Net("demo")
    >>> Y = net.Expand("X", "shape", name="Y")
    >>> net.SumElements(Y, name="loss")
    'loss'
    >>> print(net)
    net "demo": 2 operators
      Expand(X, shape) -> Y
      SumElements(Y) -> loss
    >>> net.inputs, net.outputs
    (['X', 'shape'], ['loss'])

    `help(doppio.Net.Expand)` shows what an operator does. Outputs that are not named get a name
    after the operator. A net is a value: it belongs to no workspace; `workspace.run(net)` runs it.
    """

    def __init__(self, name: str = "net", *, type: str = "", proto: Any = None):
        """`type` says how it is run: "simple" (the default) or "parallel". `proto` is a NetDef to
        begin with: bytes, a protobuf message, or another net."""
        super().__init__(proto)
        if proto is None:
            self.name = name
        if type:
            self.type = type

    @classmethod
    def _from_core(cls, core: _core.Net) -> Net:
        net = cls()
        net._take(core)
        return net

    @classmethod
    def from_text(cls, text: str) -> Net:
        """The net of a text (.pbtxt) or JSON.

        >>> doppio.Net.from_text('op { type: "Relu" input: "X" output: "Y" }').ops
        [Relu(X) -> Y]
        """
        return cls._from_core(_core.parse_net(text.encode(), "text"))

    @classmethod
    def from_bytes(cls, content: bytes) -> Net:
        """The net of a serialized NetDef: the inverse of `net.to_bytes()`."""
        return cls(proto=content)

    def to_bytes(self) -> bytes:
        """The serialized NetDef, as in a .pb file."""
        return self.SerializeToString()

    def to_proto(self) -> Any:
        """The net as a message of Python's protobuf library (`doppio.net_pb2.NetDef`)."""
        from doppio import net_pb2

        return net_pb2.NetDef.FromString(self.to_bytes())

    def add(self, type: str, inputs: Names = (), outputs: Names = (), *, engine: str = "",
            op_name: str = "", **args: Any) -> Net:
        """Adds an operator, whatever its type, and returns the net.

        >>> doppio.Net("n").add("Relu", "X", "Y").add("Sum", ["X", "Y"], ["Z"]).ops
        [Relu(X) -> Y, Sum(X, Y) -> Z]

        Raises InvalidArgumentError for what the operator's schema forbids and TypeError for an
        argument of the wrong type. An operator that is not known here is added as it is.
        """
        self._add(type, _names(inputs, "inputs"), _names(outputs, "outputs"), args, op_name, engine)
        return self

    def append(self, other: Net) -> Net:
        """Adds all operators of another net, and returns this one."""
        self._append(other)
        return self

    def copy(self, name: str | None = None) -> Net:
        """An independent copy, under another name where one is given."""
        net = Net(proto=self)
        if name is not None:
            net.name = name
        return net

    def set_device(self, device: str) -> Net:
        """Makes every operator ask for a device, "cpu" or "cuda", and returns the net.

        A net that was written for a machine with a GPU runs on the CPU after it; nets in the
        arguments of operators are included.

        >>> net = doppio.Net.from_text(
        ...     'op { type: "Relu" input: "X" output: "Y" device_option { device_type: 1 } }')
        >>> doppio.check(net)[0].what.startswith("one operator is to run on CUDA")
        True
        >>> doppio.check(net.set_device("cpu"))
        []
        """
        self._set_device(device)
        return self

    def set_seed(self, seed: int) -> Net:
        """Gives every operator that draws random numbers a seed of its own, from `seed` on, and
        returns the net: so it draws the same numbers in every process.

        >>> net = doppio.Net("init")
        >>> _ = net.GaussianFill(name="w", shape=[2]), net.GaussianFill(name="b", shape=[2])
        >>> [op.device_option.random_seed for op in net.set_seed(7).to_proto().op]
        [7, 8]
        """
        self._set_seed(seed)
        return self

    @property
    def ops(self) -> Sequence[Op]:
        """The operators: a sequence of `doppio.Op`."""
        return _Ops(self)

    def _add_method(self, schema: OperatorSchema, inputs: tuple, name: Names | None, engine: str,
                    args: dict[str, Any]) -> Any:
        blobs: list[str] = []
        for given in inputs:
            blobs += _names(given, f"{schema.type}: inputs")
        outputs = [] if name is None else _names(name, f"{schema.type}: name")
        while len(outputs) < schema.min_outputs:
            outputs.append(self._free_name(_name_of_output(schema, outputs)))
        self._add(schema.type, blobs, outputs, args, "", engine)
        if isinstance(name, str) or (name is None and len(outputs) == 1):
            return outputs[0]
        return tuple(outputs) if outputs else None

    if not TYPE_CHECKING:  # which knows the operators' methods, and what is none of them
        def __getattr__(self, type: str) -> Callable[..., Any]:
            return method_of(type).__get__(self)

    def __dir__(self) -> list[str]:
        return dir(self.__class__)

    def __iter__(self) -> Iterator[Op]:
        return iter(self.ops)

    def __copy__(self) -> Net:
        return self.copy()

    def __deepcopy__(self, memo: Any) -> Net:
        return self.copy()

    def __reduce__(self):
        return (Net.from_bytes, (self.to_bytes(),))

    __hash__ = None  # type: ignore[assignment]  # it can change

    def __repr__(self) -> str:
        count = len(self)
        return f'<doppio.Net "{self.name}": {count} operator{"s" if count != 1 else ""}>'

    def __str__(self) -> str:
        count = len(self)
        lines = [f'net "{self.name}": {count} operator{"s" if count != 1 else ""}']
        lines += [f"  {self._op_text(i)}" for i in range(count)]
        return "\n".join(lines)

    def _repr_svg_(self) -> str | None:
        from doppio import notebook  # not what most programs need

        # Graphviz takes too long over a larger one, and shows nothing; there is the table.
        return notebook.svg_of_dot(_core.dot_of_net(self)) if len(self) <= 300 else None

    def _repr_html_(self) -> str:
        from doppio import notebook

        rows = ([str(i), op.type, ", ".join(op.inputs), ", ".join(op.outputs),
                 ", ".join(f"{name}={notebook.shortened(value)}" for name, value in op.args.items())]
                for i, op in zip(range(notebook.MOST_ROWS), self.ops))
        return notebook.html_table(f"net {self.name}",
                                   ["", "operator", "inputs", "outputs", "arguments"], rows, len(self))


NetBuilder = Net  # as in C++


def _name_of_output(schema: OperatorSchema, outputs: list[str]) -> str:
    """What the next output is called where nobody said it: Concat, Concat_split_info."""
    if not outputs:
        return schema.type
    if len(outputs) < len(schema.outputs):
        return f"{outputs[0]}_{schema.outputs[len(outputs)].name}"
    return f"{outputs[0]}_output"


def _names(names: Names | Iterable[str], what: str) -> list[str]:
    """A list of names of one or several; TypeError that says `what` for anything else."""
    if isinstance(names, str):
        return [names]
    try:
        several = iter(names)
    except TypeError:
        raise TypeError(f"{what}: the name of a blob, or a list of them, is wanted, "
                        f"not {names!r}") from None
    result = []
    for name in several:  # one after the other: a large array has a first element soon
        if not isinstance(name, str):
            raise TypeError(f"{what}: names of blobs are str, not {name!r}")
        result.append(name)
    return result
