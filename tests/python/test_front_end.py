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
    "brew_test": {},
    "context_test": {},
    "control_ops_grad_test": {},
    "control_test": {},
    "core_test": {"test_async_exception_handling": "expects the words of Caffe2's errors"},
    "data_parallel_model_test": {},
    "data_workers_test": {},
    "dataio_test": {},
    "db_test": {},
    "functional_test": {},
    "gradient_check_test": {},
    "layer_parameter_sharing_test": {},
    "layers_test": {
        "testFunctionalLayerWithOutputNames": "expects of TopK's indices the type that Caffe2 "
                                              "wrongly inferred",
        "testLabelSmoothForBinaryProbLabel": "StumpFunc is not there",
        "testReservoirSamplingWithID": "ReservoirSampling takes no packed records",
        "testSparseDropoutWithReplacement": "that operator is not there",
    },
    "lazy_dyndep_test": {},
    "memonger_test": {
        "test_forward_optim_tree_dag_traversal": "refused by newer versions of Hypothesis",
        "test_topological_sort_longest_path": "expects the order of an older networkx",
    },
    "model_helper_test": {},
    "modeling.compute_histogram_for_blobs_test": {},
    "modeling.compute_norm_for_blobs_test": {},
    "modeling.compute_statistics_for_blobs_test": {},
    "modeling.get_entry_from_blobs_test": {},
    "modeling.gradient_clipping_test": {},
    "modeling.initializers_test": {},
    "modeling.parameter_sharing_test": {},
    "models.seq2seq.seq2seq_model_helper_test": {},
    "net_builder_test": {},
    "net_printer_test": {},
    "normalizer_test": {},
    "optimizer_test": {},
    "pipeline_test": {},
    "regularizer_test": {
        "test_regularizer_context": "gives `scale`, a number with a point, as a whole number",
    },
    "schema_test": {},
    "scope_test": {},
    "session_test": {},
    "sparse_to_dense_test": {},
    "task_test": {},
    "toy_regression_test": {},
    "utils_test": {},
    "python_op_test": {
        "(test_gradient and not multiple)": "in place, the gradient function is given an input "
                                            "that was overwritten, which doppio refuses",
    },
    "operator_test.blobs_queue_db_test": {},
    "operator_test.checkpoint_test": {},
    "operator_test.basic_rnn_test": {},
    "operator_test.expand_op_test": {},
    "operator_test.load_save_test": {
        "testEstimateBlobSizes": "expects that only builds with FBGEMM write floats as bfloat16",
    },
    "operator_test.rebatching_queue_test": {},
    "operator_test.record_queue_test": {},
    "operator_test.text_file_reader_test": {},
    "predictor.predictor_exporter_test": {},
    "operator_test.gru_test": {},
    "operator_test.onnx_while_test": {},
    "operator_test.pack_rnn_sequence_op_test": {},
    "operator_test.recurrent_net_executor_test": {},
    "operator_test.recurrent_network_test": {},
    "operator_test.rnn_cell_test": {},
    "test.do_op_test": {},
}

# Packages that tests need and the front end itself does not.
NEEDS = {"data_parallel_model_test": "mock", "memonger_test": "networkx"}

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
    if name in NEEDS:
        pytest.importorskip(NEEDS[name])
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


# A loop around two branches, with parameters that all turns share, against finite differences.
LOOP = """
import numpy as np
import doppio.caffe2_compat
doppio.caffe2_compat.install()
from caffe2.python import core, workspace
from caffe2.python.net_builder import NetBuilder, ops

FEEDS = {"x0": [0.5, -0.3], "w": [0.9, 1.3], "b": [0.7, 0.2]}


def build(turns):
    with NetBuilder(_use_control_ops=True, initial_scope=list(FEEDS)) as builder:
        for name, value in {"i": 0, "one": 1, "two": 2, "turns": turns}.items():
            ops.Copy(ops.Const(value), name)
        ops.Copy("x0", "x")
        with ops.WhileNet():
            with ops.Condition():
                ops.Add(["i", "one"], "i")
                ops.LE(["i", "turns"])
            ops.Copy("x", "old")
            with ops.IfNet(ops.LT(["i", "two"])):
                ops.Tanh(ops.Mul(["old", "w"]), "x")
            with ops.Else():
                ops.Sigmoid(ops.Mul(["old", "b"]), "x")
        ops.Mul(["x", "x0"], "product")
        ops.Add(["product", "w"], "sum")
        ops.SumElements(ops.Sqr("sum"), "loss")
    return builder.get()[0]


def loss(net, feeds):
    for name, value in feeds.items():
        workspace.FeedBlob(name, np.array(value, np.float32))
    workspace.RunNetOnce(net)
    return float(workspace.FetchBlob("loss"))


for turns in (0, 1, 4):
    forward, net = build(turns), build(turns)
    gradients = net.AddGradientOperators(["loss"])
    loss(net, FEEDS)
    made = {name: workspace.FetchBlob(gradients[name]) for name in FEEDS}
    for name, value in FEEDS.items():
        for i in range(2):
            moved = []
            for step in (0.01, -0.01):
                feeds = {key: list(values) for key, values in FEEDS.items()}
                feeds[name][i] += step
                moved.append(loss(forward, feeds))
            wanted = (moved[0] - moved[1]) / 0.02
            assert abs(made[name][i] - wanted) < 1e-2, (turns, name, i, made[name], wanted)
"""

# That example trains without an end, and says now and then what it would write.
CHAR_RNN = """
import argparse
import numpy as np
import doppio.caffe2_compat
doppio.caffe2_compat.install()
from caffe2.python import workspace
from caffe2.python.examples import char_rnn

np.random.seed(0)
with open("text.txt", "w") as file:
    file.write("the quick brown fox jumps over the lazy dog. " * 40)
losses = []


class Enough(Exception):
    pass


class Rnn(char_rnn.CharRNN):
    def GenerateText(self, num_characters, ch):
        super().GenerateText(10, ch)
        losses.append(float(workspace.FetchBlob(self.loss)))
        if len(losses) == 5:
            raise Enough


rnn = Rnn(argparse.Namespace(train_data="text.txt", seq_length=25, batch_size=4,
                             iters_to_report=25, hidden_size=32))
rnn.CreateModel()
try:
    rnn.TrainModel()
except Enough:
    pass
assert losses[-1] < losses[0] / 4, losses
"""


@pytest.mark.parametrize("script", [TRAINING, LOOP, CHAR_RNN], ids=["fc", "loop", "char_rnn"])
def test_a_script_of_the_front_end_trains_unchanged(script, tmp_path):
    paths = [FOLDER, str(pathlib.Path(doppio.__file__).resolve().parents[1])]
    done = subprocess.run([sys.executable, "-B", "-c", script], cwd=tmp_path, text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          env={**os.environ, "PYTHONPATH": os.pathsep.join(paths)})
    assert done.returncode == 0, done.stdout
