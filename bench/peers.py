"""What the comparisons of `tools/bench-peers` share: processes that run once when they are told to,
so that ours and the peers' take turns, and what a table says of their times."""

import os
import statistics
import subprocess
import sys
import time

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
BLOCK = 3  # runs in a row that are measured, after one that is not
BLOCK_SECONDS = 0.002  # how long calls that take next to nothing are timed together, at least


def fail(message):
    sys.exit(f"bench-peers: {message}")


def add_rounds(parser, rounds=7, case="cases whose line contains this"):
    """The options of a comparison by cases, numbers of threads and rounds."""
    parser.add_argument("--threads", type=int, nargs="+", default=[1, 2], help="default: 1 2")
    parser.add_argument("--rounds", type=int, default=rounds, help=f"default {rounds}")
    if case:
        parser.add_argument("--case", default="", help=f"only the {case}")


def program(arguments, name):
    """The path of a program of the build that is compared."""
    path = os.path.join(arguments.build, "bin", name)
    if not os.path.exists(path):
        fail(f"{path} is not built; see --help")
    return path


def environment(threads, pinned=True):
    """The same for all sides. Threads that may wander share a processor for seconds; where others are
    busy they have to."""
    binding = {"OMP_PROC_BIND": "true"} if threads > 1 and pinned else {}
    return {**os.environ, "OMP_NUM_THREADS": str(threads), **binding}


class Side:
    """A process that says "ready", and then runs once per line that it is sent and answers with the
    nanoseconds that it took."""

    def __init__(self, command, threads, pinned=True):
        self.times = []  # ms
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        text=True, env=environment(threads, pinned))
        self.expect("ready")

    def expect(self, what=None):
        answer = self.process.stdout.readline().strip()
        if not answer or (what and answer != what):
            fail(f"{' '.join(self.process.args)} stopped")
        return answer

    def tell(self, runs):
        self.process.stdin.write("\n" * runs)
        self.process.stdin.flush()

    def answer(self):
        return int(self.expect()) * 1e-6

    def run(self):
        self.tell(1)
        return self.answer()

    def block(self, runs=BLOCK):
        self.run()
        self.times += [self.run() for _ in range(runs)]

    def close(self):
        self.process.stdin.close()
        self.process.wait()


class Call(Side):
    """A peer in this process: a function."""

    def __init__(self, function):  # pylint: disable=super-init-not-called
        self.times = []
        self.function = function

    def run(self):
        start = time.perf_counter()
        self.function()
        return (time.perf_counter() - start) * 1e3

    def close(self):
        pass


def take_turns(sides, rounds, runs=BLOCK):
    for _ in range(rounds):
        for side in sides:
            side.block(runs)
    for side in sides:
        side.close()


class Served:
    """A program that does something as often as it is told to, and says how long that took."""

    def __init__(self, command, threads):
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        text=True, env=environment(threads))
        self.line()  # ready

    def line(self):
        answer = self.process.stdout.readline().strip()
        if not answer:
            fail(f"{' '.join(self.process.args)} stopped")
        return answer

    def __call__(self, count):
        self.process.stdin.write(f"{count}\n")
        self.process.stdin.flush()
        return int(self.line()) * 1e-9

    def close(self):
        self.process.stdin.close()
        self.process.wait()


def repeated(call):
    def run(count):
        begin = time.perf_counter()
        for _ in range(count):
            call()
        return time.perf_counter() - begin
    return run


def medians(sides, rounds):
    """Seconds a call by side, of functions that call so often and say how long that took."""
    times = {side: [] for side in sides}
    counts = {}
    for side, run in sides.items():
        run(1)
        counts[side] = max(1, min(20000, int(BLOCK_SECONDS / max(run(1), 1e-9))))
    for _ in range(rounds):
        for side, run in sides.items():
            run(1)
            times[side].append(run(counts[side]) / counts[side])
    for run in sides.values():
        if isinstance(run, Served):
            run.close()
    return {side: statistics.median(of_side) for side, of_side in times.items()}


def first_answer(command, threads):
    """Seconds from the start of a process to its end after one answer, and its peak memory in MiB."""
    start = time.perf_counter()
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                               env=environment(threads))
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        fail(f"{' '.join(command)} failed")
    return time.perf_counter() - start, usage.ru_maxrss / 1024


def spread(times, digits=3):
    """Median (first quartile to third)."""
    low, median, high = statistics.quantiles(times, n=4) if len(times) > 1 else times * 3
    return f"{median:.{digits}g} ({low:.{digits}g} to {high:.{digits}g})"


def ratio(ours, theirs):
    """How many times as fast ours is, by medians."""
    return statistics.median(theirs) / statistics.median(ours)


def microseconds(seconds):
    return "" if seconds is None else f"{seconds * 1e6:.3g}" if seconds < 1e-3 else f"{seconds * 1e6:.0f}"


def load():
    return f"{os.getloadavg()[0]:.1f}"


def head(*names):
    """The first two lines of a Markdown table."""
    print(f"| {' | '.join(names)} |\n|{' --- |' * len(names)}", flush=True)


def row(*cells):
    print(f"| {' | '.join(map(str, cells))} |", flush=True)


def limits(arguments, threads, size=64 << 20):
    """What the machine can do now: GB a second of a buffer of so many bytes (`fill`,
    `nontemporal_fill`, `copy`, `read`), and Gflop a second (`multiply_adds`)."""
    done = subprocess.run([program(arguments, "peer_limits"), str(threads), str(size)],
                          stdout=subprocess.PIPE, text=True, check=True)
    return {name: float(value) for name, value in map(str.split, done.stdout.splitlines())}
