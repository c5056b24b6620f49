"""Trained nets."""

import numpy as np
import pytest

import doppio
from support import in_threads


@pytest.fixture
def nets():
    init, net = doppio.Net("init"), doppio.Net("predict")
    init.GivenTensorFill(name="w", shape=[2, 3], values=np.arange(6.0))
    init.ConstantFill(name="b", shape=[2], value=1.0)
    net.Relu(net.FC("x", "w", "b", name="y"), name="z")
    return net, init


X = np.float32([[1, 2, 3], [-1, -1, -1]])
Z = np.float32([[9, 27], [0, 0]])


def test_one_input_and_one_output_are_arrays(nets):
    predictor = doppio.Predictor(*nets)
    assert (predictor.inputs, predictor.outputs) == (["x"], ["z"])
    np.testing.assert_array_equal(predictor(X), Z)
    np.testing.assert_array_equal(predictor(x=X), Z)
    np.testing.assert_array_equal(predictor(X.tolist()), Z)


def test_lists_give_lists_and_mappings_give_dicts(nets):
    predictor = doppio.Predictor(*nets, outputs=["y", "z"])
    y, z = predictor.run([X])
    assert y[1].tolist() == [-2, -11] and z[1].tolist() == [0, 0]
    assert list(predictor.run({"x": X})) == ["y", "z"]
    assert len(predictor(X)) == 2


@pytest.mark.parametrize("optimize", [True, False])
def test_results_stay_what_they_are(nets, optimize):
    predictor = doppio.Predictor(*nets, optimize=optimize)
    first = predictor(X)
    predictor(2 * X)
    np.testing.assert_array_equal(first, Z)
    del predictor
    np.testing.assert_array_equal(first, Z)


def test_weights_may_be_arrays(nets):
    predictor = doppio.Predictor(nets[0], weights={"w": np.ones((2, 3), np.float32),
                                                   "b": np.zeros(2, np.float32)})
    np.testing.assert_array_equal(predictor(X), [[6, 6], [0, 0]])


def test_a_predictor_comes_from_files(nets, tmp_path):
    net, init = nets
    doppio.save(net, tmp_path / "predict.pb")
    doppio.save(init, tmp_path / "init.pbtxt")
    doppio.save(doppio.Model(net, [init], {}, ["x"], ["z"]), tmp_path / "all.minidb")
    for predictor in (doppio.Predictor.load(tmp_path / "predict.pb", tmp_path / "init.pbtxt"),
                      doppio.Predictor.load(tmp_path / "all.minidb"),
                      doppio.Predictor(doppio.load(tmp_path / "all.minidb"))):
        np.testing.assert_array_equal(predictor(X), Z)


def test_stats_tell_what_the_rewriting_did(nets):
    predictor = doppio.Predictor(*nets)
    predictor(X)
    stats = predictor.stats()
    assert stats.operators_before == 2 and stats.operators_after <= 2
    assert stats.weight_bytes >= 32 and stats.instances == 1
    assert isinstance(predictor.net, doppio.Net) and len(predictor.net) == stats.operators_after


def test_eight_threads_share_one_predictor(nets):
    predictor = doppio.Predictor(*nets)

    def work(k):
        x = np.float32(k + 1) * X
        for _ in range(200):
            np.testing.assert_array_equal(predictor(x), (k + 1) * (Z - [[1, 1], [0, 0]]) + [[1, 1], [0, 0]])

    in_threads(work)


def test_missing_weights_are_told():
    with pytest.raises(doppio.Error, match='"w"'):
        doppio.Predictor(doppio.Net("n").add("Mul", ["x", "w"], "y"), inputs=["x"])


def test_a_net_that_trains_is_refused():
    net = doppio.Net("n").add("WeightedSum", ["w", "one", "g", "one"], "w")
    with pytest.raises(doppio.Error, match="w"):
        doppio.Predictor(net, weights={"w": [1.0], "one": [1.0]})


@pytest.mark.parametrize("inputs, error, words", [
    ([], ValueError, "1 input"), ([X, X], ValueError, "1 input"), ({}, ValueError, "x"),
    ({"x": X, "q": X}, ValueError, "q"), ({"x": np.zeros(2, np.complex64)}, TypeError, 'input "x"'),
    ([np.zeros(2, [("a", "f4")])], TypeError, 'input 0 "x"'), (X, TypeError, "list of arrays"),
    (None, TypeError, "list of arrays"), ({1: X}, RuntimeError, ""), ([X.T], ValueError, "FC"),
])
def test_wrong_inputs_are_exceptions_that_name_them(nets, inputs, error, words):
    predictor = doppio.Predictor(*nets)
    with pytest.raises((error, doppio.NotFoundError) if error is ValueError else error, match=words):
        predictor.run(inputs)
    np.testing.assert_array_equal(predictor(X), Z)


def test_inputs_are_given_by_position_or_by_name(nets):
    with pytest.raises(TypeError, match="not both"):
        doppio.Predictor(*nets)(X, x=X)


def test_files_that_are_none_are_refused(tmp_path):
    with pytest.raises(FileNotFoundError):
        doppio.Predictor.load(tmp_path / "none.minidb")
    (tmp_path / "bad.minidb").write_bytes(b"nothing of the kind")
    with pytest.raises(doppio.Error, match="bad.minidb"):
        doppio.Predictor.load(tmp_path / "bad.minidb")
