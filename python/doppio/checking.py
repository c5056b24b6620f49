"""Looking at nets without running them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from doppio import _core
from doppio.net import Net
from doppio.workspace import Workspace

__all__ = ["check", "infer", "Problem"]


class Problem(NamedTuple):
    """Something wrong with a net. `op` is the operator's index, or -1 for the net itself."""

    op: int
    where: str
    what: str

    def __str__(self) -> str:
        return f"{self.where}: {self.what}"


def check(net: Net, blobs: Workspace | Iterable[str] = (), *, strict: bool = False) -> list[Problem]:
    """Everything that is wrong with a net; an empty list when all is well. Nothing is run.

    `blobs` are there when the net runs: names, or a workspace that holds them. With `strict`, a
    blob that neither they nor the net's external inputs name is a problem.

    >>> net = doppio.Net("broken").add("Exapnd", ["X", "shape"], "Y")
    >>> print(doppio.check(net)[0])
    net "broken", op 0 Exapnd(X, shape) -> Y: there is no operator "Exapnd" for the CPU; \
did you mean Expand or Exp?
    """
    names = blobs.blob_names() if isinstance(blobs, Workspace) else list(blobs)
    return [Problem(*problem) for problem in _core.check(net, names, strict)]


def infer(net: Net, blobs: Workspace | Mapping[str, Any]) -> dict[str, tuple[str | None, Any]]:
    """Element types and shapes of all blobs of a net, without running it.

    `blobs` says what is fed: a workspace, or a mapping from names to arrays or to pairs (element
    type, shape). What can not be known is None.

    >>> net = doppio.Net("demo")
    >>> _ = net.MatMul("A", "B", name="C")
    >>> doppio.infer(net, {"A": ("float", (2, 3)), "B": ("float", (3, 4))})["C"]
    ('float', (2, 4))
    """
    known: dict[str, tuple] = {}
    if isinstance(blobs, Workspace):
        for name in blobs.blob_names():
            info = blobs.info(name)
            if info.dtype not in (None, "undefined"):
                known[name] = (info.dtype, info.shape, blobs.tensor(name))
    else:
        for name, value in blobs.items():
            if isinstance(value, tuple) and len(value) == 2:
                known[name] = value
            else:
                tensor = _core.Tensor(value)
                known[name] = (tensor.dtype, tensor.shape, tensor)
    return _core.infer([net], known)
