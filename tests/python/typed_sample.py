"""A program of a user who checks types: `mypy --strict` must find nothing wrong with it
(test_typing.py), and it must run."""

from __future__ import annotations

import numpy as np

import doppio


def build() -> doppio.Net:
    net = doppio.Net("demo", type="simple")
    expanded: str = net.Expand("X", "shape", name="Y")
    hidden = net.FC(expanded, "w", "b", axis=1)
    kept, mask = net.Dropout(net.Relu(hidden), name=["kept", "mask"], ratio=0.25, is_test=False)
    parts: tuple[str, ...] = net.Split(kept, name=["left", "right"], axis=1)
    joined, _ = net.Concat(list(parts), mask, name=["joined", "lengths"], axis=1)
    flat: str = net.Concat(joined, name="flat", axis=0)
    net.Cast(flat, name="double", to=np.float64)
    net.ReduceSum("double", name="loss", axes=[0], keepdims=False)
    net.add("AnOperatorOfAPlugIn", ["loss"], ["scaled"], scale=0.5)
    return net


def run() -> float:
    net = doppio.Net("forward")
    loss = net.SumElements(net.Expand("X", "shape"), name="loss")
    backward: doppio.Gradient = doppio.gradient(net, of=[loss])
    ws = doppio.Workspace()
    ws.feed("X", np.array([[1], [2], [3]], np.float32))
    ws["shape"] = [3, 4]
    ws.run(backward.net, times=2)
    name = backward["X"]
    assert isinstance(name, str)
    gradient = ws[name]
    info: doppio.BlobInfo = ws.info(name)
    assert info.shape == gradient.shape
    ws.reset_workspace()
    return float(gradient.sum())


def look(net: doppio.Net) -> list[str]:
    problems: list[doppio.Problem] = doppio.check(net, ["X", "shape"])
    texts = [f"{problem.op}: {problem.what}" for problem in problems]
    texts += [f"{op.type} {', '.join(op.inputs)}" for op in net.ops]
    schema: doppio.OperatorSchema = doppio.operators["Expand"]
    texts += [f"{spec.name}: {spec.doc}" for spec in schema.inputs]
    return texts + [arg.name for arg in schema.args]


def predict() -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
    init = doppio.Net("init")
    init.GivenTensorFill(name="w", shape=[2], values=[10.0, 20.0])
    net = doppio.Net("predict")
    net.Mul("x", "w", name="y")
    predictor = doppio.Predictor(net, init)
    result: np.ndarray[tuple[int, ...], np.dtype[np.float32]] = predictor(np.array([1, 2], np.float32))
    return result


def main() -> None:
    print(run(), len(look(build())), predict())


if __name__ == "__main__":
    main()
