"""What the lints share: finding the sources of a tree, and reading C++ without comments."""

import re

CODE = (".h", ".cc")


def files(root, folders, suffixes=CODE):
    """The files below root/<folder> with one of the suffixes, as sorted Paths."""
    found = []
    for folder in folders:
        for path in sorted((root / folder).rglob("*")):
            if path.suffix in suffixes and path.is_file():
                found.append(path)
    return found


_SKIPPED = re.compile(
    r'//[^\n]*|/\*.*?\*/|R"(?P<tag>[^(\s]*)\(.*?\)(?P=tag)"|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])+\'',
    re.DOTALL,
)


def code_lines(path):
    """The lines of a C++ file with comments and the insides of literals blanked out."""

    def blank(match):
        text = match.group(0)
        if text.startswith("/"):
            return re.sub(r"[^\n]", " ", text)
        return text[0] + re.sub(r"[^\n]", " ", text[1:-1]) + text[-1]

    # 1'000'000 is a number, not the start of a character.
    text = re.sub(r"(?<=\d)'(?=\d)", "", path.read_text(encoding="utf-8"))
    return _SKIPPED.sub(blank, text).split("\n")


def includes(path):
    """(line number, included name, quoted) of each #include."""
    for number, line in enumerate(path.read_text(encoding="utf-8").split("\n"), 1):
        match = re.match(r'\s*#\s*include\s*(["<])([^">]+)[">]', line)
        if match:
            yield number, match.group(2), match.group(1) == '"'


def unused(allowed, seen, lint):
    """Problems for entries of an allow-list that allow nothing any more."""
    return [f"tests/lint/{lint}.py: allows {entry}, which is not there" for entry in sorted(allowed)
            if entry not in seen]
