"""Runs the examples of a page of documentation, and compares what they print with the page.

A block that begins with ```console holds commands, on lines that begin with "$ ", each followed by
what it prints (output and errors together). In that, "..." stands for anything, within a line or, on
a line of its own, for any lines. Commands of one page run in one new folder, one after the other, in
which `examples` and `doppio` are what a reader has at hand.

After a line "<!-- numbers vary -->", numbers may be others, and lines in another order.

A block that follows a line "<!-- file: PATH -->" must be that file of the project, to the letter.
"""

import argparse
import os
import pathlib
import re
import subprocess
import sys
import tempfile


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


def check_page(page, source, build):
    """Returns a list of complaints."""
    complaints = []
    text = page.read_text(encoding="utf-8")
    with tempfile.TemporaryDirectory() as folder:
        os.symlink(source / "examples", pathlib.Path(folder) / "examples")
        os.symlink(build / "lib", pathlib.Path(folder) / "lib")
        path = f"{build / 'bin'}{os.pathsep}{os.environ['PATH']}"
        environment = {**os.environ, "PATH": path, "COLUMNS": "80"}
        for language, before, lines in blocks(text):
            named = re.fullmatch(r"<!-- file: (\S+) -->", before)
            if named:
                content = (source / named.group(1)).read_text(encoding="utf-8")
                if content.rstrip("\n") != "\n".join(lines).rstrip("\n"):
                    complaints.append(f"the block is not the file {named.group(1)}")
            if language != "console":
                continue
            for command, expected in commands(lines):
                done = subprocess.run(["bash", "-c", command], cwd=folder, env=environment, text=True,
                                      stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                      stderr=subprocess.STDOUT, timeout=100, check=False)
                if not matches(expected, done.stdout, before == "<!-- numbers vary -->"):
                    complaints.append(f"$ {command}\nprints\n{done.stdout}\nbut the page says\n" +
                                      "\n".join(expected))
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
    arguments = parser.parse_args()
    if arguments.self_test:
        self_test()
        return
    complaints = check_page(arguments.page, arguments.source, arguments.build)
    if complaints:
        sys.exit("\n\n".join(complaints))
    print(f"every example of {arguments.page.name} prints what the page says")


if __name__ == "__main__":
    main()
