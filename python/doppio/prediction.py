"""Running trained nets."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from doppio import _core
from doppio.cancellation import Cancellation
from doppio.files import load
from doppio.model import Model
from doppio.net import Net, _names

__all__ = ["Predictor", "PredictorStats"]


class PredictorStats(NamedTuple):
    """Operators before and after rewriting; bytes of weights; bytes of all tensors that a run makes,
    without and with shared buffers (0 before the first run); sets of buffers; bytes of expanded
    tensors that the last run did not write out."""

    operators_before: int
    operators_after: int
    weight_bytes: int
    bytes_before: int
    bytes_after: int
    instances: int
    unwritten_bytes: int


class Predictor:
    """A trained net, to be run as often as one likes, from as many threads as one likes.

    >>> init = doppio.Net("init")
    >>> _ = init.GivenTensorFill(name="w", shape=[2], values=[10.0, 20.0])
    >>> net = doppio.Net("predict")
    >>> _ = net.Mul("x", "w", name="y")
    >>> predictor = doppio.Predictor(net, init)
    >>> predictor.inputs, predictor.outputs
    (['x'], ['y'])
    >>> predictor(np.float32([1, 2]))
    array([10., 40.], dtype=float32)
    >>> predictor.run({"x": np.float32([3, 4])})
    {'y': array([30., 80.], dtype=float32)}

    The net is rewritten first (operators joined, weights packed, buffers shared), since only its
    outputs have to exist; `optimize=False` runs it as it is, and `winograd=False` computes every
    convolution directly, for a smaller rounding error and less memory for weights. Weights are
    shared by all runs.
    Results are arrays of their own: they stay what they are when the predictor runs again.
    """

    def __init__(self, net: Net | Model, init: Net | Sequence[Net] = (), *,
                 weights: Mapping[str, Any] | None = None, inputs: Sequence[str] = (),
                 outputs: Sequence[str] = (), optimize: bool = True, winograd: bool = True,
                 files: str | None = "."):
        """`init` fills the weights, or `weights` holds them, or both. `inputs` and `outputs` choose
        what is fed and asked for where the net does not say it. `files` is the folder in which the
        nets may open files, as of a `Workspace`.

        Raises what `doppio.check` finds in the nets, all at once, and FailedPreconditionError for a
        net that changes its own weights (one that trains), which belongs into a Workspace.
        """
        if isinstance(net, Model):
            model = net
        else:
            inits = [init] if isinstance(init, Net) else list(init)
            model = Model(net, inits, dict(weights or {}), _names(inputs, "Predictor"),
                          _names(outputs, "Predictor"))
        self._core = _core.Predictor(model.inits, model.net, model.weights, model.inputs,
                                     model.outputs, optimize, winograd, files)

    @classmethod
    def load(cls, path: str | os.PathLike[str], init: str | os.PathLike[str] | None = None, *,
             name: str = "", optimize: bool = True, winograd: bool = True,
             files: str | None = ".") -> Predictor:
        """The predictor of a file that holds everything (a predictor database, a MetaNetDef, an
        ONNX model), or of two: predict net and init net. `name` chooses among several models of one
        file.

        >>> doppio.Predictor.load("predict_net.pb", "init_net.pb")  # doctest: +SKIP
        """
        if init is not None:
            return cls(load(path), load(init), optimize=optimize, winograd=winograd, files=files)
        path = os.fspath(path)
        with open(path, "rb"):
            pass  # raises FileNotFoundError, PermissionError, ...
        predictor = cls.__new__(cls)
        predictor._core = _core.Predictor.from_file(path, name, optimize, winograd, files)
        return predictor

    @property
    def inputs(self) -> list[str]:
        """The blobs that a run is given, in order."""
        return self._core.inputs

    @property
    def outputs(self) -> list[str]:
        """The blobs that a run returns, in order."""
        return self._core.outputs

    @property
    def net(self) -> Net:
        """The net as it is run."""
        return Net._from_core(self._core.net)

    def run(self, inputs: Mapping[str, Any] | Sequence[Any], *,
            timeout: float | None = None) -> Any:
        """Runs the net: a mapping from input to array gives a dict of all outputs by name, a list
        of arrays, in the order of `inputs`, a list of them in the order of `outputs`.

        Raises TypeError or InvalidArgumentError that names the input, or what stopped the run:
        after `timeout` seconds, DeadlineExceededError.
        """
        if timeout is not None:
            with Cancellation(timeout):
                return self.run(inputs)
        if isinstance(inputs, Mapping):
            return self._core.run_dict(dict(inputs))
        if isinstance(inputs, (list, tuple)):
            return self._core.run_list(inputs)
        raise TypeError("Predictor.run: a mapping from names to arrays or a list of arrays is "
                        f"wanted, not {type(inputs).__name__}; call the predictor for one array")

    def __call__(self, *inputs: Any, **named: Any) -> Any:
        """The same with inputs as arguments; a single output is returned itself."""
        if inputs and named:
            raise TypeError("Predictor: inputs are given by position or by name, not both")
        results = list(self.run(named).values()) if named else self.run(list(inputs))
        return results[0] if len(results) == 1 else tuple(results)

    def stats(self) -> PredictorStats:
        """What the rewriting did, and how much memory is used, in bytes."""
        return PredictorStats(**self._core.stats())

    def __repr__(self) -> str:
        return f"<doppio.Predictor: {', '.join(self.inputs)} -> {', '.join(self.outputs)}>"
