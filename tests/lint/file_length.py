"""No file above 600 lines: a longer one holds two things."""

from source import files

LIMIT = 600
FOLDERS = ["include", "src", "ops", "proto", "tools", "tests", "bench", "python", "examples",
           "cmake"]
SUFFIXES = (".h", ".cc", ".py", ".proto", ".cmake", ".txt", ".sh", "")


def check(root):
    problems = []
    for path in files(root, FOLDERS, SUFFIXES):
        try:
            lines = path.read_text(encoding="utf-8").count("\n")
        except UnicodeDecodeError:
            continue
        if lines > LIMIT:
            problems.append(f"{path.relative_to(root)}: {lines} lines, above {LIMIT}")
    return problems


GOOD = [{"src/base/a.cc": "x\n" * 600, "docs/long.md": "x\n" * 601}]
BAD = [
    ({"src/base/a.cc": "x\n" * 601}, "src/base/a.cc: 601 lines, above 600"),
    ({"tools/setup": "x\n" * 601}, "tools/setup: 601 lines"),
]
