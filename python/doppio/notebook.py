"""How nets and workspaces show themselves in a notebook."""

from __future__ import annotations

import html
import shutil
import subprocess
from typing import TYPE_CHECKING

from doppio import _core

if TYPE_CHECKING:
    from doppio.net import Net
    from doppio.workspace import Workspace

__all__ = ["svg_of_net", "html_of_net", "html_of_workspace"]

# A picture of more operators than this takes Graphviz too long to be waited for, and shows nothing.
MOST_OPERATORS = 300
MOST_ROWS = 200


def svg_of_net(net: Net) -> str | None:
    """The net as a picture, drawn by Graphviz; None where there is no program `dot`, or where the
    net is too large for a picture (notebooks then show the table)."""
    if len(net) > MOST_OPERATORS or shutil.which("dot") is None:
        return None
    drawn = subprocess.run(["dot", "-Tsvg"], input=_core.dot_of_net(net).encode(), check=False,
                           stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    return drawn.stdout.decode() if drawn.returncode == 0 else None


def html_of_net(net: Net) -> str:
    """The operators of a net as a table."""
    rows = [[str(i), op.type, ", ".join(op.inputs), ", ".join(op.outputs),
             ", ".join(f"{name}={_short(value)}" for name, value in op.args.items())]
            for i, op in zip(range(MOST_ROWS), net.ops)]
    return _table(f"net {net.name}", ["", "operator", "inputs", "outputs", "arguments"], rows,
                  len(net))


def html_of_workspace(workspace: Workspace) -> str:
    """The blobs of a workspace as a table: type, shape and the first values."""
    if workspace.closed:
        return "<p>a workspace that was closed</p>"
    names = workspace.blob_names()
    rows = []
    for name in names[:MOST_ROWS]:
        info = workspace.info(name)
        if info.shape is None or info.dtype in (None, "undefined"):
            rows.append([name, info.type, "", ""])
        else:
            rows.append([name, str(info.dtype), str(list(info.shape)), _values(workspace, name)])
    return _table("workspace", ["blob", "type", "shape", "values"], rows, len(names))


def _values(workspace: Workspace, name: str) -> str:
    try:
        array = workspace.fetch(name)
    except RuntimeError:
        return "(in use)"
    first = ", ".join(f"{value:.6g}" if array.dtype.kind == "f" else str(value)
                      for value in array.flat[:6])
    return first + (", ..." if array.size > 6 else "")


def _short(value: object) -> str:
    text = str(value)
    return text if len(text) <= 60 else text[:57] + "..."


def _table(caption: str, titles: list[str], rows: list[list[str]], count: int) -> str:
    lines = [f"<table><caption>{html.escape(caption)}</caption>",
             "<tr>" + "".join(f"<th>{html.escape(title)}</th>" for title in titles) + "</tr>"]
    lines += ["<tr>" + "".join(f"<td>{html.escape(cell)}</td>" for cell in row) + "</tr>"
              for row in rows]
    if count > len(rows):
        lines.append(f'<tr><td colspan="{len(titles)}">... and {count - len(rows)} more</td></tr>')
    return "\n".join([*lines, "</table>"])
