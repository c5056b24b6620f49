"""Evaluates a net with NumPy or PyTorch, in double precision, and compares every blob with doppio's.

    evaluate_net.py NET --doppio build/release/bin/doppio --shape data=1,3,227,227 [--seed 1]
                    [--init INIT] [--feed BLOB=FILE] [--with torch|numpy] [--tolerance 1e-4]

doppio runs the net (with random weights and data from --seed for what nothing fills) and writes what the
net reads and makes as .npy; NET's operators are then computed here, from what the net reads alone,
and each blob must be as doppio says: |ours - theirs| <= tolerance * (1e-3 + the largest |theirs|).
What an operator makes that is not known here is taken from doppio and listed. Exit code 77 means
that nothing could be compared, since PyTorch is not installed.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile

import numpy as np

SKIPPED = 77


class Numpy:
    """What PyTorch has functions for, by NumPy. Tensors are [N,C,H,W]."""

    name = f"numpy {np.__version__}"

    @staticmethod
    def windows(x, kernel, strides, dilations=(1, 1)):
        """A view [N,C,OH,OW,KH,KW] of what fits into x."""
        n, c, h, w = x.shape
        out = [(size - (k - 1) * d - 1) // s + 1
               for size, k, s, d in zip((h, w), kernel, strides, dilations)]
        sn, sc, sh, sw = x.strides
        return np.lib.stride_tricks.as_strided(
            x, (n, c, *out, *kernel),
            (sn, sc, sh * strides[0], sw * strides[1], sh * dilations[0], sw * dilations[1]),
            writeable=False)

    def conv(self, x, w, strides, dilations, groups):
        parts = []
        for x_part, w_part in zip(np.split(x, groups, 1), np.split(w, groups, 0)):
            view = self.windows(x_part, w.shape[2:], strides, dilations)
            parts.append(np.einsum("nchwij,mcij->nmhw", view, w_part, optimize=True))
        return np.concatenate(parts, 1)

    def conv_transpose(self, x, w, strides, groups):
        n, _, h, width = x.shape
        size = [(s - 1) * stride + k for s, stride, k in zip((h, width), strides, w.shape[2:])]
        parts = []
        for x_part, w_part in zip(np.split(x, groups, 1), np.split(w, groups, 0)):
            y = np.zeros((n, w.shape[1], *size))
            for i in range(w.shape[2]):
                for j in range(w.shape[3]):
                    y[:, :, i:i + (h - 1) * strides[0] + 1:strides[0],
                      j:j + (width - 1) * strides[1] + 1:strides[1]] += np.einsum(
                          "nchw,cm->nmhw", x_part, w_part[:, :, i, j])
            parts.append(y)
        return np.concatenate(parts, 1)

    def max_pool(self, x, kernel, strides):
        return self.windows(x, kernel, strides).max((4, 5))

    def sum_pool(self, x, kernel, strides):
        return self.windows(x, kernel, strides).sum((4, 5))

    def lrn(self, x, size, alpha, beta, bias):
        squares = np.pad(x * x, ((0, 0), ((size - 1) // 2, size // 2), (0, 0), (0, 0)))
        total = sum(squares[:, i:i + x.shape[1]] for i in range(size))
        return x * (bias + alpha / size * total) ** -beta

    def batch_norm(self, x, scale, bias, mean, variance, epsilon):
        def channels(v):
            return v.reshape(1, -1, *[1] * (x.ndim - 2))
        return (x - channels(mean)) / np.sqrt(channels(variance) + epsilon) * channels(scale) + \
            channels(bias)

    def linear(self, x, w, b):
        return x @ w.T + b

    def softmax(self, x):
        e = np.exp(x - x.max(1, keepdims=True))
        return e / e.sum(1, keepdims=True)


class Torch(Numpy):
    """The same by PyTorch."""

    def __init__(self):
        import torch
        import torch.nn.functional
        self.torch = torch
        self.f = torch.nn.functional
        self.name = f"torch {torch.__version__}"

    def call(self, function, *tensors, **arguments):
        with self.torch.no_grad():
            return function(*[self.torch.from_numpy(np.ascontiguousarray(t)) for t in tensors],
                            **arguments).numpy()

    def conv(self, x, w, strides, dilations, groups):
        return self.call(self.f.conv2d, x, w, stride=tuple(strides), dilation=tuple(dilations),
                         groups=groups)

    def conv_transpose(self, x, w, strides, groups):
        return self.call(self.f.conv_transpose2d, x, w, stride=tuple(strides), groups=groups)

    def max_pool(self, x, kernel, strides):
        return self.call(self.f.max_pool2d, x, kernel_size=tuple(kernel), stride=tuple(strides))

    def sum_pool(self, x, kernel, strides):
        return self.call(self.f.avg_pool2d, x, kernel_size=tuple(kernel), stride=tuple(strides),
                         divisor_override=1)

    def lrn(self, x, size, alpha, beta, bias):
        return self.call(self.f.local_response_norm, x, size=size, alpha=alpha, beta=beta, k=bias)

    def batch_norm(self, x, scale, bias, mean, variance, epsilon):
        def function(x, mean, variance, scale, bias):
            return self.f.batch_norm(x, mean, variance, scale, bias, eps=epsilon)
        return self.call(function, x, mean, variance, scale, bias)

    def linear(self, x, w, b):
        return self.call(self.f.linear, x, w, b)

    def softmax(self, x):
        return self.call(lambda t: self.f.softmax(t, dim=1), x)


class Arguments:
    """The arguments of an operator, as JSON has them."""

    def __init__(self, op):
        self.values = {}
        for arg in op.get("arg", []):
            kind = next((k for k in ("i", "f", "s", "ints", "floats", "strings") if k in arg), None)
            value = arg.get(kind)
            if kind == "i":
                value = int(value)
            elif kind == "ints":
                value = [int(v) for v in value]
            elif kind == "f":
                value = float(value)
            self.values[arg["name"]] = value

    def get(self, name, default):
        return self.values.get(name, default)

    def text(self, name, default):
        """Bytes are base64 in JSON."""
        import base64
        value = self.values.get(name)
        return default if value is None else base64.b64decode(value).decode()

    def pair(self, name, default):
        """kernel, kernel_h and kernel_w, or kernels."""
        plural = self.get(name + "s", None)
        if plural:
            return plural if len(plural) == 2 else plural * 2
        if name + "_h" in self.values:
            return [self.get(name + "_h", default), self.get(name + "_w", default)]
        return [self.get(name, default)] * 2

    def pads(self):
        """top, left, bottom, right."""
        pads = self.get("pads", None)
        if pads:
            return pads if len(pads) == 4 else pads * 2
        if "pad_t" in self.values or "pad_l" in self.values:
            return [self.get(f"pad_{side}", 0) for side in "tlbr"]
        return [self.get("pad", 0)] * 4


class Evaluator:
    def __init__(self, library):
        self.library = library

    def functions(self):
        return {name[3:]: getattr(self, name) for name in dir(self) if name.startswith("op_")}

    # Each takes the arguments and the inputs, and returns output 0.

    def op_Conv(self, args, x, w, b=None):
        top, left, bottom, right = args.pads()
        x = np.pad(x, ((0, 0), (0, 0), (top, bottom), (left, right)))
        y = self.library.conv(x, w, args.pair("stride", 1), args.pair("dilation", 1),
                              args.get("group", 1))
        return y if b is None else y + b.reshape(1, -1, 1, 1)

    def op_ConvTranspose(self, args, x, w, b=None):
        y = self.library.conv_transpose(x, w, args.pair("stride", 1), args.get("group", 1))
        top, left, bottom, right = args.pads()
        adj_h, adj_w = args.pair("adj", 0)
        y = np.pad(y, ((0, 0), (0, 0), (0, adj_h), (0, adj_w)))
        y = y[:, :, top:y.shape[2] - bottom, left:y.shape[3] - right]
        return y if b is None else y + b.reshape(1, -1, 1, 1)

    @staticmethod
    def pooling(args, x):
        """kernel, strides, and the pads on each side of height and width."""
        if args.get("global_pooling", 0):
            return list(x.shape[2:]), [1, 1], [(0, 0), (0, 0)]
        kernel, strides, pads = args.pair("kernel", 0), args.pair("stride", 1), args.pads()
        sides = []
        for axis in range(2):
            before, after = pads[axis], pads[axis + 2]
            if args.get("legacy_pad", 0) == 3:  # Caffe's: the last window may hang over the edge
                size, k, s = x.shape[2 + axis], kernel[axis], strides[axis]
                count = -(-(size + 2 * before - k) // s) + 1
                if before > 0 and (count - 1) * s >= size + before:
                    count -= 1
                after = (count - 1) * s + k - size - before
            sides.append((before, after))
        return kernel, strides, sides

    @staticmethod
    def framed(x, sides, value):
        """x with what is left of the windows, where `after` may be negative."""
        x = x[:, :, :x.shape[2] + min(sides[0][1], 0), :x.shape[3] + min(sides[1][1], 0)]
        return np.pad(x, ((0, 0), (0, 0), *[(a, max(b, 0)) for a, b in sides]),
                      constant_values=value)

    def op_MaxPool(self, args, x):
        kernel, strides, sides = self.pooling(args, x)
        return self.library.max_pool(self.framed(x, sides, -np.inf), kernel, strides)

    def op_AveragePool(self, args, x):
        kernel, strides, sides = self.pooling(args, x)
        total = self.library.sum_pool(self.framed(x, sides, 0.0), kernel, strides)
        if args.get("count_include_pad", 0):
            return total / (kernel[0] * kernel[1])
        ones = self.framed(np.ones((1, 1) + x.shape[2:]), sides, 0.0)
        return total / self.library.sum_pool(ones, kernel, strides)

    def op_LRN(self, args, x):
        return self.library.lrn(x, args.get("size", 5), args.get("alpha", 1e-4),
                                args.get("beta", 0.75), args.get("bias", 1.0))

    def op_SpatialBN(self, args, x, scale, bias, mean, variance):
        if not args.get("is_test", 0):
            raise NotImplementedError("training")
        return self.library.batch_norm(x, scale, bias, mean, variance, args.get("epsilon", 1e-5))

    def op_FC(self, args, x, w, b):
        axis, axis_w = args.get("axis", 1), args.get("axis_w", 1)
        rows, columns = x.shape[:axis], int(np.prod(w.shape[:axis_w]))
        y = self.library.linear(x.reshape(int(np.prod(rows)), -1), w.reshape(columns, -1), b)
        return y.reshape(*rows, columns)

    def op_Softmax(self, args, x):
        axis = args.get("axis", 1)
        rows = x.reshape(int(np.prod(x.shape[:axis])), -1)
        return self.library.softmax(rows).reshape(x.shape)

    def op_Concat(self, args, *x):
        if args.get("add_axis", 0):
            raise NotImplementedError("add_axis")
        return np.concatenate(x, args.get("axis", 1 if args.text("order", "NCHW") == "NCHW" else 3))

    def op_Sum(self, args, *x):
        return sum(x[1:], x[0])

    def op_Relu(self, args, x):
        return np.maximum(x, 0)

    def op_Sigmoid(self, args, x):
        return 1 / (1 + np.exp(-x))

    def op_Clip(self, args, x):
        return np.clip(x, args.get("min", -np.inf), args.get("max", np.inf))

    def op_PRelu(self, args, x, slope):
        slope = slope if slope.size == 1 else slope.reshape(-1, *[1] * (x.ndim - 2))
        return np.where(x > 0, x, x * slope)

    def op_Dropout(self, args, x):
        if not args.get("is_test", 0):
            raise NotImplementedError("training")
        return x

    def op_Reshape(self, args, x, shape=None):
        sizes = args.get("shape", None) or [int(s) for s in shape]
        return x.reshape([x.shape[i] if s == 0 else s for i, s in enumerate(sizes)])

    def op_Transpose(self, args, x):
        return x.transpose(args.get("axes", None))

    def op_ResizeNearest(self, args, x):
        scales = args.get("height_scale", 1.0), args.get("width_scale", 1.0)
        for axis, scale in zip((2, 3), scales):
            count = int(x.shape[axis] * scale)
            index = np.minimum((np.arange(count) / scale).astype(int), x.shape[axis] - 1)
            x = x.take(index, axis)
        return x

    @staticmethod
    def aligned(args, a, b):
        """b, so that NumPy broadcasts it as the argument `axis` says."""
        if args.get("broadcast", 0) and b.ndim < a.ndim:
            axis = args.get("axis", -1)
            axis = axis if axis >= 0 else a.ndim - b.ndim
            b = b.reshape(b.shape + (1,) * (a.ndim - axis - b.ndim))
        return b

    def op_Add(self, args, a, b):
        return a + self.aligned(args, a, b)

    def op_Sub(self, args, a, b):
        return a - self.aligned(args, a, b)

    def op_Mul(self, args, a, b):
        return a * self.aligned(args, a, b)

    def op_Div(self, args, a, b):
        return a / self.aligned(args, a, b)


class Run:
    """doppio's run of a net, in a folder."""

    def __init__(self, options, folder):
        path = os.path.join(folder, "net.json")
        self.call(options.doppio, "convert", options.net, path)
        with open(path, encoding="utf-8") as file:
            self.net = json.load(file)
        made, used, self.reads = set(), set(), []
        for op in self.net["op"]:
            self.reads += [b for b in op.get("input", []) if b not in made and b not in self.reads]
            made.update(op.get("output", []))
            # By-products that nobody reads may be left empty, such as the mask of a Dropout.
            used.update(op.get("input", []) + op.get("output", [])[:1])
        self.makes = sorted(made & used)
        command = [options.doppio, "run", options.net]
        for init in options.init:
            command += ["--init", init]
        for feed in options.feed:
            command += ["--feed", feed]
        command += ["--random-weights", str(options.seed)]
        for shape in options.shape:
            command += ["--shape", shape]
        self.files = self.fetch(command + ["--no-optimize"], self.reads + self.makes, folder, "")
        outputs = self.net.get("externalOutput", self.net.get("external_output", []))
        self.optimized = self.fetch(command, outputs, folder, "optimized")

    def fetch(self, command, blobs, folder, prefix):
        """Runs the net and returns the file of each blob that has a value."""
        files = {blob: os.path.join(folder, f"{prefix}{k}.npy") for k, blob in enumerate(blobs)}
        for blob, file in files.items():
            command = command + ["--fetch", f"{blob}={file}"]
        self.call(*command)
        return files

    @staticmethod
    def call(*command):
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                              check=False)
        if done.returncode != 0:
            sys.exit(f"evaluate_net: {' '.join(command[:3])} ...\n{done.stdout}")

    def value(self, blob):
        value = np.load(self.files[blob])
        return value.astype(np.float64) if value.dtype.kind == "f" else value


def last_writers(net):
    """The operator that makes each blob last: only that value can be compared."""
    return {blob: k for k, op in enumerate(net["op"]) for blob in op.get("output", [])}


def compare(blob, ours, theirs, tolerance):
    """The largest difference in parts of what is allowed, or a complaint."""
    if ours.shape != theirs.shape:
        return f"{blob} is {list(ours.shape)} of doppio, but {list(theirs.shape)} by the evaluation"
    if ours.size == 0:
        return 0.0
    allowed = tolerance * (1e-3 + np.abs(theirs).max())
    difference = np.abs(ours - theirs).max()
    if not difference <= allowed:
        return f"{blob} {list(ours.shape)} differs by {difference:.3g}, allowed are {allowed:.3g}"
    return difference / allowed


def evaluate(run, library, tolerance):
    """Returns the compared blobs, what was taken from doppio, and complaints."""
    functions = Evaluator(library).functions()
    blobs = {blob: run.value(blob) for blob in run.reads}
    last = last_writers(run.net)
    compared, taken, complaints = {}, set(), []
    for k, op in enumerate(run.net["op"]):
        outputs = op.get("output", [])
        if not outputs:
            taken.add(op["type"])
            continue
        try:
            if op["type"] not in functions:
                raise NotImplementedError(op["type"])
            inputs = [blobs[b] for b in op.get("input", [])]
            value = functions[op["type"]](Arguments(op), *inputs)
        except NotImplementedError:
            taken.add(op["type"])
            for blob in run.files.keys() & set(outputs):
                if last[blob] != k:
                    sys.exit(f"evaluate_net: {blob}, which {op['type']} makes, is written again")
                blobs[blob] = run.value(blob)
            continue
        blobs[outputs[0]] = value
        if last[outputs[0]] == k:
            found = compare(outputs[0], run.value(outputs[0]), value, tolerance)
            if isinstance(found, str):
                complaints.append(f"op {k} {op['type']}: {found}")
            else:
                compared[outputs[0]] = found
    for blob, file in run.optimized.items():
        found = compare(blob, np.load(file), blobs[blob], tolerance)
        if isinstance(found, str):
            complaints.append(f"optimized: {found}")
        else:
            compared[f"{blob}, optimized"] = found
    return compared, taken, complaints


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("net")
    parser.add_argument("--doppio", required=True)
    parser.add_argument("--seed", type=int, default=1)
    for option in ("shape", "init", "feed"):
        parser.add_argument(f"--{option}", action="append", default=[])
    parser.add_argument("--with", dest="library", choices=("torch", "numpy"), default="torch")
    parser.add_argument("--tolerance", type=float, default=1e-4)
    options = parser.parse_args()
    if not os.path.exists(options.net):
        print(f"evaluate_net: skipped, since {options.net} is not there")
        sys.exit(SKIPPED)
    try:
        library = Torch() if options.library == "torch" else Numpy()
    except ImportError:
        print("evaluate_net: skipped, since PyTorch is not installed (Debian: python3-torch)")
        sys.exit(SKIPPED)
    with tempfile.TemporaryDirectory() as folder:
        run = Run(options, folder)
        compared, taken, complaints = evaluate(run, library, options.tolerance)
    if complaints:
        sys.exit(f"evaluate_net: {os.path.basename(options.net)}, {len(complaints)} blobs are not "
                 f"as by {library.name}:\n  " + "\n  ".join(complaints[:10]))
    worst = max(compared, key=compared.get)
    print(f"{len(compared)} blobs are as by {library.name}, within {options.tolerance:g} of the "
          f"largest element; the worst, {worst}, is at {compared[worst]:.2g} of what is allowed")
    if taken:
        print(f"not evaluated: {', '.join(sorted(taken))}")


if __name__ == "__main__":
    main()
