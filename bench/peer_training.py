"""A training in a process of its own: peer_training.py doppio|torch NET THREADS STEPS.

Trains STEPS steps and says their losses, one a line; then a step for each line that comes in, and
the nanoseconds that it took.
"""

import os
import sys
import time

from training_nets import NETS

BATCHES = 8  # which take turns


def doppio_steps(net, threads):
    import doppio
    doppio.set_num_threads(threads)
    workspace = doppio.Workspace()
    for name, value in {**net.weights, **net.state()}.items():
        workspace.feed(name, value, copy=True)
    loss = doppio.Net("loss")
    net.doppio_loss(loss)
    gradient = doppio.gradient(loss, of="loss", wrt=list(net.weights))
    net.update(gradient.net, gradient)

    def step(batch):
        for name, value in batch.items():
            workspace[name] = value
        workspace.run(gradient.net)
        return workspace["loss"]
    return step, lambda batch: batch


def torch_steps(net, threads):
    import torch
    torch.set_num_threads(threads)
    weights = {name: torch.from_numpy(value).requires_grad_(True)
               for name, value in net.torch_weights().items()}
    state = {name: torch.from_numpy(value) for name, value in net.state().items()}
    optimizer = net.optimizer(torch, weights)

    def prepared(batch):
        tensors = {name: torch.from_numpy(value) for name, value in batch.items()}
        return {name: value.long() if value.dtype == torch.int32 else value
                for name, value in tensors.items()}

    def step(batch):
        optimizer.zero_grad(set_to_none=True)
        loss = net.torch_loss(torch.nn.functional, weights, {**state, **batch})
        loss.backward()
        optimizer.step()
        return loss.item()
    return step, prepared


def main():
    side, name, threads, steps = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
    net = NETS[name]()
    batches = net.batches(BATCHES)
    step, prepared = {"doppio": doppio_steps, "torch": torch_steps}[side](net, threads)
    batches = [prepared(batch) for batch in batches]
    print("ready", flush=True)
    for i in range(steps):
        print(repr(float(step(batches[i % BATCHES]))), flush=True)
    for i, _ in enumerate(sys.stdin):
        start = time.perf_counter_ns()
        step(batches[i % BATCHES])
        print(time.perf_counter_ns() - start, flush=True)
    os._exit(0)  # PyTorch takes its time to end


if __name__ == "__main__":
    main()
