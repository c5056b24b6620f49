"""Runs one lint: run.py NAME ROOT looks at a tree; run.py NAME --self-test holds the lint against
its own examples, which stand in its GOOD and BAD: trees that it must pass, and trees that it must
fail with a certain message. Prints a line for each problem; exit code 1 when there is one.

Only modules of Debian's python3-minimal are used.
"""

import importlib
import pathlib
import sys
import tempfile


def plant(tree, folder):
    for name, text in tree.items():
        path = pathlib.Path(folder) / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return pathlib.Path(folder)


def self_test(lint):
    # The allow-list is about the real tree; the examples are looked at without it.
    arguments = ({},) if hasattr(lint, "ALLOWED") else ()
    problems = []
    for tree in lint.GOOD:
        with tempfile.TemporaryDirectory() as folder:
            for problem in lint.check(plant(tree, folder), *arguments):
                problems.append(f"a good example fails: {problem}")
    for tree, expected in lint.BAD:
        with tempfile.TemporaryDirectory() as folder:
            found = lint.check(plant(tree, folder), *arguments)
            if not any(expected in problem for problem in found):
                problems.append(f"a bad example passes: expected '{expected}', got {found}")
    if hasattr(lint, "ALLOWED"):
        with tempfile.TemporaryDirectory() as folder:
            stale = lint.check(pathlib.Path(folder), {("src/gone.cc", "gone"): "gone"})
            if not any("which is not there" in problem for problem in stale):
                problems.append("an allow-list entry without a use passes")
    return problems


def main():
    name, where = sys.argv[1:]
    lint = importlib.import_module(name)
    if where == "--self-test":
        problems = self_test(lint)
    else:
        problems = lint.check(pathlib.Path(where).resolve())
    for problem in problems:
        print(problem)
    print(f"{name}: {len(problems)} problem(s)")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
