"""What notebooks show."""

import shutil
import xml.dom.minidom

import numpy as np
import pytest

import doppio


def net_of(count):
    net = doppio.Net("demo <&>")
    for k in range(count):
        net.Relu(f"X{k}", name=f"X{k + 1}")
    return net


@pytest.mark.skipif(shutil.which("dot") is None, reason="Graphviz (dot) is not installed")
def test_a_net_is_a_picture():
    picture = xml.dom.minidom.parseString(net_of(2)._repr_svg_())
    texts = {node.firstChild.data for node in picture.getElementsByTagName("text")}
    assert {"Relu", "X0", "X1", "X2"} <= texts


def test_a_net_without_graphviz_is_a_table(monkeypatch):
    monkeypatch.setenv("PATH", "")
    net = net_of(2)
    assert net._repr_svg_() is None
    assert "<td>Relu</td><td>X0</td><td>X1</td>" in net._repr_html_()
    assert "demo &lt;&amp;&gt;" in net._repr_html_()


def test_a_large_net_is_a_table_that_is_cut():
    net = net_of(400)
    assert net._repr_svg_() is None
    assert net._repr_html_().count("<tr>") == 202 and "200 more" in net._repr_html_()


def test_a_workspace_is_a_table():
    ws = doppio.Workspace()
    ws["<X>"] = np.float32([[0.5, 2], [3, 4]])
    ws["long"] = np.arange(100)
    ws["name"] = [b"a"]
    ws.create_blob("empty")
    table = ws._repr_html_()
    assert "<td>&lt;X&gt;</td><td>float</td><td>[2, 2]</td><td>0.5, 2, 3, 4</td>" in table
    assert "0, 1, 2, 3, 4, 5, ..." in table and "b&#x27;a&#x27;" in table and "empty" in table
    ws.close()
    assert "closed" in ws._repr_html_()
