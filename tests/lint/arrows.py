"""Arrows between rooms run one way (docs/architecture.md).

Reads which public headers and arrows each room declares (doppio_room in its CMakeLists.txt), holds
them against the plan of the house below, then holds every #include against what was declared.
"""

import re

from source import files, includes

# The plan: what each room may use besides what those rooms use themselves.
PLAN = {
    "base": [],
    "proto": [],
    "tensor": ["base"],
    "kernel": ["base"],
    "dnn": ["tensor", "kernel"],
    "operator": ["tensor", "kernel", "proto"],
    "graph": ["operator", "proto"],
    "runtime": ["graph"],
    "io": ["operator", "proto"],
    "onnx": ["runtime", "io"],
    "training": ["runtime", "io"],
    "ops": ["operator", "kernel", "dnn", "io"],
    "ops/control": ["operator", "kernel", "runtime"],
    "ops/image": ["operator", "kernel", "runtime", "io"],
    "ops/storage": ["operator", "kernel", "runtime", "io"],
    "ops/rnn": ["operator", "kernel", "dnn", "runtime", "io"],
}
# What ops/CMakeLists.txt gives to every family; family.cmake declares the rest.
OF_EVERY_FAMILY = ["operator", "kernel"]
# Above all rooms. They may use every public header, and among private ones only their own.
TOPS = ["tools", "python", "examples", "bench"]
# Headers that no room owns: everything at once, and what the build writes.
UMBRELLA = "doppio.h"
# Nobody includes it, it is there before each source: of all rooms, and of none.
PRECOMPILED = "precompiled.h"
GENERATED = {"net.pb.h": "proto", "onnx.pb.h": "proto", "version.h": "base"}


def below(room, plan=PLAN):
    """The rooms that a room may use, itself included."""
    found, todo = set(), [room]
    while todo:
        here = todo.pop()
        if here not in found:
            found.add(here)
            todo += plan.get(here, [])
    return found


def words(text):
    return re.sub(r"#[^\n]*", "", text).split()


def declaration(path):
    """(name, {keyword: words}) of the doppio_room call in a CMakeLists.txt, or None."""
    match = re.search(r"^doppio_room\(([^)]*)\)", path.read_text(encoding="utf-8"), re.MULTILINE)
    if not match:
        return None
    name, *rest = words(match.group(1))
    lists, current = {}, None
    for word in rest:
        if word in ("PUBLIC_HEADERS", "SOURCES", "DEPENDS", "LINK", "LINK_PRIVATE", "OPENMP"):
            current = lists.setdefault(word, [])
        elif current is not None:
            current.append(word)
    return name, lists


def family_depends(path):
    match = re.search(r"^\s*set\(DEPENDS\s+([^)]*)\)", path.read_text(encoding="utf-8"),
                      re.MULTILINE)
    return words(match.group(1)) if match else []


def check(root):
    problems = []
    owner = dict(GENERATED)
    declared = {"proto": []}

    for cmake in sorted((root / "src").glob("*/CMakeLists.txt")):
        found = declaration(cmake)
        if found is None:
            problems.append(f"{cmake.relative_to(root)}: calls no doppio_room")
            continue
        room, lists = found
        declared[room] = lists.get("DEPENDS", [])
        for header in lists.get("PUBLIC_HEADERS", []):
            if header in owner:
                problems.append(f"{cmake.relative_to(root)}: {header} already belongs to "
                                f"{owner[header]}")
            owner[header] = room
            if not (root / "include/doppio" / header).exists():
                problems.append(f"{cmake.relative_to(root)}: no header include/doppio/{header}")
        if room not in PLAN:
            problems.append(f"{cmake.relative_to(root)}: the plan in tests/lint/arrows.py knows "
                            f"no room '{room}'")
            continue
        for other in declared[room]:
            if other not in below(room):
                problems.append(f"{cmake.relative_to(root)}: {room} must not use {other}")

    for family in sorted((root / "ops").glob("*/family.cmake")):
        room = "ops/" + family.parent.name
        declared[room] = OF_EVERY_FAMILY + family_depends(family)
        for other in family_depends(family):
            if other not in below(room if room in PLAN else "ops"):
                problems.append(f"{family.relative_to(root)}: {room} must not use {other}")

    for header in sorted((root / "include/doppio").glob("*.h")):
        if header.name != UMBRELLA and header.name not in owner:
            problems.append(f"include/doppio/{header.name}: belongs to no room; name it in the "
                            "PUBLIC_HEADERS of one")

    def room_of(path):
        parts = path.relative_to(root).parts
        if path.name == PRECOMPILED:
            return None
        if parts[0] == "include":
            return UMBRELLA if path.name == UMBRELLA else owner.get(path.name)
        return parts[1] if parts[0] == "src" else "/".join(parts[:2])

    def room_of_include(name):
        parts = name.split("/")
        if parts[0] == "doppio" and len(parts) == 2:
            return UMBRELLA if parts[1] == UMBRELLA else owner.get(parts[1], f"unknown {name}")
        if parts[0] == "src" and len(parts) > 2:
            return parts[1]
        if parts[0] == "ops" and len(parts) > 2:
            return "ops/" + parts[1]
        return parts[0] if parts[0] in TOPS + ["tests"] and len(parts) > 1 else None

    def may_use(room):
        if room == UMBRELLA:
            return {name for name in PLAN if not name.startswith("ops")}
        if room.startswith("ops/"):
            return below(room, {**declared, room: declared.get(room, OF_EVERY_FAMILY)})
        return below(room, declared) if room in declared else {room}

    for path in files(root, ["include", "src", "ops"]):
        room = room_of(path)
        if room is None:
            continue
        for number, name, _ in includes(path):
            other = room_of_include(name)
            where = f"{path.relative_to(root)}:{number}"
            if other is None:
                continue
            if path.relative_to(root).parts[0] == "include" and not name.startswith("doppio/"):
                problems.append(f"{where}: a public header includes the private {name}")
            elif other not in may_use(room):
                problems.append(f"{where}: {room} must not use {other} ({name})")

    for path in files(root, TOPS):
        top = path.relative_to(root).parts[0]
        for number, name, _ in includes(path):
            other = room_of_include(name)
            private = name.startswith(("src/", "ops/")) and top != "bench"
            if private or (other in TOPS + ["tests"] and other != top):
                problems.append(f"{path.relative_to(root)}:{number}: {top} must not include {name}")
    return problems


_HOUSE = {
    "src/base/CMakeLists.txt": "doppio_room(base PUBLIC_HEADERS status.h)\n",
    "src/tensor/CMakeLists.txt": "doppio_room(tensor\n  PUBLIC_HEADERS tensor.h  # values\n"
                                 "  DEPENDS base)\n",
    "src/dnn/CMakeLists.txt": "doppio_room(dnn DEPENDS tensor LINK_PRIVATE DNNL OPENMP x.cc)\n",
    "src/operator/CMakeLists.txt": "doppio_room(operator PUBLIC_HEADERS schema.h DEPENDS tensor)\n",
    "src/graph/CMakeLists.txt": "doppio_room(graph DEPENDS operator proto)\n",
    "src/runtime/CMakeLists.txt": "doppio_room(runtime PUBLIC_HEADERS net.h DEPENDS graph)\n",
    "include/doppio/status.h": "",
    "include/doppio/tensor.h": "#include \"doppio/status.h\"\n",
    "include/doppio/schema.h": "#include \"doppio/tensor.h\"\n",
    "include/doppio/net.h": "",
    "include/doppio/doppio.h": "#include \"doppio/net.h\"\n",
    "src/precompiled.h": "#include \"doppio/schema.h\"\n",
    "src/graph/ssa.cc": "#include \"doppio/schema.h\"\n#include \"doppio/net.pb.h\"\n",
    "ops/shape/expand.cc": "#include \"ops/shape/shape.h\"\n#include \"doppio/schema.h\"\n",
    "ops/nn/family.cmake": "# In oneDNN.\nset(DEPENDS dnn)\n",
    "ops/nn/fc.cc": "#include \"src/dnn/gemm.h\"\n",
    "ops/control/family.cmake": "set(DEPENDS runtime)\n",
    "ops/control/if.cc": "#include \"doppio/net.h\"\n",
    "tools/command/main.cc": "#include <doppio/doppio.h>\n",
}
GOOD = [_HOUSE]
BAD = [
    ({**_HOUSE, "src/tensor/tensor.cc": "\n#include \"doppio/schema.h\"\n"},
     "src/tensor/tensor.cc:2: tensor must not use operator (doppio/schema.h)"),
    ({**_HOUSE, "src/tensor/CMakeLists.txt": "doppio_room(tensor DEPENDS base runtime)\n"},
     "src/tensor/CMakeLists.txt: tensor must not use runtime"),
    ({**_HOUSE, "include/doppio/status.h": "#include <doppio/doppio.h>\n"},
     "base must not use doppio.h"),
    ({**_HOUSE, "include/doppio/stray.h": ""}, "stray.h: belongs to no room"),
    ({**_HOUSE, "src/base/CMakeLists.txt": "doppio_room(base PUBLIC_HEADERS status.h gone.h)\n"},
     "no header include/doppio/gone.h"),
    ({**_HOUSE, "ops/shape/expand.cc": "#include \"doppio/net.h\"\n"},
     "ops/shape must not use runtime"),
    ({**_HOUSE, "ops/shape/expand.cc": "#include \"ops/fill/fill.h\"\n"},
     "ops/shape must not use ops/fill"),
    ({**_HOUSE, "ops/shape/family.cmake": "set(DEPENDS runtime)\n"},
     "ops/shape must not use runtime"),
    ({**_HOUSE, "ops/shape/expand.cc": "#include \"src/dnn/gemm.h\"\n"},
     "ops/shape must not use dnn"),
    ({**_HOUSE, "ops/control/family.cmake": ""}, "ops/control must not use runtime"),
    ({**_HOUSE, "src/dnn/gemm.cc": "#include \"doppio/schema.h\"\n"},
     "dnn must not use operator"),
    ({**_HOUSE, "src/dnn/CMakeLists.txt": "doppio_room(dnn DEPENDS operator)\n"},
     "src/dnn/CMakeLists.txt: dnn must not use operator"),
    ({**_HOUSE, "include/doppio/net.h": "#include \"src/graph/ssa.h\"\n"},
     "a public header includes the private src/graph/ssa.h"),
    ({**_HOUSE, "src/graph/ssa.cc": "#include \"ops/shape/shape.h\"\n"},
     "graph must not use ops/shape"),
    ({**_HOUSE, "src/base/x.cc": "#include \"tools/command/table.h\"\n"},
     "base must not use tools"),
    ({**_HOUSE, "tools/command/main.cc": "#include \"src/graph/ssa.h\"\n"},
     "tools must not include src/graph/ssa.h"),
    ({**_HOUSE, "src/base/x.cc": "#include \"doppio/nosuch.h\"\n"}, "unknown doppio/nosuch.h"),
]
