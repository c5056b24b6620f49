"""Blobs of a net that become one, as Caffe2's front end asks for it (memonger)."""

import pytest

import doppio
from doppio import caffe2_state
from doppio.caffe2_state.protos import caffe2_pb2


def net_of(*ops, **fields):
    """Operators as (type, inputs, outputs), blobs between blanks."""
    net = caffe2_pb2.NetDef(**fields)
    for kind, inputs, outputs in ops:
        net.op.add(type=kind, input=inputs.split(), output=outputs.split())
    return net


def names(net):
    return [" ".join(op.input) + " -> " + " ".join(op.output) for op in net.op]


def in_order(net, static):
    made = caffe2_state.memonger_optimize_inference_net(net.SerializeToString(), static)
    return caffe2_pb2.NetDef.FromString(made)


def as_dag(net, shareable, dont_share=(), shapes=None, ops=None, scope=""):
    made = caffe2_state.memonger_compute_blob_recycling_for_dag(
        net.SerializeToString(), [b"x"], range(len(net.op)) if ops is None else ops,
        {name.encode() for name in shareable}, scope.encode(), set(dont_share), shapes or {})
    return caffe2_pb2.NetDef.FromString(made)


CHAIN = net_of(("Relu", "x", "a"), ("Exp", "a", "b"), ("Relu", "b", "c"), ("Exp", "c", "d"),
               external_output=["d"])


def test_a_blob_takes_the_place_of_one_that_nobody_reads_any_more():
    shared = in_order(CHAIN, [b"d"])
    # b is made while a is read, so that no operator runs in place that did not before.
    assert names(shared) == ["x -> __m0_shared", "__m0_shared -> b", "b -> __m0_shared",
                             "__m0_shared -> d"]
    assert names(as_dag(CHAIN, "abc", scope="s/"))[0] == "x -> s/__m0_shared"
    results = []
    for net in (CHAIN, shared):
        workspace = doppio.Workspace()
        workspace.feed("x", [0.5, -1.0])
        workspace.run(doppio.Net.from_bytes(net.SerializeToString()))
        results.append(workspace["d"].tolist())
    assert results[0] == results[1]


def test_blobs_that_are_asked_for_stay():
    for net in (in_order(CHAIN, [b"a", b"c", b"d"]), as_dag(CHAIN, "abc", ["a"]),
                as_dag(CHAIN, "ab"), as_dag(CHAIN, "abc", ops=[1, 2, 3])):
        assert names(net) == names(CHAIN)


def test_branches_that_may_run_side_by_side_share_nothing():
    net = net_of(("Relu", "x", "a"), ("Exp", "a", "b"), ("Relu", "x", "p"), ("Exp", "p", "q"),
                 ("Sum", "b q", "y"), external_output=["y"])
    assert names(as_dag(net, "abpq")) == names(net)
    assert names(in_order(net, [b"y"])) == [
        "x -> __m0_shared", "__m0_shared -> b", "x -> __m0_shared", "__m0_shared -> q", "b q -> y"]


def test_a_blob_goes_where_it_fits():
    net = net_of(("Relu", "x", "a"), ("Relu", "x", "p"), ("Sum", "a p", "b"), ("Exp", "b", "c"),
                 ("Exp", "c", "y"), external_output=["y"])
    shapes = {b"a": [2], b"p": [10], b"b": [2], b"c": [9]}
    assert names(as_dag(net, "apbc", shapes=shapes))[3] == "b -> __m0_shared"
    assert names(as_dag(net, "apbc", shapes=shapes))[1] == "x -> __m0_shared"


def test_what_nets_in_an_operator_know_keeps_its_name():
    net = net_of(("Relu", "x", "a"), ("Relu", "a", "b"), ("If", "condition b", "c"),
                 ("Exp", "c", "d"), ("Exp", "d", "e"), ("Exp", "e", "y"), external_output=["y"])
    inner = net.op[2].arg.add(name="then_net").n
    inner.op.add(type="Relu", input=["b"], output=["c"])
    assert names(as_dag(net, "abcde"))[2] == "condition b -> c"


def test_a_net_that_is_none_is_refused():
    with pytest.raises(RuntimeError, match="Relu does not pass the checks of its schema"):
        in_order(net_of(("Relu", "x y", "a")), [])
    with pytest.raises(RuntimeError):
        caffe2_state.memonger_optimize_inference_net(b"\xff", [])
