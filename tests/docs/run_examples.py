"""Runs the examples of a page of documentation, and compares what they print with the page.

A block that begins with ```console holds commands, on lines that begin with "$ ", each followed by
what it prints (output and errors together). In that, "..." stands for anything, within a line or, on
a line of its own, for any lines. Commands of one page run in one new folder, one after the other, in
which `examples` and `doppio` are what a reader has at hand.

After a line "<!-- numbers vary -->", numbers may be others, and lines in another order.

Blocks that begin with ```python are run too, in the same folder and in one interpreter for the page,
so that a block goes on where the last one ended. One with ">>> " is a doctest, whose output is
compared as doctest does it; "..." stands for anything there too. Other blocks must not fail. After a
line "<!-- not run -->" a block is only looked at: it must be Python.

A block that follows a line "<!-- file: PATH -->" must be that file of the project, to the letter.
"""

import argparse
import doctest
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import traceback


def blocks(text):
    """Yields (language, preceding line, lines) of every fenced block."""
    lines = text.split("\n")
    before, i = "", 0
    while i < len(lines):
        opening = re.fullmatch(r"```(\w*)", lines[i])
        if not opening:
            before = lines[i] or before
            i += 1
            continue
        end = lines.index("```", i + 1)
        yield opening.group(1), before, lines[i + 1:end]
        before, i = "", end + 1


def commands(lines):
    """Yields (command, expected output) of a console block."""
    command, expected = None, []
    for line in lines:
        if line.startswith("$ "):
            if command is not None:
                yield command, expected
            command, expected = line[2:], []
        elif command is not None and command.endswith("\\"):
            command = command[:-1] + line.strip()
        else:
            expected.append(line)
    if command is not None:
        yield command, expected


def without_numbers(lines):
    """The lines with every number, unit of time and run of spaces alike, sorted."""
    alike = [re.sub(r"[0-9][0-9.e+-]*( ?[nmu]?s\b)?", "#", line) for line in lines]
    return sorted(" ".join(line.split()) for line in alike)


def matches(expected, printed, numbers_vary=False):
    if numbers_vary:
        return without_numbers(expected) == without_numbers(printed.rstrip("\n").split("\n"))
    pattern = "".join("(?:.*\n)*?" if line.strip() == "..." else
                      ".*?".join(re.escape(part) for part in line.rstrip().split("...")) + r"[ ]*\n"
                      for line in expected)
    text = "".join(line.rstrip() + "\n" for line in printed.split("\n"))
    return re.fullmatch(pattern, text.rstrip("\n") + "\n" if text.strip() else "") is not None


def run_block(text, namespace):
    """Runs one block of Python, and returns what is wrong with it, or nothing."""
    if not re.search(r"^\s*>>> ", text, re.MULTILINE):
        try:
            exec(compile(text, "<the page>", "exec"), namespace)
        except BaseException:
            return f"the block\n{text}\nfails\n{traceback.format_exc()}"
        return ""
    said = []
    test = doctest.DocTestParser().get_doctest(text, namespace, "the page", None, 0)
    doctest.DocTestRunner(optionflags=doctest.ELLIPSIS).run(test, out=said.append, clear_globs=False)
    namespace.update(test.globs)
    return "".join(said)


def serve_python():
    """What runs in the page's interpreter: a line of JSON for each block in, one for each out."""
    out = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what blocks print is no answer
    namespace = {"__name__": "__main__"}
    for line in sys.stdin:
        print(json.dumps(run_block(json.loads(line), namespace)), file=out, flush=True)


class PagePython:
    """The interpreter of a page, started when its first block needs it."""

    def __init__(self, **options):
        self._options = options
        self._process = None

    def run(self, text):
        if self._process is None:
            self._process = subprocess.Popen(
                [sys.executable, "-B", __file__, "--serve-python"], text=True,
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                **self._options)
        try:
            self._process.stdin.write(json.dumps(text) + "\n")
            self._process.stdin.flush()
            answer = self._process.stdout.readline()
        except BrokenPipeError:
            answer = ""
        return json.loads(answer) if answer else f"the block\n{text}\nends the interpreter"

    def close(self):
        if self._process is not None:
            self._process.stdin.close()
            self._process.stdout.close()
            self._process.wait(timeout=30)


def check_python(lines, before, python):
    text = "\n".join(lines) + "\n"
    if before != "<!-- not run -->":
        return python.run(text)
    try:
        compile(text, "<the page>", "exec")
    except SyntaxError as error:
        return f"the block\n{text}\nis no Python: {error}"
    return ""


def check_page(page, source, build):
    """Returns a list of complaints."""
    complaints = []
    text = page.read_text(encoding="utf-8")
    with tempfile.TemporaryDirectory() as folder, tempfile.TemporaryDirectory() as programs:
        os.symlink(source / "examples", pathlib.Path(folder) / "examples")
        os.symlink(build / "lib", pathlib.Path(folder) / "lib")
        # `python3` is the interpreter that the package was built for.
        os.symlink(sys.executable, pathlib.Path(programs) / "python3")
        path = os.pathsep.join([programs, str(build / "bin"), os.environ["PATH"]])
        environment = {**os.environ, "PATH": path, "COLUMNS": "80", "PYTHONPATH": str(build / "python"),
                       "PYTHONNOUSERSITE": "1", "PYTHONDONTWRITEBYTECODE": "1"}
        python = PagePython(cwd=folder, env=environment)
        for language, before, lines in blocks(text):
            named = re.fullmatch(r"<!-- file: (\S+) -->", before)
            if named:
                content = (source / named.group(1)).read_text(encoding="utf-8")
                if content.rstrip("\n") != "\n".join(lines).rstrip("\n"):
                    complaints.append(f"the block is not the file {named.group(1)}")
            if language == "python" and not named:
                complaint = check_python(lines, before, python)
                complaints += [complaint] if complaint else []
            if language != "console":
                continue
            for command, expected in commands(lines):
                done = subprocess.run(["bash", "-c", command], cwd=folder, env=environment, text=True,
                                      stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                      stderr=subprocess.STDOUT, timeout=100, check=False)
                if not matches(expected, done.stdout, before == "<!-- numbers vary -->"):
                    complaints.append(f"$ {command}\nprints\n{done.stdout}\nbut the page says\n" +
                                      "\n".join(expected))
        python.close()
    return complaints


def self_test():
    with tempfile.TemporaryDirectory() as folder:
        root = pathlib.Path(folder)
        (root / "examples").mkdir()
        (root / "lib").mkdir()
        (root / "file.txt").write_text("content\n")
        page = root / "page.md"
        cases = [
            ("```console\n$ echo hello\nhello\n```", 0),
            ("```console\n$ echo hello\ngoodbye\n```", 1),
            ("```console\n$ printf 'a\\nb\\nc\\n'\na\n...\nc\n```", 0),
            ("```console\n$ printf 'a\\nb\\n'\na\n...\nc\n```", 1),
            ("```console\n$ echo took 3 ms\ntook ... ms\n```", 0),
            ("```console\n$ echo one\n$ echo two\ntwo\n```", 1),
            ("```console\n$ true\n```", 0),
            ("<!-- numbers vary -->\n```console\n$ printf 'b 1.5 ms\\na  2\\n'\na 31\nb 7 us\n```", 0),
            ("<!-- numbers vary -->\n```console\n$ echo a 2\nb 2\n```", 1),
            ("<!-- file: file.txt -->\n```text\ncontent\n```", 0),
            ("<!-- file: file.txt -->\n```text\nother\n```", 1),
            ("```sh\n$ false\nnot run\n```", 0),
            ("```console\n$ python3 -c 'import sys; print(sys.version_info[0])'\n3\n```", 0),
            ("```python\nx = 1\n```\n```python\n>>> x + 1\n2\n```", 0),
            ("```python\n>>> x = 1\n```\n```python\nassert x == 1\nprint(x)\n```", 0),
            ("```python\n>>> 1 + 1\n3\n```", 1),
            ("```python\n>>> list(range(99))\n[0, 1, ..., 98]\n```", 0),
            ("```python\nimport nowhere\n```\n```python\n>>> 1\n1\n```", 1),
            ("```python\n>>> 1 / 0\nTraceback (most recent call last):\n    ...\n"
             "ZeroDivisionError: division by zero\n```", 0),
            ("```python\nexit(1)\n```", 1),
            ("```python\nimport os; os._exit(1)\n```", 1),
            ("```python\n_ = open('f', 'w').write('text')\n```\n```console\n$ cat f\ntext\n```", 0),
            ("<!-- not run -->\n```python\nimport nowhere\n```", 0),
            ("<!-- not run -->\n```python\nimport import\n```", 1),
        ]
        for text, complaints in cases:
            page.write_text(text + "\n")
            found = check_page(page, root, root)
            if len(found) != complaints:
                sys.exit(f"expected {complaints} complaints of\n{text}\nbut there are {found}")
    print(f"{len(cases)} pages behave as they should")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("page", nargs="?", type=pathlib.Path)
    parser.add_argument("--source", type=pathlib.Path)
    parser.add_argument("--build", type=pathlib.Path)
    parser.add_argument("--self-test", action="store_true")
    parser.add_argument("--serve-python", action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.serve_python:
        serve_python()
        return
    if arguments.self_test:
        self_test()
        return
    complaints = check_page(arguments.page, arguments.source, arguments.build)
    if complaints:
        sys.exit("\n\n".join(complaints))
    print(f"every example of {arguments.page.name} prints what the page says")


if __name__ == "__main__":
    main()
