"""Caffe2's operator types Python and PythonGradient, on which its front end's Net.Python stands."""

import pickle

import doppio
import numpy as np
import pytest
from doppio import _core
from python_operator_samples import F, run


def register(function, gradient=None, pass_workspace=False):
    token = _core.register_python_op(function, pass_workspace, "")
    if gradient is not None:
        _core.register_python_gradient_op(token, gradient)
    return token


def run_function(function, x=None, outputs="Y", **args):
    net = doppio.Net("n").add("Python", "X", outputs, token=register(function), **args)
    return run(net, X=np.array([1, 2], F) if x is None else x)


def double(inputs, outputs):
    outputs[0].reshape(inputs[0].shape)
    outputs[0].data[...] = inputs[0].data * 2


def test_writing_to_data_reaches_the_blob():
    assert run_function(double)["Y"].tolist() == [2, 4]


def test_feed_gives_an_output_its_type_and_shape():
    def f(inputs, outputs):
        outputs[0].feed(np.array([[1, 2]], np.int64))
        outputs[1].feed(np.array([b"a"], object))
        assert outputs[0].shape == (1, 2) and outputs[0]._shape == [1, 2]
        assert outputs[0].fetch().tolist() == [[1, 2]]

    ws = run_function(f, outputs=["Y", "Z"])
    assert ws["Y"].dtype == np.int64 and ws["Z"].tolist() == [b"a"]


def test_init_gives_type_and_shape():
    def f(inputs, outputs):
        outputs[0].init([2, 3], 2)
        outputs[0].data[...] = 7

    assert run_function(f)["Y"].dtype == np.int32


def test_tokens_are_names_with_a_number_where_taken():
    def named(inputs, outputs):
        pass

    first = register(named)
    assert first == "named" and register(named) == "named:1" and register(named) == "named:2"
    assert _core.register_python_op(named, False, "a") == "a:named"


def test_the_gradient_has_the_inputs_and_outputs_of_caffe2():
    def f(inputs, outputs):
        outputs[0].feed(inputs[0].data * inputs[1].data)

    def gradient(inputs, outputs):
        a, b, y, dy = (t.data for t in inputs)
        outputs[0].feed(b * dy)
        outputs[1].feed(a * dy)

    net = doppio.Net("n").add("Python", ["A", "B"], "Y", token=register(f, gradient))
    backward = doppio.gradient(net, of=["Y"])
    op = backward.net.ops[-1]
    assert (op.type, op.inputs, op.outputs) == (
        "PythonGradient", ["A", "B", "Y", "Y_autogen_grad"], ["A_grad", "B_grad"])
    ws = run(backward.net, A=np.array([2], F), B=np.array([3], F))
    assert (ws["A_grad"], ws["B_grad"]) == (3, 2)


def test_indices_choose_the_gradients():
    def f(inputs, outputs):
        outputs[0].feed(inputs[0].data)
        outputs[1].feed(inputs[1].data)

    def gradient(inputs, outputs):
        assert len(inputs) == 5 and len(outputs) == 1
        outputs[0].feed(inputs[4].data * 5)

    net = doppio.Net("n").add("Python", ["A", "B"], ["Y", "Z"], token=register(f, gradient),
                              grad_output_indices=[1], grad_input_indices=[1])
    backward = doppio.gradient(net, of=["Z"])
    assert run(backward.net, A=F(1), B=np.array([1], F))["B_grad"].tolist() == [5]


def test_an_index_that_is_none_is_refused():
    net = doppio.Net("n").add("Python", "X", "Y", token=register(double, double),
                              grad_input_indices=[4])
    with pytest.raises(doppio.Error, match='"grad_input_indices": 4 is none of 1'):
        doppio.gradient(net, of=["Y"])


def test_in_place_what_is_written_shows_in_the_input():
    def f(inputs, outputs):
        outputs[0].reshape(inputs[0].shape)
        outputs[0].data[...] = inputs[0].data + 1
        assert inputs[0].data[0] == 2

    x = np.array([1, 2], F)
    assert run_function(f, x=x, outputs="X")["X"].tolist() == [2, 3]
    assert x.tolist() == [1, 2]


def test_an_output_keeps_its_value_between_runs():
    def count(inputs, outputs):
        if outputs[0].shape != (1,):
            outputs[0].feed(np.zeros(1, np.int32))
        outputs[0].data[0] += 1

    ws = doppio.Workspace()
    net = doppio.Net("n").add("Python", [], "n", token=register(count))
    for _ in range(3):
        ws.run(net)
    assert ws["n"] == 3


def test_tensors_and_arrays_that_a_function_keeps_are_values():
    kept = []

    def f(inputs, outputs):
        double(inputs, outputs)
        kept.extend([inputs[0], outputs[0], outputs[0].data])

    ws = run_function(f)
    kept[2][0] = 50
    kept[1].data[1] = 60
    assert ws["Y"].tolist() == [2, 4]
    ws.reset_workspace()
    assert kept[0].data.tolist() == [1, 2] and kept[1].data.tolist() == [2, 60]
    kept[1].reshape([5])


def test_inputs_are_read_only():
    def f(inputs, outputs):
        inputs[0].data[...] = 0

    with pytest.raises(ValueError, match="read-only"):
        run_function(f)

    def g(inputs, outputs):
        inputs[0].feed(np.zeros(1))

    with pytest.raises(RuntimeError, match="is an input of the operator"):
        run_function(g)


def test_the_workspace_may_be_passed():
    seen = []

    def f(inputs, outputs, workspace):
        seen.append(workspace)
        workspace.feed("Z", inputs[0].data + 1)
        outputs[0].feed(np.asarray(workspace.fetch("X")))

    net = doppio.Net("n").add("Python", "X", "Y", token=register(f, pass_workspace=True))
    ws = run(net, X=np.array([1], F))
    assert ws["Z"] == 2 and ws["Y"] == 1 and seen[0] is ws


def test_a_workspace_that_c_plus_plus_made_is_only_lent():
    seen = []

    def f(inputs, outputs, workspace):
        seen.append(workspace)
        assert workspace.has_blob("X")
        outputs[0].feed(inputs[0].data)

    net = doppio.Net("n").add("Python", "X", "Y", token=register(f, pass_workspace=True))
    predictor = doppio.Predictor(net, inputs=["X"], outputs=["Y"])
    assert predictor.run([np.array([3], F)])[0].tolist() == [3]
    with pytest.raises(doppio.FailedPreconditionError, match="closed"):
        seen[0].has_blob("X")


class Adder:
    def __init__(self, amount, scale=1):
        self.amount, self.scale, self.calls = amount, scale, 0

    def __call__(self, inputs, outputs):
        self.calls += 1
        outputs[0].feed(inputs[0].data * F(self.scale) + F(self.amount + self.calls))


def test_a_pickled_builder_is_called_once():
    builder = pickle.dumps((Adder, (10,), {"scale": 2}))
    net = doppio.Net("n").add("Python", "X", "Y", pickled_builder=builder)
    ws = run(net, X=np.array([1], F))
    assert ws["Y"] == 13
    ws.run(net)
    assert ws["Y"] == 14


@pytest.mark.parametrize("builder, error, message", [
    (b"no pickle", pickle.UnpicklingError, ""), (pickle.dumps(5), TypeError, "iterable"),
    (pickle.dumps((1, 2)), RuntimeError, "must hold")])
def test_what_a_wrong_builder_raises_arrives(builder, error, message):
    net = doppio.Net("n").add("Python", "X", "Y", pickled_builder=builder)
    with pytest.raises(error, match=message):
        run(net, X=F(1))


def test_an_exception_arrives_as_it_was():
    def fail(inputs, outputs):
        outputs[0].feed(np.array(["text"]))

    def fail_too(inputs, outputs):
        {}["missing"]

    with pytest.raises(RuntimeError, match="unicode"):
        run_function(fail)
    with pytest.raises(KeyError, match="missing") as caught:
        run_function(fail_too)
    assert caught.traceback[-1].name == "fail_too"  # the function's own frame


def test_ctrl_c_stays_what_it_is():
    def interrupt(inputs, outputs):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run_function(interrupt)


def test_an_output_without_a_value_is_missed_by_its_reader():
    ws = run_function(lambda inputs, outputs: None)
    with pytest.raises(doppio.FailedPreconditionError, match="no value yet"):
        ws["Y"]


@pytest.mark.parametrize("args, error, message", [
    (dict(), doppio.Error, "needs the argument \"token\""),
    (dict(token="nobody"), RuntimeError, "no Python function is registered for the token \"nobody\"")])
def test_a_function_must_be_registered(args, error, message):
    with pytest.raises(error, match=message):
        run(doppio.Net("n").add("Python", "X", "Y", **args), X=F(1))


def test_wrong_registrations_are_refused():
    with pytest.raises(TypeError):
        _core.register_python_op(None, False, "")
    with pytest.raises(doppio.NotFoundError):
        _core.register_python_gradient_op("nobody", double)
    with pytest.raises(doppio.Error, match="use feed"):
        run_function(lambda inputs, outputs: outputs[0].init([1], 4))


class Capsule:
    """What NumPy makes an array of."""

    def __init__(self, capsule):
        self.capsule = capsule

    def __dlpack__(self, stream=None):
        return self.capsule

    def __dlpack_device__(self):
        return 1, 0


def test_dlpack_capsules_in_the_place_of_arrays():
    def f(inputs, outputs):
        assert inputs[0]._shape == [2]
        outputs[0].feed(inputs[0].data)
        outputs[1]._reshape([2])
        assert doppio.Tensor(Capsule(outputs[1].data)).shape == (2,)

    def gradient(inputs, outputs):
        outputs[0].feed(inputs[3].data)

    net = doppio.Net("n").add("PythonDLPack", "X", ["Y", "Z"], token=register(f, gradient),
                              grad_output_indices=[0])
    backward = doppio.gradient(net, of=["Y"])
    assert backward.net.ops[-1].type == "PythonDLPackGradient"
    ws = run(backward.net, X=np.array([1, 2], F))
    assert ws["Y"].tolist() == [1, 2] and ws["X_grad"].tolist() == [1, 1]


def test_front_ends_may_patch_the_class_of_tensors():
    tensor = _core.OpTensor(np.arange(3, dtype=F))
    assert tensor.fetch().tolist() == [0, 1, 2]
    tensor.data[0] = 5
    tensor._reshape([3, 1])
    assert tensor.fetch().tolist() == [[5], [1], [2]]
    _core.OpTensor.patched = property(lambda self: tuple(self._shape))
    assert tensor.patched == (3, 1)
    del _core.OpTensor.patched
