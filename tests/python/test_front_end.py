"""Tests of Caffe2's own front end, run on doppio.

They are not part of doppio. Set DOPPIO_CAFFE2_FRONT_END to a folder that holds `caffe2/python` (a
checkout of it, built or not) to run them.
"""

import ast
import os
import pathlib
import subprocess
import sys

import pytest

import doppio
import doppio.caffe2_state
from doppio.caffe2_state import protos

FOLDER = os.environ.get("DOPPIO_CAFFE2_FRONT_END", "")

pytestmark = pytest.mark.skipif(
    not FOLDER, reason="DOPPIO_CAFFE2_FRONT_END names no folder with Caffe2's front end")

# Tests that can not pass, and why.
NOT = {
    "core_gradients_test": {
        "test_zero_gradient": "expects a refusal; doppio takes a gradient that is not given as 0",
        "testDeviceOptionsPropagation": "gives `axes`, a list, as a number, which doppio refuses",
    },
    "workspace_test": {
        "testGetOperatorCost": "shapes that Conv does not take",
        "testTorchInterop": "resizes a tensor of PyTorch over memory of another library",
        "test_apply_transform_if_faster": "rewrites of nets are not there",
        "test_simple_transform": "rewrites of nets are not there",
    },
    "checkpoint_test": {},
    "control_ops_grad_test": {},
    "control_test": {},
    "dataio_test": {},
    "db_test": {},
    "net_builder_test": {},
    "optimizer_test": {},
    "pipeline_test": {},
    "schema_test": {},
    "session_test": {},
    "task_test": {},
    "python_op_test": {
        "(test_gradient and not multiple)": "in place, the gradient function is given an input "
                                            "that was overwritten, which doppio refuses",
    },
    "operator_test.blobs_queue_db_test": {},
    "operator_test.checkpoint_test": {},
    "operator_test.expand_op_test": {},
    "operator_test.load_save_test": {
        "testEstimateBlobSizes": "expects that only builds with FBGEMM write floats as bfloat16",
    },
    "operator_test.rebatching_queue_test": {},
    "operator_test.record_queue_test": {},
    "operator_test.text_file_reader_test": {},
    "predictor.predictor_exporter_test": {},
}

RUN = """
import sys
import doppio.caffe2_compat
doppio.caffe2_compat.install()
import pytest
sys.exit(pytest.main(sys.argv[1:]))
"""


@pytest.mark.parametrize("name", NOT)
def test_a_test_of_the_front_end_passes(name, tmp_path):
    # In that folder, since recorded results are looked for from there.
    path = pathlib.Path(FOLDER, "caffe2", "python", *name.split(".")).with_suffix(".py")
    if not path.exists():
        pytest.skip(f"there is no {path}")
    command = [sys.executable, "-c", RUN, "-q", "-p", "no:cacheprovider", "--rootdir",
               str(tmp_path), "--import-mode=importlib", "--pyargs", f"caffe2.python.{name}"]
    if NOT[name]:
        command += ["-k", " and ".join(f"not {test}" for test in NOT[name])]
    paths = [FOLDER, str(pathlib.Path(doppio.__file__).resolve().parents[1])]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(paths),
                   "PYTHONDONTWRITEBYTECODE": "1",
                   "HYPOTHESIS_STORAGE_DIRECTORY": str(tmp_path / "hypothesis")}
    done = subprocess.run(command, cwd=FOLDER, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          env=environment)
    assert done.returncode == 0, done.stdout.decode(errors="replace")


def names_read(source, module):
    """The names that a source reads of a module that it imports; C of workspace and core is the
    extension."""
    tree = ast.parse(source)
    aliases = {alias.asname or alias.name for node in ast.walk(tree)
               if isinstance(node, (ast.Import, ast.ImportFrom))
               for alias in node.names if alias.name.split(".")[-1] == module}
    if module == "_import_c_extension":
        aliases |= {"workspace.C", "core.C"}
    return {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)
            and isinstance(node.ctx, ast.Load) and ast.unparse(node.value) in aliases}


@pytest.mark.parametrize("module, ours", [
    ("_import_c_extension", doppio.caffe2_state), ("caffe2_pb2", protos.caffe2_pb2),
    ("metanet_pb2", protos.caffe2_pb2), ("hsm_pb2", protos.caffe2_pb2)])
def test_every_name_that_a_module_reads_of_ours_is_there(module, ours):
    missing = {}
    for path in sorted(pathlib.Path(FOLDER, "caffe2").rglob("*.py")):
        try:
            names = names_read(path.read_text(encoding="utf-8"), module)
        except SyntaxError:  # of Python 2
            continue
        for name in names - set(dir(ours)):
            missing.setdefault(name, []).append(str(path.relative_to(FOLDER)))
    assert not missing


TRAINING = """
import numpy as np
import doppio.caffe2_compat
doppio.caffe2_compat.install()
from caffe2.python import brew, model_helper, optimizer, workspace

data = np.random.RandomState(0).randn(256, 4).astype(np.float32)
workspace.FeedBlob("data", data)
workspace.FeedBlob("label", (data[:, 0] + data[:, 1] > 0).astype(np.int32))
model = model_helper.ModelHelper(name="train")
h = brew.relu(model, brew.fc(model, "data", "h", dim_in=4, dim_out=16), "h")
scores = brew.fc(model, h, "scores", dim_in=16, dim_out=2)
softmax, loss = model.net.SoftmaxWithLoss([scores, "label"], ["softmax", "loss"])
model.AddGradientOperators([loss])
optimizer.build_sgd(model, base_learning_rate=0.5, policy="step", stepsize=50, gamma=0.9)
workspace.RunNetOnce(model.param_init_net)
workspace.CreateNet(model.net)
workspace.RunNet(model.net, 1)
first = workspace.FetchBlob("loss")
workspace.RunNet(model.net, 100)
assert workspace.FetchBlob("loss") < first / 4, (first, workspace.FetchBlob("loss"))
"""


def test_a_script_of_the_front_end_trains_unchanged(tmp_path):
    paths = [FOLDER, str(pathlib.Path(doppio.__file__).resolve().parents[1])]
    done = subprocess.run([sys.executable, "-B", "-c", TRAINING], cwd=tmp_path, text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          env={**os.environ, "PYTHONPATH": os.pathsep.join(paths)})
    assert done.returncode == 0, done.stdout
