"""Whole steps of training on doppio and on PyTorch, in one run, and that both go the same way."""

import os
import statistics
import sys

from peers import Side, add_rounds, fail, take_turns
from training_nets import NETS

SUMMARY = "whole steps of training against PyTorch"

HERE = os.path.dirname(os.path.abspath(__file__))
STEPS = 40  # whose losses are compared before
LONG = 200  # and where that is all that is asked for
TOLERANCE = 1e-4
BLOCK = 5  # steps in a row that are measured, after one that is not


class Training(Side):
    def __init__(self, side, name, threads, steps):
        script = os.path.join(HERE, "peer_training.py")
        super().__init__([sys.executable, "-B", script, side, name, str(threads), str(steps)],
                         threads)
        self.losses = [float(self.expect()) for _ in range(steps)]


def compared(name, threads, steps):
    """Both sides after so many steps, and how far their losses were apart; ends where that is far."""
    ours, theirs = (Training(side, name, threads, steps) for side in ("doppio", "torch"))
    apart = max(abs(a - b) / abs(b) for a, b in zip(ours.losses, theirs.losses))
    if not apart <= TOLERANCE:
        fail(f"{name}: the losses of {steps} steps differ by {apart:.2g}")
    return ours, theirs, apart


def measure(name, threads, rounds):
    ours, theirs, apart = compared(name, threads, STEPS)
    take_turns((ours, theirs), rounds, BLOCK)
    cells = [f"{statistics.median(s.times):.3f} ({min(s.times):.3f})" for s in (ours, theirs)]
    ratio = statistics.median(theirs.times) / statistics.median(ours.times)
    print(f"{name:10} {threads:2} {cells[0]:>19} {cells[1]:>19}  {ratio:.2f} "
          f"({min(theirs.times) / min(ours.times):.2f})  {apart:.1g}", flush=True)


def add_arguments(parser):
    add_rounds(parser, case="nets whose name contains this")
    parser.add_argument("--compare", action="store_true",
                        help="only whether the losses of 200 steps are the same")


def run(arguments):
    try:
        import torch
    except ImportError:
        fail("PyTorch is not installed here, so there is nothing to compare with "
             "(Debian: apt-get install python3-torch)")
    package = os.path.join(arguments.build, "python")
    if not os.path.isdir(os.path.join(package, "doppio")):
        fail(f"{package} is not built; see --help")
    os.environ["PYTHONPATH"] = package
    chosen = {name: net for name, net in NETS.items() if arguments.case in name}
    for name, net in chosen.items():
        print(f"{name}: {net.__doc__}")
    if arguments.compare:
        for name in chosen:
            ours, theirs, apart = compared(name, arguments.threads[0], LONG)
            print(f"{name}: the losses of {LONG} steps, from {ours.losses[0]:.4g} to "
                  f"{ours.losses[-1]:.4g}, are apart by at most {apart:.1g} of themselves", flush=True)
            for side in (ours, theirs):
                side.close()
        return
    print(f"\nA step of training, ms: median (minimum); {arguments.rounds} rounds of {BLOCK} steps "
          f"each in turn. The ratio is PyTorch's time to doppio's. apart: how far losses of {STEPS} "
          "steps are.\n")
    print(f"{'net':10} {'T':>2} {'doppio':>19} {f'torch {torch.__version__}':>19}  ratio       apart")
    for threads in arguments.threads:
        for name in chosen:
            measure(name, threads, arguments.rounds)
