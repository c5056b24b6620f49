"""Training: what changes the parameters of a net, step by step."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from doppio import _core
from doppio.gradients import Gradient
from doppio.net import Net

__all__ = ["add_optimizer", "optimizers", "Training", "Optimizer", "OptimizerOption"]


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


def add_optimizer(gradient: Gradient, optimizer: str, *, init: Net | Sequence[Net] = (),
                  parameters: Sequence[str] = (), **options: Any) -> Training:
    """The net of `gradient` with the operators that change its parameters.

    `init` is the net that fills the parameters, or a list of nets: what they fill, the net reads
    and has a gradient of floats is trained. `parameters` names the blobs instead, or some of these.

    >>> net = doppio.Net("line")
    >>> y = net.FC("x", "w", "b", name="y")
    >>> loss = net.AveragedLoss(net.SquaredL2Distance(y, "target", name="distance"), name="loss")
    >>> init = doppio.Net("line_init")
    >>> _ = init.ConstantFill(name="w", shape=[1, 1]), init.ConstantFill(name="b", shape=[1])
    >>> training = doppio.add_optimizer(doppio.gradient(net, of="loss"), "sgd", init=init,
    ...                                 learning_rate=0.1, momentum=0.5)
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
    if isinstance(parameters, str):
        parameters = [parameters]
    net, state, names = _core.add_optimizer(gradient.net, gradient.forward_operators,
                                            dict(gradient), optimizer, inits, list(parameters),
                                            options)
    return Training(Net._from_core(net), Net._from_core(state), names)
