"""The nets of bench/training_nets.py, trained here and by PyTorch, with the same weights and batches;
`tools/bench-peers training --compare` does so at full size."""

import importlib.util
import os
import sys

import pytest

pytestmark = [
    pytest.mark.skipif("san" in os.environ.get("LD_PRELOAD", ""),
                       reason="PyTorch is not run under sanitizers"),
    pytest.mark.skipif(importlib.util.find_spec("torch") is None,
                       reason="PyTorch (python3-torch) is not installed here")]

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "..", "bench"))
STEPS = 200
SMALLER = {
    "mlp": {"INPUTS": 100, "HIDDEN": 128, "rate": 0.01},
    "lenet_norm": {},
    "lstm": {"STEPS": 12, "BATCH": 8, "INPUTS": 32, "HIDDEN": 32},
}


def losses(steps_of, name):
    from training_nets import NETS
    net = type(name, (NETS[name],), SMALLER[name])()
    step, prepared = steps_of(net, 1)
    batches = [prepared(batch) for batch in net.batches(8)]
    return [float(step(batches[i % len(batches)])) for i in range(STEPS)]


@pytest.mark.parametrize("name", SMALLER)
def test_losses_are_those_of_pytorch(name):
    from peer_training import doppio_steps, torch_steps
    ours = losses(doppio_steps, name)
    assert ours == pytest.approx(losses(torch_steps, name), rel=1e-4)
    assert ours[-1] < 0.8 * ours[0]
