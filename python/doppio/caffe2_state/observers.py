"""Observers of nets: how often a net and its operators ran, and how long that took."""

import contextlib
from typing import Any, Iterator

from doppio import _core, errors
from doppio.caffe2_state.blob import want
from doppio.caffe2_state.workspace import Workspace, current

__all__ = [
    "Observer", "add_observer_to_net", "clear_global_net_observer", "num_observers_on_net",
    "remove_observer_from_net",
]

_TYPES = ("ProfileObserver", "TimeObserver", "RunCountObserver")


class Observer:
    """What `add_observer_to_net` gives. Times are milliseconds."""

    def __init__(self, kind: str, runs: Any) -> None:
        self._kind = kind
        self._runs = runs

    def _time_only(self) -> None:
        if self._kind != "TimeObserver":
            raise errors.UnimplementedError(
                f"Observer does not implement this function: it is a {self._kind}, and times are "
                "those of a TimeObserver")

    def average_time(self) -> float:
        """Of one run of the net; 0 before the first."""
        self._time_only()
        return self._runs.time / max(self._runs.runs, 1)

    def average_time_children(self) -> float:
        """Of one run of an operator, the mean over all operators of the net."""
        self._time_only()
        times = [time / max(runs, 1) for runs, time in self._runs.operators]
        return sum(times) / max(len(times), 1)

    def debug_info(self) -> str:
        if self._kind == "RunCountObserver":
            return f"This operator runs {sum(runs for runs, _ in self._runs.operators)} times."
        lines = [f"net: {self._runs.runs} runs, {self._runs.time:.3f} ms"]
        lines += [f"op {i}: {runs} runs, {time:.3f} ms"
                  for i, (runs, time) in enumerate(self._runs.operators)]
        return "\n".join(lines)


def add_observer_to_net(net_name: str, observer_type: str) -> Observer:
    """Observes a net of the current workspace from now on: ProfileObserver, TimeObserver or
    RunCountObserver."""
    want(observer_type, str, "the type of an observer")
    if observer_type not in _TYPES:
        raise errors.NotFoundError(
            f'there is no observer "{observer_type}"; there are {", ".join(_TYPES)}')
    workspace = current()
    observer = Observer(observer_type, _core.observe_net(workspace._core, net_name))
    workspace._observers.setdefault(net_name, []).append(observer)
    return observer


def _observers(workspace: Workspace, net_name: str) -> list:
    if net_name not in workspace._net_names():
        raise errors.NotFoundError(f"Can't find net {net_name}")
    return workspace._observers.get(net_name, [])


def remove_observer_from_net(net_name: str, observer: Observer) -> None:
    workspace = current()
    observers = _observers(workspace, net_name)
    if observer in observers:
        _core.unobserve_net(workspace._core, net_name, observer._runs)
        observers.remove(observer)


def num_observers_on_net(net_name: str) -> int:
    return len(_observers(current(), net_name))


def clear_global_net_observer() -> None:
    """Does nothing: doppio has no observers of all nets."""


@contextlib.contextmanager
def watch(workspace: Workspace, net_name: str) -> Iterator[Any]:
    """Observes the net meanwhile."""
    runs = _core.observe_net(workspace._core, net_name)
    try:
        yield runs
    finally:
        _core.unobserve_net(workspace._core, net_name, runs)
