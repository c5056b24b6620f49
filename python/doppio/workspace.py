"""Workspaces: where nets find their inputs and leave their outputs."""

from __future__ import annotations

import os
from collections.abc import Iterator, MutableMapping, Sequence
from types import TracebackType
from typing import TYPE_CHECKING, Any, NamedTuple

from doppio import _core
from doppio.cancellation import Cancellation
from doppio.errors import FailedPreconditionError
from doppio.net import Net

if TYPE_CHECKING:
    import numpy as np

__all__ = ["Workspace", "Blobs", "BlobInfo", "WorkspaceStats"]


class BlobInfo(NamedTuple):
    """What a blob holds. `dtype` and `shape` are None where it is no tensor."""

    type: str
    dtype: str | None
    shape: tuple[int, ...] | None


class WorkspaceStats(NamedTuple):
    """`live_bytes`: of tensors in this workspace; those that begin with `process`: of all.
    `phantoms`: expanded tensors that are not written out, which saves `unwritten_bytes`."""

    blobs: int
    nets: int
    live_bytes: int
    phantoms: int
    unwritten_bytes: int
    process_live_bytes: int
    process_peak_bytes: int
    process_allocations: int


class Workspace(_core.Workspace):
    """Named blobs, and the nets that use them.

    >>> ws = doppio.Workspace()
    >>> ws.feed("X", np.array([[1], [2], [3]], np.float32))
    >>> ws.feed("shape", [3, 4])
    >>> net = doppio.Net("demo")
    >>> _ = net.Expand("X", "shape", name="Y")
    >>> ws.run(net)
    >>> ws["Y"]
    array([[1., 1., 1., 1.],
           [2., 2., 2., 2.],
           [3., 3., 3., 3.]], dtype=float32)

    Threads: workspaces are independent of each other, and nets run without Python's lock. In one
    workspace, a blob can not be fed or fetched while a net that uses it runs on another thread;
    FailedPreconditionError says so.

    Ctrl-C ends a run between two operators, and so does a `doppio.Cancellation`.

    `Workspace(parent)` sees the blobs of its parent; what its nets write under other names is its
    own. As a context manager, a workspace is closed at the end and can not be used any more.
    """

    def __init__(self, parent: Workspace | None = None):
        super().__init__(parent)

    def feed(self, name: str, value: Any, *,  # type: ignore[override]
             copy: bool = False, dtype: Any = None) -> None:
        """Puts an array into a blob, made where there is none.

        `value` is an array, a number, a (nested) list, a `doppio.Tensor`, or what speaks DLPack (a
        PyTorch tensor, say): bool, int8 to int64, uint8, uint16, float16, float32, float64, or
        bytes and str, which are kept as UTF-8. Python's own floats become float32, which nets are
        made of; `dtype` converts to another type.

        An array in C order and native byte order is shared, not copied: doppio never writes to it,
        but what you write to it later is seen by the next run. With `copy` it is copied.

        >>> ws = doppio.Workspace()
        >>> ws.feed("lr", 0.1)
        >>> ws.fetch("lr").dtype
        dtype('float32')

        Raises TypeError for an array whose elements are nothing that a tensor can hold.
        """
        super().feed(name, value, copy, dtype)

    def fetch(self, name: str, *, copy: bool = False) -> Any:  # type: ignore[override]
        """The value of a blob: an array; bytes for a blob that is a string.

        The array is a view of the tensor, without a copy. It stays what it is when nets run again
        or the workspace is reset, and can not be written to; with `copy` it is an array of your
        own. Tensors of strings come as object arrays of bytes, bfloat16 as float32.

        >>> ws = doppio.Workspace()
        >>> ws.feed("X", [1.0, 2.0])
        >>> ws.fetch("X").flags.writeable, ws.fetch("X", copy=True).flags.writeable
        (False, True)

        Raises NotFoundError, with near names, where there is no such blob.
        """
        return super().fetch(name, copy)

    def tensor(self, name: str) -> _core.Tensor:
        """The value of a blob as a `doppio.Tensor`, which also DLPack and buffers can take.

        >>> ws = doppio.Workspace()
        >>> ws.feed("X", np.zeros((2, 3), np.float16))
        >>> ws.tensor("X")
        doppio.Tensor float16[2,3]
        """
        return super().tensor(name)

    def run(self, net: Net | str, times: int = 1, *,  # type: ignore[override]
            timeout: float | None = None) -> None:
        """Runs a net: a `doppio.Net`, or the name of one that is in the workspace.

        A Net is made here on its first run, and again after it was changed; so its inputs must
        have been fed. What it writes stays in the workspace.

        >>> ws = doppio.Workspace()
        >>> ws.feed("X", [-1.0, 1.0])
        >>> net = doppio.Net("relu")
        >>> _ = net.Relu("X", name="Y")
        >>> ws.run(net)
        >>> ws["Y"]
        array([0., 1.], dtype=float32)

        Raises what stopped the run, with the net, the operator and its blobs in the message; what
        ran before has left its blobs. After `timeout` seconds that is DeadlineExceededError;
        `doppio.Cancellation` does the same for more than one run, and ends runs from other threads.
        """
        if timeout is None:
            super().run(net, times)
        else:
            with Cancellation(timeout):
                super().run(net, times)

    @property
    def files(self) -> str | None:
        """The folder in which nets may open files: databases, text, checkpoints. It is the current
        one, unless you choose another; "/" is anywhere, and None allows no files at all, for nets
        that you do not trust. What a path leads to counts: neither ".." nor a symbolic link leads
        out. Files that you name yourself, to `doppio.load` say, are always allowed.

        >>> ws = doppio.Workspace()
        >>> ws.files = None
        >>> net = doppio.Net("foreign")
        >>> _ = net.CreateDB(name="reader", db="/etc", db_type="leveldb")
        >>> ws.run(net)
        Traceback (most recent call last):
        doppio.errors.PermissionDeniedError: net "foreign", op 0 CreateDB() -> reader: "/etc" may \
not be opened here, no file may
        """
        return super().files

    @files.setter
    def files(self, folder: str | os.PathLike[str] | None) -> None:
        _core.Workspace.files.fset(  # type: ignore[attr-defined]
            self, None if folder is None else os.fspath(folder))

    @property
    def memory_limit(self) -> int | None:
        """How many bytes the tensors may have that nets of this workspace make; None, as at first,
        is no limit of its own (`doppio.set_memory_limit` is one for all). Nets in it, and
        workspaces that are made with it as their parent, count together; what you feed does not.

        >>> ws = doppio.Workspace()
        >>> ws.memory_limit = 1000
        >>> net = doppio.Net("greedy")
        >>> _ = net.ConstantFill(name="y", shape=[2000])
        >>> ws.run(net)
        Traceback (most recent call last):
        doppio.errors.ResourceExhaustedError: net "greedy", op 0 ConstantFill() -> y: no \
memory for a tensor of 8000 bytes: those of this budget hold 4 and may hold 1000
        """
        return super().memory_limit

    @memory_limit.setter
    def memory_limit(self, size: int | None) -> None:
        _core.Workspace.memory_limit.fset(self, size)  # type: ignore[attr-defined]

    def reset_workspace(self) -> None:
        """Drops all blobs and nets. Arrays that were fetched stay what they are."""
        self.reset()

    @property
    def blobs(self) -> Blobs:
        """All blobs that the workspace sees, as a mapping from names to arrays.

        >>> ws = doppio.Workspace()
        >>> ws.blobs["X"] = [1, 2]
        >>> list(ws.blobs), len(ws.blobs), "Y" in ws.blobs
        (['X'], 1, False)
        >>> del ws.blobs["X"]
        """
        return Blobs(self)

    def info(self, name: str) -> BlobInfo:
        """Type and shape of a blob.

        >>> ws = doppio.Workspace()
        >>> ws.feed("X", [[1, 2]])
        >>> ws.info("X")
        BlobInfo(type='Tensor', dtype='int64', shape=(1, 2))
        """
        return BlobInfo(*self.describe_blob(name))

    @property
    def nets(self) -> Sequence[str]:
        """The names of the nets that were made here."""
        return self.net_names()

    def stats(self) -> WorkspaceStats:  # type: ignore[override]
        """How much memory the workspace holds, in bytes."""
        return WorkspaceStats(**super().stats())

    def __getitem__(self, name: str) -> np.ndarray:
        return self.fetch(name)

    def __setitem__(self, name: str, value: Any) -> None:
        self.feed(name, value)

    def __delitem__(self, name: str) -> None:
        self.remove_blob(name)

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and self.has_blob(name)

    def __enter__(self) -> Workspace:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None,
                 traceback: TracebackType | None) -> None:
        self.close()

    def __repr__(self) -> str:
        if self.closed:
            return "<doppio.Workspace, closed>"
        return f"<doppio.Workspace: {len(self.blob_names())} blobs, {len(self.net_names())} nets>"

    def _repr_html_(self) -> str:
        from doppio import notebook  # not what most programs need

        if self.closed:
            return "<p>a workspace that was closed</p>"
        names = self.blob_names()
        return notebook.html_table("workspace", ["blob", "type", "shape", "values"],
                                   map(self._row, names[:notebook.MOST_ROWS]), len(names))

    def _row(self, name: str) -> list[str]:
        from doppio.notebook import shortened

        info = self.info(name)
        if info.shape is None or info.dtype in (None, "undefined"):
            return [name, info.type, "", ""]
        try:
            array = self.fetch(name)
        except FailedPreconditionError:
            values = "(in use)"
        else:
            values = ", ".join(f"{value:.6g}" if array.dtype.kind == "f" else shortened(value)
                               for value in array.flat[:6]) + (", ..." if array.size > 6 else "")
        return [name, str(info.dtype), str(list(info.shape)), values]


class Blobs(MutableMapping[str, Any]):
    """The blobs of a workspace, by name."""

    def __init__(self, workspace: Workspace):
        self._workspace = workspace

    def __getitem__(self, name: str) -> Any:
        return self._workspace.fetch(name)

    def __setitem__(self, name: str, value: Any) -> None:
        self._workspace.feed(name, value)

    def __delitem__(self, name: str) -> None:
        self._workspace.remove_blob(name)

    def __iter__(self) -> Iterator[str]:
        return iter(self._workspace.blob_names())

    def __len__(self) -> int:
        return len(self._workspace.blob_names())

    def __contains__(self, name: object) -> bool:
        return name in self._workspace

    def __repr__(self) -> str:
        return f"<blobs {', '.join(self)}>"
