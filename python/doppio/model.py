"""Nets together with their weights."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any, NamedTuple

from doppio import _core
from doppio.net import Net

__all__ = ["Model"]


class Model(NamedTuple):
    """A net with all that it takes to run it, as `doppio.load` reads it from a predictor database or
    an ONNX model.

    `inits` fill weights and are run first; `weights` are there before that.
    """

    net: Net
    inits: list[Net]
    weights: dict[str, Any]
    inputs: list[str]
    outputs: list[str]

    @classmethod
    def from_onnx(cls, content: Any, *, folder: str | os.PathLike[str] = ".") -> Model:
        """The model in the bytes of an ONNX model, or in a message of the package onnx. Tensors in
        files of their own are looked for in `folder` and below.

        >>> with open("model.onnx", "rb") as file:  # doctest: +SKIP
        ...     model = doppio.Model.from_onnx(file.read())

        Raises InvalidArgumentError for what is no right model, and UnimplementedError where it
        cannot be taken along, with all problems at once.
        """
        if hasattr(content, "SerializeToString"):
            content = content.SerializeToString()
        return cls._from_core(_core.model_from_onnx(bytes(content), os.fspath(folder)))

    def to_onnx(self, *, opset: int = 13,
                blobs: Mapping[str, tuple[Any, Any]] | None = None) -> bytes:
        """An ONNX model of this one, with its weights as they are after the init nets, in the
        operators of a version of ONNX (7 to 17). `blobs` says what is known of inputs: pairs (element
        type, shape), where None is what is not known and -1 a size that may be another one each time.
        `doppio.save(model, "model.onnx")` writes a file.

        >>> net = doppio.Net("net")
        >>> _ = net.MatMul("x", "w", name="y")
        >>> model = doppio.Model(net, [], {"w": np.ones((2, 3), np.float32)}, ["x"], ["y"])
        >>> again = doppio.Model.from_onnx(model.to_onnx(blobs={"x": ("float", (-1, 2))}))
        >>> doppio.Predictor(again)(np.float32([[1, 2]]))
        array([[3., 3., 3.]], dtype=float32)

        Raises UnimplementedError, which names every operator that can not be taken along and why.
        """
        return _core.model_to_onnx(self.net, self.inits, dict(self.weights), list(self.inputs),
                                   list(self.outputs), opset, dict(blobs or {}))

    @classmethod
    def _from_core(cls, parts: Any) -> Model:
        net, inits, weights, inputs, outputs = parts
        return cls(Net._from_core(net), [Net._from_core(init) for init in inits], weights, inputs,
                   outputs)
