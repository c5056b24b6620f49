"""Header guards are DOPPIO_<NAME>_H_ in include/doppio, DOPPIO_<FOLDER>_<NAME>_H_ elsewhere, where
the folder is the path without its leading src/."""

import re

from source import files


def guard(path):
    parts = list(path.with_suffix("").parts)
    if parts[:2] == ["include", "doppio"]:
        parts = parts[2:]
    elif parts[0] == "src":
        parts = parts[1:]
    return re.sub(r"[^A-Z0-9]", "_", "_".join(["doppio", *parts, "h"]).upper()) + "_"


def check(root):
    problems = []
    folders = ["include", "src", "ops", "tools", "tests", "bench", "python", "examples"]
    for path in files(root, folders, (".h",)):
        name = path.relative_to(root)
        want = guard(name)
        text = path.read_text(encoding="utf-8")
        # A header that Highway compiles once per target toggles HWY_TARGET_TOGGLE's like instead,
        # and one that is precompiled is included by no source.
        if "HWY_TARGET_TOGGLE" in text or name.name == "precompiled.h":
            continue
        lines = [line.strip() for line in text.split("\n")]
        if f"#ifndef {want}" not in lines or f"#define {want}" not in lines:
            problems.append(f"{name}: the guard must be {want}")
        elif f"#endif  // {want}" not in lines:
            problems.append(f"{name}: must end with '#endif  // {want}'")
    return problems


def _header(name):
    return f"#ifndef {name}\n#define {name}\n#endif  // {name}\n"


GOOD = [{
    "include/doppio/tensor.h": _header("DOPPIO_TENSOR_H_"),
    "src/base/split.h": _header("DOPPIO_BASE_SPLIT_H_"),
    "ops/fill/filler.h": _header("DOPPIO_OPS_FILL_FILLER_H_"),
    "src/precompiled.h": "#include \"doppio/tensor.h\"\n",
}]
BAD = [
    ({"include/doppio/tensor.h": "#pragma once\n"}, "the guard must be DOPPIO_TENSOR_H_"),
    ({"src/base/split.h": _header("DOPPIO_SPLIT_H_")}, "the guard must be DOPPIO_BASE_SPLIT_H_"),
    ({"src/base/split.h": _header("DOPPIO_BASE_SPLIT_H_").replace("  // ", " // ")},
     "must end with"),
]
