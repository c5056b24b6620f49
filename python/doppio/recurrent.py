"""Recurrent layers."""

from __future__ import annotations

from typing import NamedTuple

from doppio.gradients import gradient
from doppio.net import Net

__all__ = ["lstm", "LSTM"]


class LSTM(NamedTuple):
    """The blobs that `lstm` makes: `all` hidden states, [steps, sequences, size], and the last
    hidden state and cell, [1, sequences, size] each."""

    all: str
    hidden: str
    cell: str


def lstm(net: Net, x: str, size: int, *, name: str = "lstm", init: Net | None = None,
         inputs: int = 0, lengths: str | None = None, begin: tuple[str, str] | None = None,
         learn_from: str = "all", forget_bias: float = 0.0) -> LSTM:
    """Adds a layer of `size` long short-term memory cells over `x`, [steps, sequences, inputs].

    >>> net, init = doppio.Net("net"), doppio.Net("init")
    >>> layer = doppio.lstm(net, "x", 3, init=init, inputs=2)
    >>> net.FC(layer.all, "w", "b", name="y", axis=2)
    'y'
    >>> ws = doppio.Workspace()
    >>> ws["x"] = np.ones((5, 4, 2), np.float32)
    >>> ws["w"], ws["b"] = np.ones((1, 3), np.float32), np.zeros(1, np.float32)
    >>> ws.run(init)
    >>> ws.run(net)
    >>> ws["y"].shape, ws[layer.hidden].shape
    ((5, 4, 1), (1, 4, 3))

    The parameters are called as in Caffe2's LSTM: `lstm/i2h_w` [4 * size, inputs] and `lstm/i2h_b`,
    `lstm/gates_t_w` [4 * size, size] and `lstm/gates_t_b`, with `name` for lstm. `init` is the net
    that fills them, and then needs `inputs`; without it they are another's.

    `lengths` is a blob of int32 with the number of steps of each sequence; its states stay as they
    are behind its end. `begin` are the blobs of the states before the first step, hidden and cell,
    [sequences, size] or as `hidden` and `cell` of another run are; without it they are 0.
    `learn_from` says which outputs the loss is made of: "all", or the last "hidden" state alone.
    `forget_bias` is added to the forget gate.

    Raises ValueError for `learn_from` that is neither, for `init` without `inputs`, and for one blob
    as both states.
    """
    learned = {"all": 0, "hidden": 1}
    if learn_from not in learned:
        raise ValueError(f'learn_from is "all" or "hidden", not {learn_from!r}')
    if begin is not None and begin[0] == begin[1]:
        raise ValueError(f"hidden and cell begin as one blob, {begin[0]!r}, whose gradient would be "
                         "that of one of them")
    params = [f"{name}/gates_t_w", f"{name}/gates_t_b"]
    if init is not None:
        if inputs < 1:
            raise ValueError(f"init fills {name}/i2h_w, and needs to know how many inputs x has")
        init.XavierFill(name=f"{name}/i2h_w", shape=[4 * size, inputs])
        init.XavierFill(name=params[0], shape=[4 * size, size])
        for bias in (f"{name}/i2h_b", params[1]):
            init.ConstantFill(name=bias, shape=[4 * size])

    step = Net(f"{name}/step")
    step.FC(f"{name}/hidden_t_prev", *params, name=f"{name}/gates_t", axis=2)
    step.Sum(f"{name}/gates_t", f"{name}/input_t", name=f"{name}/sum_t")
    states = [f"{name}/hidden_t", f"{name}/cell_t"]
    before = [f"{state}_prev" for state in states]
    seq_lengths = [lengths] if lengths else []
    step.add("LSTMUnit", [*before, f"{name}/sum_t", *seq_lengths, "timestep"], states,
             sequence_lengths=bool(lengths), forget_bias=float(forget_bias))
    step.external_inputs = [*before, f"{name}/input_t", *params, *seq_lengths, "timestep"]
    step.external_outputs = states
    back = gradient(step, of={state: f"{state}_grad" for state in states})
    back.backward.name = f"{name}/backward_step"

    gates = net.FC(x, f"{name}/i2h_w", f"{name}/i2h_b", name=f"{name}/i2h", axis=2)
    if begin is None:
        begin = (net.ConstantFill(name=f"{name}/hidden_begin", shape=[size]),
                 net.ConstantFill(name=f"{name}/cell_begin", shape=[size]))
    ins = [gates, *begin, *params, *seq_lengths]
    kept = [f"{state}_prev_states" for state in states]
    made = [f"{state}_{which}" for state in states for which in ("all", "last")]
    net.add(
        "RecurrentNetwork", ins, [*made, f"{name}/step_workspaces"],
        step_net=step, backward_step_net=back.backward, timestep="timestep",
        link_internal=[*before, *states, f"{name}/input_t"], link_external=[*kept, *kept, gates],
        link_offset=[0, 0, 1, 1, 0], recurrent_states=kept,
        initial_recurrent_state_ids=[1, 2],
        alias_src=[kept[0], kept[0], kept[1], kept[1]], alias_dst=made, alias_offset=[1, -1, 1, -1],
        backward_link_internal=[*(f"{state}_grad" for state in states),
                                *(back[blob] for blob in [*before, f"{name}/input_t"])],
        backward_link_external=[f"{blob}_grad" for blob in [*kept, *kept, gates]],
        backward_link_offset=[1, 1, 0, 0, 0], outputs_with_grads=[learned[learn_from]],
        param=[3, 4], param_grads=[back[blob] for blob in params])
    return LSTM(made[0], made[1], made[3])
