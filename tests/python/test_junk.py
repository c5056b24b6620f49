"""Everything that the package offers, called with what nobody would call it with: an exception is
right, a crash of the interpreter is not. DOPPIO_JUNK_CALLS=n makes more calls."""

import os

import numpy as np
import pytest

import doppio

# What changes the whole process.
LEFT_OUT = {"set_num_threads", "set_memory_limit", "operator", "PythonOperator"}
SPECIAL = {"__call__", "__contains__", "__delitem__", "__eq__", "__getitem__", "__init__", "__len__",
           "__setitem__"}
KEYWORDS = ["axis", "blobs", "copy", "dtype", "engine", "init", "inputs", "kernel", "name", "of",
            "optimize", "outputs", "proto", "shape", "strict", "times", "type", "values"]


def some_objects():
    ws = doppio.Workspace()
    ws["X"] = np.ones((2, 3), np.float32)
    net = doppio.Net("n").add("Relu", "X", "Y")
    return [ws, net, doppio.Predictor(net), doppio.Tensor([1.0, 2]), ws.blobs, net.ops,
            doppio.gradient(net, "Y")]


def junk():
    ws, net, predictor, tensor, blobs, ops, gradient = some_objects()
    return [None, True, 0, -1, 1, 2 ** 31, 2 ** 70, 1.5, float("nan"), "X", "", "\0", "\udcff", "é" * 9,
            b"", b"\xff\xfe", [], [None], ["X"], [[1, 2], [3]], (), {}, {"X": "Y"}, {1: 2}, range(3),
            np.zeros(0), np.zeros((2, 0), "f2"), np.array("x"), np.array([b"a", None], object),
            np.zeros(3, ">i4"), np.zeros((2, 2), "c8"), np.zeros(2, [("a", "i4")]),
            np.broadcast_to(np.int8(0), (1 << 20, 1 << 20, 1 << 10)), object(), int, np.float32,
            np.dtype("f4"), memoryview(b"abc"), lambda *args, **kwargs: 1, "/", "/nowhere/x",
            {"a": np.ones(2)}, doppio.operators["Relu"], doppio.Model(net, [], {}, [], []), ws, net,
            net.to_proto(), predictor, tensor, blobs, ops, gradient]


@pytest.mark.parametrize("seed", range(4))
def test_junk_raises_exceptions_and_nothing_worse(seed, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    rng = np.random.default_rng(seed)

    def choice(values):
        return values[rng.integers(len(values))]

    public = [name for name in doppio.__all__ if name not in LEFT_OUT]
    done = 0
    for _ in range(int(os.environ.get("DOPPIO_JUNK_CALLS", "1000"))):
        values = junk()
        if rng.random() < 0.4:
            function = getattr(doppio, choice(public))
        else:
            thing = choice(some_objects())
            names = [name for name in dir(type(thing)) if not name.startswith("__") or name in SPECIAL]
            if rng.random() < 0.5:  # operators are most of them
                names = [name for name in names if name not in doppio.operators]
            name = choice(names)
            try:
                function = getattr(thing, name)
                if not callable(function):
                    setattr(thing, name, choice(values))
            except Exception:  # noqa: BLE001: whatever it is
                continue
        if not callable(function):
            continue
        arguments = [choice(values) for _ in range(rng.integers(4))]
        named = {choice(KEYWORDS): choice(values) for _ in range(rng.integers(3))}
        try:
            function(*arguments, **named)
        except SystemError:
            raise
        except Exception:  # noqa: BLE001: whatever it is
            pass
        done += 1
    assert done > 0
    ws = doppio.Workspace()
    ws["X"] = [-1.0, 1.0]
    ws.run(doppio.Net("after").add("Relu", "X", "Y"))
    assert ws["Y"].tolist() == [0, 1]
