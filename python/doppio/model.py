"""Nets together with their weights."""

from __future__ import annotations

from typing import Any, NamedTuple

from doppio.net import Net

__all__ = ["Model"]


class Model(NamedTuple):
    """A net with all that it takes to run it, as `doppio.load` reads it from a predictor database.

    `inits` fill weights and are run first; `weights` are there before that.
    """

    net: Net
    inits: list[Net]
    weights: dict[str, Any]
    inputs: list[str]
    outputs: list[str]
