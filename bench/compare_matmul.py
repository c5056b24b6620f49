"""Products of matrices on doppio and in oneDNN and OpenBLAS, in one run: the layers of MLPs and
transformers, with constant weights as a Predictor runs them (FC) and with two inputs (MatMul,
BatchMatMul). Prints a Markdown table; the limit is what multiply-adds alone would take.
`tools/bench-peers install openblas` gets OpenBLAS."""

import os
import statistics
import tempfile

import numpy

import install_peers
from netdef_writer import fill, net, operator
from peers import (Side, add_rounds, fail, head, limits, load, program, ratio, row, spread,
                   take_turns)

SUMMARY = "products of matrices against oneDNN and OpenBLAS"
BATCHES = (1, 8, 64, 256)
LAYERS = ((784, 512), (768, 3072), (3072, 768), (1024, 1024))  # k, n
CASES = ([("FC", 1, m, n, k) for k, n in LAYERS for m in BATCHES] +
         [("MatMul", 1, m, n, k) for k, n in LAYERS for m in BATCHES] +
         [("BatchMatMul", 12, 128, 128, 64), ("BatchMatMul", 12, 128, 64, 128)])
PEERS = {"FC": ("openblas", "sgemm", "packed"), "MatMul": ("openblas", "sgemm"),
         "BatchMatMul": ("openblas", "sgemm", "packed")}
RUNS = 10  # in a row


def write(folder, file, content):
    with open(os.path.join(folder, file), "wb") as out:
        out.write(content)


def ours(arguments, folder, kind, a, b, threads):
    """The process, and what it gives."""
    numpy.save(os.path.join(folder, "A.npy"), a)
    if kind == "FC":
        bias = numpy.zeros(len(b), numpy.float32)
        write(folder, "init.pb", net("init", [fill("B", b), fill("bias", bias)]))
        write(folder, "net.pb", net("net", [operator("FC", ["A", "B", "bias"], ["C"])],
                                    ["A", "B", "bias"], ["C"]))
        command = [program(arguments, "bench_peer_net"), *(os.path.join(folder, file) for file in (
            "init.pb", "net.pb", "A.npy", "C.npy")), str(threads), "optimize"]
    else:
        numpy.save(os.path.join(folder, "B.npy"), b)
        write(folder, "net.pb", net("net", [operator(kind, ["A", "B"], ["C"], trans_b=1)],
                                    ["A", "B"], ["C"]))
        command = [program(arguments, "bench_peer_operators"), folder, str(threads)]
    side = Side(command, threads)
    return side, numpy.load(os.path.join(folder, "C.npy"))


def measure(arguments, case, threads, limit):
    kind, count, m, n, k = case
    random = numpy.random.default_rng(1)
    shapes = ((m, k), (n, k)) if count == 1 else ((count, m, k), (count, n, k))
    a, b = (random.random(shape, numpy.float32) * 2 - 1 for shape in shapes)
    with tempfile.TemporaryDirectory() as folder:
        side, answer = ours(arguments, folder, kind, a, b, threads)
        sides = {"doppio": side}
        a.tofile(os.path.join(folder, "a"))
        b.tofile(os.path.join(folder, "b"))
        files = [os.path.join(folder, name) for name in "abc"]
        for peer in PEERS[kind]:
            sides[peer] = Side([program(arguments, "peer_products"), peer, arguments.openblas,
                                str(threads), *map(str, case[1:]), *files], threads,
                               pinned=peer != "openblas")
            theirs = numpy.fromfile(files[2], numpy.float32).reshape(answer.shape)
            if not abs(theirs - answer).max() <= 1e-5 * k:
                fail(f"{kind} of {case[1:]}: doppio's answer differs from that of {peer}")
        take_turns(list(sides.values()), arguments.rounds, RUNS)
    times = {name: [ms * 1e3 for ms in side.times] for name, side in sides.items()}
    best = min(PEERS[kind], key=lambda peer: statistics.median(times[peer]))
    name = f"{kind} {m} x {k} x {n}" if count == 1 else f"{kind} {count} x {m} x {k} x {n}"
    row(name, threads, spread(times["doppio"]),
        *(spread(times[peer]) if peer in times else "" for peer in PEERS["FC"]),
        f"{2e-3 * count * m * n * k / limit:.3g}",
        f"{ratio(times['doppio'], times[best]):.2f} {best}")


def add_arguments(parser):
    add_rounds(parser)
    parser.add_argument("--openblas", help="libopenblas.so; default: the installed one")


def run(arguments):
    arguments.openblas = arguments.openblas or install_peers.find("openblas")
    print(f"{arguments.rounds} rounds of {RUNS} runs each in turn, us: median (quartiles); "
          f"load before: {load()}\n")
    head("product, m x k x n", "threads", "doppio", "OpenBLAS", "oneDNN sgemm", "oneDNN, packed",
         "limit", "ratio to the best")
    for threads in arguments.threads:
        limit = limits(arguments, threads)["multiply_adds"]
        for case in CASES:
            if arguments.case in " ".join(map(str, case)):
                measure(arguments, case, threads, limit)
    print(f"\nload after: {load()}")
