"""The tests that ONNX publishes, run by its own runner on doppio.onnx_backend. Those that
tests/onnx/left_out.txt leaves out are not run."""

import pathlib

import numpy as np
import pytest

import doppio
import doppio.onnx_backend
from support import skip_without_onnx

pytest.importorskip("onnx", reason="the package onnx is not installed (python3-onnx)")
pytest.importorskip("onnx.backend.test", reason="the tests of onnx are not installed")
import onnx.backend.test  # noqa: E402

skip_without_onnx()

# onnx 1.12 asks NumPy for a name that 1.24 no longer has.
np.object = object

LEFT_OUT = pathlib.Path(__file__).resolve().parents[1] / "onnx" / "left_out.txt"


def published():
    """The classes of tests, by name: those that are left out, for other devices or that would be
    downloaded are none."""
    left_out = {line.split()[0] for line in LEFT_OUT.read_text().splitlines() if line.strip()}
    classes = onnx.backend.test.BackendTest(doppio.onnx_backend, __name__).test_cases
    del classes["OnnxBackendRealModelTest"]
    for tests in classes.values():
        for name in [name for name in vars(tests) if name.startswith("test_")]:
            if not name.endswith("_cpu") or name.removesuffix("_cpu") in left_out:
                delattr(tests, name)
    return classes


globals().update(published())
