"""How many of the tests that ONNX publishes for single operators pass, by kind of operators, as the
table of docs/onnx.md: those that left_out.txt does not name, which node_test.cc runs.

    node_table.py                prints the table
    node_table.py --check PAGE   fails where PAGE does not have it
"""

import argparse
import collections
import pathlib
import re
import sys

HERE = pathlib.Path(__file__).resolve().parent
IMPORTERS = HERE.parents[1] / "src" / "onnx" / "import"
DATA = pathlib.Path("/usr/share/libonnx-testdata/data/node")
MISSING = 77  # what CTest takes for a skipped test


def kinds():
    """Operator -> the file that translates it, without its ending."""
    found = {}
    for path in sorted(IMPORTERS.glob("*.cc")):
        for operator in re.findall(r"^DOPPIO_ONNX_IMPORT\w*\((\w+)", path.read_text(), re.MULTILINE):
            found[operator] = path.stem.replace("_", " ")
    return found


def values_of(graph):
    """What a graph, and those in its nodes, declare."""
    yield from (*graph.input, *graph.output, *graph.value_info)
    for node in graph.node:
        for attribute in node.attribute:
            if attribute.HasField("g"):
                yield from values_of(attribute.g)


def is_asked_for(onnx, model):
    """Whether it is about tensors of numbers and truth values, and no training."""
    if any(node.domain.endswith("training") for node in model.graph.node):
        return False
    return all(value.type.WhichOneof("value") in ("tensor_type", None)
               and value.type.tensor_type.elem_type != onnx.TensorProto.STRING
               for value in values_of(model.graph))


def kind_of(model, importers):
    operators = {node.op_type for node in model.graph.node}
    if len(operators) > 1:
        return "several operators"
    return importers.get(next(iter(operators)), "no operator that is read")


def table():
    import onnx

    left_out = {}
    for line in (HERE / "left_out.txt").read_text().splitlines():
        name, _, reason = line.partition(" ")
        left_out[name] = reason
    importers = kinds()
    all_tests, passing = collections.Counter(), collections.Counter()
    reasons, others = collections.Counter(), 0
    for folder in sorted(DATA.iterdir()):
        model = onnx.load(folder / "model.onnx", load_external_data=False)
        if not is_asked_for(onnx, model):
            others += 1
            continue
        kind = kind_of(model, importers)
        all_tests[kind] += 1
        if folder.name in left_out:
            reasons[left_out[folder.name]] += 1
        else:
            passing[kind] += 1
    count, total = sum(passing.values()), sum(all_tests.values())
    lines = ["| operators | tests | pass |", "| --- | --- | --- |"]
    lines += [f"| {kind} | {all_tests[kind]} | {passing[kind]} |" for kind in sorted(all_tests)]
    lines += [f"| together | {total} | {count} ({100 * count / total:.1f}%) |", "",
              f"Not counted: {others} tests of strings, sequences, optional values and training. Of the "
              f"{total - count} that do not pass:", "", "| why | tests |", "| --- | --- |"]
    lines += [f"| {reason} | {number} |" for reason, number in
              sorted(reasons.items(), key=lambda entry: (-entry[1], entry[0]))]
    return "\n".join(lines) + "\n"


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--check", metavar="PAGE", type=pathlib.Path)
    page = parser.parse_args().check
    try:
        import onnx  # noqa: F401: whether it is there
    except ImportError:
        print("skipped: the package onnx is not installed (python3-onnx)")
        return MISSING
    if not DATA.is_dir():
        print(f"skipped: {DATA} is not there (libonnx-testdata)")
        return MISSING
    made = table()
    if page is None:
        print(made, end="")
        return 0
    if made in page.read_text():
        return 0
    print(f"{page} does not have the table that {pathlib.Path(__file__).name} makes now:\n\n{made}")
    return 1


if __name__ == "__main__":
    sys.exit(main())
