"""Gradient nets made in Python."""

import numpy as np
import pytest

import doppio


@pytest.fixture
def net():
    net = doppio.Net("demo")
    net.SumElements(net.Expand("X", "shape", name="Y"), name="loss")
    return net


@pytest.mark.parametrize("of", ["loss", ["loss"], ("loss",), {"loss": None}])
def test_gradients_are_found_by_the_names_of_blobs(net, of):
    gradient = doppio.gradient(net, of=of)
    assert dict(gradient) == {"X": "X_grad", "Y": "Y_grad", "loss": "loss_autogen_grad"}
    assert gradient.forward_operators == 2 and len(gradient.net) == 5
    assert [op.type for op in gradient.backward] == ["ConstantFill", "SumElementsGradient",
                                                     "ExpandGradient"]
    assert all(op.is_gradient for op in gradient.backward.ops[1:])
    assert len(net) == 2


def test_a_gradient_that_is_given_is_used(net):
    gradient = doppio.gradient(net, of={"Y": "dY"})
    assert gradient["X"] == "X_grad" and gradient["Y"] == "dY"


def test_the_gradient_net_computes_the_gradient(net):
    ws = doppio.Workspace()
    ws["X"], ws["shape"] = np.float32([[1], [2], [3]]), [3, 4]
    gradient = doppio.gradient(net, of="loss")
    ws.run(gradient.net)
    np.testing.assert_array_equal(ws[gradient["X"]], np.full((3, 1), 4, np.float32))


def test_the_gradient_net_is_the_one_that_the_command_writes(net, doppio_command, tmp_path):
    doppio.save(net, tmp_path / "net.pb")
    doppio_command("grad", tmp_path / "net.pb", "--of", "loss", "-o", tmp_path / "backward.pb")
    assert doppio.load(tmp_path / "backward.pb") == doppio.gradient(net, of="loss").net


def test_a_sparse_gradient_is_a_pair():
    net = doppio.Net("lookup")
    net.SumElements(net.Gather("table", "rows", name="found"), name="loss")
    gradient = doppio.gradient(net, of="loss")["table"]
    assert isinstance(gradient, doppio.SparseGradient)
    assert gradient.indices == "rows" and gradient.values


def test_training_finds_the_line(rng):
    x = rng.standard_normal((64, 1)).astype(np.float32)
    net = doppio.Net("line")
    error = net.Sub(net.FC("x", "w", "b", name="y"), "target", name="error")
    net.AveragedLoss(net.Sqr(error, name="square"), name="loss")
    gradient = doppio.gradient(net, of="loss")
    step = gradient.net.copy("step")
    for weight in ("w", "b"):
        step.WeightedSum(weight, "one", gradient[weight], "minus_rate", name=weight)
    ws = doppio.Workspace()
    ws.blobs.update(x=x, target=3 * x + 2, w=np.zeros((1, 1), np.float32), b=np.zeros(1, np.float32),
                    one=1.0, minus_rate=-0.1)
    ws.run(step, times=200)
    assert ws["w"].item() == pytest.approx(3, abs=1e-3)
    assert ws["b"].item() == pytest.approx(2, abs=1e-3)


def test_a_blob_that_nobody_makes_has_no_gradient(net):
    with pytest.raises(doppio.Error, match="lose"):
        doppio.gradient(net, of="lose")


def test_all_operators_without_gradient_are_told_together():
    net = doppio.Net("n").add("ArgMax", "X", "a").add("NormalizeL1", "a", "b")
    net.add("Sum", ["a", "b"], "loss")
    with pytest.raises(doppio.Error, match="(?s)ArgMax.*NormalizeL1|NormalizeL1.*ArgMax"):
        doppio.gradient(net, of="loss")


@pytest.mark.parametrize("of", [1, [1], {"loss": 1}, None, {"loss": ("a", "b", "c")}])
def test_targets_are_names(net, of):
    with pytest.raises(TypeError):
        doppio.gradient(net, of=of)


@pytest.mark.parametrize("net", [None, "net", b"bytes"])
def test_only_nets_have_gradients(net):
    with pytest.raises(TypeError):
        doppio.gradient(net, of="loss")


def test_only_wanted_gradients_are_made(rng):
    net = doppio.Net("layers").add("FC", ["x", "w", "b"], "y").add("SumElements", "y", "loss")
    every = doppio.gradient(net, of="loss")
    wanted = doppio.gradient(net, of="loss", wrt="w")
    assert list(wanted) == ["w"]
    assert list(every.backward.ops[-1].outputs) == ["w_grad", "b_grad", "x_grad"]
    assert list(wanted.backward.ops[-1].outputs) == ["w_grad", "b_grad"]
    with doppio.Workspace() as ws:
        for name, shape in (("x", (4, 3)), ("w", (2, 3)), ("b", (2,))):
            ws[name] = rng.standard_normal(shape).astype(np.float32)
        ws.run(every.net)
        expected = ws[every["w"]].copy()
        ws.run(wanted.net)
        assert ws[wanted["w"]].tobytes() == expected.tobytes()
    with pytest.raises(doppio.errors.NotFoundError, match='no blob "v" whose gradient is wanted'):
        doppio.gradient(net, of="loss", wrt=["v"])


def test_an_optimizer_of_a_net_makes_the_gradients_of_its_parameters():
    net = doppio.Net("layers").add("FC", ["x", "w", "b"], "y").add("SumElements", "y", "loss")
    training = doppio.add_optimizer(net, "sgd", of="loss", parameters=["w", "b"], learning_rate=0.1)
    assert training.parameters == ["w", "b"]
    assert "x_grad" not in {blob for op in training.net.ops for blob in op.outputs}
    with pytest.raises(TypeError, match="name what is minimized"):
        doppio.add_optimizer(net, "sgd", parameters=["w", "b"])
    with pytest.raises(TypeError, match="says already"):
        doppio.add_optimizer(doppio.gradient(net, of="loss"), "sgd", of="loss", parameters=["w"])
