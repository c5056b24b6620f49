"""torchvision's nets on doppio and on PyTorch, in one run, with the same random weights. Needs
python3-torchvision, and OpenBLAS to be fair to PyTorch."""

import os
import statistics
import subprocess
import sys
import tempfile

import numpy

from peers import BLOCK, Side, add_rounds, fail, first_answer, program, take_turns

SUMMARY = "convolutional nets against PyTorch"
HERE = os.path.dirname(os.path.abspath(__file__))
NETS = ("squeezenet1_0", "squeezenet1_1", "resnet50", "mobilenet_v2")
OURS = ("optimize", "plain")
THEIRS = ("eager", "channels_last", "jit")
TOLERANCE = 1e-4


def commands(build, name, folder, threads):
    """How each side is started: side -> command."""
    def file(name):
        return os.path.join(folder, name)
    ours = [os.path.join(build, "bin", "bench_peer_net"), file("init_net.pb"),
            file("predict_net.pb"), file("input.npy")]
    theirs = [sys.executable, "-B", os.path.join(HERE, "peer_nets.py"), "serve"]
    return {**{side: ours + [file(f"{side}.npy"), str(threads), side] for side in OURS},
            **{side: theirs + [side, name, folder, str(threads)] for side in THEIRS + ("load",)}}


def check(name, folder):
    theirs = numpy.load(os.path.join(folder, "output.npy"))
    for side in OURS:
        ours = numpy.load(os.path.join(folder, f"{side}.npy")).reshape(theirs.shape)
        difference = abs(ours - theirs).max() / abs(theirs).max()
        if not difference <= TOLERANCE:
            fail(f"{name}, {side}: doppio's answer differs from PyTorch's by "
                 f"{difference:.2g} of its largest element")


def measure(build, name, folder, threads, rounds):
    """Prints a line of the table."""
    sides = {side: Side(command, threads)
             for side, command in commands(build, name, folder, threads).items() if side != "load"}
    check(name, folder)
    take_turns(list(sides.values()), rounds)
    medians = {name: statistics.median(side.times) for name, side in sides.items()}
    minima = {name: min(side.times) for name, side in sides.items()}
    best = min(THEIRS, key=medians.get)
    cells = " ".join(f"{f'{medians[s]:.2f} ({minima[s]:.2f})':>17}" for s in OURS + THEIRS)
    print(f"{name:14} {threads:2} {cells}  {medians[best] / medians['optimize']:.2f} "
          f"({min(minima[s] for s in THEIRS) / minima['optimize']:.2f}) {best}", flush=True)


def footprints(build, name, folder, rounds):
    """Prints what one answer of a whole process costs."""
    for side, command in commands(build, name, folder, 1).items():
        answers = [first_answer(command, 1) for _ in range(rounds)]
        seconds = statistics.median(a[0] for a in answers)
        memory = statistics.median(a[1] for a in answers)
        owner = "doppio" if side in OURS else "torch"
        print(f"{name:14} {f'{owner} {side}':21} {seconds:8.3f} {memory:9.0f}", flush=True)


def check_blas():
    """Debian's PyTorch computes eager convolutions with whatever BLAS there is."""
    link = "/etc/alternatives/libblas.so.3-x86_64-linux-gnu"
    blas = os.path.realpath(link)
    if os.path.exists(link) and "openblas" not in blas:
        print(f"bench-peers: PyTorch's BLAS is {blas}, several times slower in the eager modes than "
              "OpenBLAS (Debian: apt-get install libopenblas0-openmp)", file=sys.stderr)


def add_arguments(parser):
    add_rounds(parser, case="nets whose name contains this")


def run(arguments):
    program(arguments, "bench_peer_net")
    script = [sys.executable, "-B", os.path.join(HERE, "peer_nets.py")]
    versions = subprocess.run(
        [sys.executable, "-c", "import torch, torchvision as v; print(torch.__version__, "
         "'with torchvision', v.__version__)"], stdout=subprocess.PIPE, text=True, check=False)
    if versions.returncode != 0:
        fail("PyTorch is not installed here, so there is nothing to compare with "
             "(Debian: apt-get install python3-torch python3-torchvision)")
    check_blas()
    chosen = [name for name in NETS if arguments.case in name]
    with tempfile.TemporaryDirectory() as folder:
        for name in chosen:
            os.mkdir(os.path.join(folder, name))
            subprocess.run(script + ["export", name, os.path.join(folder, name)], check=True)
        print(f"torch {versions.stdout.strip()}; batch 1, 224 x 224, the same weights; "
              f"{arguments.rounds} rounds of {BLOCK} runs each in turn, ms: median (minimum). Answers "
              f"are equal within {TOLERANCE:g} of the largest element. The ratio is the best of "
              "PyTorch to doppio; above 1, doppio is faster.\n")
        heads = " ".join(f"{h:>17}" for h in ("doppio", "not optimized", "torch eager",
                                              "channels_last", "freeze+optimize"))
        print(f"{'net':14} {'T':>2} {heads}  ratio")
        for name in chosen:
            for threads in arguments.threads:
                measure(arguments.build, name, os.path.join(folder, name), threads,
                        arguments.rounds)
        print("\nA whole process that gives one answer, one thread:\n"
              f"{'net':14} {'':21} {'seconds':>8} {'peak MiB':>9}")
        for name in chosen:
            footprints(arguments.build, name, os.path.join(folder, name), 3)
