"""Operators that are Python functions, as Caffe2's front end registers them."""

import pickle

import numpy as np
import pytest

import caffe2_protos as protos
from caffe2_protos import caffe2_pb2
from doppio import _core, caffe2_state as C


pytestmark = pytest.mark.usefixtures("default_workspace")


def double(inputs, outputs):
    outputs[0].reshape(inputs[0].shape)
    outputs[0].data[...] = inputs[0].data * 2


def double_gradient(inputs, outputs):
    # x, y, y_grad
    outputs[0].feed(inputs[2].fetch() * 2)


def python_op(token, inputs, outputs, **args):
    return protos.op("Python", inputs, outputs, token=token, **args)


def test_tokens_are_names_of_functions_with_a_number_where_taken():
    def token_test(inputs, outputs):
        pass

    assert C.register_python_op(token_test, False, "") == "token_test"
    assert C.register_python_op(token_test, False, "") == "token_test:1"
    assert C.register_python_op(token_test, False, "mine") == "mine:token_test"
    for wrong in (None, 3):
        with pytest.raises(RuntimeError):
            C.register_python_op(wrong, False, "")
        with pytest.raises(RuntimeError):
            C.register_python_gradient_op("token_test", wrong)
    with pytest.raises(RuntimeError):
        C.register_python_gradient_op("no such token", token_test)


def test_a_function_is_an_operator_with_a_gradient():
    token = C.register_python_op(double, False, "")
    C.register_python_gradient_op(token, double_gradient)
    C.feed_blob("x", np.array([[1.0, 2.0]]))
    op = python_op(token, ["x"], ["y"])
    C.run_operator_once(op)
    assert C.fetch_blob("y").tolist() == [[2, 4]]
    dense = C.GradientWrapper()
    dense.dense = "y_grad"
    (gradient,), (of_input,) = C.get_gradient_defs(op, [dense])
    assert caffe2_pb2.OperatorDef.FromString(gradient).type == "PythonGradient"
    C.feed_blob("y_grad", np.ones((1, 2)))
    C.run_operator_once(gradient)
    assert C.fetch_blob(of_input.dense).tolist() == [[2, 2]]


def test_functions_get_the_front_ends_own_classes():
    seen = []

    def look(inputs, outputs, workspace):
        seen.extend([inputs[0], outputs[0], workspace])
        assert inputs[0].shape == (3,) and isinstance(inputs[0].data, np.ndarray)
        assert workspace.blobs["x"].fetch().tolist() == [0, 1, 2]
        outputs[0].init([2], caffe2_pb2.TensorProto.INT32)
        outputs[0].data[:] = 7

    token = C.register_python_op(look, True, "")
    workspace = C.Workspace()
    workspace.create_blob("x").feed(np.arange(3))
    workspace._run_operator(python_op(token, ["x"], ["y"]))
    assert isinstance(seen[0], C.TensorCPU) and isinstance(seen[1], C.TensorCPU)
    assert isinstance(seen[2], C.Workspace)
    assert workspace.fetch_blob("y").tolist() == [7, 7]


class OnPurpose(ValueError):
    pass


def test_an_exception_arrives_as_it_was():
    raised = []

    def fail(inputs, outputs):
        raised.append(OnPurpose("on purpose"))
        raise raised[-1]

    op = python_op(C.register_python_op(fail, False, ""), [], [])
    net = protos.net("fails", protos.fill, op)
    plan = protos.plan(net)
    C.create_net(net)
    position = C.Workspace.current._last_failed_op_net_position
    for failed, run in (
            (-1, lambda: C.run_operator_once(op)), (0, lambda: C.run_operator_multiple(op, 2)),
            (1, lambda: C.run_net_once(net)), (1, lambda: C.run_net("fails", 1, False)),
            (1, lambda: C.run_net("fails", 1, True)), (1, lambda: C.run_plan(plan))):
        with pytest.raises(OnPurpose, match="^on purpose$") as caught:
            run()
        assert caught.value is raised[-1]
        assert position() == failed


def test_an_exception_of_a_gradient_or_a_builder_arrives_as_it_was():
    def fail(inputs, outputs):
        raise OnPurpose

    token = C.register_python_op(double, False, "")
    C.register_python_gradient_op(token, fail)
    with pytest.raises(OnPurpose):
        C.run_operator_once(protos.op("PythonGradient", [], [], token=token))
    for builder, error in (((make_adder, [], {"nothing": 1}), TypeError), ((1, 2), RuntimeError)):
        with pytest.raises(error):
            C.run_operator_once(protos.op("Python", [], [], pickled_builder=pickle.dumps(builder)))


def make_adder(number):
    def add(inputs, outputs, workspace=None):
        assert workspace is None or isinstance(workspace, C.Workspace)
        outputs[0].feed(inputs[0].data + number)

    return add


@pytest.mark.parametrize("pass_workspace", [0, 1])
def test_a_pickled_builder_makes_the_function(pass_workspace):
    builder = pickle.dumps((make_adder, [], {"number": 5}))
    C.feed_blob("x", np.array([1.0]))
    C.run_operator_once(protos.op("Python", ["x"], ["y"], pickled_builder=builder,
                                  pass_workspace=pass_workspace))
    assert C.fetch_blob("y").tolist() == [6]


def test_functions_of_python_dlpack_get_capsules():
    def look(inputs, outputs):
        assert type(inputs[0]) is C.DLPackTensorCPU
        outputs[0].feed(inputs[0].data)

    token = C.register_python_op(look, False, "")
    C.feed_blob("x", np.arange(3.0))
    C.run_operator_once(protos.op("PythonDLPack", ["x"], ["y"], token=token))
    assert C.fetch_blob("y").tolist() == [0, 1, 2]


def test_many_runs_hold_no_memory():
    token = C.register_python_op(double, False, "")
    C.feed_blob("x", np.ones(1000, "f4"))
    C.create_net(protos.net("n", python_op(token, ["x"], ["y"]), protos.op("Relu", ["y"], ["z"])))

    def live_bytes():
        return _core.Workspace().stats()["process_live_bytes"]

    C.run_net("n", 1, False)
    before = live_bytes()
    for _ in range(2000):
        C.feed_blob("x", np.ones(1000, "f4"))
        C.run_net("n", 1, False)
        C.fetch_blob("z")
    assert live_bytes() == before
    C.reset_workspace()
    assert live_bytes() < before
