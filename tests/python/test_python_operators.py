"""Operators written in Python with doppio.operator: what functions take and return."""

import gc
import sys

import doppio
import numpy as np
import pytest
from doppio import PythonOperator, operator
from python_operator_samples import F, KEPT, TestCube, returned, run


def test_a_function_becomes_an_operator_of_nets():
    net = doppio.Net("n")
    assert net.TestCube("X", name="Y", bias=1.5) == "Y"
    np.testing.assert_array_equal(run(net, X=np.array([1, 2], F))["Y"], np.array([2.5, 9.5], F))


def test_arguments_have_their_defaults():
    net = doppio.Net("n").add("TestCube", "X", "Y")
    assert run(net, X=np.array([2], F))["Y"].tolist() == [8]


def test_the_function_can_still_be_called():
    assert TestCube(2, bias=1) == 9
    assert isinstance(TestCube, PythonOperator) and TestCube.__doc__ == "Y = X^3 + bias."


def test_the_registry_knows_signature_and_documentation():
    schema = doppio.operators["TestCube"]
    assert "Y = X^3 + bias." in schema.doc
    assert (schema.min_inputs, schema.max_inputs, schema.inputs[0].name) == (1, 1, "x")
    assert schema.args[0].name == "bias" and schema.args[0].type == "float"
    assert schema.args[0].default == 0.0 and schema.has_gradient
    assert schema.file.endswith("python_operator_samples.py") and schema.line > 0
    assert "TestCubeGradient" in doppio.operators and not schema.has_side_effects


def test_arguments_reach_the_function_as_python_values():
    seen = {}

    @operator
    def TestArguments(x, *, flag=False, count=3, scale=0.5, mode="a", axes=(1, 2), names=["p"],
                      weights=[0.5], other=None, needed: int):
        seen.update(flag=flag, count=count, scale=scale, mode=mode, axes=axes, names=names,
                    weights=weights, other=other, needed=needed)
        return x

    net = doppio.Net("n")
    net.TestArguments("X", name="Y", needed=7)
    run(net, X=F(1))
    assert seen == dict(flag=False, count=3, scale=0.5, mode="a", axes=(1, 2), names=["p"],
                        weights=[0.5], other=None, needed=7)
    net = doppio.Net("n")
    net.TestArguments("X", name="Y", needed=8, flag=True, scale=2, mode="b", axes=[3], names=["q"],
                      weights=[1, 2], other="o")
    run(net, X=F(1))
    assert seen == dict(flag=True, count=3, scale=2.0, mode="b", axes=[3], names=["q"],
                        weights=[1.0, 2.0], other="o", needed=8)
    assert seen["flag"] is True and isinstance(seen["scale"], float)


def test_a_missing_argument_without_a_default_is_refused():
    @operator
    def TestNeeds(x, *, needed: int):
        return x

    with pytest.raises(doppio.Error, match='"needed" is missing'):
        run(doppio.Net("n").add("TestNeeds", "X", "Y"), X=F(1))


def test_an_unknown_argument_is_refused():
    net = doppio.Net("n").add("TestCube", "X", "Y", bais=1.0)
    with pytest.raises(doppio.Error, match='has no argument "bais"; did you mean bias'):
        run(net, X=F(1))


def test_double_stars_take_all_arguments():
    @operator
    def TestAnything(x, **args):
        return np.array(sorted(args))

    net = doppio.Net("n").add("TestAnything", "X", "Y", b=1, a=2.0)
    assert run(net, X=F(1))["Y"].tolist() == [b"a", b"b"]


def test_several_outputs_are_a_tuple():
    net = doppio.Net("n")
    assert net.TestMoments("X", name=["m", "s"]) == ("m", "s")
    ws = run(net, X=np.array([1, 3], F))
    assert (ws["m"], ws["s"]) == (2, 1) and ws["m"].shape == ()


def test_any_number_of_inputs():
    net = doppio.Net("n")
    net.TestConcat("A", "B", "A", name="Y", axis=0)
    assert run(net, A=np.array([1.0]), B=np.array([2.0, 3.0]))["Y"].tolist() == [1, 2, 3, 1]


def test_optional_inputs_may_be_left_out():
    @operator
    def TestOptional(x, w=None):
        return x if w is None else x * w

    net = doppio.Net("n").add("TestOptional", "X", "Y").add("TestOptional", ["X", "W"], "Z")
    ws = run(net, X=np.array([1, 2], F), W=np.array([3, 4], F))
    assert ws["Y"].tolist() == [1, 2] and ws["Z"].tolist() == [3, 8]


def test_operators_without_inputs_or_outputs():
    seen = []

    @operator(side_effects=True)
    def TestSource():
        return np.arange(3)

    @operator(outputs=0, side_effects=True)
    def TestSink(x):
        seen.append(x.sum())

    run(doppio.Net("n").add("TestSource", [], "X").add("TestSink", "X", []))
    assert seen == [3]


@pytest.mark.parametrize("dtype", ["bool", "int8", "int16", "int32", "int64", "uint8", "uint16",
                                   "float16", "float32", "float64"])
def test_every_type_goes_in_and_out(dtype):
    x = np.array([[0, 1], [1, 0]], dtype)
    y = returned("x", x)
    assert y.dtype == x.dtype and y.tolist() == x.tolist()
    assert returned("new", x).dtype == (x + 1).dtype


def test_strings_are_arrays_of_bytes():
    @operator
    def TestUpper(x):
        assert x.dtype == object and isinstance(x[0], bytes)
        return np.array([s.upper() for s in x], object)

    ws = run(doppio.Net("n").add("TestUpper", "X", "Y"), X=np.array([b"a", "\u00e9"], object))
    assert ws["Y"].tolist() == [b"A", "\u00e9".encode()]
    assert returned("text").tolist() == [b"a", b"b"]


@pytest.mark.parametrize("what, wanted", [
    ("x", [1, 2, 3]), ("reshaped", [[1], [2], [3]]), ("part", [2, 3]), ("kept", [1, 1, 1]),
    ("view of kept", [1, 1]), ("view of new", [[0, 1, 2], [3, 4, 5]]), ("number", 2.5),
    ("transposed", [[0, 3], [1, 4], [2, 5]]), ("scalar", 2.5), ("list", [1, 2]),
    ("tuple of one", [2, 4, 6]), ("empty", []), ("tensor", [2, 4, 6])])
def test_what_a_function_may_return(what, wanted):
    assert returned(what).tolist() == wanted


@pytest.mark.parametrize("what, error, message", [
    ("nothing", TypeError, 'TestReturn: output 0, blob "Y", is None'),
    ("two", doppio.InvalidArgumentError, "must return 1 output, but returned 2"),
    ("complex", TypeError, 'TestReturn: output 0, blob "Y",: there are no tensors of complex'),
    ("object", TypeError, 'TestReturn: output 0, blob "Y",, element 0'),
    ("ragged", ValueError, "NumPy makes no array of this")])
def test_what_a_function_may_not_return(what, error, message):
    with pytest.raises(error) as caught:
        returned(what)
    notes = " ".join(getattr(caught.value, "__notes__", []))
    assert message in str(caught.value)
    assert "TestReturn(X) -> Y" in str(caught.value) + notes or sys.version_info < (3, 11)


def test_a_single_array_for_two_outputs_is_refused():
    @operator(outputs=2)
    def TestOneForTwo(x):
        return x

    with pytest.raises(doppio.InvalidArgumentError, match="must return 2 outputs, but returned 1"):
        run(doppio.Net("n").add("TestOneForTwo", "X", ["Y", "Z"]), X=F(1))


def test_a_wrong_second_output_leaves_the_first_alone():
    @operator(outputs=2)
    def TestHalf(x):
        return x, None

    ws = doppio.Workspace()
    ws["X"], ws["Y"] = F(1), F(5)
    with pytest.raises(TypeError, match='output 1, blob "Z"'):
        ws.run(doppio.Net("n").add("TestHalf", "X", ["Y", "Z"]))
    assert ws["Y"] == 5


def test_a_new_array_is_taken_over_without_a_copy():
    address = []

    @operator
    def TestAddress(x):
        y = x + 1
        address.append(y.ctypes.data)
        return y

    ws = run(doppio.Net("n").add("TestAddress", "X", "Y"), X=np.zeros(1000, F))
    assert ws["Y"].ctypes.data == address[0]


def test_the_arrays_of_a_tuple_are_taken_over_unless_they_are_the_same():
    address = []

    @operator(outputs=3)
    def TestAddresses(x):
        y, z = x + 1, x + 2
        address.extend([y.ctypes.data, z.ctypes.data])
        return y, z, z

    ws = run(doppio.Net("n").add("TestAddresses", "X", ["A", "B", "C"]), X=np.zeros(1000, F))
    assert ws["A"].ctypes.data == address[0] and ws["C"].tolist() == [2] * 1000
    assert len({ws[name].ctypes.data for name in "ABC"}) == 3


def test_an_array_that_the_function_keeps_changes_no_blob():
    net = doppio.Net("n").add("TestReturn", "X", "Y", what="view of kept")
    ws = run(net, X=F(1))
    KEPT[0] = 7
    try:
        assert ws["Y"].tolist() == [1, 1]
    finally:
        KEPT[0] = 1


def test_inputs_are_views_without_a_copy_and_read_only():
    seen = []

    @operator
    def TestView(x):
        seen.append(x.ctypes.data)
        with pytest.raises(ValueError, match="read-only"):
            x[0] = 5
        with pytest.raises(ValueError):
            x.flags.writeable = True
        return x

    x = np.ones(1000, F)
    ws = run(doppio.Net("n").add("TestView", "X", "Y"), X=x)
    assert seen == [x.ctypes.data]
    assert ws["Y"].ctypes.data == x.ctypes.data  # tensors are values: shared until written to


def test_returning_an_input_does_not_tie_the_blobs():
    net = doppio.Net("n").add("TestReturn", "X", "Y", what="x").add("Scale", "X", "X", scale=2.0)
    ws = run(net, X=np.array([1, 2], F))
    assert ws["Y"].tolist() == [1, 2] and ws["X"].tolist() == [2, 4]


def test_inputs_that_a_function_stores_stay_as_they_were():
    stored = []

    @operator
    def TestStore(x):
        stored.append(x)
        return x * 2

    net = doppio.Net("n").add("TestStore", "X", "Y").add("Copy", "Y", "X")
    ws = doppio.Workspace()
    ws["X"] = np.array([1.0, 2.0])
    for _ in range(3):
        ws.run(net)
    ws.reset_workspace()
    del ws
    gc.collect()
    assert [x.tolist() for x in stored] == [[1, 2], [2, 4], [4, 8]]


def test_in_place_is_refused_unless_allowed():
    with pytest.raises(doppio.InvalidArgumentError, match="may not write output 0 to its own input"):
        doppio.Net("n").add("TestCube", "X", "X")


def test_in_place_where_allowed():
    @operator(inplace=True)
    def TestInplace(x):
        return x if x[0] > 100 else x + 1

    ws = doppio.Workspace()
    ws["X"] = x = np.array([0, 1], F)
    net = doppio.Net("n").add("TestInplace", "X", "X")
    for _ in range(300):
        ws.run(net)
    assert ws["X"].tolist() == [101, 102] and x.tolist() == [0, 1]
