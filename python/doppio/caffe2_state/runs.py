"""Nets, operators and plans in the current workspace. None of these holds the interpreter's lock
while it runs."""

import threading
import time
from typing import Any, List, Optional

from doppio import errors
from doppio.caffe2_state.blob import want
from doppio.caffe2_state.observers import watch
from doppio.caffe2_state.protos import caffe2_pb2, parse
from doppio.caffe2_state.workspace import UNNAMED, Workspace, current, text

__all__ = [
    "BackgroundPlan", "benchmark_net", "benchmark_net_once", "create_net", "delete_net", "nets",
    "run_net", "run_net_once", "run_operator_multiple", "run_operator_once", "run_plan",
    "run_plan_in_background",
]


def create_net(net_def: bytes, overwrite: bool = False) -> bool:
    """Makes a net; RuntimeError where there is one of that name that shall not be overwritten."""
    current()._create_net(net_def, overwrite)
    return True


def run_net(name: str, num_iter: int = 1, allow_fail: bool = False) -> bool:
    """Runs a net of the current workspace so often. With `allow_fail` a run that fails gives False
    instead of an exception; what Python operators raise is raised all the same."""
    workspace = Workspace.current
    if name.__class__ is not str:
        name = text(name, "the name of a net")
    try:
        workspace._core.run(name or UNNAMED, num_iter)
    except BaseException as error:
        workspace._note_failure(name)
        if allow_fail and isinstance(error, errors.Error) and name in workspace._net_names():
            return False
        raise
    return True


def run_net_once(net_def: bytes) -> bool:
    current()._run_net(net_def)
    return True


def run_operator_once(op_def: bytes) -> bool:
    current()._run_operator(op_def)
    return True


def run_operator_multiple(op_def: bytes, num_runs: int) -> bool:
    """Creates the operator once and runs it so often."""
    net = caffe2_pb2.NetDef(name="run_operator_multiple",
                            op=[parse(caffe2_pb2.OperatorDef, op_def)])
    workspace = current()
    while net.name in workspace._net_names():
        net.name += "_"
    workspace._create_net(net.SerializeToString())
    try:
        workspace._run(net.name, num_runs)
    finally:
        workspace._delete_net(net.name)
    return True


def run_plan(plan_def: bytes) -> bool:
    current()._run_plan(plan_def)
    return True


class BackgroundPlan:
    """A plan that runs on a thread of its own, in the workspace that was current."""

    def __init__(self, workspace: Workspace, plan_def: bytes) -> None:
        self._error: Optional[BaseException] = None
        self._thread = threading.Thread(
            target=self._run, args=(workspace, plan_def), name="doppio background plan")
        self._thread.start()

    def _run(self, workspace: Workspace, plan_def: bytes) -> None:
        try:
            workspace._run_plan(plan_def)
        except BaseException as error:  # raised where is_succeeded() is called
            self._error = error

    def is_done(self) -> bool:
        return not self._thread.is_alive()

    def is_succeeded(self) -> bool:
        """True, or the exception of the plan. RuntimeError while the plan runs."""
        if not self.is_done():
            raise errors.FailedPreconditionError("is_succeeded: the plan is still running")
        if self._error is not None:
            raise self._error
        return True


def run_plan_in_background(plan_def: bytes) -> BackgroundPlan:
    return BackgroundPlan(current(), plan_def)


def nets() -> List[str]:
    return current()._net_names()


def delete_net(name: str) -> bool:
    """Deletes the net of that name, if there is one."""
    current()._delete_net(name)
    return True


def _milliseconds(workspace: Workspace, name: str, runs: int) -> float:
    start = time.perf_counter()
    workspace._run(name, runs)
    return (time.perf_counter() - start) * 1e3 / max(runs, 1)


def benchmark_net(name: str, warmup_runs: int, main_runs: int, run_individual: bool) -> List[float]:
    """Milliseconds of one run of the net; with `run_individual` also of each of its operators, of
    `main_runs` more runs."""
    workspace = current()
    for number in (warmup_runs, main_runs):
        want(number, int, "benchmark_net, a number of runs")
    if warmup_runs < 0 or main_runs < 0:
        raise errors.InvalidArgumentError("benchmark_net: numbers of runs must not be negative")
    workspace._run(name, warmup_runs)
    times = [_milliseconds(workspace, name, main_runs)]
    if run_individual:
        with watch(workspace, name) as observer:
            workspace._run(name, main_runs)
        times += [total / max(runs, 1) for runs, total in observer.operators]
    return times


def benchmark_net_once(name: str) -> float:
    """Milliseconds of one run."""
    return _milliseconds(current(), name, 1)
