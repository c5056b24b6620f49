"""doppio.caffe2_compat.install(), with a small front end that imports as Caffe2's does, each time
in a process of its own."""

import pathlib
import shutil
import subprocess
import sys
import textwrap

import pytest

PROJECT = pathlib.Path(__file__).resolve().parents[2]

FRONT_END = {
    "caffe2/__init__.py": """
        import warnings
        try:
            from caffe2.proto import caffe2_pb2
        except ImportError:
            warnings.warn("no caffe2_pb2")
        """,
    "caffe2/proto/__init__.py": """
        from caffe2.proto import caffe2_pb2, metanet_pb2, torch_pb2
        """,
    "caffe2/python/__init__.py": """
        from caffe2.proto import caffe2_pb2
        caffe2_pb2.CPU = caffe2_pb2.PROTO_CPU
        caffe2_pb2.CUDA = caffe2_pb2.PROTO_CUDA
        """,
    "caffe2/python/_import_c_extension.py": """
        import atexit
        has_gpu_support = False
        try:
            from caffe2.python.caffe2_pybind11_state_gpu import *
            has_gpu_support = True
        except ImportError:
            try:
                from caffe2.python.caffe2_pybind11_state_hip import *
                has_gpu_support = True
            except ImportError:
                from caffe2.python.caffe2_pybind11_state import *
        atexit.register(on_module_exit)
        TensorCPU.shape = property(lambda self: tuple(self._shape))
        TensorCPU.reshape = lambda self, shape: self._reshape(list(shape))
        """,
    "caffe2/python/dyndep.py": """
        import ctypes

        def InitOpsLibrary(path):
            ctypes.CDLL(path)
        """,
    "caffe2/python/workspace.py": """
        import inspect
        import numpy as np
        from past.builtins import basestring
        from future.utils import viewitems
        from caffe2.proto import caffe2_pb2
        import caffe2.python._import_c_extension as C

        FILL = caffe2_pb2.OperatorDef(type="ConstantFill", output=["y"])

        def FeedBlob(name, value):
            assert isinstance(name, basestring) and isinstance(b"", basestring)
            if isinstance(value, np.ndarray) and value.dtype.kind in "SU":
                value = value.astype(np.object)
            return C.Workspace.current.create_blob(name).feed(value)

        def arguments(function):
            return inspect.getargspec(function).args
        """,
}


@pytest.fixture
def front_end(tmp_path):
    for name, source in FRONT_END.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(textwrap.dedent(source))
    return tmp_path


# The package `future`, where it is installed, imports what Python is about to lose.
QUIET = ["-W", "ignore::DeprecationWarning:past.builtins.misc"]


def run(folder, program, *flags):
    """What the program prints, with the folder on sys.path."""
    program = f"import sys\nsys.path.insert(0, {str(folder)!r})\n" + textwrap.dedent(program)
    done = subprocess.run([sys.executable, *flags, "-c", program], stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, universal_newlines=True)
    assert done.returncode == 0, done.stdout
    return done.stdout


def test_a_front_end_runs_on_doppio(front_end):
    assert run(front_end, """
        import doppio.caffe2_compat
        doppio.caffe2_compat.install()
        from caffe2.python import workspace
        import numpy as np
        C = workspace.C
        workspace.FeedBlob("x", np.array([[-1.0, 2.0]]))
        op = workspace.caffe2_pb2.OperatorDef(type="Relu", input=["x"], output=["y"])
        C.run_operator_once(op.SerializeToString())
        print(C.fetch_blob("y"), C.has_gpu_support)
        print(C.Workspace.current.blobs["y"].tensor().shape)
        workspace.FeedBlob("s", np.array(["text"]))
        print(C.fetch_blob("s"))
        print(workspace.arguments(lambda a, b: 0))
        import doppio.caffe2_state, caffe2_pybind11_state
        print(C.Blob is doppio.caffe2_state.Blob is caffe2_pybind11_state.Blob)
        """) == "[[0. 2.]] False\n(1, 2)\n[b'text']\n['a', 'b']\nTrue\n"


def test_messages_that_the_checkout_lacks_are_made(front_end):
    assert run(front_end, """
        import doppio.caffe2_compat
        doppio.caffe2_compat.install()
        from caffe2.python import workspace
        from caffe2.proto import (caffe2_legacy_pb2, caffe2_pb2, hsm_pb2, metanet_pb2,
                                  predictor_consts_pb2, prof_dag_pb2, torch_pb2)
        import caffe2.proto.caffe2_pb2
        print(caffe2.proto.caffe2_pb2 is caffe2_pb2, caffe2_pb2.CUDA)
        net = caffe2_pb2.NetDef(name="n", op=[workspace.FILL])
        net.op[0].arg.add(name="value", f=2)
        copy = caffe2_pb2.NetDef.FromString(net.SerializeToString())
        print(net.DESCRIPTOR.full_name, copy == net)
        meta = metanet_pb2.MetaNetDef()
        meta.nets.add(key="k", value=net)
        print(meta.modelInfo.predictorType, meta.nets[0].value.op[0].type)
        print(predictor_consts_pb2.PredictorConsts().META_NET_DEF,
              predictor_consts_pb2.PredictorConsts().PREDICT_NET_TYPE)
        print(caffe2_legacy_pb2.CAFFE_LEGACY_POOLING, caffe2_legacy_pb2.CaffeDatum(channels=3))
        stats = prof_dag_pb2.ProfDAGProtos(net_name="n")
        stats.stats.add(name="op", mean=1, stddev=0).execution_time.count = 3
        tree = hsm_pb2.TreeProto()
        tree.root_node.children.add(name="leaf").word_ids.extend([1, 2])
        print(len(tree.root_node.children[0].word_ids))
        print(caffe2_pb2.TensorProto.DataType.Name(10), caffe2_pb2.TensorProto.FLOAT16)
        """) == ("True 1\ncaffe2.NetDef True\nSINGLE_PREDICTOR ConstantFill\n"
                 "!!META_NET_DEF PREDICT_NET_TYPE\n3 channels: 3\n\n2\nINT64 12\n")


# What files of versions of the front end ask of caffe2_pb2 and others while they are imported.
VERSIONS = {
    "August 2018": {"caffe2/python/__init__.py": """
        """, "caffe2/python/core.py": """
        from caffe2.proto import caffe2_pb2

        def DeviceOption(kind, cuda_gpu_id=0):
            option = caffe2_pb2.DeviceOption()
            option.device_type = kind
            option.cuda_gpu_id = cuda_gpu_id
            return option

        assert caffe2_pb2.ONLY_FOR_TEST == 20901
        option = DeviceOption(caffe2_pb2.CUDA, 3)
        assert option.cuda_gpu_id == option.device_id == 3
        """},
    "September 2018": {"caffe2/python/__init__.py": """
        from caffe2.proto import caffe2_pb2
        for name in ("CPU", "CUDA", "MKLDNN", "OPENGL", "OPENCL", "IDEEP", "HIP",
                     "COMPILE_TIME_MAX_DEVICE_TYPES", "ONLY_FOR_TEST"):
            setattr(caffe2_pb2, name, getattr(caffe2_pb2, "PROTO_" + name))
        """},
    "a fork": {"caffe2/python/__init__.py": """
        from caffe2.proto import caffe2_pb2
        caffe2_pb2.DNNL = caffe2_pb2.PROTO_DNNL
        caffe2_pb2.COMPILE_TIME_MAX_DEVICE_TYPES = caffe2_pb2.PROTO_COMPILE_TIME_MAX_DEVICE_TYPES
        assert caffe2_pb2.DNNL == 2 and caffe2_pb2.COMPILE_TIME_MAX_DEVICE_TYPES == 11
        """},
    "2023": {"caffe2/__init__.py": """
        import warnings
        from torch.onnx import _CAFFE2_ATEN_FALLBACK
        if not _CAFFE2_ATEN_FALLBACK:
            warnings.warn("not fully enabled")
        """},
}


@pytest.mark.parametrize("version", VERSIONS)
def test_a_checkout_of_any_version_that_was_never_built_is_imported(front_end, version):
    for name, source in VERSIONS[version].items():
        (front_end / name).write_text(textwrap.dedent(source))
    core = "core" if "caffe2/python/core.py" in VERSIONS[version] else "workspace"
    assert run(front_end, f"""
        import importlib.util
        find = importlib.util.find_spec
        importlib.util.find_spec = lambda name, *more: name != "torch" and find(name, *more) or None
        import doppio.caffe2_compat
        doppio.caffe2_compat.install()
        from caffe2.python import {core}, workspace
        print(workspace.C.blobs(), [name for name in sys.modules if name.startswith("torch")])
        """, "-W", "error", *QUIET) == "[] []\n"


def test_messages_of_the_checkout_are_preferred(front_end):
    (front_end / "caffe2/proto/caffe2_pb2.py").write_text(
        "import sys\nfrom doppio.caffe2_state import protos\n"
        "protos.fill(sys.modules[__name__])\nMINE = True\n")
    assert run(front_end, """
        import doppio.caffe2_compat
        doppio.caffe2_compat.install()
        from caffe2.python import workspace
        from caffe2.proto import caffe2_pb2, metanet_pb2
        print(caffe2_pb2.MINE, hasattr(metanet_pb2, "MINE"))
        """) == "True False\n"


def test_messages_of_the_checkout_that_can_not_be_loaded_are_replaced(front_end):
    (front_end / "caffe2/proto/caffe2_pb2.py").write_text(
        "raise TypeError('Descriptors cannot be created directly.')\n")
    printed = run(front_end, """
        import doppio.caffe2_compat
        doppio.caffe2_compat.install()
        from caffe2.python import workspace
        workspace.C.run_operator_once(workspace.FILL.SerializeToString())
        print(workspace.C.blobs())
        """)
    assert "['y']" in printed and "Descriptors cannot be created directly" in printed


IN_ONE_PROCESS = ["import doppio.caffe2_compat; doppio.caffe2_compat.install()",
                  "import generated.caffe2_pb2", "import torch", "import doppio.net_pb2"]


@pytest.mark.parametrize("order", [1, -1])
def test_generated_messages_and_pytorch_get_along_with_it(front_end, order):
    """In one process: ours, a caffe2_pb2 that protoc made, doppio.net_pb2, PyTorch."""
    imports = list(IN_ONE_PROCESS)
    if shutil.which("protoc") is None:
        pytest.skip("there is no protoc")
    for module, line in (("torch", "import torch"), ("doppio.net_pb2", "import doppio.net_pb2")):
        found = subprocess.run([sys.executable, "-c", "import importlib.util as i, sys; "
                                f"sys.exit(i.find_spec('{module}') is None)"])
        if found.returncode != 0:
            imports.remove(line)
    folder = front_end / "generated"
    folder.mkdir()
    text = (PROJECT / "proto/doppio/net.proto").read_text()
    (folder / "caffe2.proto").write_text(text.replace("package doppio;", "package caffe2;"))
    subprocess.run(["protoc", f"-I{folder}", f"--python_out={folder}", "caffe2.proto"], check=True)
    program = "\n".join(imports[::order]) + """
from caffe2.python import workspace
import generated.caffe2_pb2
net = generated.caffe2_pb2.NetDef(name="n")
net.op.add().ParseFromString(workspace.FILL.SerializeToString())
workspace.C.run_net_once(net.SerializeToString())
print(workspace.C.blobs(), generated.caffe2_pb2.NetDef is workspace.caffe2_pb2.NetDef)
"""
    if "import torch" in imports:
        program += "import torch\nassert torch.ones(2).sum() == 2\n"
    assert run(front_end, program).endswith("['y'] False\n")


def test_names_that_numpy_and_python_removed_are_there_again(tmp_path):
    assert run(tmp_path, """
        import numpy as np, inspect
        kept = getattr(np, "bool_")
        import doppio.caffe2_compat
        doppio.caffe2_compat.install()
        print(np.dtype(np.bool), np.dtype(np.int), np.dtype(np.float), np.dtype(np.object))
        print(np.dtype(np.str).kind, np.asscalar(np.array([3])), np.bool_ is kept)
        def f(a, b=1, *c, **d): pass
        print(inspect.getargspec(f).args, inspect.getargspec(f).keywords,
              inspect.getargspec(f).defaults)
        """) == "bool int64 float64 object\nU 3 True\n['a', 'b'] d (1,)\n"


def test_the_package_future_is_stood_in_for_where_it_is_not_installed(front_end):
    assert run(front_end, """
        import importlib.machinery
        find = importlib.machinery.PathFinder.find_spec
        def without_future(name, path=None, target=None):
            if name.split(".")[0] in ("past", "future"):
                return None
            return find(name, path, target)
        importlib.machinery.PathFinder.find_spec = without_future
        import doppio.caffe2_compat
        doppio.caffe2_compat.install()
        from caffe2.python import workspace
        from past.builtins import basestring, long, unicode, xrange
        from future.utils import viewitems, viewkeys, viewvalues
        import past
        print(isinstance("", basestring), isinstance(b"", basestring), isinstance(1, basestring))
        print(issubclass(str, basestring), list(viewitems({1: 2})), past.builtins.long)
        """) == "True True False\nTrue [(1, 2)] <class 'int'>\n"


def test_installing_twice_changes_nothing(front_end):
    assert run(front_end, """
        import doppio.caffe2_compat
        doppio.caffe2_compat.install()
        from caffe2.python import workspace
        finders = len(sys.meta_path)
        doppio.caffe2_compat.install()
        print(len(sys.meta_path) == finders)
        """) == "True\n"


def test_installing_after_another_extension_is_refused(tmp_path):
    assert "call install() before anything of caffe2" in run(tmp_path, """
        import types
        sys.modules["caffe2.python.caffe2_pybind11_state"] = types.ModuleType("another")
        import doppio.caffe2_compat
        try:
            doppio.caffe2_compat.install()
        except RuntimeError as error:
            print(error)
        """)


def test_installing_wants_no_checkout_yet(front_end, tmp_path):
    assert run(tmp_path / "nothing", f"""
        import doppio.caffe2_compat
        doppio.caffe2_compat.install()
        sys.path.insert(0, {str(front_end)!r})
        from caffe2.python import workspace
        print(workspace.C.blobs())
        """) == "[]\n"


def test_dyndep_loads_libraries_of_operators(front_end, build_dir):
    library = build_dir / "lib" / "scaled_square.so"
    if not library.exists():
        pytest.skip(f"{library} was not built (target scaled_square)")
    assert run(front_end, f"""
        import doppio.caffe2_compat
        doppio.caffe2_compat.install()
        from caffe2.python import dyndep, workspace
        dyndep.InitOpsLibrary({str(library)!r})
        print("ScaledSquare" in workspace.C.registered_operators())
        """) == "True\n"
