"""Writes what type checkers and editors read in place of code that exists only at run time:
`_core.pyi`, the C++ half of the package, and `_operators.pyi`, a method for every operator.

    stubs.py doppio/_core.cpython-311-x86_64-linux-gnu.so FOLDER [PLUG_IN.so ...]

Run when the package is built; needs nothing but the built module. With plug-ins, the methods of
their operators are written too: put `_operators.pyi` of such a run in place of the package's.
"""

import importlib.util
import keyword
import pathlib
import re
import sys

HEADER = '''"""Made by python/packaging/stubs.py."""

from collections.abc import Sequence
from typing import Any, Protocol, overload

import numpy

'''

# What pybind11 calls the types in the signatures that it writes, as type checkers know them.
TYPES = {
    "bool": "bool", "int": "int", "float": "float", "str": "str", "bytes": "bytes", "None": "None",
    "List[str]": "list[str]", "List[int]": "list[int]", "list": "list[Any]", "dict": "dict[Any, Any]",
    "tuple": "tuple[Any, ...]", "sequence": "Sequence[Any]",
    "numpy.ndarray": "numpy.ndarray[Any, Any]",
}
ANYTHING = "(self, *args: Any, **kwargs: Any) -> Any"


def load(path):
    spec = importlib.util.spec_from_file_location("doppio._core", path)
    core = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(core)
    return core


# ---- _core.pyi ----

def type_of(name, classes):
    if name.startswith("doppio._core.") and name[len("doppio._core."):] in classes:
        return name[len("doppio._core."):]
    return TYPES.get(name, "Any")


def split(text):
    """The parameters of "a: int, b: Tuple[int, str] = (1, 2)"."""
    parts, depth = [""], 0
    for letter in text:
        depth += (letter in "([{<") - (letter in ")]}>")
        if letter == "," and depth == 0:
            parts.append("")
        else:
            parts[-1] += letter
    return [part.strip() for part in parts if part.strip()]


def signature(doc, classes, is_method):
    """"f(self: doppio._core.Net, arg0: int = 1) -> str" as a stub has it."""
    match = re.match(r"\w*\((.*)\) -> ([^\n]+)", doc or "")
    if match is None or "*args" in match.group(1):
        return ANYTHING if is_method else ANYTHING.replace("self, ", "")
    parameters = []
    for part in split(match.group(1)):
        name, _, rest = part.partition(":")
        kind, equals, default = rest.partition("=")
        if is_method and not parameters:
            parameters.append("self")
            continue
        kind = type_of(kind.strip(), classes)
        if default.strip() == "None" and kind != "Any":
            kind += " | None"
        parameters.append(f"{name}: {kind}" + (" = ..." if equals else ""))
    return f"({', '.join(parameters)}) -> {type_of(match.group(2).strip(), classes)}"


def class_stub(cls, classes):
    lines = []
    for name, value in vars(cls).items():
        if isinstance(value, property):
            got = signature(value.fget.__doc__, classes, True)
            lines += ["    @property", f"    def {name}{got}: ..."]
            if value.fset is not None:
                kind = got.rpartition(" -> ")[2]
                lines += [f"    @{name}.setter", f"    def {name}(self, value: {kind}) -> None: ..."]
        elif isinstance(value, staticmethod):
            got = signature(getattr(cls, name).__doc__, classes, False)
            lines += ["    @staticmethod", f"    def {name}{got}: ..."]
        elif type(value).__name__ == "instancemethod" and name not in ("__eq__", "__hash__"):
            got = signature(value.__doc__, classes, True)
            if name == "__init__":
                got = got.rpartition(" -> ")[0] + " -> None"
            lines.append(f"    def {name}{got}: ...")
    return [f"class {cls.__name__}:", *(lines or ["    ..."]), ""]


def core_stub(core):
    classes = [name for name, value in vars(core).items() if isinstance(value, type)]
    lines = ["__version__: str", ""]
    for name, value in sorted(vars(core).items()):
        if isinstance(value, type):
            lines += class_stub(value, classes)
        elif callable(value) and not name.startswith("__"):
            lines.append(f"def {name}{signature(value.__doc__, classes, False)}: ...")
    return HEADER + "\n".join(lines) + "\n"


# ---- _operators.pyi ----

ARGUMENTS = {
    "int": "int", "bool": "bool", "float": "float", "str": "str | bytes", "ints": "Ints",
    "floats": "Floats", "strs": "Sequence[str | bytes]", "net": "Serializable", "any": "Any",
}
ALIASES = '''from doppio import _core

class Serializable(Protocol):
    """A net: a doppio.Net, or a message of protobuf."""
    def SerializeToString(self) -> bytes: ...

Names = str | Sequence[str]
Outputs = list[str] | tuple[str, ...]
Ints = Sequence[int] | numpy.ndarray[Any, Any]
Floats = Sequence[float] | numpy.ndarray[Any, Any]
# An element type: numpy.float32, its dtype, or the format's number.
DType = int | type[Any] | numpy.dtype[Any]

'''


def inputs_of(schema):
    names = [name for name, _ in schema["inputs"]]
    taken = {"name", "engine", *(arg[0] for arg in schema["args"])}
    if schema["max_inputs"] != len(names) or not all(map(str.isidentifier, names)):
        return ["*inputs: Names"]
    needed = schema["min_inputs"]
    given = [(name + "_" if name in taken or keyword.iskeyword(name) else name) + ": str" +
             (" = ..." if i >= needed else "") for i, name in enumerate(names)]
    return [*given, "/", "*"] if given else ["*"]


def argument(name, kind, required, default):
    wanted = "DType" if kind == "int" and name in ("to", "dtype") else ARGUMENTS[kind]
    shown = name + "_" if name in ("name", "engine") else name
    if required:
        return f"{shown}: {wanted}"
    is_literal = default is not None and default not in (float("inf"), -float("inf"))
    return f"{shown}: {wanted} = " + (repr(default) if is_literal else "...")


def method(schema):
    arguments = [argument(name, kind, required, default)
                 for name, _, kind, required, default in schema["args"]
                 if name.isidentifier() and not keyword.iskeyword(name) and name != "self"]
    # Which outputs there are says what comes back.
    least, most = schema["min_outputs"], schema["max_outputs"]
    if least == most == 1:
        ways = [("str | None = None", "str")]
    elif least == most == 0:
        ways = [("None = None", "None")]
    elif least == 1:
        ways = [("str | None = None", "str"), ("Outputs", "tuple[str, ...]")]
    elif least > 1:
        ways = [("Outputs | None = None", "tuple[str, ...]"), ("str", "str")]
    else:
        ways = [("Names | None = None", "Any")]
    lines = []
    for name, result in ways:
        parameters = ["self", *inputs_of(schema), f"name: {name}", 'engine: str = ""', *arguments]
        lines += ["    @overload"] * (len(ways) > 1)
        lines.append(f"    def {schema['type']}({', '.join(parameters)}) -> {result}:")
        lines += documentation(schema) if (name, result) == ways[0] else ["        ..."]
    return lines


def documentation(schema):
    text = schema["doc"].strip() + "\n\n"
    text += "".join(f"{name}: {what}\n" for name, what in schema["inputs"])
    text += "".join(f"{arg[0]}: {arg[1]}\n" for arg in schema["args"])
    text = text.strip().replace("\\", "\\\\").replace('"""', '\\"\\"\\"')
    lines = [f'"""{text}', '"""', ""]
    return [(" " * 8 + line).rstrip() for line in "\n".join(lines).split("\n")]


def operator_stubs(core):
    lines = ["class OperatorMethods(_core.Net):"]
    for name in core.operator_types():
        schema = core.schema(name)
        if schema is not None and name.isidentifier():
            lines += method(schema)
    return HEADER + ALIASES + "\n".join(lines)


def main():
    module, folder, *plug_ins = sys.argv[1:]
    core = load(module)
    for path in plug_ins:
        core.load_library(path)
    folder = pathlib.Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "_core.pyi").write_text(core_stub(core), encoding="utf-8")
    (folder / "_operators.pyi").write_text(operator_stubs(core), encoding="utf-8")


if __name__ == "__main__":
    main()
