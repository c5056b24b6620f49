"""Every source includes what it uses of the public headers and of the libraries below: its own
includes, and what those of this project include, must lead there. Precompiled headers and sources that
are compiled together with it would hide that something is missing; a build with
-DDOPPIO_PRECOMPILE=OFF, which has neither, would find it too, but it takes minutes.

What a source uses is told by names: of a public header those that it defines, of other
libraries' those below.
"""

import functools
import re

from source import code_lines, files, includes

# Folder of sources -> what is precompiled for them.
PRECOMPILED = {"src": "src/precompiled.h", "ops": "src/precompiled.h", "tests": "tests/precompiled.h"}
# Programs of their own, which are compiled without.
ALONE = ("tests/compile_fail/", "tests/headers/", "tests/link/")

LIBRARIES = {
    "algorithm": r"std::(sort|stable_sort|min_element|max_element|minmax_element|fill_n?|copy_n|"
                 r"equal|find_if|any_of|all_of|none_of|count_if|count|transform|reverse|rotate|"
                 r"lower_bound|upper_bound|nth_element|partial_sort|remove_if|unique|clamp)\(",
    "array": r"std::array<",
    "atomic": r"std::atomic(_\w+)?\b",
    "chrono": r"std::chrono::",
    "condition_variable": r"std::condition_variable\b",
    "cstring": r"std::(memcpy|memset|memmove|memcmp|strlen|strcmp|strerror)\(",
    "deque": r"std::deque<",
    "fstream": r"std::[io]?fstream\b",
    "iostream": r"std::(cout|cerr|cin)\b",
    "mutex": r"std::(mutex|lock_guard|unique_lock|once_flag|call_once)\b",
    "numeric": r"std::(accumulate|iota|partial_sum|inner_product)\(",
    "sstream": r"std::[io]?stringstream\b",
    "thread": r"std::(thread\b|this_thread::)",
    "tuple": r"std::(tuple<|make_tuple\(|tie\()",
    "cmath": r"std::(sqrt|exp|log|pow|fabs|isnan|isfinite|isinf|floor|ceil|round|tanh|sin|cos)\(",
    "functional": r"std::(function|hash|less|greater|plus)<",
    "limits": r"std::numeric_limits\b",
    "map": r"std::(multi)?map<",
    "memory": r"std::(unique_ptr|shared_ptr|weak_ptr|make_unique|make_shared)\b",
    "optional": r"std::(optional\b|nullopt\b|make_optional\b)",
    "random": r"std::(mt19937(_64)?|\w+_distribution)\b",
    "set": r"std::(multi)?set<",
    "string": r"std::(string|to_string)\b",
    "vector": r"std::vector\b",
    "absl/strings/ascii.h": r"absl::(Ascii\w+|ascii_\w+|StripAsciiWhitespace)\b",
    "absl/strings/match.h": r"absl::(StartsWith|EndsWith|StrContains|EqualsIgnoreCase|"
                            r"StartsWithIgnoreCase|EndsWithIgnoreCase)\b",
    "absl/strings/str_cat.h": r"absl::(StrCat|StrAppend)\b",
    "absl/strings/str_join.h": r"absl::StrJoin\b",
    "absl/strings/strip.h": r"absl::(ConsumePrefix|ConsumeSuffix|StripPrefix|StripSuffix)\b",
    "gtest/gtest.h": r"\b(TEST|TEST_F|TEST_P|(EXPECT|ASSERT)_(EQ|NE|TRUE|FALSE|LT|GT|LE|GE))\(",
    "gmock/gmock.h": r"\b((EXPECT|ASSERT)_THAT|MATCHER(_P\d?)?)\(",
}
# What one header promises for another: gmock.h that it includes gtest.h, and so on.
PROMISED = {"gtest/gtest.h": ["gmock/gmock.h"], "absl/strings/str_cat.h": ["absl/strings/str_join.h"],
            "string": ["absl/strings/string_view.h"]}

DEFINED = [
    re.compile(r"^#\s*define\s+(DOPPIO_\w+)"),
    re.compile(r"^(?:class|struct|enum class) (\w+)(?: final)?(?: :.*)? \{"),
    re.compile(r"^using (\w+) ="),
    re.compile(r"^(?!using\b|#|return\b|class\b|struct\b)[A-Za-z_][\w:<>,&* ]*?[ &*](\w+)\([^=]*$"),
]


def names_of(path):
    """What a public header defines in its namespaces: types, functions, macros."""
    names = set()
    for line in code_lines(path):
        for pattern in DEFINED:
            match = pattern.match(line)
            if match:
                names.add(match.group(1))
    return names
# Members and parameters of macros, which may have a name that a public header has too.
MEMBERS = [re.compile(r"^ +(?!return\b)(?:[\w:<>,*&]+ )+[*&]?(\w+)\("), re.compile(r"^\w[^(]*::(\w+)\(")]


@functools.lru_cache(maxsize=None)
def members_of(path):
    """What a file declares within its classes, and the parameters of its macros."""
    members = set()
    for line in code_lines(path):
        members.update(match.group(1) for match in map(lambda p: p.match(line), MEMBERS) if match)
        if line.startswith("#define"):
            members.update(re.findall(r"\w+", line))
    return members


def check(root):
    @functools.lru_cache(maxsize=None)
    def includes_of(name):
        path = root / name
        return tuple(included for _, included, _ in includes(path)) if path.is_file() else ()

    def place(included):
        return f"include/{included}" if included.startswith("doppio/") else included

    @functools.lru_cache(maxsize=None)
    def reached(name):
        """All that is included from a file, by way of this project's files."""
        found, todo = set(), [name]
        while todo:
            for included in includes_of(todo.pop()):
                if included not in found:
                    found.add(included)
                    todo.append(place(included))
        return found

    owners = {}  # of names: the public headers that define them
    for path in files(root, ["include"], (".h",)):
        header = str(path.relative_to(root)).removeprefix("include/")
        for name in names_of(path):
            owners.setdefault(name, []).append(header)

    of_libraries = {header: re.compile(pattern) for header, pattern in LIBRARIES.items()}
    problems = []
    for folder, precompiled in PRECOMPILED.items():
        for path in files(root, [folder]):
            name = str(path.relative_to(root))
            if name == precompiled or name.startswith(ALONE):
                continue
            text = "\n".join(code_lines(path))
            own = reached(name)
            defined = names_of(path) | set(re.findall(r"\busing (\w+) =", text))
            for file in [name, *own]:
                if (root / file).is_file():  # not a public header: those are found below include
                    defined |= members_of(root / file)
            missing = set()
            for header, pattern in of_libraries.items():
                if pattern.search(text) and not own & {header, *PROMISED.get(header, [])}:
                    missing.add(header)
            for word in (set(re.findall(r"\w+", text)) & set(owners)) - defined:
                headers = owners[word]
                # A word after a point or arrow is a member's name.
                if not own & set(headers) and re.search(rf"(?<![\w.>]){word}\b", text):
                    missing.add(f"{headers[0]} (for {word})")
            problems += [f"{name}: uses but does not include {header}" for header in sorted(missing)]
    return problems


_TREE = {
    "src/precompiled.h": '#include <algorithm>\n#include "doppio/net.h"\n',
    "include/doppio/net.h": "#define DOPPIO_NET 1\nclass Net {\n};\nNet MakeNet(int size);\n",
    "include/doppio/plan.h": "Plan MakePlan(int size);\n",
    "src/a/own.h": '#include <algorithm>\n#include "doppio/net.h"\n',
}
GOOD = [
    {**_TREE, "src/a/a.cc": "class A {\n  Plan MakePlan(int);\n};\nPlan A::MakePlan(int) { return MakePlan(1); }\n"},
    {**_TREE, "src/a/a.cc": '#include "src/a/own.h"\nint n = std::sort(MakeNet(1));\n'},
    {**_TREE, "src/a/a.cc": "int Net(int size) { return a.MakeNet(size); }\n"},
]
BAD = [
    ({**_TREE, "src/a/a.cc": "auto plan = MakePlan(1);\n"},
     "src/a/a.cc: uses but does not include doppio/plan.h (for MakePlan)"),
    ({**_TREE, "src/a/a.cc": "std::thread::id id;\n"}, "src/a/a.cc: uses but does not include thread"),
    ({**_TREE, "src/a/a.cc": "int n = std::sort(a, b);\n"},
     "src/a/a.cc: uses but does not include algorithm"),
    ({**_TREE, "ops/a/a.cc": "auto net = MakeNet(1);\n"},
     "ops/a/a.cc: uses but does not include doppio/net.h (for MakeNet)"),
    ({**_TREE, "ops/a/a.cc": "int n = DOPPIO_NET;\n"},
     "ops/a/a.cc: uses but does not include doppio/net.h (for DOPPIO_NET)"),
]
