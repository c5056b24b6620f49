"""Every source includes what it uses of that which is precompiled: its own includes, and what those of
this project include, must lead there. A build with -DDOPPIO_PRECOMPILE=OFF would find it too, but it
takes minutes.

What a source uses is told by names: of a public header those that it defines, of other libraries' those
below.
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

    public = {f"doppio/{path.name}": names_of(path) for path in files(root, ["include"], (".h",))}
    owners = {}
    for header, names in public.items():
        for name in names:
            owners.setdefault(name, []).append(header)

    problems = []
    for folder, precompiled in PRECOMPILED.items():
        there = reached(precompiled)
        of_libraries = {header: re.compile(pattern) for header, pattern in LIBRARIES.items()
                        if header in there or any(p in there for p in PROMISED.get(header, []))}
        of_project = {name: headers for name, headers in owners.items()
                      if all(header in there for header in headers)}
        for path in files(root, [folder]):
            name = str(path.relative_to(root))
            if name == precompiled or name.startswith(ALONE):
                continue
            text = "\n".join(code_lines(path))
            own = reached(name)
            defined = names_of(path) | set(re.findall(r"\busing (\w+) =", text))
            missing = set()
            for header, pattern in of_libraries.items():
                if pattern.search(text) and not own & {header, *PROMISED.get(header, [])}:
                    missing.add(header)
            for word in (set(re.findall(r"\w+", text)) & set(of_project)) - defined:
                headers = of_project[word]
                # A word after a point or arrow is a member's name.
                if not own & set(headers) and re.search(rf"(?<![\w.>]){word}\b", text):
                    missing.add(f"{headers[0]} (for {word})")
            problems += [f"{name}: uses but does not include {header}" for header in sorted(missing)]
    return problems


_TREE = {
    "src/precompiled.h": '#include <algorithm>\n#include "doppio/net.h"\n',
    "include/doppio/net.h": "#define DOPPIO_NET 1\nclass Net {\n};\nNet MakeNet(int size);\n",
    "src/a/own.h": '#include <algorithm>\n#include "doppio/net.h"\n',
}
GOOD = [
    {**_TREE, "src/a/a.cc": '#include "src/a/own.h"\nint n = std::sort(MakeNet(1));\n'},
    {**_TREE, "src/a/a.cc": "int Net(int size) { return a.MakeNet(size); }\n"},
]
BAD = [
    ({**_TREE, "src/a/a.cc": "int n = std::sort(a, b);\n"},
     "src/a/a.cc: uses but does not include algorithm"),
    ({**_TREE, "ops/a/a.cc": "auto net = MakeNet(1);\n"},
     "ops/a/a.cc: uses but does not include doppio/net.h (for MakeNet)"),
    ({**_TREE, "ops/a/a.cc": "int n = DOPPIO_NET;\n"},
     "ops/a/a.cc: uses but does not include doppio/net.h (for DOPPIO_NET)"),
]
