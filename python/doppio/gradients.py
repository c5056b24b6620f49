"""Gradient nets."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple, Union

from doppio import _core
from doppio.net import Net, _names

__all__ = ["gradient", "Gradient", "SparseGradient"]


class SparseGradient(NamedTuple):
    """A gradient of some rows: the blob of their numbers, and the blob of their gradients."""

    indices: str
    values: str


# The name of a blob, or those of a sparse gradient's two.
GradientName = Union[str, SparseGradient]


class Gradient(Mapping[str, GradientName]):
    """The gradient net of a net, and the names of the gradients: a mapping from blob to gradient.

    `net` has the forward operators and, after them, the gradient operators; `backward` has the
    gradient operators alone.
    """

    def __init__(self, net: Net, backward: Net, forward_operators: int,
                 gradients: dict[str, GradientName]):
        self.net = net
        self.backward = backward
        self.forward_operators = forward_operators
        self._gradients = gradients

    def __getitem__(self, blob: str) -> GradientName:
        return self._gradients[blob]

    def __iter__(self):
        return iter(self._gradients)

    def __len__(self) -> int:
        return len(self._gradients)

    def __repr__(self) -> str:
        names = ", ".join(f"{blob}: {gradient}" for blob, gradient in self.items())
        return f"<doppio.Gradient of {self.net.name!r}: {names}>"


# What is differentiated: a blob, some, or a mapping to the blobs that hold their gradients already.
Targets = Union[str, Sequence[str], Mapping[str, Union[GradientName, None]]]


def _targets(of: Targets) -> dict[str, GradientName | None]:
    blobs = _names(of, "gradient")
    return dict(of) if isinstance(of, Mapping) else {blob: None for blob in blobs}


def gradient(net: Net, of: Targets, wrt: str | Sequence[str] | None = None) -> Gradient:
    """The net that computes `net` and then the derivatives of the blobs `of` it.

    `of` names the blobs to differentiate: one, a list, or a mapping to the blobs that hold their
    gradients already. Without one a gradient starts from ones. `wrt` names the blobs with respect
    to which gradients are wanted; what leads to others only is left out of the net.

    >>> net = doppio.Net("demo")
    >>> _ = net.SumElements(net.Expand("X", "shape", name="Y"), name="loss")
    >>> backward = doppio.gradient(net, of=["loss"])
    >>> backward["X"]
    'X_grad'
    >>> backward.backward.ops
    [ConstantFill(loss) -> loss_autogen_grad, SumElementsGradient(Y, loss_autogen_grad) -> Y_grad, \
ExpandGradient(Y_grad, X) -> X_grad]
    >>> ws = doppio.Workspace()
    >>> ws.feed("X", [[1.0], [2.0]])
    >>> ws.feed("shape", [2, 3])
    >>> ws.run(backward.net)
    >>> ws[backward["X"]]
    array([[3.],
           [3.]], dtype=float32)

    >>> scaled = net.Mul("loss", "scale", name="scaled")
    >>> doppio.gradient(net, of=scaled, wrt="scale")
    <doppio.Gradient of 'demo': scale: scale_grad>

    Operators, their order and the names of blobs are those that Caffe2's builder gives. Raises
    NotFoundError for a blob that the net does not have, FailedPreconditionError where a gradient in
    `wrt` does not exist, and lists all operators on the way that have no gradient.
    """
    if wrt is not None:
        wrt = _names(wrt, "gradient")
    whole, backward, count, gradients = _core.gradient(net, _targets(of), wrt)
    names = {blob: SparseGradient(*name) if isinstance(name, tuple) else name
             for blob, name in gradients.items()}
    return Gradient(Net._from_core(whole), Net._from_core(backward), count, names)
