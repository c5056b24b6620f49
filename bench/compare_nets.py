"""What `tools/bench-peers nets` does: published nets on doppio and on PyTorch, in one run."""

import os
import statistics
import subprocess
import sys
import tempfile
import time

import numpy

HERE = os.path.dirname(os.path.abspath(__file__))
NETS = ("squeezenet1_0", "squeezenet1_1", "resnet50", "mobilenet_v2")
OURS = ("optimize", "plain")
THEIRS = ("eager", "channels_last", "jit")
TOLERANCE = 1e-4
BLOCK = 3  # runs in a row that are measured, after one that is not


def environment(threads):
    """The same for both sides. Threads that may wander share a processor for seconds."""
    pinned = {"OMP_PROC_BIND": "true"} if threads > 1 else {}
    return {**os.environ, "OMP_NUM_THREADS": str(threads), **pinned}


def commands(build, name, folder, threads):
    """How each side is started: side -> command."""
    def file(name):
        return os.path.join(folder, name)
    ours = [os.path.join(build, "bin", "bench_peer_net"), file("init_net.pb"),
            file("predict_net.pb"), file("input.npy")]
    theirs = [sys.executable, "-B", os.path.join(HERE, "peer_nets.py"), "serve"]
    return {**{side: ours + [file(f"{side}.npy"), str(threads), side] for side in OURS},
            **{side: theirs + [side, name, folder, str(threads)] for side in THEIRS + ("load",)}}


class Side:
    """A net in a process of its own, which runs once per call."""

    def __init__(self, command, threads):
        self.times = []
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        text=True, env=environment(threads))
        self.expect("ready")

    def expect(self, what=None):
        answer = self.process.stdout.readline().strip()
        if not answer or (what and answer != what):
            sys.exit(f"bench-peers: {' '.join(self.process.args)} stopped")
        return answer

    def run(self):
        self.process.stdin.write("\n")
        self.process.stdin.flush()
        return int(self.expect()) * 1e-6

    def block(self, runs=BLOCK):
        self.run()
        self.times += [self.run() for _ in range(runs)]

    def close(self):
        self.process.stdin.close()
        self.process.wait()


def first_answer(command, threads):
    """Seconds from the start of a process to its end after one answer, and its peak memory in MiB."""
    start = time.perf_counter()
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                               env=environment(threads))
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        sys.exit(f"bench-peers: {' '.join(command)} failed")
    return time.perf_counter() - start, usage.ru_maxrss / 1024


def check(name, folder):
    theirs = numpy.load(os.path.join(folder, "output.npy"))
    for side in OURS:
        ours = numpy.load(os.path.join(folder, f"{side}.npy")).reshape(theirs.shape)
        difference = abs(ours - theirs).max() / abs(theirs).max()
        if not difference <= TOLERANCE:
            sys.exit(f"bench-peers: {name}, {side}: doppio's answer differs from PyTorch's by "
                     f"{difference:.2g} of its largest element")


def measure(build, name, folder, threads, rounds):
    """Prints a line of the table."""
    sides = {side: Side(command, threads)
             for side, command in commands(build, name, folder, threads).items() if side != "load"}
    check(name, folder)
    for _ in range(rounds):
        for side in sides.values():
            side.block()
    for side in sides.values():
        side.close()
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


def nets(arguments):
    program = os.path.join(arguments.build, "bin", "bench_peer_net")
    if not os.path.exists(program):
        sys.exit(f"bench-peers: {program} is not built; see --help")
    script = [sys.executable, "-B", os.path.join(HERE, "peer_nets.py")]
    versions = subprocess.run(
        [sys.executable, "-c", "import torch, torchvision as v; print(torch.__version__, "
         "'with torchvision', v.__version__)"], stdout=subprocess.PIPE, text=True, check=False)
    if versions.returncode != 0:
        sys.exit("bench-peers: PyTorch is not installed here, so there is nothing to compare with "
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
