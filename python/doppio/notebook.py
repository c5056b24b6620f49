"""What notebooks are given to show: pictures and tables."""

from __future__ import annotations

import html
import shutil
import subprocess
from collections.abc import Iterable, Sequence

__all__ = ["svg_of_dot", "html_table", "shortened", "MOST_ROWS"]

# Rows of a table; what is beyond is only counted.
MOST_ROWS = 200


def svg_of_dot(dot: str) -> str | None:
    """A graph in Graphviz's language as a picture; None where there is no program `dot`."""
    if shutil.which("dot") is None:
        return None
    drawn = subprocess.run(["dot", "-Tsvg"], input=dot.encode(), check=False,
                           stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    return drawn.stdout.decode() if drawn.returncode == 0 else None


def html_table(caption: str, titles: Sequence[str], rows: Iterable[Sequence[str]],
               count: int) -> str:
    """A table whose cells are text; `count` says how many rows there would be in all."""
    lines = [f"<table><caption>{html.escape(caption)}</caption>",
             "<tr>" + "".join(f"<th>{html.escape(title)}</th>" for title in titles) + "</tr>"]
    lines += ["<tr>" + "".join(f"<td>{html.escape(cell)}</td>" for cell in row) + "</tr>"
              for row in rows]
    if count > MOST_ROWS:
        lines.append(f'<tr><td colspan="{len(titles)}">... and {count - MOST_ROWS} more</td></tr>')
    return "\n".join([*lines, "</table>"])


def shortened(value: object) -> str:
    """The value as text that fits into a cell."""
    text = str(value)
    return text if len(text) <= 60 else text[:57] + "..."
