"""No two headers define the same class, or the same inline function: the linker would keep one of
them, for the sources of both, and say nothing."""

import re

from source import code_lines, files

CLASS = re.compile(r"^(?:template <.*> )?(?:class|struct|enum class) (\w+)(?: final)?(?: :.*)? \{")
FUNCTION = re.compile(r"^(?:template <.*> )?inline [^=]*?\b(\w+)\(([^()]*)\)")


def signature(parameters):
    """The types of parameters, without their names and defaults."""
    kinds = []
    for parameter in parameters.split(","):
        words = parameter.split("=")[0].strip()
        kinds.append(re.sub(r"(?<=[\s&*])\w+$", "", words).strip())
    return ", ".join(kinds)


def definitions(path):
    """What the header defines at the outermost level, with its lines joined up to a brace."""
    lines = code_lines(path)
    for number, line in enumerate(lines):
        if not re.match(r"(template|inline|class|struct|enum class)\b", line):
            continue
        text = line
        for more in lines[number + 1:number + 8]:
            if "{" in text or ";" in text:
                break
            text += " " + more.strip()
        match = CLASS.match(text)
        if match:
            yield match.group(1)
        match = FUNCTION.match(text)
        if match:
            yield f"{match.group(1)}({signature(match.group(2))})"


def check(root):
    problems = []
    places = {}
    for path in files(root, ["include", "src", "ops"], (".h",)):
        name = path.relative_to(root)
        if name.name.endswith("-inl.h"):  # compiled in a namespace of each target
            continue
        for defined in definitions(path):
            first = places.setdefault(defined, name)
            if first != name:
                problems.append(f"{name}: {defined} is defined in {first} too")
    return problems


GOOD = [{
    "ops/a/x.h": "inline int F(int a) { return a; }\nstruct A {\n  int x;\n};\nclass C;\n",
    "ops/b/x.h": "inline int F(const char* a) { return 1; }\nstruct B {\n  int x;\n};\nclass C;\n",
}]
BAD = [
    ({"ops/a/x.h": "inline int F(int a) { return a; }\n",
      "ops/b/x.h": "inline double F(int b) {\n  return b;\n}\n"},
     "F(int) is defined in ops/a/x.h too"),
    ({"src/a.h": "struct A {\n};\n", "ops/b.h": "struct A : B {\n};\n"},
     "A is defined in src/a.h too"),
    ({"src/a.h": "inline int F(int a,\n             int* b) {\n  return a;\n}\n",
      "ops/b.h": "template <typename T> inline T F(int c, int* d) {\n  return c;\n}\n"},
     "F(int, int*) is defined in src/a.h too"),
]
