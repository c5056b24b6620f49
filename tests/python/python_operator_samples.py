"""Operators written in Python, for several tests."""

import doppio
import numpy as np
from doppio import operator

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
