"""Pools of plain (NCHW) images and their gradients on doppio and on PyTorch, which must give the
same. Prints a Markdown table."""

import os
import statistics
import tempfile

import numpy

from netdef_writer import net, operator
from peers import Call, Side, add_rounds, fail, head, load, program, ratio, row, take_turns

SUMMARY = "plain pools and their gradients against PyTorch"

CASES = [  # kind, shape, kernel, stride, pad
    ("max", (64, 20, 24, 24), 2, 2, 0),
    ("max", (1, 64, 112, 112), 3, 2, 0),
    ("max", (1, 64, 112, 112), 3, 2, 1),
    ("max", (1, 256, 27, 27), 3, 2, 0),
    ("max", (1, 512, 13, 13), 3, 2, 0),
    ("max", (1, 192, 28, 28), 3, 1, 1),
    ("max", (1, 832, 7, 7), 3, 1, 1),
    ("max", (32, 50, 8, 8), 2, 2, 0),
    ("average", (1, 2048, 7, 7), 7, 1, 0),
    ("average", (1, 1000, 13, 13), 13, 1, 0),
    ("average", (1, 128, 56, 56), 2, 2, 0),
    ("average", (1, 512, 14, 14), 2, 2, 0),
    ("average", (1, 192, 28, 28), 3, 1, 1),
    ("average", (32, 64, 8, 8), 2, 2, 0),
]
BLOCK = 5  # runs in a row that are measured, after one that is not


def torch_calls(torch, kind, x, dy, window):
    """The two calls, and the output that the gradient is given."""
    kernel, stride, pad = window
    x, dy = torch.from_numpy(x), torch.from_numpy(dy)
    geometry = [kernel, kernel], [stride, stride], [pad, pad]
    aten = torch.ops.aten
    if kind == "average":
        return (lambda: torch.nn.functional.avg_pool2d(x, *window, count_include_pad=False),
                lambda: aten.avg_pool2d_backward(dy, x, *geometry, False, False, None))
    _, indices = aten.max_pool2d_with_indices(x, *geometry)
    return (lambda: torch.nn.functional.max_pool2d(x, *window),
            lambda: aten.max_pool2d_with_indices_backward(dy, x, *geometry, [1, 1], False, indices))


def start(path, folder, name, operator_bytes, inputs, output, threads):
    """The operator in a process of its own, and what it gives."""
    folder = os.path.join(folder, name)
    os.mkdir(folder)
    for blob, value in inputs.items():
        numpy.save(os.path.join(folder, blob + ".npy"), value)
    with open(os.path.join(folder, "net.pb"), "wb") as file:
        file.write(net(name, [operator_bytes], list(inputs), [output]))
    side = Side([path, folder, str(threads)], threads)
    return side, numpy.load(os.path.join(folder, output + ".npy"))


def check(ours, theirs, what):
    difference = abs(ours - theirs.numpy()).max()
    if not difference <= 1e-5:
        fail(f"{what}: doppio's answer differs from PyTorch's by {difference:.2g}")


def measure(torch, path, case, threads, rounds):
    """Times in ms, of the pool and of its gradient: (ours, theirs)."""
    kind, shape, *window = case
    torch.set_num_threads(threads)
    random = numpy.random.default_rng(1)
    # No number twice: PyTorch gives the gradient to one of equal maxima, doppio, as Caffe2, to all.
    x = (random.permutation(numpy.prod(shape)) / 2 ** 20).astype(numpy.float32).reshape(shape)
    out = [(size + 2 * window[2] - window[0]) // window[1] + 1 for size in shape[2:]]
    dy = random.random(shape[:2] + tuple(out), numpy.float32)
    calls = torch_calls(torch, kind, x, dy, window)
    y = calls[0]()
    settings = dict(zip(("kernel", "stride", "pad"), window))
    name = {"max": "MaxPool", "average": "AveragePool"}[kind]
    times = []
    with tempfile.TemporaryDirectory() as folder:
        parts = (("forward", operator(name, ["X"], ["Y"], **settings), {"X": x}, "Y"),
                 ("backward", operator(name + "Gradient", ["X", "Y", "dY"], ["dX"], **settings),
                  {"X": x, "Y": y.numpy(), "dY": dy}, "dX"))
        for call, (part, definition, inputs, output) in zip(calls, parts):
            side, answer = start(path, folder, part, definition, inputs, output, threads)
            check(answer, call(), f"{part} of {case}")
            theirs = Call(call)
            take_turns((side, theirs), rounds, BLOCK)
            times.append((side.times, theirs.times))
    return times


def add_arguments(parser):
    add_rounds(parser)


def run(arguments):
    path = program(arguments, "bench_peer_operators")
    try:
        import torch  # pylint: disable=import-outside-toplevel
    except ImportError:
        fail("PyTorch is not installed here, so there is nothing to compare with "
             "(Debian: apt-get install python3-torch)")
    print(f"torch {torch.__version__}; {arguments.rounds} rounds of {BLOCK} runs each in turn, us: "
          f"median (minimum); load before: {load()}\n")
    head("pool", "threads", "forward, us", "torch", "ratio", "backward, us", "torch", "ratio", "both")
    for threads in arguments.threads:
        for case in CASES:
            kind, shape, kernel, stride, pad = case
            name = f"{kind} {list(shape)} {kernel}/{stride}" + (f", pad {pad}" if pad else "")
            if arguments.case not in name:
                continue
            cells, sums = [], [0, 0]
            for pair in measure(torch, path, case, threads, arguments.rounds):
                medians = [statistics.median(times) for times in pair]
                cells += [f"{median * 1e3:.0f} ({min(times) * 1e3:.0f})"
                          for median, times in zip(medians, pair)]
                cells.append(f"{ratio(*pair):.2f}")
                sums = [total + median for total, median in zip(sums, medians)]
            row(name, threads, *cells, f"{sums[1] / sums[0]:.2f}")
    print(f"\nload after: {load()}")
