"""Operators written in Python with doppio.operator."""

import gc
import subprocess
import sys
import threading
import traceback

import doppio
import numpy as np
import pytest
from doppio import ArraySpec, PythonOperator, operator

F = np.float32


def run(net, **blobs):
    """A workspace in which the net ran with these blobs."""
    ws = doppio.Workspace()
    for name, value in blobs.items():
        ws[name] = value
    ws.run(net)
    return ws


@operator
def TestCube(x, *, bias=0.0):
    """Y = X^3 + bias."""
    return x ** 3 + F(bias)


@TestCube.gradient
def _(x, y, dy, *, bias=0.0):
    return 3 * x ** 2 * dy


@operator(outputs=["mean", "deviation"])
def TestMoments(x):
    return x.mean(dtype=F), x.std(dtype=F)


@operator
def TestConcat(*xs, axis=0):
    return np.concatenate(xs, axis=axis)


@operator
def TestFail(x, *, kind="ValueError"):
    error = {"ValueError": ValueError, "KeyboardInterrupt": KeyboardInterrupt, "Own": OwnError,
             "SystemExit": SystemExit}[kind]
    raise error("told you")


class OwnError(Exception):
    pass


@operator
def TestReturn(x, *, what="x"):
    return RETURNS[what](x)


KEPT = np.ones(3, F)
RETURNS = {
    "x": lambda x: x,
    "reshaped": lambda x: x.reshape(-1, 1),
    "part": lambda x: x[1:],
    "kept": lambda x: KEPT,
    "view of kept": lambda x: KEPT[:2],
    "new": lambda x: x + 1,
    "view of new": lambda x: np.arange(6, dtype=F).reshape(2, 3),
    "transposed": lambda x: np.arange(6, dtype=F).reshape(2, 3).T,
    "number": lambda x: 2.5,
    "scalar": lambda x: F(2.5),
    "list": lambda x: [1.0, 2.0],
    "tuple of one": lambda x: (x * 2,),
    "two": lambda x: (x, x),
    "nothing": lambda x: None,
    "complex": lambda x: x + 1j,
    "object": lambda x: np.array([object()]),
    "text": lambda x: np.array(["a", "b"]),
    "empty": lambda x: np.zeros((0, 3), F),
    "tensor": lambda x: doppio.Tensor(x * 2),
    "ragged": lambda x: [[1], [1, 2]],
}


def returned(what, x=None):
    net = doppio.Net("n")
    net.TestReturn("X", name="Y", what=what)
    return run(net, X=np.array([1, 2, 3], F) if x is None else x)["Y"]


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
    assert schema.file.endswith("test_python_operators.py") and schema.line > 0
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


# --- Exceptions. ---

@pytest.mark.parametrize("type", ["", "parallel"])
@pytest.mark.parametrize("kind, error", [("ValueError", ValueError), ("Own", OwnError),
                                         ("KeyboardInterrupt", KeyboardInterrupt),
                                         ("SystemExit", SystemExit)])
def test_an_exception_reaches_the_caller_as_it_was(kind, error, type):
    net = doppio.Net("troubled", type=type)
    net.num_workers = 3
    net.add("TestCube", "X", "A").add("TestFail", "X", "Y", kind=kind).add("TestCube", "X", "B")
    ws = doppio.Workspace()
    ws["X"] = np.ones(2, F)
    with pytest.raises(error) as caught:
        ws.run(net)
    assert str(caught.value) == "told you" and caught.value.__class__ is error
    frames = [frame.name for frame in traceback.extract_tb(caught.value.__traceback__)]
    assert frames[-1] == "TestFail"
    if sys.version_info >= (3, 11):
        assert caught.value.__notes__ == ['in net "troubled", op 1 TestFail(X) -> Y']
    ws.run(doppio.Net("fine").add("TestCube", "X", "Y"))  # the workspace is as good as before
    assert ws["Y"].tolist() == [1, 1]


def test_the_operator_that_failed_is_known():
    ws = doppio.Workspace()
    ws["X"] = F(1)
    net = doppio.Net("n").add("TestCube", "X", "A").add("TestFail", "X", "Y")
    with pytest.raises(ValueError):
        ws.run(net)
    assert ws.last_failed_operator("n") == 1


def test_many_failures_hold_no_memory():
    net = doppio.Net("n", type="parallel")
    net.num_workers = 3
    for i in range(4):
        net.add("TestFail", "X", f"Y{i}")
    ws = doppio.Workspace()
    ws["X"] = np.ones(1000, F)
    errors = []
    for _ in range(50):
        with pytest.raises(ValueError) as caught:
            ws.run(net)
        errors.append(id(caught.value))
        del caught
    gc.collect()
    assert not [o for o in gc.get_objects() if isinstance(o, ValueError) and str(o) == "told you"]


def test_an_exception_whose_text_fails_is_still_raised():
    class Silent(Exception):
        def __str__(self):
            raise RuntimeError("no text")

    @operator
    def TestSilent(x):
        raise Silent()

    with pytest.raises(Silent):
        run(doppio.Net("n").add("TestSilent", "X", "Y"), X=F(1))


def test_a_wrong_type_inside_numpy_is_the_exception_of_numpy():
    with pytest.raises(ValueError, match="dimensions"):
        run(doppio.Net("n").add("TestConcat", ["A", "B"], "Y"), A=np.ones((1, 2)), B=np.ones(3))


# --- Registration. ---

def test_registering_again_replaces_the_function_in_nets_that_exist():
    @operator
    def TestAgain(x):
        return x + 1

    ws = doppio.Workspace()
    ws["X"] = F(1)
    net = doppio.Net("n").add("TestAgain", "X", "Y")
    ws.run(net)
    assert ws["Y"] == 2

    @operator
    def TestAgain(x):
        return x + 10

    ws.run(net)
    assert ws["Y"] == 11


def test_registering_again_may_change_the_signature_and_drops_the_gradient():
    @operator
    def TestChange(x):
        return x

    @TestChange.gradient
    def _(x, y, dy):
        return dy

    net = doppio.Net("n").add("TestChange", "X", "Y")
    net.TestChange("X")
    doppio.gradient(net, of=["Y"])

    @operator
    def TestChange(a, b, *, factor=1):
        """Another one."""
        return a + factor * b

    schema = doppio.operators["TestChange"]
    assert schema.min_inputs == 2 and schema.args[0].name == "factor" and not schema.has_gradient
    new = doppio.Net("n")
    new.TestChange("X", "X", name="Y", factor=3)
    assert run(new, X=F(2))["Y"] == 8
    with pytest.raises(doppio.Error, match="takes 2 inputs, but has 1"):
        run(net, X=F(2))
    with pytest.raises(doppio.Error, match=r"no gradient through TestChange\(X, X\) -> Y \(not implemented\)"):
        doppio.gradient(new, of=["Y"])


@pytest.mark.parametrize("name", ["Relu", "Python", "ReluGradient", "TestCubeGradient"])
def test_other_operators_are_never_replaced(name):
    with pytest.raises(doppio.AlreadyExistsError, match=name):
        operator(lambda x: x, name=name)


def test_a_gradient_that_would_replace_an_operator_is_refused():
    @operator
    def TestOwnGradient(x):
        return x

    @operator
    def TestOwn(x):
        return x

    with pytest.raises(doppio.AlreadyExistsError, match="would replace it"):
        TestOwn.gradient(lambda x, y, dy: dy)


@pytest.mark.parametrize("wrong, error, message", [
    (lambda: operator(5), TypeError, "a function is wanted"),
    (lambda: operator(lambda x: x), ValueError, "'<lambda>' is no name of an operator"),
    (lambda: operator(lambda x, scale=1.0: x, name="TestW"), TypeError, "put arguments behind a"),
    (lambda: operator(lambda x, *, name="": x, name="TestW"), ValueError, "can not be called"),
    (lambda: operator(lambda x, *, a={}: x, name="TestW"), TypeError, "argument a={}"),
    (lambda: operator(lambda x, *, a=[1, "b"]: x, name="TestW"), TypeError, "argument a="),
    (lambda: operator(lambda x: x, name="TestW", outputs=-1), ValueError, "outputs"),
    (lambda: operator(lambda x: x, name="TestW", outputs=(2, 1)), ValueError, "outputs"),
    (lambda: operator(lambda x: x, name="TestW", outputs=1.5), TypeError, ""),
    (lambda: operator(lambda x: x, name="TestW", infer="y"), ValueError, "is no input"),
    (lambda: operator(lambda x: x, name="TestW", infer=5), TypeError, "infer"),
    (lambda: operator(dict.get, name="TestW", inputs=[1]), TypeError, "inputs"),
    (lambda: TestCube.gradient(lambda x, dy: dy), TypeError, "is given 3 arrays"),
    (lambda: TestCube.gradient(lambda x, y, dy: dy, of="w"), ValueError, "no input 'w'"),
    (lambda: TestCube.gradient(lambda x, y, dy: dy, of=1), ValueError, "no input 1"),
    (lambda: TestCube.gradient(lambda x, y, dy: dy, of=["x", 0]), ValueError, "once")])
def test_wrong_registrations_are_refused(wrong, error, message):
    with pytest.raises(error, match=message):
        wrong()
    assert "TestW" not in doppio.operators


# --- Gradients. ---

def test_the_gradient_is_that_of_the_formula_and_of_differences():
    net = doppio.Net("n")
    net.TestCube("X", name="Y", bias=0.5)
    net.SumElements("Y", name="loss")
    backward = doppio.gradient(net, of=["loss"])
    x = np.array([[0.5, -1.0], [2.0, 1.5]], F)
    ws = run(backward.net, X=x)
    gradient = ws[backward["X"]]
    np.testing.assert_allclose(gradient, 3 * x ** 2, rtol=1e-6)
    step = F(1e-2)
    for index in np.ndindex(x.shape):
        losses = []
        for sign in (1, -1):
            moved = x.copy()
            moved[index] += sign * step
            losses.append(float(run(net, X=moved)["loss"]))
        assert abs((losses[0] - losses[1]) / (2 * step) - gradient[index]) < 0.02


def test_the_gradient_operator_has_the_names_and_order_of_caffe2():
    net = doppio.Net("n")
    net.TestCube("X", name="Y", bias=0.5)
    op = doppio.gradient(net, of=["Y"]).net.ops[-1]
    assert op.type == "TestCubeGradient" and op.is_gradient
    assert (op.inputs, op.outputs) == (["X", "Y", "Y_autogen_grad"], ["X_grad"])
    assert op.args["bias"] == 0.5


def test_a_gradient_without_the_arguments_is_called_without_them():
    @operator
    def TestScaled(x, *, scale=2.0, unused="a"):
        return x * F(scale)

    @TestScaled.gradient
    def _(x, y, dy, *, scale):
        return dy * F(scale)

    net = doppio.Net("n")
    net.TestScaled("X", name="Y", scale=3.0, unused="b")
    backward = doppio.gradient(net, of=["Y"])
    assert run(backward.net, X=np.ones(2, F))[backward["X"]].tolist() == [3, 3]


def test_gradients_of_some_inputs_and_of_some_outputs():
    @operator(outputs=2)
    def TestPick(table, rows):
        return table[rows], table.sum(axis=0)

    @TestPick.gradient(of="table")
    def _(table, rows, taken, total, dtaken, dtotal):
        assert dtotal.shape == total.shape
        dtable = np.zeros_like(table) + dtotal
        np.add.at(dtable, rows, dtaken)
        return dtable

    net = doppio.Net("n")
    net.TestPick("T", "R", name=["taken", "total"])
    net.SumElements("taken", name="loss")
    backward = doppio.gradient(net, of=["loss"])
    assert "R" not in backward
    ws = run(backward.net, T=np.ones((3, 2), F), R=np.array([0, 2, 2]))
    assert ws[backward["T"]].tolist() == [[1, 1], [0, 0], [2, 2]]


def test_none_is_a_gradient_of_zeros_and_types_are_those_of_the_inputs():
    @operator
    def TestTwo(a, b):
        return a * 2.0 + b

    @TestTwo.gradient
    def _(a, b, y, dy):
        return dy.astype(np.float64) * 2, None

    net = doppio.Net("n")
    net.TestTwo("A", "B", name="Y")
    backward = doppio.gradient(net, of=["Y"])
    ws = run(backward.net, A=np.ones(2, F), B=np.ones(2, F))
    assert ws["A_grad"].dtype == F and ws["A_grad"].tolist() == [2, 2]
    assert ws["B_grad"].dtype == F and ws["B_grad"].tolist() == [0, 0]


def test_a_gradient_of_any_number_of_inputs():
    @operator
    def TestTotal(*xs):
        return sum(xs)

    @TestTotal.gradient
    def _(*arrays):
        return tuple(arrays[-1] for _ in arrays[:-2])

    net = doppio.Net("n")
    net.TestTotal("A", "B", "C", name="Y")
    backward = doppio.gradient(net, of=["Y"])
    ws = run(backward.net, A=np.ones(2, F), B=np.ones(2, F), C=np.ones(2, F))
    assert ws["C_grad"].tolist() == [1, 1]


@pytest.mark.parametrize("gradient, error, message", [
    (lambda x, y, dy: dy[:1], doppio.Error, "must have the shape"),
    (lambda x, y, dy: (dy, dy), doppio.Error, "must return 1 gradient, but returned 2"),
    (lambda x, y, dy: dy.nothing, AttributeError, "nothing")])
def test_wrong_gradients_are_refused(gradient, error, message):
    @operator
    def TestBad(x):
        return x * 2

    TestBad.gradient(gradient)
    net = doppio.Net("n")
    net.TestBad("X", name="Y")
    with pytest.raises(error, match=message):
        run(doppio.gradient(net, of=["Y"]).net, X=np.ones(2, F))


def test_an_operator_without_a_gradient_says_so():
    net = doppio.Net("n")
    net.TestMoments("X", name=["m", "s"])
    with pytest.raises(doppio.Error, match=r"no gradient through TestMoments.*\(not implemented\)"):
        doppio.gradient(net, of=["m"])


# --- In the runtime. ---

def test_the_parallel_executor_gives_what_the_simple_one_gives():
    nets = []
    for type in ("simple", "parallel"):
        net = doppio.Net("n", type=type)
        net.num_workers = 4
        for i in range(8):
            net.TestCube("X", name=f"Y{i}", bias=float(i))
        net.TestConcat(*[f"Y{i}" for i in range(8)], name="Y")
        nets.append(net)
    x = np.arange(5, dtype=F)
    simple, parallel = (run(net, X=x) for net in nets)
    np.testing.assert_array_equal(simple["Y"], parallel["Y"])


def test_a_predictor_runs_python_operators():
    net = doppio.Net("n")
    net.Relu("X", name="R")
    net.TestCube("R", name="Y", bias=1.0)
    net.external_inputs, net.external_outputs = ["X"], ["Y"]
    predictor = doppio.Predictor(net, inputs=["X"], outputs=["Y"])
    for _ in range(3):
        y, = predictor.run([np.array([-1, 2], F)])
        assert y.tolist() == [1, 9]


def test_check_and_infer_know_python_operators():
    @operator(infer="x")
    def TestLike(x, w):
        return x

    @operator(outputs=2, infer=lambda x, *, count=1: (ArraySpec((count,) + x.shape, x.dtype),
                                                      ((), np.int64)))
    def TestInferred(x, *, count=1):
        return np.stack([x] * count), np.int64(count)

    net = doppio.Net("n")
    net.TestLike("X", "W", name="A")
    net.TestInferred("A", name=["Y", "n"], count=2)
    assert not doppio.check(net)
    known = {"X": np.ones((3, 4), F), "W": np.ones(1, F)}
    ws = run(net, **known)
    inferred = doppio.infer(net, {name: (value.dtype, value.shape) for name, value in known.items()})
    assert tuple(inferred["Y"][1]) == ws["Y"].shape == (2, 3, 4)
    assert inferred["n"][0] == "int64"


def test_a_wrong_number_of_inputs_is_a_problem_of_the_net():
    text = 'op { type: "TestCube" input: "X" input: "W" output: "Y" }'
    problems = doppio.check(doppio.Net.from_text(text))
    assert "takes 1 input, but has 2" in str(problems[0])


def test_in_the_net_of_an_if():
    inner = doppio.Net("inner").add("TestCube", "X", "Y")
    net = doppio.Net("n").add("If", ["condition", "X"], ["Y"], then_net=inner)
    assert run(net, condition=np.array(True), X=np.array([2], F), Y=F(0))["Y"].tolist() == [8]


def test_an_exception_in_the_net_of_an_if_reaches_the_caller():
    inner = doppio.Net("inner").add("TestFail", "X", "Y", kind="Own")
    net = doppio.Net("outer").add("If", ["condition", "X"], ["Y"], then_net=inner)
    with pytest.raises(OwnError, match="told you") as caught:
        run(net, condition=np.array(True), X=np.array([2], F), Y=F(0))
    if sys.version_info >= (3, 11):
        assert "outer" in caught.value.__notes__[0] and "TestFail" in caught.value.__notes__[0]


def test_an_operator_may_run_another_net():
    inner = doppio.Net("inner")
    inner.TestCube("X", name="Y", bias=1.0)

    @operator
    def TestNested(x):
        return run(inner, X=x)["Y"]

    assert run(doppio.Net("n").add("TestNested", "X", "Y"), X=np.array([2], F))["Y"].tolist() == [9]


def test_an_operator_that_runs_its_own_net_is_refused():
    ws = doppio.Workspace()
    net = doppio.Net("n").add("TestRecursive", "X", "Y")

    @operator
    def TestRecursive(x):
        ws.run(net)
        return x

    ws["X"] = F(1)
    with pytest.raises(doppio.FailedPreconditionError, match="is running"):
        ws.run(net)


def test_an_operator_may_touch_the_workspace_it_runs_in():
    ws = doppio.Workspace()

    @operator
    def TestTouch(x):
        ws["X"] = np.zeros(3, F)
        ws["log"] = x.copy()
        with pytest.raises(doppio.FailedPreconditionError):
            ws.reset_workspace()
        return x

    ws["X"] = np.array([4, 5], F)
    ws.run(doppio.Net("n").add("TestTouch", "X", "Y"))
    assert ws["Y"].tolist() == [4, 5] and ws["X"].tolist() == [0, 0, 0]
    assert ws["log"].tolist() == [4, 5]


def test_eight_threads_with_their_own_workspaces():
    net = doppio.Net("n")
    net.TestCube("X", name="Y")
    net.TestConcat("Y", "X", name="Z")
    failures = []

    def work(number):
        try:
            ws = doppio.Workspace()
            for i in range(100):
                ws["X"] = np.array([number, i], F)
                ws.run(net)
                assert ws["Z"].tolist() == [number ** 3, i ** 3, number, i]
                if i % 10 == 0:
                    with pytest.raises(ValueError, match="told you"):
                        ws.run(doppio.Net("f").add("TestFail", "X", "F"))
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=work, args=(n,)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures


def resident_bytes():
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * 4096


@pytest.mark.parametrize("net_type", ["simple", "parallel"])
def test_memory_is_flat(net_type):
    net = doppio.Net("n", type=net_type)
    net.num_workers = 2
    net.TestCube("X", name="Y")
    net.TestReturn("Y", name="Z", what="reshaped")
    net.TestFail("Z", name="F")
    ws = doppio.Workspace()
    ws["X"] = np.ones(10_000, F)

    def cycle(times):
        for _ in range(times):
            try:
                ws.run(net)
            except ValueError:
                pass

    cycle(500)
    before = resident_bytes()
    cycle(5000)
    assert resident_bytes() - before < 8 << 20


def run_script(script):
    return subprocess.run([sys.executable, "-c", script], capture_output=True, text=True,
                          timeout=120, env={"PYTHONPATH": ":".join(sys.path)})


PREAMBLE = """
import atexit, sys, threading, time, doppio, numpy as np
from doppio.python_operators import operator
@operator
def TestSlow(x, *, a=1):
    time.sleep(0.001)
    return x + a
net = doppio.Net("n", type=TYPE)
net.num_workers = 3
for i in range(4): net.TestSlow("X", name=f"Y{i}", a=2)
ws = doppio.Workspace()
ws["X"] = np.ones(3, np.float32)
ws.run(net)
"""


INTERRUPTED = """
import os, signal
def interrupt():
  time.sleep(0.2)
  os.kill(os.getpid(), signal.SIGINT)
threading.Thread(target=interrupt).start()
begin = time.time()
try:
  ws.run(net, times=10**6)
except KeyboardInterrupt:
  print("interrupted")
assert time.time() - begin < 5
ws.run(net)
assert ws["Y3"].tolist() == [3, 3, 3]
"""


@pytest.mark.parametrize("type", ["simple", "parallel"])
def test_ctrl_c_ends_a_run_of_python_operators(type):
    done = run_script(PREAMBLE.replace("TYPE", repr(type)) + INTERRUPTED)
    assert (done.returncode, done.stdout, done.stderr) == (0, "interrupted\n", "")


@pytest.mark.parametrize("type", ["simple", "parallel"])
@pytest.mark.parametrize("end", [
    "", "sys.exit(0)", "kept = ws['Y0']; atexit.register(lambda: ws.run(net))",
    "def forever():\n  while True: ws.run(net)\n"
    "threading.Thread(target=forever, daemon=True).start(); time.sleep(0.05)"])
def test_the_interpreter_ends_well(type, end):
    done = run_script(PREAMBLE.replace("TYPE", repr(type)) + end)
    assert (done.returncode, done.stderr) == (0, "")
