"""ONNX models as models, with and without the package onnx."""

import sys

import numpy as np
import pytest

import doppio
import doppio.onnx_backend
from support import skip_without_onnx

skip_without_onnx()


def varint(number):
    digits = bytearray()
    while number > 0x7F:
        digits.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes(digits) + bytes([number])


def field(number, content):
    """A field of a message: a number, or bytes."""
    if isinstance(content, int):
        return varint(number << 3) + varint(content)
    return varint(number << 3 | 2) + varint(len(content)) + content


def node(op, inputs, outputs):
    return (b"".join(field(1, name) for name in inputs) + b"".join(field(2, name) for name in outputs)
            + field(4, op))


def value(name, *dims):
    shape = b"".join(field(1, field(1, dim)) for dim in dims)
    return field(1, name) + field(2, field(1, field(1, 1) + field(2, shape)))


# z = Relu(x + w), written by hand: doppio needs no package onnx for it.
WEIGHT = field(1, 2) + field(2, 1) + field(8, b"w") + field(9, np.float32([1, -5]).tobytes())
GRAPH = (field(1, node(b"Add", [b"x", b"w"], [b"y"])) + field(1, node(b"Relu", [b"y"], [b"z"]))
         + field(2, b"small") + field(5, WEIGHT) + field(11, value(b"x", 2)) + field(12, value(b"z", 2)))
MODEL = field(1, 8) + field(7, GRAPH) + field(8, field(2, 13))
X = np.float32([1, 2])
Z = [2, 0]


@pytest.fixture
def path(tmp_path):
    (tmp_path / "model.onnx").write_bytes(MODEL)
    return tmp_path / "model.onnx"


def test_a_file_is_a_model(path):
    model = doppio.load(path)
    assert isinstance(model, doppio.Model)
    assert (model.net.name, model.inputs, model.outputs, model.inits) == ("small", ["x"], ["z"], [])
    np.testing.assert_array_equal(model.weights["w"], [1, -5])
    np.testing.assert_array_equal(doppio.Predictor(model)(X), Z)


def test_a_predictor_loads_it(path):
    np.testing.assert_array_equal(doppio.Predictor.load(path)(X), Z)


def test_bytes_and_messages_are_models():
    class Message:
        def SerializeToString(self):
            return MODEL

    for content in (MODEL, bytearray(MODEL), Message()):
        np.testing.assert_array_equal(doppio.Predictor(doppio.Model.from_onnx(content))(X), Z)
    with pytest.raises(TypeError):
        doppio.Model.from_onnx("model.onnx")


def test_it_becomes_a_predictor_database(path, tmp_path):
    doppio.save(doppio.load(path), tmp_path / "model.minidb")
    np.testing.assert_array_equal(doppio.Predictor.load(tmp_path / "model.minidb")(X), Z)


def test_errors_name_the_file_and_all_problems(tmp_path):
    bad = MODEL.replace(b"Add", b"Aha").replace(b"Relu", b"Ruel")
    (tmp_path / "bad.onnx").write_bytes(bad)
    for load in (doppio.load, doppio.Predictor.load):
        with pytest.raises(doppio.UnimplementedError) as error:
            load(tmp_path / "bad.onnx")
        assert "bad.onnx: node 0 Aha(x, w) -> y: " in str(error.value)
        assert "node 1 Ruel(y) -> z: " in str(error.value)
    with pytest.raises(doppio.UnimplementedError, match="Aha"):
        doppio.Model.from_onnx(bad)


def test_an_input_that_was_declared_otherwise_is_refused(path):
    with pytest.raises(ValueError, match=r'"x": it is float\[3\], but must be float\[2\]'):
        doppio.Predictor.load(path)(np.float32([1, 2, 3]))


def test_the_backend_runs_models_from_bytes():
    prepared = doppio.onnx_backend.prepare(MODEL)
    for inputs in ([X], (X,), X, {"x": X}):
        (z,) = prepared.run(inputs)
        np.testing.assert_array_equal(z, Z)
    (z,) = doppio.onnx_backend.run_model(MODEL, [X], device="CPU")
    np.testing.assert_array_equal(z, Z)


def test_the_backend_refuses_what_it_does_not_know():
    with pytest.raises(doppio.UnimplementedError, match="not on CUDA:1"):
        doppio.onnx_backend.prepare(MODEL, "CUDA:1")
    with pytest.raises(TypeError, match="no option 'speed'"):
        doppio.onnx_backend.prepare(MODEL, speed=2)


def test_one_node_runs():
    onnx = pytest.importorskip("onnx", reason="the package onnx is not installed (python3-onnx)")
    add = onnx.helper.make_node("Add", ["a", "b"], ["c"])
    for inputs in ([X, X], {"a": X, "b": X}):
        (c,) = doppio.onnx_backend.run_node(add, inputs, opset_version=13)
        np.testing.assert_array_equal(c, 2 * X)
    with pytest.raises(doppio.InvalidArgumentError, match="names 2 inputs, but 1 are given"):
        doppio.onnx_backend.run_node(add, [X])


def test_without_the_package_onnx_it_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "onnx", None)

    class Node:
        input, output, op_type = ["a"], ["b"], "Relu"

    with pytest.raises(ImportError, match="python3-onnx"):
        doppio.onnx_backend.run_node(Node(), [X])


def test_a_model_becomes_an_onnx_model_again(tmp_path, path):
    model = doppio.load(path)
    doppio.save(model, tmp_path / "again.onnx")
    for again in (doppio.load(tmp_path / "again.onnx"), doppio.Model.from_onnx(model.to_onnx(opset=9))):
        assert (again.inputs, again.outputs) == (["x"], ["z"])
        np.testing.assert_array_equal(again.weights["w"], [1, -5])
        np.testing.assert_array_equal(doppio.Predictor(again)(X), Z)


def test_a_model_is_written_with_what_is_known_of_its_inputs():
    net = doppio.Net("net")
    net.Relu("x", name="y")
    model = doppio.Model(net, [], {}, ["x"], ["y"])
    again = doppio.Model.from_onnx(model.to_onnx(blobs={"x": ("double", (-1, 2))}))
    np.testing.assert_array_equal(doppio.Predictor(again)(np.array([[1.0, -2]])), [[1, 0]])
    with pytest.raises(doppio.Error, match=r"must be double\[\?,2\]"):
        doppio.Predictor(again)(np.array([1.0, -2]))
    with pytest.raises(doppio.InvalidArgumentError, match='"z" is no input'):
        model.to_onnx(blobs={"z": ("float", None)})


def test_all_that_can_not_become_onnx_is_named(tmp_path):
    net = doppio.Net("net")
    net.LengthsSum("x", "n", name="y")
    net.add("Dropout", "y", "z")
    model = doppio.Model(net, [], {}, ["x", "n"], ["z"])
    for write in (model.to_onnx, lambda: doppio.save(model, tmp_path / "no.onnx")):
        with pytest.raises(doppio.UnimplementedError, match="(?s)LengthsSum.*Dropout"):
            write()
    assert not list(tmp_path.iterdir())
