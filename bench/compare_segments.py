"""Sums of rows of a table, and their gradient, on doppio and on PyTorch's embedding_bag, or on NumPy
where PyTorch is not installed."""

import os
import statistics
import tempfile

import numpy

from peers import Call, Side, add_rounds, fail, program, take_turns

SUMMARY = "sums of rows of a table against PyTorch"
TABLE_ROWS, COLUMNS = 1_000_000, 64
CASES = [(100, 50), (1000, 50), (10000, 5)]  # bags, rows of each
RUNS = 20  # in a row, of each side


def torch_calls(torch, table, indices, offsets, dy, threads):
    torch.set_num_threads(threads)
    weight = torch.from_numpy(table).requires_grad_(True)
    indices, offsets, dy = map(torch.from_numpy, (indices, offsets, dy))

    def bag():
        return torch.nn.functional.embedding_bag(indices, weight, offsets, mode="sum", sparse=True)

    def total():
        with torch.no_grad():
            return bag().numpy()
    output = bag()

    def gradient():
        slices, = torch.autograd.grad(output, weight, dy, retain_graph=True)
        return slices._values().numpy()
    return {"sum": total, "gradient": gradient}


def numpy_calls(table, indices, offsets, dy):
    return {"sum": lambda: numpy.add.reduceat(table[indices], offsets),
            "gradient": lambda: numpy.repeat(dy, len(indices) // len(offsets), axis=0)}


def measure(path, torch, bags, rows, operation, table, threads, rounds):
    random = numpy.random.default_rng(1)
    indices = random.integers(0, TABLE_ROWS, bags * rows)
    offsets = numpy.arange(0, bags * rows, rows)
    dy = random.random((bags, COLUMNS), numpy.float32)
    calls = (torch_calls(torch, table, indices, offsets, dy, threads) if torch
             else numpy_calls(table, indices, offsets, dy))
    call = calls[operation]
    with tempfile.TemporaryDirectory() as folder:
        for name, value in (("indices", indices), ("dy", dy),
                            ("lengths", numpy.full(bags, rows, numpy.int32))):
            numpy.save(os.path.join(folder, name + ".npy"), value)
        side = Side([path, folder, operation, str(threads)], threads)
        if not numpy.allclose(numpy.load(os.path.join(folder, "output.npy")), call(), rtol=1e-4):
            fail(f"answers to {operation} differ")
        theirs = Call(call)
        take_turns((side, theirs), rounds, RUNS)
    return side.times, theirs.times


def add_arguments(parser):
    add_rounds(parser, case=None)


def run(arguments):
    path = program(arguments, "bench_peer_segments")
    try:
        import torch  # pylint: disable=import-outside-toplevel
    except ImportError:
        torch = None
    peer = f"torch {torch.__version__}" if torch else f"numpy {numpy.__version__}"
    table = (numpy.arange(TABLE_ROWS * COLUMNS) % 251).astype(numpy.float32)
    table = table.reshape(TABLE_ROWS, COLUMNS)
    print(f"table {TABLE_ROWS} x {COLUMNS}; ms: median (minimum)")
    print(f"{'':32} {'doppio':>17} {peer:>17}  ratio of medians (minima)")
    for threads in arguments.threads:
        for bags, rows in CASES:
            for operation in ("sum", "gradient"):
                ours, theirs = measure(path, torch, bags, rows, operation, table, threads,
                                       arguments.rounds)

                def cell(times):
                    return f"{statistics.median(times):.4f} ({min(times):.4f})"
                ratio = statistics.median(theirs) / statistics.median(ours)
                name = f"{operation} of {bags} x {rows}, {threads} thread(s)"
                print(f"{name:32} {cell(ours):>17} {cell(theirs):>17}  {ratio:.2f} "
                      f"({min(theirs) / min(ours):.2f})", flush=True)
