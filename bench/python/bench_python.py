"""What it costs to use doppio from Python.

    PYTHONPATH=build/release/python /usr/bin/python3 bench/python/bench_python.py

Prints the time of each call (the best of several rounds) beside something of NumPy's or Python's
that was measured in the same process, so that a busy machine does not matter.
"""

import argparse
import statistics
import subprocess
import sys
import timeit

import numpy as np

import doppio

COPY_BYTES = 64 << 20


def best_ns(statement, names, seconds=0.2, rounds=7):
    timer = timeit.Timer(statement, globals=names)
    number, _ = timer.autorange()
    number = max(1, int(number * seconds / 0.2))
    return min(timer.repeat(rounds, number)) / number * 1e9


def import_ms(modules, rounds):
    """Median milliseconds that a fresh interpreter needs to import modules, less an empty one."""
    program = ("import time; start = time.perf_counter(); import {}; "
               "print(time.perf_counter() - start)")
    times = {module: [] for module in modules}
    for _ in range(rounds):  # in turns, so that all see the same load
        for module in modules:
            printed = subprocess.run([sys.executable, "-c", program.format(module)], check=True,
                                     stdout=subprocess.PIPE, stderr=subprocess.DEVNULL).stdout
            times[module].append(float(printed) * 1e3)
    return {module: statistics.median(values) for module, values in times.items()}


def is_installed(module):
    return subprocess.run([sys.executable, "-c", f"import {module}"], check=False,
                          stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL).returncode == 0


def print_calls():
    ws, net = doppio.Workspace(), doppio.Net("tiny")
    net.Relu("X", name="Y")
    large = np.ones(COPY_BYTES // 4, np.float32)
    names = {"ws": ws, "net": net, "x": np.ones(4, np.float32), "large": large, "np": np,
             "out": np.empty_like(large), "f": lambda: None}
    ws["X"] = names["x"]
    ws["large"] = large
    ws.run(net)
    from doppio import caffe2_state
    caffe2_state.feed_blob("X", names["x"])
    caffe2_state.create_net(net.to_bytes())
    names["run_net"] = caffe2_state.run_net

    call = best_ns("f()", names)
    print(f"{'call':40}      ns   calls of a Python function")
    for title, statement in [
            ("ws.run(net), one Relu of 4 elements", "ws.run(net)"),
            ("ws.run('tiny')", "ws.run('tiny')"),
            ("run_net('tiny', 1, False), Caffe2's", "run_net('tiny', 1, False)"),
            ("ws.feed('X', x)", "ws.feed('X', x)"),
            ("ws.fetch('Y')", "ws.fetch('Y')"),
            ("np.maximum(x, 0)", "np.maximum(x, 0)")]:
        ns = best_ns(statement, names)
        print(f"{title:40} {ns:7.0f}   {ns / call:7.1f}")

    copy = best_ns("np.copyto(out, large)", names)
    print(f"\n{'64 MiB':40}      us   part of a copy")
    for title, statement in [
            ("ws.feed('large', large)", "ws.feed('large', large)"),
            ("ws.fetch('large')", "ws.fetch('large')"),
            ("ws.feed('large', large, copy=True)", "ws.feed('large', large, copy=True)"),
            ("ws.fetch('large', copy=True)", "ws.fetch('large', copy=True)"),
            ("np.copyto(out, large)", "np.copyto(out, large)")]:
        ns = best_ns(statement, names, seconds=0.05)
        print(f"{title:40} {ns / 1e3:7.1f}   {ns / copy:9.5f}")
    ws.feed("large", large)
    print(f"fed and fetched at the same address: {np.shares_memory(ws.fetch('large'), large)}")


def print_imports(rounds):
    modules = ["numpy", "numpy, doppio", "numpy, google.protobuf.message"]
    modules += [f"numpy, {module}" for module in ("torch",) if is_installed(module)]
    times = import_ms(modules, rounds)
    print(f"\n{'import':40}      ms   more than numpy")
    for module, ms in times.items():
        print(f"{module:40} {ms:7.1f}   {ms - times['numpy']:9.1f}")


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--import-rounds", type=int, default=15, metavar="N")
    options = parser.parse_args()
    doppio.set_num_threads(1)
    print_calls()
    print_imports(options.import_rounds)


if __name__ == "__main__":
    main()
