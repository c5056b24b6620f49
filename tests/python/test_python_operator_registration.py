"""Which functions become operators written in Python, and their gradients."""

import functools

import doppio
import numpy as np
import pytest
from doppio import operator
from python_operator_samples import F, TestCube, run


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


def test_anything_that_can_be_called_and_says_what_it_takes_is_a_function():
    class Scaler:
        def __init__(self, factor):
            self.factor = factor

        def __call__(self, x, *, more=1.0):
            return x * F(self.factor * more)

    operator(Scaler(3), name="TestScaler")
    operator(functools.partial(lambda a, x: a + x, F(2)), name="TestPartial")
    net = doppio.Net("n")
    net.TestPartial(net.TestScaler("X", name="Y", more=2.0), name="Z")
    assert run(net, X=F(1))["Z"] == 8
    with pytest.raises(TypeError, match="does not say what it takes"):
        operator(np.add, name="TestUfunc")


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
