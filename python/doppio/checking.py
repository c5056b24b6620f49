"""Looking at nets without running them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from doppio import _core
from doppio.net import Net, _names
from doppio.workspace import Workspace

__all__ = ["check", "infer", "Problem", "check_gradients", "GradientCheck", "CheckedBlob"]


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
    names = blobs.blob_names() if isinstance(blobs, Workspace) else _names(blobs, "check")
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


class CheckedBlob(NamedTuple):
    """How near the gradient of one blob is. `at` (its number), `gradient` and `difference` are of the element
    that is worst; `kinks` elements are where the derivative jumps."""

    blob: str
    shape: tuple[int, ...]
    elements: int
    wrong: int
    kinks: int
    error: float
    at: int
    gradient: float
    difference: float


class GradientCheck(NamedTuple):
    """What `check_gradients` found. It is true where all gradients are right, and shows a table."""

    blobs: list[CheckedBlob]
    in_double: bool
    why_float: str
    step: float
    tolerance: float
    without: list[str]
    text: str

    def __bool__(self) -> bool:
        return all(blob.wrong == 0 for blob in self.blobs)

    def __str__(self) -> str:
        return self.text.rstrip()


def check_gradients(net: Net, of: str | Sequence[str], values: Workspace | Mapping[str, Any], *,
                    blobs: Sequence[str] = (), samples: int = 100, seed: int = 1,
                    in_double: bool = True, step: float = 0, tolerance: float = 0) -> GradientCheck:
    """Holds the gradient net of `net` against finite differences: are the gradients right?

    `of` names the blobs whose sum is differentiated, `values` are all that the net reads: a
    workspace, or a mapping from names to arrays. `blobs` are those whose gradients are compared
    (default: all floats that the net reads), `samples` elements of each, drawn by `seed`.

    >>> net = doppio.Net("demo")
    >>> _ = net.SumElements(net.Sigmoid(net.FC("x", "w", "b", name="y"), name="z"), name="loss")
    >>> rng = np.random.default_rng(1)
    >>> check = doppio.check_gradients(net, "loss", {"x": rng.normal(size=(2, 3)),
    ...     "w": rng.normal(size=(4, 3)), "b": rng.normal(size=4)})
    >>> bool(check), check.in_double
    (True, True)
    >>> print(check)
    blob  shape  compared  wrong  worst error  at    gradient  difference
    x     [2,3]         6      0      ...
    w     [4,3]        12      0      ...
    b     [4]           4      0      ...

    The net is run in double where its operators bear that, else (`why_float` says why) in float,
    with a larger `step` and `tolerance`. Raises an error where the net does not run, and for a net
    whose random operators have no seed.
    """
    if not isinstance(values, Workspace):
        workspace = Workspace()
        for name, value in values.items():
            workspace.feed(name, value)
        values = workspace
    found = _core.check_gradients(net, _names(of, "check_gradients"), values,
                                  _names(blobs, "check_gradients"), samples, seed, in_double, step,
                                  tolerance)
    found["blobs"] = [CheckedBlob(*blob) for blob in found["blobs"]]
    return GradientCheck(**found)
