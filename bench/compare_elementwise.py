"""Operators that go over their inputs element by element, on doppio, NumPy and PyTorch, which must give
the same. Prints a Markdown table.

Every call writes a result that exists already. doppio's is timed in C++ and is the run of a net of one
operator; the peers' are timed from Python, as their users call them, which is most of what they take
for a few elements. The limit is a program that reads and writes as many bytes and computes nothing."""

import os
import tempfile

import numpy

from netdef_writer import net, operator
from peers import Served, add_rounds, fail, medians, microseconds, program, repeated

SUMMARY = "operators on single elements against NumPy and PyTorch"

SIZES = {"1": 1, "3": 3, "17": 17, "100": 100, "1000": 1000, "64 KiB": 64 << 10, "1 MiB": 1 << 20,
         "64 MiB": 64 << 20}  # elements, or bytes of the widest operand
LIMITED = "64 MiB"  # which no cache holds
TYPES = {"float": "float32", "double": "float64", "int32": "int32", "int64": "int64", "bool": "bool",
         "uint8": "uint8", "int8": "int8", "uint16": "uint16", "int16": "int16", "half": "float16"}
TYPE_NUMBERS = {"float": 1, "int32": 2, "bool": 5, "uint8": 6, "int8": 7, "uint16": 8, "int16": 9,
                "int64": 10, "half": 12, "double": 13}


class Case:
    """An operator, its inputs, and what the peers call. Inputs are (type, kind of values), where
    "row", "column" and "one" stand for operands that are repeated."""

    def __init__(self, name, kind, inputs, output, numpy_call, torch_call, **arguments):
        self.name, self.kind, self.inputs, self.output = name, kind, inputs, output
        self.numpy_call, self.torch_call, self.arguments = numpy_call, torch_call, arguments

    def elements(self, size):
        if size not in SIZES or "iB" not in size:
            return SIZES[size]
        return SIZES[size] // max(numpy.dtype(TYPES[t]).itemsize
                                  for t in [self.output] + [i[0] for i in self.inputs])


def values(random, dtype, kind, shape):
    if dtype == "bool":
        return random.random(shape) < 0.5
    if kind == "positive":
        x = random.random(shape) * 8 + 0.01
    elif kind == "unit":
        x = random.random(shape) * 1.9 - 0.95
    else:
        x = random.standard_normal(shape) * 3
    if numpy.dtype(TYPES[dtype]).kind in "iu":
        x = numpy.abs(x * 9) + 1
    return x.astype(TYPES[dtype])


def ufunc(name):
    function = getattr(numpy, name)
    return lambda out, *inputs: function(*inputs, out=out)


def torch_ufunc(name):
    def call(torch, out, *inputs):
        function = getattr(torch, name, None) or getattr(torch.special, name)
        return lambda: function(*inputs, out=out)
    return call


def numpy_gradient(name):
    def asin(out, v, dy):
        numpy.multiply(v, v, out=out)
        numpy.subtract(1, out, out=out)
        numpy.sqrt(out, out=out)
        numpy.divide(dy, out, out=out)
    def acos(out, v, dy):
        asin(out, v, dy)
        numpy.negative(out, out=out)
    def atan(out, v, dy):
        numpy.multiply(v, v, out=out)
        numpy.add(1, out, out=out)
        numpy.divide(dy, out, out=out)
    return {"Asin": asin, "Acos": acos, "Atan": atan}[name]


def torch_gradient(name):
    """The gradient that autograd would run: through one that is made once."""
    def call(torch, _, v, dy):
        x = v.clone().requires_grad_(True)
        y = getattr(torch, name)(x)
        return lambda: torch.autograd.grad(y, x, dy, retain_graph=True)[0]
    return call


def unary_cases():
    cases = []
    for kind, np_name, torch_name, domain in (
            ("Exp", "exp", "exp", ""), ("Log", "log", "log", "positive"),
            ("Log1p", "log1p", "log1p", "positive"), ("Tanh", "tanh", "tanh", ""),
            ("Sigmoid", None, "sigmoid", ""), ("Erf", None, "erf", ""), ("Sin", "sin", "sin", ""),
            ("Cos", "cos", "cos", ""), ("Tan", "tan", "tan", ""), ("Asin", "arcsin", "asin", "unit"),
            ("Acos", "arccos", "acos", "unit"), ("Atan", "arctan", "atan", ""),
            ("Sinh", "sinh", "sinh", ""), ("Cosh", "cosh", "cosh", ""), ("Cbrt", "cbrt", None, ""),
            ("Sqrt", "sqrt", "sqrt", "positive"), ("Rsqrt", None, "rsqrt", "positive"),
            ("Sqr", "square", "square", ""), ("Reciprocal", "reciprocal", "reciprocal", "positive"),
            ("Abs", "abs", "abs", ""), ("Negative", "negative", "neg", ""),
            ("Sign", "sign", "sign", ""), ("Floor", "floor", "floor", ""),
            ("Ceil", "ceil", "ceil", "")):
        for dtype in ("float", "double"):
            cases.append(Case(f"{kind} {dtype}", kind, [(dtype, domain)], dtype,
                              np_name and ufunc(np_name), torch_name and torch_ufunc(torch_name)))
    for kind, call in (("Relu", lambda f: f.relu), ("Gelu", lambda f: f.gelu),
                       ("Softplus", lambda f: f.softplus), ("Swish", lambda f: f.silu)):
        for dtype in ("float", "double"):
            def torch_call(torch, _, x, call=call):
                return lambda: call(torch.nn.functional)(x)
            cases.append(Case(f"{kind} {dtype}", kind, [(dtype, "")], dtype, None, torch_call))
    return cases


def gradient_cases():
    return [Case(f"{kind}Gradient {dtype}", f"{kind}Gradient", [(dtype, "unit"), (dtype, "")], dtype,
                 numpy_gradient(kind), torch_gradient(kind.lower()))
            for kind in ("Asin", "Acos", "Atan") for dtype in ("float", "double")] + [
           Case(f"{kind}Gradient {dtype}", f"{kind}Gradient", [(dtype, ""), (dtype, "")], dtype, None,
                torch_gradient(kind.lower()))
            for kind in ("Sin", "Cos", "Erf") for dtype in ("float", "double")]


def binary_cases():
    cases = []
    for kind, np_name, torch_name in (("Add", "add", "add"), ("Sub", "subtract", "sub"),
                                      ("Mul", "multiply", "mul"), ("Div", "divide", "div")):
        for dtype in ("float", "double", "int32", "int64"):
            if kind == "Div" and dtype[0] == "i":
                continue  # the peers have no quotient that is truncated into a result
            cases.append(Case(f"{kind} {dtype}", kind, [(dtype, ""), (dtype, "positive")], dtype,
                              ufunc(np_name), torch_ufunc(torch_name)))
    for kind, torch_name in (("Max", "maximum"), ("Min", "minimum")):
        cases.append(Case(f"{kind} float", kind, [("float", ""), ("float", "")], "float",
                          ufunc(torch_name), torch_ufunc(torch_name)))
    for dtype in ("float", "double"):
        cases.append(Case(f"Pow {dtype}", "Pow", [(dtype, "positive"), (dtype, "")], dtype,
                          ufunc("power"), torch_ufunc("pow")))
        for exponent in (-1.0, 0.5, 1.75, 3.0):
            cases.append(Case(
                f"Pow {exponent} {dtype}", "Pow", [(dtype, "positive")], dtype,
                lambda out, x, e=exponent: numpy.power(x, e, out=out),
                lambda torch, out, x, e=exponent: lambda: torch.pow(x, e, out=out),
                exponent=exponent))
    for where in ("row", "column", "one"):
        for kind, np_name, torch_name in (("Add", "add", "add"), ("Mul", "multiply", "mul"),
                                          ("GT", "greater", "gt")):
            out = "bool" if kind == "GT" else "float"
            cases.append(Case(f"{kind} float, B a {where}".replace("a one", "one number"), kind,
                              [("float", ""), ("float", where)], out, ufunc(np_name),
                              torch_ufunc(torch_name)))
    return cases


def comparison_cases():
    cases = []
    for kind, np_name, torch_name in (("EQ", "equal", "eq"), ("NE", "not_equal", "ne"),
                                      ("LT", "less", "lt"), ("LE", "less_equal", "le"),
                                      ("GT", "greater", "gt"), ("GE", "greater_equal", "ge")):
        for dtype in (("float",) if kind in ("NE", "LE", "GE") else
                      ("float", "double", "int32", "int64", "int16", "uint8", "bool")):
            cases.append(Case(f"{kind} {dtype}", kind, [(dtype, ""), (dtype, "")], "bool",
                              ufunc(np_name), torch_ufunc(torch_name)))
    for kind in ("And", "Or", "Xor"):
        cases.append(Case(f"{kind} bool", kind, [("bool", ""), ("bool", "")], "bool",
                          ufunc(f"logical_{kind.lower()}"), torch_ufunc(f"logical_{kind.lower()}")))
    cases.append(Case("Not bool", "Not", [("bool", "")], "bool", ufunc("logical_not"),
                      torch_ufunc("logical_not")))
    return cases


def many_cases():
    cases = []
    for terms in (2, 3, 8):
        for dtype in ("float", "int64"):
            def numpy_sum(out, first, second, *more):
                numpy.add(first, second, out=out)
                for term in more:
                    numpy.add(out, term, out=out)
            def torch_sum(torch, out, first, second, *more):
                def call():
                    torch.add(first, second, out=out)
                    for term in more:
                        out.add_(term)
                return call
            cases.append(Case(f"Sum of {terms} {dtype}", "Sum", [(dtype, "")] * terms, dtype,
                              numpy_sum, torch_sum))
    for dtype in ("float", "double", "int64", "uint8"):
        cases.append(Case(
            f"Where {dtype}", "Where", [("bool", ""), (dtype, ""), (dtype, "")], dtype,
            # numpy.where has no result that exists.
            lambda out, c, x, y: numpy.where(c, x, y),
            lambda torch, out, c, x, y: lambda: torch.where(c, x, y)))
    return cases


def cast_cases():
    def numpy_call(out, x):
        numpy.copyto(out, x, casting="unsafe")
    def torch_call(_, out, x):
        return lambda: out.copy_(x)
    # Positive, since C++ leaves open what a negative floating point number is as an unsigned one.
    return [Case(f"Cast {source} to {target}", "Cast", [(source, "positive")], target, numpy_call,
                 None if "uint16" in (source, target) else torch_call, to=TYPE_NUMBERS[target])
            for source in TYPES for target in TYPES if source != target]


def all_cases():
    return (unary_cases() + gradient_cases() + binary_cases() + comparison_cases() + many_cases() +
            cast_cases())


def inputs_of(case, n):
    random = numpy.random.default_rng(1)
    columns = max(1, min(n, 256))
    rows = max(1, n // columns)
    shapes = {"row": (1, columns), "column": (rows, 1), "one": (1, 1)}
    is_repeated = any(kind in shapes for _, kind in case.inputs)
    full = (rows, columns) if is_repeated else (n,)
    return [values(random, dtype, kind, shapes.get(kind, full)) for dtype, kind in case.inputs], full


def check(ours, theirs, what):
    exact = ours.dtype.kind in "iub"
    tolerance = 0 if exact else {2: 1e-2, 4: 1e-5, 8: 1e-12}[ours.dtype.itemsize]
    if not numpy.allclose(ours.astype("float64"), theirs.astype("float64"), tolerance, tolerance):
        fail(f"{what}: doppio's answer differs from the peer's")


def calls_of(torch, case, inputs, shape):
    """The peers' calls, side -> call, and what they give."""
    calls, answers = {}, []
    if case.numpy_call:
        array = numpy.zeros(shape, TYPES[case.output])
        calls["numpy"] = lambda: case.numpy_call(array, *inputs)
        given = calls["numpy"]()
        answers.append(array if given is None else given)
    if case.torch_call:
        tensor = torch.from_numpy(numpy.zeros(shape, TYPES[case.output]))
        calls["torch"] = case.torch_call(torch, tensor, *map(torch.from_numpy, inputs))
        given = calls["torch"]()
        answers.append((tensor if given is None else given).detach().numpy())
    return calls, answers


def measure(torch, programs, case, size, threads, rounds):
    """Seconds a call by side: medians."""
    inputs, shape = inputs_of(case, case.elements(size))
    torch.set_num_threads(threads)
    with tempfile.TemporaryDirectory() as folder:
        names = [f"X{i}" for i in range(len(inputs))]
        for name, value in zip(names, inputs):
            numpy.save(os.path.join(folder, name + ".npy"), value)
        with open(os.path.join(folder, "net.pb"), "wb") as file:
            file.write(net("net", [operator(case.kind, names, ["Y"], **case.arguments)], names, ["Y"]))
        ours = Served([programs["operators"], folder, str(threads)], threads)
        answer = numpy.load(os.path.join(folder, "Y.npy"))
    calls, answers = calls_of(torch, case, inputs, shape)
    for other in answers:
        check(answer, other.reshape(answer.shape), f"{case.name} of {size}")
    sides = {"doppio": ours, **{side: repeated(call) for side, call in calls.items()}}
    if size == LIMITED:
        sides["limit"] = Served([programs["traffic"], str(sum(x.nbytes for x in inputs)),
                                 str(answer.nbytes), str(threads)], threads)
    return medians(sides, rounds)


def add_arguments(parser):
    add_rounds(parser, rounds=5, case="rows that contain this")
    parser.add_argument("--sizes", nargs="+", choices=SIZES,
                        help="default: all; elements, or bytes of the widest operand")


def run(arguments):
    programs = {name: program(arguments, f"bench_peer_{name}") for name in ("operators", "traffic")}
    try:
        import torch  # pylint: disable=import-outside-toplevel
    except ImportError:
        fail("PyTorch is not installed here (Debian: apt-get install python3-torch)")
    print(f"numpy {numpy.__version__} (one thread), torch {torch.__version__}; {arguments.rounds} "
          f"rounds in turn, us: medians; load before: {os.getloadavg()[0]:.1f}\n")
    print("| case | size | threads | doppio | numpy | torch | fastest peer / doppio | limit / doppio |\n"
          "| --- | --- | --- | --- | --- | --- | --- | --- |")
    behind = []
    for case in all_cases():
        for size in arguments.sizes or SIZES:
            for threads in arguments.threads:
                name = f"{case.name} | {size} | {threads}"
                if arguments.case not in name:
                    continue
                times = measure(torch, programs, case, size, threads, arguments.rounds)
                peer = min(times.get("numpy", 1e9), times.get("torch", 1e9)) / times["doppio"]
                limit = f"{times['limit'] / times['doppio']:.2f}" if "limit" in times else ""
                cells = [microseconds(times.get(side)) for side in ("doppio", "numpy", "torch")]
                if peer < 1:
                    behind.append(f"{name}: {peer:.2f}")
                print(f"| {name} | {' | '.join(cells)} | {peer:.2f} | {limit} |", flush=True)
    print(f"\nload after: {os.getloadavg()[0]:.1f}\n\nbehind a peer: {len(behind)}")
    print("\n".join(behind))
