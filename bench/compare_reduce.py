"""Sums, means and extremes over dimensions, on doppio, NumPy and PyTorch, which must give the same.
Prints a Markdown table.

doppio's is timed in C++ and is the run of a net of one operator; the peers' are timed from Python. The
limit is a program that reads as many bytes."""

import os
import tempfile

import numpy

from netdef_writer import net, operator
from peers import Served, add_rounds, fail, head, load, medians, microseconds, program, repeated, row

SUMMARY = "sums and extremes over dimensions against NumPy and PyTorch"

# Shapes and the dimensions that are reduced: the inner, the outer, some of them, all; short rows.
SHAPES = [((4096, 4096), (1,)), ((4096, 4096), (0,)), ((256, 256), (1,)), ((256, 256), (0,)),
          ((1 << 20, 3), (1,)), ((1 << 20, 3), (0,)), ((64, 64, 64, 16), (0, 2)),
          ((32, 64, 56, 56), (0, 2, 3)), ((1 << 22,), (0,)), ((100,), (0,))]
CALLS = {"ReduceSum": (numpy.sum, "sum"), "ReduceMean": (numpy.mean, "mean"),
         "ReduceMax": (numpy.max, "amax"), "ReduceMin": (numpy.min, "amin")}
TYPES = {"float": "float32", "double": "float64", "int32": "int32", "int64": "int64"}


def check(ours, theirs, tolerance, what):
    if not numpy.allclose(ours, theirs, tolerance, tolerance):
        fail(f"{what}: doppio's answer differs from a peer's")


def measure(torch, programs, kind, shape, axes, dtype, threads, rounds):
    """Seconds a call by side: medians."""
    random = numpy.random.default_rng(1)
    x = (random.standard_normal(shape) * 100).astype(TYPES[dtype])
    with tempfile.TemporaryDirectory() as folder:
        numpy.save(os.path.join(folder, "X.npy"), x)
        with open(os.path.join(folder, "net.pb"), "wb") as file:
            file.write(net("net", [operator(kind, ["X"], ["Y"], axes=list(axes), keepdims=0)], ["X"],
                           ["Y"]))
        ours = Served([programs["operators"], folder, str(threads)], threads)
        answer = numpy.load(os.path.join(folder, "Y.npy"))
    numpy_call, torch_name = CALLS[kind]
    torch.set_num_threads(threads)
    tensor = torch.from_numpy(x)
    # What both are asked for has X's type.
    peers = {"numpy": lambda: numpy_call(x, axis=axes, dtype=x.dtype) if kind in ("ReduceSum", "ReduceMean")
             else numpy_call(x, axis=axes)}
    if kind in ("ReduceMax", "ReduceMin"):
        peers["torch"] = lambda: getattr(torch, torch_name)(tensor, dim=axes)
    elif kind == "ReduceSum" or x.dtype.kind == "f":
        peers["torch"] = lambda: getattr(torch, torch_name)(tensor, dim=axes, dtype=tensor.dtype)
    # Sums of float by NumPy lose digits where it adds row to row.
    tolerance = {"float": 1e-2, "double": 1e-9}.get(dtype, 0)
    for side, call in peers.items():
        if kind != "ReduceMean" or x.dtype.kind == "f":
            check(answer, numpy.asarray(call()), tolerance, f"{kind} {dtype} {shape} {axes} by {side}")
    sides = {"doppio": ours, **{side: repeated(call) for side, call in peers.items()}}
    sides["limit"] = Served([programs["traffic"], str(x.nbytes), "0", str(threads)], threads)
    return medians(sides, rounds)


def add_arguments(parser):
    add_rounds(parser, rounds=5, case="rows that contain this")


def run(arguments):
    programs = {name: program(arguments, f"bench_peer_{name}") for name in ("operators", "traffic")}
    try:
        import torch  # pylint: disable=import-outside-toplevel
    except ImportError:
        fail("PyTorch is not installed here (Debian: apt-get install python3-torch)")
    print(f"numpy {numpy.__version__} (one thread), torch {torch.__version__}; {arguments.rounds} rounds "
          f"in turn, us: medians; load before: {load()}\n")
    head("operator", "of", "threads", "doppio", "numpy", "torch", "fastest peer / doppio",
         "limit / doppio")
    behind = []
    for kind in CALLS:
        for dtype in TYPES:
            for shape, axes in SHAPES:
                for threads in arguments.threads:
                    case = f"{kind} {dtype} | {list(shape)} over {list(axes)} | {threads}"
                    if arguments.case not in case:
                        continue
                    times = measure(torch, programs, kind, shape, axes, dtype, threads,
                                    arguments.rounds)
                    peer = min(times["numpy"], times.get("torch", 1e9)) / times["doppio"]
                    if peer < 1:
                        behind.append(f"{case}: {peer:.2f}")
                    row(case, *(microseconds(times.get(side)) for side in ("doppio", "numpy", "torch")),
                        f"{peer:.2f}", f"{times['limit'] / times['doppio']:.2f}")
    print(f"\nload after: {load()}\n\nbehind a peer: {len(behind)}")
    print("\n".join(behind))
