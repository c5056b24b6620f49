"""What stands in ops/<family> is an operator, or is shared by the family's operators.

A source registers an operator (itself, or by a macro of a header of its family), or has a header of
the same name beside it; and a header is included by two files of the family or more. What computes
for several families, and knows no operator, belongs into a room under src. Each family has its line
in docs/architecture.md, which says what belongs there.
"""

import re

from source import code_lines, includes

REGISTERS = r"\bDOPPIO_REGISTER_(?:\w+_)?OPERATOR(?:_\w*)?\s*\("


def text(path):
    """The code with the lines of each macro joined."""
    return "\n".join(code_lines(path)).replace("\\\n", " ")


def registering_macros(headers):
    """Names of the macros by which an operator may be registered, those that use such included."""
    bodies = {}
    for header in headers:
        for name, body in re.findall(r"^\s*#\s*define\s+(\w+)(.*)$", text(header), re.MULTILINE):
            bodies[name] = body
    found = set()
    while True:
        pattern = "|".join([REGISTERS] + [rf"\b{name}\s*\(" for name in sorted(found)])
        more = {name for name, body in bodies.items() if re.search(pattern, body)}
        if more <= found:
            return found
        found |= more


def check(root):
    problems = []
    listed = (root / "docs/architecture.md").read_text(encoding="utf-8")
    for family in sorted(path for path in (root / "ops").glob("*") if path.is_dir()):
        if f"\n| `{family.name}` | " not in listed:
            problems.append(f"ops/{family.name}: docs/architecture.md has no line for it")
        sources, headers = sorted(family.glob("*.cc")), sorted(family.glob("*.h"))
        macros = registering_macros(headers)
        pattern = "|".join([REGISTERS] + [rf"\b{name}\s*\(" for name in sorted(macros)])
        for source in sources:
            if not source.with_suffix(".h").exists() and not re.search(pattern, text(source)):
                problems.append(f"{source.relative_to(root)}: registers no operator, and has no "
                                f"header {source.stem}.h beside it")
        for header in headers:
            name = str(header.relative_to(root))
            users = [path for path in sources + headers
                     if any(name == included for _, included, _ in includes(path))]
            if len(users) < 2:
                problems.append(f"{name}: used by {len(users)} file(s) of its family; what one "
                                "operator alone uses stands in its source")
    return problems


_DOCS = {"docs/architecture.md": "# Families\n| `nn` | layers |\n| `loss` | losses |\n"}
_REGISTRATION = "DOPPIO_REGISTER_CPU_OPERATOR(Relu, ReluOp<CPUContext>);\n"
_SHARED = {
    **_DOCS,
    "ops/nn/pool.h": "#define DOPPIO_POOL_(Type) \\\n  DOPPIO_REGISTER_CPU_OPERATOR(Type, PoolOp)\n"
                     "#define DOPPIO_POOL(Type) DOPPIO_POOL_(Type); \\\n  DOPPIO_POOL_(Type##1D)\n",
    "ops/nn/pool.cc": "#include \"ops/nn/pool.h\"\n",
    "ops/nn/max_pool.cc": "#include \"ops/nn/pool.h\"\nDOPPIO_POOL(MaxPool);\n",
}
GOOD = [
    {"ops/nn/relu.cc": _REGISTRATION, **_SHARED},
    {**_DOCS, "ops/nn/relu.cc": "DOPPIO_REGISTER_CPU_OPERATOR_WITH_ENGINE(Relu, FAST, ReluOp);\n"},
    {**_DOCS, "src/kernel/relu.cc": "", "ops/CMakeLists.txt": ""},
]
BAD = [
    ({**_DOCS, "ops/nn/gemm.cc": "void Gemm() {}\n"}, "ops/nn/gemm.cc: registers no operator"),
    ({**_DOCS, "ops/nn/gemm.cc": "// " + _REGISTRATION}, "ops/nn/gemm.cc: registers no operator"),
    ({**_DOCS, "ops/nn/gemm.cc": "DOPPIO_REGISTER_BLOB_TYPE(Matrix);\n"},
     "ops/nn/gemm.cc: registers no operator"),
    ({**_DOCS, "ops/nn/gemm.cc": "DOPPIO_REGISTER_GRADIENT(Gemm, GetGemmGradient);\n"},
     "ops/nn/gemm.cc: registers no operator"),
    ({**_SHARED, "ops/nn/max_pool.cc": "#include \"ops/nn/pool.h\"\nPOOL(MaxPool);\n"},
     "ops/nn/max_pool.cc: registers no operator"),
    ({**_SHARED, "ops/loss/max_pool.cc": "DOPPIO_POOL(MaxPool);\n"},
     "ops/loss/max_pool.cc: registers no operator"),
    ({**_DOCS, "ops/nn/relu.h": "",
      "ops/nn/relu.cc": "#include \"ops/nn/relu.h\"\n" + _REGISTRATION},
     "ops/nn/relu.h: used by 1 file(s)"),
    ({**_DOCS, "ops/network/relu.cc": _REGISTRATION},
     "ops/network: docs/architecture.md has no line for it"),
]
