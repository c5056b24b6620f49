"""Training: what changes the parameters of a net, step by step."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from doppio import _core
from doppio.gradients import Gradient, Targets, _targets
from doppio.net import Net, _names
from doppio.workspace import Workspace

__all__ = ["add_optimizer", "optimizers", "Training", "Optimizer", "OptimizerOption", "train",
           "Trained", "TrainStep", "Evaluation"]


class OptimizerOption(NamedTuple):
    """An option of an optimizer; `default` is None for one that may be absent."""

    name: str
    doc: str
    default: Any


class Optimizer(NamedTuple):
    """What is known of an optimizer: `doppio.optimizers["adam"]`."""

    name: str
    doc: str
    options: list[OptimizerOption]

    def __str__(self) -> str:
        width = max(len(option.name) for option in self.options)
        lines = [f"{self.name}: {self.doc}", ""]
        for option in self.options:
            default = "" if option.default is None else f" (default {option.default})"
            lines.append(f"  {option.name:{width}}  {option.doc}{default}")
        return "\n".join(lines)


class _Optimizers(Mapping[str, Optimizer]):
    """All optimizers by name."""

    def __getitem__(self, name: str) -> Optimizer:
        found = _core.optimizer_options(name)
        if found is None:
            raise KeyError(name)
        doc, options = found
        return Optimizer(name, doc, [OptimizerOption(*option) for option in options])

    def __iter__(self):
        return iter(_core.optimizers())

    def __len__(self) -> int:
        return len(_core.optimizers())

    def __repr__(self) -> str:
        return f"<doppio.optimizers: {', '.join(self)}>"


optimizers = _Optimizers()


class Training(NamedTuple):
    """A net that trains: `net` is one step, and `init`, run once after the parameters were filled,
    makes what the optimizer keeps. `parameters` are the blobs that a step changes."""

    net: Net
    init: Net
    parameters: list[str]


def add_optimizer(net: Net | Gradient, optimizer: str, *, of: Targets | None = None,
                  init: Net | Sequence[Net] = (), parameters: Sequence[str] = (),
                  **options: Any) -> Training:
    """`net` with gradients and with the operators that change its parameters.

    `of` is what is minimized, as for `gradient`; only the gradients that the parameters take are
    made. Instead of a net, `net` may be what `gradient` gave, which is kept as it is.

    `init` is the net that fills the parameters, or a list of nets: what they fill, the net reads
    and has a gradient of floats is trained. `parameters` names the blobs instead, or some of these.

    >>> net = doppio.Net("line")
    >>> y = net.FC("x", "w", "b", name="y")
    >>> loss = net.AveragedLoss(net.SquaredL2Distance(y, "target", name="distance"), name="loss")
    >>> init = doppio.Net("line_init")
    >>> _ = init.ConstantFill(name="w", shape=[1, 1]), init.ConstantFill(name="b", shape=[1])
    >>> training = doppio.add_optimizer(net, "sgd", of="loss", init=init, learning_rate=0.1,
    ...                                 momentum=0.5)
    >>> training.parameters
    ['w', 'b']
    >>> ws = doppio.Workspace()
    >>> ws["x"], ws["target"] = np.float32([[0], [1], [2]]), np.float32([[1], [3], [5]])
    >>> ws.run(init)
    >>> ws.run(training.init)
    >>> for _ in range(200):
    ...     ws.run(training.net)
    >>> print(f"y = {ws['w'].item():.3f} x + {ws['b'].item():.3f}")
    y = 2.000 x + 1.000

    `doppio.optimizers` knows all optimizers and their options. All take `learning_rate`,
    `weight_decay` and `clip_value`, and those whose rate follows a policy take `clip_norm`,
    `policy` and what the operator LearningRate takes (`gamma`, `stepsize`, ...). Operators and
    blobs are called as those of Caffe2's optimizers, so that state which those kept fits.

    Raises NotFoundError for an optimizer or blob that is none, with near names, and
    InvalidArgumentError for an option that the optimizer does not have, and for a blob that can not
    be trained.
    """
    inits = [init] if not isinstance(init, Sequence) else list(init)
    how = optimizer, inits, _names(parameters, "add_optimizer"), options
    if isinstance(net, Gradient):
        if of is not None:
            raise TypeError("add_optimizer: the gradient that is given says already what it is of")
        made = _core.add_optimizer(net.net, net.forward_operators, dict(net), *how)
    elif of is None:
        raise TypeError("add_optimizer: name what is minimized: of=\"loss\"")
    else:
        made = _core.add_optimizer_to_net(net, _targets(of), *how)
    step, state, names = made
    return Training(Net._from_core(step), Net._from_core(state), names)


class TrainStep(NamedTuple):
    """A step of a training, from 1 on; `epoch` and `examples` are 0 where the net finds its data
    itself."""

    iteration: int
    iterations: int
    epoch: int
    examples: int
    loss: float
    metrics: dict[str, float]


class Evaluation(NamedTuple):
    """A run over the test data; `metrics` are means over it, the loss among them."""

    iteration: int
    epoch: int
    examples: int
    metrics: dict[str, float]
    is_best: bool


class Trained(NamedTuple):
    """What `train` returns. `workspace` holds the parameters; `evaluations` are those of this call."""

    workspace: Workspace
    iterations: int
    stopped_early: bool
    evaluations: list[Evaluation]
    resumed_from: int
    damaged: list[str]


class _StopSignal:
    """Notes the first Ctrl-C, for the end of a step; a second one is a KeyboardInterrupt at once."""

    def __init__(self) -> None:
        self.has_come = False
        self._before: Any = None

    def __enter__(self):
        if threading.current_thread() is threading.main_thread():
            self._before = signal.signal(signal.SIGINT, self._note)
        return self

    def __exit__(self, *_):
        if self._before is not None:
            signal.signal(signal.SIGINT, self._before)

    def _note(self, *_):
        if self.has_come:
            raise KeyboardInterrupt
        self.has_come = True


def train(training: Training | Net, init: Net | Sequence[Net] = (), *,
          data: Mapping[str, Any] | None = None, epochs: int = 0, iterations: int = 0,
          batch: int = 32, shuffle: bool = True, seed: int = 1,
          test: Net | None = None, test_data: Mapping[str, Any] | None = None, hold_out: int = 0,
          test_runs: int = 1,
          loss: str = "loss", metrics: Sequence[str] = (), evaluate_every: int = 0,
          patience: int = 0, watch: str | None = None, larger_is_better: bool = False,
          checkpoints: str | os.PathLike[str] = "", checkpoint_every: int = 0,
          resume: bool = False, files: str | None = ".",
          on_step: Callable[[TrainStep], Any] | None = None,
          on_evaluation: Callable[[Evaluation], Any] | None = None) -> Trained:
    """Trains: batches of `data`, steps, evaluations, checkpoints.

    `training` is what `add_optimizer` gave, or a net that is one step; `init` fills the parameters.
    `data` maps blobs to arrays with the examples in the first dimension, which are cut into batches,
    shuffled by `seed` in each epoch; without it the net finds its data itself.

    >>> net = doppio.Net("line")
    >>> y = net.FC("x", "w", "b", name="y")
    >>> loss = net.AveragedLoss(net.SquaredL2Distance(y, "target", name="distance"), name="loss")
    >>> init = doppio.Net("line_init")
    >>> _ = init.ConstantFill(name="w", shape=[1, 1]), init.ConstantFill(name="b", shape=[1])
    >>> training = doppio.add_optimizer(net, "sgd", of="loss", init=init, learning_rate=0.2)
    >>> x = np.linspace(-1, 1, 64, dtype=np.float32).reshape(64, 1)
    >>> trained = doppio.train(training, init, data={"x": x, "target": 2 * x + 1}, epochs=100)
    >>> print(f"y = {trained.workspace['w'].item():.3f} x + {trained.workspace['b'].item():.3f}")
    y = 2.000 x + 1.000

    `test` is run over `test_data`, or over every `hold_out`-th example of `data`, which is then not
    trained with, after each epoch or after `evaluate_every` iterations; training ends
    early when `watch` (default: the loss) was not better `patience` times. `metrics` are blobs
    of one float each, of either net.

    `checkpoints` is a folder, in which the last two checkpoints are kept; with `resume` the training
    goes on from there, and ends with the very bits of one that was never stopped. `files` is the
    folder in which the nets may open files, as of a `Workspace`. The first Ctrl-C
    ends a training after the step that is under way, with a checkpoint, and is a KeyboardInterrupt
    then. `on_step` is given a `TrainStep`, and may return True to stop; `on_evaluation` is given an
    `Evaluation`.

    Raises InvalidArgumentError for data that does not go together, NotFoundError where there is
    nothing to resume from, and FailedPreconditionError for a checkpoint of another training.
    """
    own = [init] if not isinstance(init, Sequence) else list(init)
    if isinstance(training, Training):
        own.append(training.init)
    net = training.net if isinstance(training, Training) else training
    how = {"hold_out": hold_out, "batch": batch, "shuffle": shuffle, "seed": seed, "epochs": epochs,
           "iterations": iterations, "loss": loss,
           "metrics": _names(metrics, "train"),
           "evaluate_every": evaluate_every, "test_runs": test_runs, "patience": patience,
           "watch": loss if watch is None else watch, "larger_is_better": larger_is_better,
           "checkpoints": os.fspath(checkpoints), "checkpoint_every": checkpoint_every}
    evaluations: list[Evaluation] = []

    def note_evaluation(*fields):
        evaluations.append(Evaluation(*fields))
        if on_evaluation is not None:
            on_evaluation(evaluations[-1])

    def note_step(*fields):
        return bool(on_step(TrainStep(*fields))) if on_step is not None else False

    workspace = Workspace()
    workspace.files = files
    with _StopSignal() as stop:
        taken, early, _, resumed_from, damaged = _core.train(
            workspace, own, net, test, dict(data or {}), dict(test_data or {}), how, resume,
            lambda: stop.has_come, note_step if on_step is not None else None, note_evaluation)
    if stop.has_come:
        raise KeyboardInterrupt
    return Trained(workspace, taken, early, evaluations, resumed_from, damaged)
