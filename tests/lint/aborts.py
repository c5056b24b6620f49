"""Bad data gets a Status, never an abort: no CHECK, LOG(FATAL), abort, assert, exit or throw, and no
call that throws on bad input (std::stoi, at(), StatusOr::value()), where data could reach it.

A scan cannot know what data reaches, so each use is named in ALLOWED with the reason why only a bug
of doppio's own can get there. DCHECK is free: it states an invariant and is not in a release. So are
the exceptions of pybind11 in python/: they are how Python learns of a Status.
"""

import re

from source import files, unused, code_lines

PATTERNS = [
    (r"\b(?:Q|P)?CHECK(?:_[A-Z]+)*\s*\(", "aborts"),
    (r"\bABSL_(?:HARDENING_)?ASSERT\s*\(", "aborts"),
    (r"\b(?:P?LOG|LOG_IF|LOG_EVERY_N|ABSL_RAW_LOG|RAW_LOG)\s*\(\s*FATAL\b", "aborts"),
    (r"(?<![\w.>])(?:std::)?(?:abort|terminate|quick_exit|_exit|exit)\s*\(", "ends the process"),
    (r"(?<!static_)(?<!_)\bassert\s*\(", "aborts"),
    (r"\bthrow\b", "throws"),
    (r"\bstd::sto(?:i|l|ll|ul|ull|f|d|ld)\s*\(", "throws on bad text; use absl::SimpleAtoi"),
    (r"(?:\.|->)at\s*\(", "throws or aborts when absent"),
    (r"(?:\.|->)value\s*\(\s*\)", "aborts on an error; return the status"),
    (r"\b__builtin_(?:trap|unreachable)\s*\(", "is undefined when reached"),
]
FOLDERS = ["include", "src", "ops", "tools", "python"]
FOR_PYTHON = re.compile(r"\bthrow\s*(?:;|(?:py|pybind11)::)")

# (file, the code as it stands in the line) -> why no data can reach it.
ALLOWED = {
    ("src/graph/gradient.cc", "_version.at("): "blobs of the operator whose versions these are",
    ("src/graph/gradient.cc", "ssa_.frontier.at("): "blobs of an operator of the net",
    ("src/graph/gradient.cc", "ssa_.usages.at("): "every input of every operator has its usages",
    ("src/graph/gradient_accumulator.cc", "in_version.at("):
        "inputs of the operator whose versions these are",
    ("python/core/arrays.cc", "types.at(type)"): "every type that a tensor can have is in the map",
    ("python/core/arrays.cc", "error.value()"): "the value of a Python exception, no StatusOr",
    ("src/io/model_io.cc", "entry.value()"): "a field of a message, no StatusOr",
    ("src/onnx/onnx_tensor.cc", "entry.value()"): "a field of a message, no StatusOr",
    ("tools/command/subcommands/inspect.cc", "entry.value()"): "a field of a message, no StatusOr",
    ("tools/command/pictures.cc", "entry.value()"): "a field of a message, no StatusOr",
}


def check(root, allowed=None):
    allowed = ALLOWED if allowed is None else allowed
    problems, seen = [], set()
    for path in files(root, FOLDERS):
        name = str(path.relative_to(root))
        for number, line in enumerate(code_lines(path), 1):
            for pattern, why in PATTERNS:
                if not re.search(pattern, line):
                    continue
                if name.startswith("python/") and why == "throws" and FOR_PYTHON.search(line):
                    continue
                entry = next((key for key in allowed if key[0] == name and key[1] in line), None)
                if entry:
                    seen.add(entry)
                else:
                    problems.append(f"{name}:{number}: '{line.strip()}' {why}; return a Status, or "
                                    "give the reason in tests/lint/aborts.py")
    return problems + unused(allowed, seen, "aborts")


GOOD = [{
    "src/base/a.cc": "// CHECK(x) is bad\nstatic_assert(sizeof(int) == 4);\nDCHECK(x);\n"
                     "return absl::InvalidArgumentError(\"abort()\");\nplan.abort(1);\n"
                     "int64_t n = 1'000'000;\nmy_assert(x);\n",
    "tests/base/a_test.cc": "CHECK(true);\n",
    "python/core/a.cc": "throw py::error_already_set();\nthrow;\n",
}]
BAD = [({"src/base/a.cc": line}, "src/base/a.cc:1") for line in (
    "CHECK(x);", "CHECK_EQ(a, b);", "LOG(FATAL) << 1;", "std::abort();", "abort();", "assert(x);",
    "throw 1;", "std::stoi(s);", "map.at(k);", "exit(1);", "status_or.value();", "QCHECK(x);")]
BAD += [({"src/base/a.cc": "throw py::type_error(x);"}, "src/base/a.cc:1"),
        ({"python/core/a.cc": "throw std::runtime_error(x);"}, "python/core/a.cc:1")]
