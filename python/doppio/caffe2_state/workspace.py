"""Workspaces by name, one of them current."""

from typing import Any, Dict, List, Optional, Union

from doppio import _core, errors
from doppio.caffe2_state.blob import Blob, fetch_named, want
from doppio.caffe2_state.protos import caffe2_pb2, parse

__all__ = [
    "Net", "Workspace", "create_child_workspace", "current_workspace", "on_module_exit",
    "reset_workspace", "root_folder", "switch_workspace", "workspaces",
]


# In doppio nets have names; the empty one of a net in Caffe2 is written as this.
UNNAMED = "unnamed"


def text(name: Union[str, bytes], what: str) -> str:
    """A name, which may come as bytes too; TypeError for anything else."""
    if isinstance(name, bytes):
        return name.decode("utf-8", "surrogateescape")
    want(name, str, what)
    return name


class Net:
    """A net of a workspace."""

    def __init__(self, workspace: "Workspace", name: str) -> None:
        self._workspace = workspace
        self._name = name

    def run(self) -> None:
        self._workspace._run(self._name, 1)


class Workspace:
    """Blobs and nets by name. `Workspace(parent)` sees its parent's blobs too.

    `Workspace.current` is another one after each switch_workspace or reset_workspace. The front end
    reads it for every run of a net.
    """

    current: "Workspace"

    def __init__(self, parent: Optional["Workspace"] = None) -> None:
        want(parent, (Workspace, type(None)), "the parent of a Workspace")
        self._adopt(_core.Workspace() if parent is None else _core.Workspace(parent._core))
        self._core.files = "/"  # the program's own nets, which name files wherever they are

    @classmethod
    def _of(cls, core: Any) -> "Workspace":
        """Another handle of a workspace that exists."""
        self = cls.__new__(cls)
        self._adopt(core)
        return self

    def _adopt(self, core: Any) -> None:
        self._core = core
        self._failed = -1
        self._has_unnamed = False
        self._observers: Dict[str, list] = {}  # by net, kept while it exists

    # --- Blobs.
    @property
    def blobs(self) -> Dict[str, Blob]:
        return {name: self._blob(name) for name in self._core.blob_names()}

    def create_blob(self, name: str) -> Blob:
        """The blob of that name, empty where there was none."""
        return Blob(_core.make_blob(self._core, name))

    def has_blob(self, name: str) -> bool:
        return self._core.has_blob(name)

    def fetch_blob(self, name: str) -> Any:
        """A copy of the value: an array, bytes, or of an unknown type a line about it."""
        return fetch_named(self._blob(name), name)

    def _blob(self, name: str) -> Blob:
        handle = _core.find_blob(self._core, name)
        if handle is None:
            raise errors.NotFoundError(f"Can't find blob: {text(name, 'a name')}")
        return Blob(handle)

    def _remove_blob(self, name: str) -> bool:
        if text(name, "the name of a blob") not in self._core.local_blob_names():
            return False
        self._core.remove_blob(name)
        return True

    # --- Nets.
    @property
    def nets(self) -> Dict[str, Net]:
        return {name: Net(self, name) for name in self._net_names()}

    def _net_names(self) -> List[str]:
        return ["" if name == UNNAMED and self._has_unnamed else name
                for name in self._core.net_names()]

    def _create_net(self, definition: bytes, overwrite: bool = False) -> Net:
        net = _core.Net(definition)
        with _Failures(self):
            self._core.create_net(net, overwrite)
        self._has_unnamed |= not net.name
        self._observers.pop(net.name, None)
        return Net(self, net.name)

    def _delete_net(self, name: str) -> None:
        if name in self._net_names():
            self._core.delete_net(name or UNNAMED)
            self._observers.pop(name, None)

    def _run(self, name: str, times: int) -> None:
        try:
            self._core.run(name or UNNAMED, times)
        except BaseException:
            self._note_failure(name)
            raise

    def _note_failure(self, name: str) -> None:
        self._failed = self._core.last_failed_operator(name or UNNAMED)

    def _run_net(self, definition: bytes) -> None:
        with _Failures(self):
            self._core.run_once(definition)

    def _run_operator(self, definition: bytes) -> None:
        with _Failures(self):
            self._core.run_operator(definition)

    def _run_plan(self, definition: bytes) -> None:
        with _Failures(self):
            self._core.run_plan(definition)
        if self._observers:  # those of nets that the plan made anew are gone
            for net in parse(caffe2_pb2.PlanDef, definition).network:
                self._observers.pop(net.name, None)

    def _last_failed_op_net_position(self) -> int:
        """The index of the operator that failed last, or -1."""
        return self._failed


class _Failures:
    """Notes which operator an error is about, for _last_failed_op_net_position."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: Any, error: Any, traceback: Any) -> None:
        if error is not None:
            self._workspace._failed = _failed_operator(error)


def _failed_operator(error: BaseException) -> int:
    """The index of the operator that a message names (`net "n", op 3 Relu(...)`), or -1. What the
    function of an operator raised has its own text; a note says where."""
    texts = [str(error)] if isinstance(error, errors.Error) else []
    words = " ".join(texts + getattr(error, "__notes__", [])).replace(",", " ").split()
    for word, following in zip(words, words[1:]):
        if word == "op" and following.isdigit():
            return int(following)
    return -1


_workspaces: Dict[str, Workspace] = {}
_current_name = "default"


def current() -> Workspace:
    return Workspace.current


def switch_workspace(name: Union[str, Workspace], create_if_missing: Any = None) -> None:
    """Makes the workspace of that name (or the given one) the current one. RuntimeError where there
    is none and it shall not be created."""
    global _current_name
    if isinstance(name, Workspace):
        Workspace.current = name
        return
    name = text(name, "the name of a workspace")
    if name not in _workspaces:
        if not create_if_missing:
            raise errors.NotFoundError(
                f'there is no workspace "{name}"; there are {sorted(_workspaces)}')
        _workspaces[name] = Workspace()
    Workspace.current, _current_name = _workspaces[name], name


def create_child_workspace(parent: str, child: str) -> None:
    """A workspace of the name `child` that sees the blobs of the one called `parent`."""
    parent, child = text(parent, "the name of a workspace"), text(child, "the name of a workspace")
    if parent not in _workspaces:
        raise errors.NotFoundError(f'there is no workspace "{parent}" to be a parent')
    if child in _workspaces:
        raise errors.AlreadyExistsError(f'there is a workspace "{child}" already')
    _workspaces[child] = Workspace(_workspaces[parent])


def current_workspace() -> str:
    return _current_name


def workspaces() -> List[str]:
    return sorted(_workspaces)


def reset_workspace(root_folder: Optional[str] = None) -> bool:
    """Puts an empty workspace in the place of the current one."""
    fresh = Workspace()
    if root_folder is not None:
        _core.reset_to_root_folder(fresh._core, root_folder)
        fresh._core.files = "/"
    _workspaces[_current_name] = Workspace.current = fresh
    return True


def root_folder() -> str:
    return _core.root_folder(current()._core)


def on_module_exit() -> None:
    """Drops all workspaces and what is in them; an empty one is left."""
    _workspaces.clear()
    switch_workspace("default", True)


switch_workspace("default", True)
