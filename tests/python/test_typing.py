"""Type checkers and editors: the stubs that the build makes, and annotations of all that is public."""

import ast
import doctest
import importlib.util
import inspect
import os
import subprocess
import sys

import numpy as np
import pytest

import doppio
import typed_sample

# Not looked at: what protoc writes, what imitates another module's untyped ways, a decorator whose
# keywords are handed on as they come, and PyTorch and onnx, where they are installed.
CONFIG = """[mypy]
[mypy-doppio.net_pb2,doppio.caffe2_compat,doppio.caffe2_state.*,doppio.python_operators]
ignore_errors = True
[mypy-google.*,torch.*,onnx.*]
ignore_missing_imports = True
follow_imports = skip
"""
# Each line is wrong in one way. What mypy must say about it:
MISTAKES = [
    ('net.Exapnd("X", "shape")', 'has no attribute "Exapnd"'),
    ('net.Expand("X", "shape", nmae="Y")', 'Unexpected keyword argument "nmae"'),
    ('net.Expand("X")', "Too few arguments"),
    ('net.Expand("X", "shape", "more")', "Too many positional arguments"),
    ('net.Expand(1, "shape")', "incompatible type"),
    ('net.ReduceSum("X", axes="0")', "incompatible type"),
    ('net.Relu("X", name=["Y"])', "incompatible type"),
    ('net.TopK("X", k=2).upper()', 'has no attribute "upper"'),
    ("ws.feed(1, 2)", "incompatible type"),
    ('ws.feed("X", 2, True)', "Too many positional arguments"),
    ('ws.fecth("X")', 'has no attribute "fecth"'),
    ('doppio.gradient("net", of=["loss"])', "incompatible type"),
    ("doppio.Wrokspace()", 'has no attribute "Wrokspace"'),
]


@pytest.fixture(scope="module")
def mypy(tmp_path_factory):
    """Runs mypy with the package under test in reach; returns what it prints."""
    if importlib.util.find_spec("mypy") is None:
        pytest.skip("mypy is not installed (package mypy)")
    folder = tmp_path_factory.mktemp("mypy")
    (folder / "mypy.ini").write_text(CONFIG)
    environment = {**os.environ, "MYPYPATH": os.path.dirname(os.path.dirname(doppio.__file__)),
                   "LD_PRELOAD": ""}

    def check(*arguments):
        done = subprocess.run([sys.executable, "-m", "mypy", "--config-file", folder / "mypy.ini",
                               "--cache-dir", folder / "cache", "--no-error-summary", *arguments],
                              capture_output=True, text=True, env=environment, check=False)
        assert not done.stderr
        return done.stdout

    return check


def test_a_typed_program_is_right(mypy):
    assert mypy("--strict", "--follow-imports=silent", typed_sample.__file__) == ""


def test_the_package_itself_is_typed_right(mypy):
    assert mypy("-p", "doppio") == ""


def test_a_typed_program_runs(capsys):
    typed_sample.main()
    assert capsys.readouterr().out.startswith("12.0 ")


def test_mistakes_are_found(mypy, tmp_path):
    program = "import doppio\nnet = doppio.Net()\nws = doppio.Workspace()\n"
    program += "".join(line + "\n" for line, _ in MISTAKES)
    (tmp_path / "mistakes.py").write_text(program)
    said = {}
    for line in mypy("--strict", "--follow-imports=silent", tmp_path / "mistakes.py").splitlines():
        _, number, kind, text = line.split(":", 3)
        if kind.strip() == "error":
            said[int(number) - 4] = text
    for i, (line, expected) in enumerate(MISTAKES):
        assert expected in said.get(i, "nothing"), line


def test_every_operator_has_a_typed_method():
    path = os.path.join(os.path.dirname(doppio.__file__), "_operators.pyi")
    with open(path, encoding="utf-8") as file:
        tree = ast.parse(file.read())
    methods = next(node for node in tree.body if getattr(node, "name", "") == "OperatorMethods").body
    names = {node.name for node in methods}
    in_cpp = {type for type, schema in doppio.operators.items() if schema.file.endswith(".cc")}
    assert names >= in_cpp and len(names) > 250
    documented = {node.name for node in methods if ast.get_docstring(node)}
    assert documented == names


def test_every_operator_has_a_signature():
    for type in doppio.operators:
        assert "name" in inspect.signature(getattr(doppio.Net, type)).parameters


def public():
    """(name, object) of all that `import doppio` offers, with the methods of its classes."""
    for name in doppio.__all__:
        value = getattr(doppio, name)
        yield name, value
        if inspect.isclass(value) and not issubclass(value, Exception):
            for member, inner in vars(value).items():
                if not member.startswith("_"):
                    yield f"{name}.{member}", inner


def function_of(value):
    """The Python function behind a member; of one in C++, whose types stand in _core.pyi, None."""
    if isinstance(value, property):
        return value.fget if inspect.isfunction(value.fget) else None
    if isinstance(value, (classmethod, staticmethod)):
        return value.__func__
    return value if inspect.isfunction(value) else None


@pytest.mark.parametrize("name, value", public(), ids=lambda value: value if isinstance(value, str) else "")
def test_what_is_public_is_documented_and_annotated(name, value):
    if not isinstance(value, (tuple, frozenset, type(doppio))) and type(value).__name__ != "_tuplegetter":
        assert inspect.getdoc(value), f"doppio.{name} has no docstring"
    function = function_of(value)
    if function is None:
        return
    signature = inspect.signature(function)
    assert signature.return_annotation is not signature.empty, f"doppio.{name} says not what it returns"
    for parameter in list(signature.parameters.values())[("." in name):]:
        assert parameter.annotation is not parameter.empty, f"doppio.{name}: {parameter.name}"


@pytest.mark.parametrize("name", [
    "Workspace", "Net", "Op", "load", "save", "gradient", "Predictor", "check", "infer", "operators",
    "load_library", "Tensor", "OperatorSchema"])
def test_what_is_used_most_has_an_example(name):
    value = getattr(doppio, name)
    doc = inspect.getdoc(value if inspect.isclass(value) or inspect.isfunction(value) else type(value))
    assert ">>> " in doc


def doctests():
    finder = doctest.DocTestFinder()
    found = {}
    for name in dict.fromkeys(["doppio", *(getattr(getattr(doppio, n), "__module__", "doppio")
                                           for n in doppio.__all__)]):
        for test in finder.find(sys.modules[name], name):
            if test.examples:
                found[test.name] = test
    return list(found.values())


@pytest.mark.parametrize("test", doctests(), ids=lambda test: test.name)
def test_examples_of_docstrings_print_what_they_say(test, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    test.globs = {"doppio": doppio, "np": np}
    messages = []
    doctest.DocTestRunner(optionflags=doctest.ELLIPSIS).run(test, out=messages.append)
    assert not messages, "".join(messages)
