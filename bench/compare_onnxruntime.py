"""Nets on doppio and on ONNX Runtime with all its optimisations, in one run, with the same random
weights and, within a ten-thousandth of the largest element, the same answers. Prints Markdown tables:
times of a run, and then what a whole process costs that answers once. `tools/bench-peers install
onnxruntime` gets the peer; the nets are made by PyTorch (python3-torch, python3-torchvision)."""

import contextlib
import os
import statistics
import subprocess
import sys
import tempfile

import numpy

import install_peers
from peers import (BLOCK, Side, add_rounds, fail, first_answer, head, load, program, ratio, row,
                   spread, take_turns)

SUMMARY = "nets against ONNX Runtime"
HERE = os.path.dirname(os.path.abspath(__file__))
NETS = ("resnet50", "squeezenet1_0", "squeezenet1_1", "mobilenet_v2", "vgg16", "densenet121",
        "googlenet", "resnet50_c4", "style", "mlp_1", "mlp_8", "mlp_64", "mlp_256")
TOLERANCE = 1e-4
BUSY = "import os; parent = os.getppid()\nwhile os.getppid() == parent: pass"


def export(name, folder):
    """The net's files in a folder of its own, which may be there already."""
    folder = os.path.join(folder, name)
    if not os.path.exists(os.path.join(folder, "input.npy")):  # the last one
        os.makedirs(folder, exist_ok=True)
        script = os.path.join(HERE, "peer_nets.py")
        if subprocess.run([sys.executable, "-B", script, "export", name, folder],
                          check=False).returncode != 0:
            fail(f"{name} could not be made; PyTorch makes it "
                 "(Debian: apt-get install python3-torch python3-torchvision)")
    return folder


def commands(arguments, folder, threads):
    """Ours and the peer's; each writes its answer."""
    def file(name):
        return os.path.join(folder, name)
    x = numpy.load(file("input.npy"))
    x.tofile(file("input.raw"))
    shape = ",".join(map(str, x.shape))
    return ([program(arguments, "bench_peer_net"), file("init_net.pb"), file("predict_net.pb"),
             file("input.npy"), file("ours.npy"), str(threads), "optimize"],
            [program(arguments, "peer_onnxruntime"), arguments.library, file("model.onnx"),
             str(threads), "output", file("theirs.raw"), "data", shape, file("input.raw")])


def check(name, folder):
    wanted = numpy.load(os.path.join(folder, "output.npy"))
    ours = numpy.load(os.path.join(folder, "ours.npy"))
    theirs = numpy.fromfile(os.path.join(folder, "theirs.raw"), numpy.float32)
    for who, answer in (("doppio", ours), ("ONNX Runtime", theirs)):
        difference = abs(answer.reshape(wanted.shape) - wanted).max() / abs(wanted).max()
        if not difference <= TOLERANCE:
            fail(f"{name}: {who}'s answer differs from PyTorch's by {difference:.2g} of its largest "
                 "element")


class Copies(Side):
    """Several processes that run at the same time; a run is the mean of theirs."""

    def __init__(self, command, threads, copies, pinned):  # pylint: disable=super-init-not-called
        self.times = []
        self.sides = [Side(command, threads, pinned) for _ in range(copies)]

    def block(self, runs=BLOCK):
        """All are told at once, so that none waits for another in between."""
        for side in self.sides:
            side.tell(runs + 1)
        times = [[side.answer() for _ in range(runs + 1)][1:] for side in self.sides]
        self.times += map(statistics.mean, zip(*times))

    def close(self):
        for side in self.sides:
            side.close()


@contextlib.contextmanager
def busy(count):
    others = [subprocess.Popen([sys.executable, "-c", BUSY]) for _ in range(count)]
    try:
        yield
    finally:
        for other in others:
            other.kill()
            other.wait()


def measure(arguments, name, folder, threads):
    alone = arguments.busy == 0 and arguments.copies == 1
    sides = [Copies(command, threads, arguments.copies, pinned=alone)
             for command in commands(arguments, folder, threads)]
    check(name, folder)
    with busy(arguments.busy):
        take_turns(sides, arguments.rounds)
    ours, theirs = (side.times for side in sides)
    row(name, threads, spread(ours), spread(theirs), f"{ratio(ours, theirs):.2f}",
        f"{min(theirs) / min(ours):.2f}")


def footprints(arguments, name, folder):
    cells = []
    answers = [[first_answer(command, 1) for _ in range(arguments.rounds)]
               for command in commands(arguments, folder, 1)]
    for what, scale, digits in ((0, 1e3, 3), (1, 1, 3)):
        ours, theirs = ([answer[what] * scale for answer in side] for side in answers)
        cells += [spread(ours, digits), spread(theirs, digits), f"{ratio(ours, theirs):.2f}"]
    row(name, *cells)


def add_arguments(parser):
    add_rounds(parser, case="nets whose name contains this")
    parser.add_argument("--library", help="libonnxruntime.so; default: the installed one")
    parser.add_argument("--nets", metavar="FOLDER",
                        help="where the nets are kept for the next time; default: nowhere")
    parser.add_argument("--busy", type=int, default=0, metavar="N",
                        help="beside so many other processes that want a processor each")
    parser.add_argument("--copies", type=int, default=1, metavar="N",
                        help="so many processes of each at the same time")
    parser.add_argument("--first", choices=("also", "only", "no"), default="also",
                        help="what the first answer of a process costs; default: also")


def run(arguments):
    arguments.library = arguments.library or install_peers.find("onnxruntime")
    version = os.path.realpath(arguments.library)
    chosen = [name for name in NETS if arguments.case in name]
    with contextlib.ExitStack() as stack:
        folder = arguments.nets or stack.enter_context(tempfile.TemporaryDirectory())
        folders = {name: export(name, folder) for name in chosen}
        print(f"{os.path.basename(version)}; {arguments.rounds} rounds of {BLOCK} runs each in turn, "
              f"{arguments.copies} at a time beside {arguments.busy} busy process(es); medians and "
              f"quartiles; load before: {load()}\n")
        if arguments.first != "only":
            head("net", "threads", "doppio, ms", "ONNX Runtime, ms", "ratio", "of minima")
            for name in chosen:
                for threads in arguments.threads:
                    measure(arguments, name, folders[name], threads)
            print()
        if arguments.first != "no":
            head("first answer", "doppio, ms", "ONNX Runtime, ms", "ratio", "doppio, MiB",
                 "ONNX Runtime, MiB", "ratio")
            for name in chosen:
                footprints(arguments, name, folders[name])
        print(f"\nload after: {load()}")
