"""Recurrent layers against NumPy."""

import numpy as np
import pytest

import doppio

STEPS, SEQUENCES, INPUTS, SIZE = 5, 3, 2, 4


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def expected(ws, x, hidden, cell, lengths=None, forget_bias=0.0):
    """All hidden states, and the last states, by the paper's formulas."""
    weights = [ws[f"lstm/{name}"] for name in ("i2h_w", "i2h_b", "gates_t_w", "gates_t_b")]
    states = []
    for t, x_t in enumerate(x):
        gates = x_t @ weights[0].T + weights[1] + hidden @ weights[2].T + weights[3]
        i, f, o, g = np.split(gates, 4, axis=1)
        new_cell = sigmoid(f + forget_bias) * cell + sigmoid(i) * np.tanh(g)
        new_hidden = sigmoid(o) * np.tanh(new_cell)
        goes_on = np.full((SEQUENCES, 1), True) if lengths is None else (t < lengths)[:, None]
        cell, hidden = np.where(goes_on, new_cell, cell), np.where(goes_on, new_hidden, hidden)
        states.append(hidden)
    return np.stack(states), hidden, cell


def workspace(**how):
    """A layer that has run once over random numbers."""
    net, init = doppio.Net("net"), doppio.Net("init")
    layer = doppio.lstm(net, "x", SIZE, init=init, inputs=INPUTS, **how)
    ws = doppio.Workspace()
    ws["x"] = np.random.default_rng(3).normal(size=(STEPS, SEQUENCES, INPUTS)).astype(np.float32)
    ws["lengths"] = np.int32([5, 1, 3])
    for name in ("hidden", "cell"):
        ws[name] = np.random.default_rng(4).normal(size=(SEQUENCES, SIZE)).astype(np.float32)
    ws.run(init.set_seed(1))
    ws.run(net)
    return ws, net, layer


def assert_right(ws, layer, wanted):
    for blob, value in zip(layer, wanted):
        np.testing.assert_allclose(ws[blob].reshape(value.shape), value, rtol=1e-5, atol=1e-6)


def test_lstm_follows_its_formulas():
    ws, _, layer = workspace(forget_bias=0.5)
    zeros = np.zeros((SEQUENCES, SIZE))
    assert_right(ws, layer, expected(ws, ws["x"], zeros, zeros, forget_bias=0.5))
    assert ws[layer.hidden].shape == (1, SEQUENCES, SIZE)


def test_lstm_begins_with_states_and_ends_with_lengths():
    ws, _, layer = workspace(begin=("hidden", "cell"), lengths="lengths")
    assert_right(ws, layer, expected(ws, ws["x"], ws["hidden"], ws["cell"], ws["lengths"]))


def test_states_go_on_in_another_run():
    ws, net, layer = workspace(begin=("hidden", "cell"))
    whole = ws.fetch(layer.all, copy=True)
    x = ws.fetch("x", copy=True)
    ws["x"] = x[:2]
    ws.run(net)
    ws["hidden"], ws["cell"] = ws.fetch(layer.hidden, copy=True), ws.fetch(layer.cell, copy=True)
    ws["x"] = x[2:]
    ws.run(net)
    np.testing.assert_array_equal(ws[layer.all], whole[2:])


@pytest.mark.parametrize("how", [{}, {"lengths": "lengths"}, {"learn_from": "hidden"},
                                 {"begin": ("hidden", "cell"), "forget_bias": 1}])
def test_gradients_are_right(how):
    ws, net, layer = workspace(**how)
    learned = layer.hidden if how.get("learn_from") == "hidden" else layer.all
    net.SumElements(net.Mul(learned, learned), name="loss")
    check = doppio.check_gradients(net, "loss", ws)
    assert check, check
    assert {"x", "lstm/i2h_w", "lstm/gates_t_w", *how.get("begin", ())} <= \
        {blob.blob for blob in check.blobs}


def test_a_loss_of_outputs_that_were_not_named_is_refused():
    _, net, layer = workspace()
    net.SumElements(layer.hidden, name="loss")
    with pytest.raises(doppio.FailedPreconditionError, match="hidden_t_last"):
        doppio.gradient(net, of="loss")


@pytest.mark.parametrize("how", [{"learn_from": "cell"}, {"init": doppio.Net("init")},
                                 {"begin": ("state", "state")}])
def test_what_makes_no_sense_is_a_value_error(how):
    with pytest.raises(ValueError):
        doppio.lstm(doppio.Net("net"), "x", SIZE, **how)


def test_seeds_make_inits_repeatable():
    first, second = workspace()[0], workspace()[0]
    np.testing.assert_array_equal(first["lstm/i2h_w"], second["lstm/i2h_w"])
    assert not np.array_equal(first["lstm/i2h_w"][:, :2], first["lstm/gates_t_w"][:, :2])
