"""What else may be loaded into the same process: plug-ins with operators, protobuf, caffe2's own
classes, PyTorch. Each case in a process of its own, in both orders."""

import importlib.util
import shutil
import subprocess
import sys
import textwrap

import pytest

RUN_SCALED_SQUARE = """
    net = doppio.Net("square").add("ScaledSquare", "X", "Y", scale=0.5)
    ws = doppio.Workspace()
    ws["X"] = np.float32([1, 2, 4])
    ws.run(net)
    assert ws["Y"].tolist() == [0.5, 2, 8], ws["Y"]
"""


def run(*parts):
    program = "import numpy as np\n" + "\n".join(textwrap.dedent(part) for part in parts)
    done = subprocess.run([sys.executable, "-B", "-c", program], capture_output=True, text=True,
                          check=False)
    assert done.returncode == 0, f"{done.returncode}\n{done.stdout}{done.stderr}"
    return done.stdout


@pytest.fixture(scope="module")
def plug_in(build_dir):
    path = build_dir / "lib" / "scaled_square.so"
    if not path.exists():
        pytest.skip(f"{path} was not built (target scaled_square)")
    return f'added = doppio.load_library("{path}")\n'


def test_a_plug_in_brings_its_operators(plug_in):
    run("import doppio", plug_in, """
        assert added == ["ScaledSquare", "ScaledSquareGradient"], added
        assert "ScaledSquare" in doppio.operators and doppio.operators["ScaledSquare"].has_gradient
        net = doppio.Net("n")
        assert net.ScaledSquare("X", name="Y", scale=2) == "Y"
        assert doppio.gradient(net, of="Y")["X"] == "X_grad"
        """, RUN_SCALED_SQUARE, plug_in, "assert added == [], added")


def test_a_file_that_is_no_plug_in_is_refused(tmp_path):
    (tmp_path / "no.so").write_text("nothing")
    run("import doppio", f"""
        for path, kind in (("{tmp_path}/no.so", ValueError), ("{tmp_path}/none.so", KeyError)):
            try:
                doppio.load_library(path)
            except kind as error:
                assert path in str(error), error
            else:
                raise AssertionError(path)
        """)


PROTO = """
    from doppio import net_pb2
    made = net_pb2.NetDef(name="demo")
    made.op.add(type="Relu", input=["X"], output=["Y"])
"""


@pytest.mark.parametrize("implementation", ["cpp", "python"])
@pytest.mark.parametrize("order", ["doppio first", "protobuf first"])
def test_proto_classes_and_the_module_share_a_process(order, implementation, monkeypatch):
    monkeypatch.setenv("PROTOCOL_BUFFERS_PYTHON_IMPLEMENTATION", implementation)
    # Importing doppio loads the C++ half; protobuf first is protobuf's own library, then the half.
    first = "import doppio\n" if order == "doppio first" else "import google.protobuf.message\n"
    run(first, PROTO, """
        import doppio
        net = doppio.Net(proto=made)
        assert str(net.ops) == "[Relu(X) -> Y]"
        assert net.to_proto() == made
        ws = doppio.Workspace()
        ws["X"] = np.float32([-1, 1])
        ws.run_once(made)
        assert ws["Y"].tolist() == [0, 1]
        try:
            net_pb2.NetDef.FromString(b"no message")
        except Exception as error:
            assert type(error).__name__ == "DecodeError"
        """)


@pytest.fixture(scope="module")
def caffe2_pb2(tmp_path_factory, source_dir):
    """Caffe2's classes as an installed caffe2 has them: the same messages in package caffe2."""
    protoc = shutil.which("protoc")
    if protoc is None:
        pytest.skip("there is no protoc (package protobuf-compiler)")
    folder = tmp_path_factory.mktemp("caffe2")
    (folder / "caffe2" / "proto").mkdir(parents=True)
    text = (source_dir / "proto" / "doppio" / "net.proto").read_text().replace(
        "package doppio;", "package caffe2;")
    (folder / "caffe2" / "proto" / "caffe2.proto").write_text(text)
    subprocess.run([protoc, f"--proto_path={folder}", f"--python_out={folder}",
                    folder / "caffe2" / "proto" / "caffe2.proto"], check=True)
    return f'import sys\nsys.path.insert(0, "{folder}")\nfrom caffe2.proto import caffe2_pb2\n'


@pytest.mark.parametrize("order", ["doppio first", "caffe2 first"])
def test_classes_of_caffe2_do_not_clash(order, caffe2_pb2):
    parts = [caffe2_pb2, "import doppio", PROTO]
    run(*(parts[1:] + parts[:1] if order == "doppio first" else parts), """
        old = caffe2_pb2.NetDef.FromString(made.SerializeToString())
        assert type(old) is not type(made) and old.op[0].type == "Relu"
        assert doppio.Net(proto=old).to_proto() == made
        """)


@pytest.mark.skipif(importlib.util.find_spec("torch") is None, reason="PyTorch is not installed")
@pytest.mark.parametrize("order", ["doppio first", "torch first"])
def test_pytorch_works_beside_a_plug_in(order, plug_in):
    torch = """
        import torch
        x = torch.ones(2, 3, requires_grad=True)
        (torch.nn.functional.relu(x) @ torch.ones(3, 2)).sum().backward()
        assert x.grad.tolist() == [[2] * 3] * 2
        torch.jit.script(torch.nn.Linear(2, 2))(torch.ones(1, 2))
    """
    parts = ["import doppio\n" + plug_in, torch]
    run(*(parts if order == "doppio first" else parts[::-1]), RUN_SCALED_SQUARE)
