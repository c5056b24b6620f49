"""Nets together with their weights."""

from __future__ import annotations

import os
from typing import Any, NamedTuple

from doppio import _core
from doppio.net import Net

__all__ = ["Model"]


class Model(NamedTuple):
    """A net with all that it takes to run it, as `doppio.load` reads it from a predictor database or an ONNX model.

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

    @classmethod
    def _from_core(cls, parts: Any) -> Model:
        net, inits, weights, inputs, outputs = parts
        return cls(Net._from_core(net), [Net._from_core(init) for init in inits], weights, inputs,
                   outputs)
