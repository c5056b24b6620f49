"""Caffe2's C extension, `caffe2_pybind11_state`, as its Python front end uses it.

Protobufs cross as bytes; errors are RuntimeError (classes of `doppio.errors`). See
docs/caffe2_python.md, and `doppio.caffe2_compat.install()`, which puts this module where
`caffe2.python` looks for it.
"""

from doppio.caffe2_state import (
    blob, current_blobs, database, environment, gradients, inference, memory, observers, predictor,
    registry, runs, schema, workspace)
from doppio.caffe2_state.missing import MISSING, refusal

__all__ = []

for _part in (blob, current_blobs, database, environment, gradients, inference, memory, observers,
              predictor, registry, runs, schema, workspace):
    __all__ += _part.__all__
    globals().update((name, getattr(_part, name)) for name in _part.__all__)
for _name, _reason in MISSING.items():
    __all__.append(_name)
    globals()[_name] = refusal(_name, _reason)
