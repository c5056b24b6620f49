"""Damaged messages at the old front end's boundary: an exception is right, a crash of the interpreter
or a broken workspace is not. DOPPIO_FUZZ_CASES=n tries more."""

import os

import numpy as np
import pytest

import caffe2_protos as protos
import doppio
from doppio import caffe2_state as C

MANY = 1 << 26  # bytes of tensors
LONG = 0.5  # seconds

pytestmark = pytest.mark.usefixtures("default_workspace")


def seeds():
    """Whole messages, by what they are."""
    C.feed_blob("x", np.ones((2, 3), np.float32))
    relu = protos.op("Relu", ["x"], ["y"])
    reduce = protos.op("ReduceSum", ["y"], ["z"], axes=[0], keepdims=0)
    expand = protos.op("Expand", ["x"], ["e"], shape=[4, 2, 3])
    fills = [protos.fill, protos.op("GivenTensorFill", [], ["w"], shape=[3], values=[1.0, 2.0, 3.0])]
    body = protos.net_def("body", relu)
    loop = protos.op_def("While", ["yes"], [])
    loop.arg.add(name="loop_net").n.CopyFrom(body)
    nets = [protos.net("n", relu, reduce), protos.net("m", expand, protos.fill),
            protos.net("l", protos.op("GivenTensorBoolFill", [], ["yes"], shape=[1], values=[0]),
                       loop.SerializeToString())]
    return {
        "operator": [relu, reduce, expand] + fills,
        "net": nets,
        "plan": [protos.plan(*nets), protos.plan(nets[0], num_iter=3, stop="yes")],
        "blob": [C.serialize_blob("x")],
        "device": [protos.caffe2_pb2.DeviceOption(device_type=0, random_seed=3).SerializeToString()],
    }


def damaged(rng, message, others):
    """The message with a few bytes changed, lost, doubled or taken from another one."""
    content = bytearray(message)
    for _ in range(1 + rng.integers(4)):
        place = int(rng.integers(len(content) + 1))
        end = place + int(rng.integers(1, 9))
        kind = rng.integers(6)
        if kind == 0:
            del content[place:]
        elif kind == 1:
            del content[place:end]
        elif kind == 2:
            content[place:place] = rng.bytes(int(rng.integers(1, 9)))
        elif kind == 3:
            content[place:place] = content[place:end]
        elif kind == 4 and place < len(content):
            content[place] ^= 1 << int(rng.integers(8))
        else:
            other = others[rng.integers(len(others))]
            start = int(rng.integers(len(other) + 1))
            content[place:end] = other[start:start + int(rng.integers(1, 40))]
    return bytes(content)


def gradient_defs(message):
    wrapper = C.GradientWrapper()
    wrapper.dense = "y_grad"
    return C.get_gradient_defs(message, [wrapper])


CALLS = {
    "operator": [C.run_operator_once, lambda m: C.run_operator_multiple(m, 2), gradient_defs,
                 lambda m: C.get_operator_cost(m, ["x"]), C.infer_op_input_output_device],
    "net": [lambda m: C.create_net(m, True), C.run_net_once,
            lambda m: C.infer_shapes_and_types_from_workspace([m]),
            lambda m: C.infer_shapes_and_types_from_map([m], {"x": [2, 3]}),
            lambda m: C.Predictor(m, protos.net("p", protos.op("Relu", ["filled"], ["y"]))),
            lambda m: C.Predictor(protos.net("i", protos.fill), m).run([np.ones((2, 3), np.float32)])],
    "plan": [C.run_plan],
    "blob": [lambda m: C.deserialize_blob("d", m)],
    "device": [lambda m: C.feed_blob("f", np.ones(2, np.float32), m)],
}


@pytest.mark.parametrize("seed", range(3))
def test_damaged_messages_raise_exceptions_and_nothing_worse(seed, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    rng = np.random.default_rng(seed)
    messages = seeds()
    every = [message for kind in messages.values() for message in kind]
    kinds = list(CALLS)
    refused = 0
    doppio.set_memory_limit(MANY)
    try:
        for _ in range(int(os.environ.get("DOPPIO_FUZZ_CASES", "400"))):
            kind = kinds[rng.integers(len(kinds))]
            message = messages[kind][rng.integers(len(messages[kind]))]
            content = damaged(rng, message, every)
            call = CALLS[kind][rng.integers(len(CALLS[kind]))]
            try:
                with doppio.Cancellation(LONG):
                    call(content)
            except SystemError:
                raise
            except Exception:  # noqa: BLE001: whatever it is
                refused += 1
    finally:
        doppio.set_memory_limit(None)
    assert refused > 0
    C.reset_workspace()
    C.feed_blob("x", np.full(2, -1, np.float32))
    assert C.run_operator_once(protos.op("Relu", ["x"], ["y"]))
    assert C.fetch_blob("y").tolist() == [0, 0]
