"""Writes digits.onnx: which digit a picture of 8 by 8 pixels shows, by one product of matrices.

    make_digits.py DIGITS_CSV_GZ OUT

The weights are those of the least squares between the pixels and the ten digits, on four of every
five pictures. Needs NumPy and the package onnx (python3-onnx); doppio is not needed.
"""

import sys

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper


def fit(path):
    rows = np.loadtxt(path, delimiter=",")
    rows = rows[np.arange(len(rows)) % 5 != 0]
    pixels = np.hstack([rows[:, :-1] / 16, np.ones((len(rows), 1))])
    digits = np.eye(10)[rows[:, -1].astype(int)]
    found = np.linalg.solve(pixels.T @ pixels + 1e-1 * np.eye(65), pixels.T @ digits)
    return found[:-1].astype(np.float32), found[-1].astype(np.float32)


def model(w, b):
    graph = helper.make_graph(
        [helper.make_node("Gemm", ["data", "w", "b"], ["scores"]),
         helper.make_node("ArgMax", ["scores"], ["digit"], axis=1, keepdims=0)],
        "digits",
        [helper.make_tensor_value_info("data", TensorProto.FLOAT, ["N", 64])],
        [helper.make_tensor_value_info("digit", TensorProto.INT64, ["N"])],
        [numpy_helper.from_array(w, "w"), numpy_helper.from_array(b, "b")])
    made = helper.make_model(graph, producer_name="make_digits",
                             opset_imports=[helper.make_opsetid("", 13)])
    made.ir_version = 8
    onnx.checker.check_model(made)
    return made


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit("usage: make_digits.py DIGITS_CSV_GZ OUT\n"
                 "e.g.   make_digits.py examples/digits/digits.csv.gz examples/onnx/digits.onnx")
    onnx.save(model(*fit(sys.argv[1])), sys.argv[2])
