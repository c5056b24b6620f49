"""Expand and its gradient into memory that exists, on doppio and on NumPy, which has one thread."""

import statistics

import numpy

from peers import Call, Side, program, take_turns

SUMMARY = "Expand and its gradient against NumPy"
SIZES = ("uint8", "float16", "float", "double")  # 1, 2, 4 and 8 bytes; of 1 there are no sums
CASES = [  # x, y, types
    ((1, 4096), (4096, 4096), ("float", "int32", "int64", "double")),
    ((4096, 1), (4096, 4096), ("float", "int32", "int64", "double")),
    ((64, 1, 56, 56), (64, 64, 56, 56), ("float",)),
    ((1,), (16777216,), ("float",)),
    ((16, 1, 256, 1, 64), (16, 8, 256, 8, 64), ("float",)),
    ((1, 1, 1, 128), (8, 16, 64, 128), ("float",)),
    ((5592406, 1), (5592406, 3), SIZES),  # the inner axis
    ((986896, 1), (986896, 17), SIZES),
    ((167772, 1), (167772, 100), SIZES),
    ((1, 3), (5592406, 3), SIZES),  # the outer one
    ((1, 17), (986896, 17), SIZES),
    ((1, 100), (167772, 100), SIZES),
    ((64, 1, 64, 1, 16), (64, 16, 64, 16, 16), SIZES),  # several
    ((512, 1, 512, 1), (512, 8, 512, 8), SIZES),
    ((1, 64, 1, 1), (64, 64, 64, 64), SIZES),  # all but the channels
    ((256, 1, 17, 1), (256, 241, 17, 16), SIZES),
    ((1, 8), (8, 8), ("float",)),
    ((3, 1), (3, 4), ("float",)),
]
NUMPY_TYPES = {"float": "float32", "double": "float64", "float16": "float16", "int32": "int32",
               "int64": "int64", "uint8": "uint8"}


def numpy_call(operation, dtype, x_dims, y_dims):
    x = numpy.ones(x_dims, NUMPY_TYPES[dtype])
    y = numpy.ones(y_dims, NUMPY_TYPES[dtype])
    if operation == "expand":
        return lambda: numpy.copyto(y, x)
    lead = len(y_dims) - len(x_dims)
    axes = tuple(i for i in range(len(y_dims))
                 if i < lead or x_dims[i - lead] != y_dims[i])
    return lambda: numpy.sum(y, axis=axes, dtype=x.dtype, out=x, keepdims=True)


def measure(path, operation, dtype, threads, x_dims, y_dims, repetitions):
    def text(shape):
        return ",".join(map(str, shape))
    ours = Side([path, operation, dtype, str(threads), text(x_dims), text(y_dims)], threads)
    theirs = Call(numpy_call(operation, dtype, x_dims, y_dims))
    for side in (ours, theirs):
        side.run()
    take_turns((ours, theirs), repetitions, runs=1)
    return ours.times, theirs.times


def add_arguments(parser):
    parser.add_argument("--threads", type=int, default=1, help="of doppio; default 1")
    parser.add_argument("--repetitions", type=int, default=21, help="default 21")
    parser.add_argument("--case", default="", help="only the cases whose line contains this")


def run(arguments):
    path = program(arguments, "bench_peer_expand")
    print(f"doppio with {arguments.threads} thread(s), numpy {numpy.__version__} with one; "
          f"{arguments.repetitions} repetitions, ms: median (minimum)")
    for operation, peer in (("expand", "numpy.copyto"), ("gradient", "numpy.sum(out=)")):
        print(f"\n{operation:9} {'':29} {'type':7} {'doppio':>17} {peer:>17}  ratio of medians (minima)")
        for x_dims, y_dims, dtypes in CASES:
            name = f"{list(x_dims)}->{list(y_dims)}".replace(" ", "")
            for dtype in dtypes:
                if arguments.case not in f"{operation} {name} {dtype}":
                    continue
                if operation == "gradient" and dtype == "uint8":
                    continue
                ours, theirs = measure(path, operation, dtype, arguments.threads, x_dims, y_dims,
                                       arguments.repetitions)

                def cell(times):
                    return f"{statistics.median(times):.4f} ({min(times):.4f})"
                print(f"{name:39} {dtype:7} {cell(ours):>17} {cell(theirs):>17}  "
                      f"{statistics.median(theirs) / statistics.median(ours):.2f} "
                      f"({min(theirs) / min(ours):.2f})", flush=True)
