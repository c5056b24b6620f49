"""What Caffe2's front end finds in its extension: workspaces, blobs, tensors."""

import re

import numpy as np
import pytest

import caffe2_protos as protos
from caffe2_protos import caffe2_pb2
from doppio import caffe2_state as C
from doppio.caffe2_state.missing import MISSING
from support import in_threads

NUMERIC = ["bool", "int8", "uint8", "int16", "uint16", "int32", "int64", "float16", "float32",
           "float64"]

NEEDED_AT_IMPORT = """
    blobs reset_blob create_blob current_workspace deserialize_blob global_init has_blob
    registered_operators serialize_blob switch_workspace root_folder workspaces benchmark_net
    benchmark_net_once get_stats create_offline_tensor is_asan has_fbgemm has_cuda_support
    has_hip_support has_gpu_support is_numa_enabled get_num_numa_nodes get_blob_numa_node
    get_blob_size_bytes set_per_op_engine_pref set_global_engine_pref set_op_engine_pref
    set_engine_pref Workspace Blob TensorCPU OpSchema has_mkldnn use_ideep use_mkldnn use_trt
    registered_dbs
    on_module_exit num_cuda_devices""".split()
ESSENTIAL = """
    op_registry_key get_gradient_defs GradientWrapper infer_op_input_output_device nearby_opnames
    register_python_op register_python_gradient_op create_child_workspace reset_workspace
    local_blobs nets delete_net fetch_blob feed_blob create_net run_net run_net_once
    run_operator_once run_operator_multiple run_plan run_plan_in_background
    infer_shapes_and_types_from_workspace infer_shapes_and_types_from_map get_operator_cost
    Predictor add_observer_to_net remove_observer_from_net num_observers_on_net
    clear_global_net_observer create_db DB Cursor Transaction Mode""".split()


pytestmark = pytest.mark.usefixtures("default_workspace")


@pytest.mark.parametrize("name", NEEDED_AT_IMPORT + ESSENTIAL + list(MISSING))
def test_the_module_and_its_star_import_have_every_name(name):
    import caffe2_pybind11_state
    assert name in C.__all__
    assert getattr(caffe2_pybind11_state, name) is getattr(C, name)


def test_no_name_stands_twice_in_the_star_import():
    assert len(C.__all__) == len(set(C.__all__))


@pytest.mark.parametrize("name", MISSING)
def test_what_is_not_there_says_so_when_it_is_used(name):
    with pytest.raises(RuntimeError, match=re.escape(f"{name}: {MISSING[name]}")):
        getattr(C, name)(b"", 1)


@pytest.mark.parametrize("name", ["Graph", "NNModule", "NeuralNetOperator", "Caffe2Backend"])
def test_a_class_that_is_not_there_is_a_class_that_says_so_when_it_is_used(name):
    # caffe2.python.nomnigraph takes them when it is imported.
    missing = getattr(C, name)
    assert isinstance(missing, type) and not isinstance(C.blobs(), missing)
    with pytest.raises(RuntimeError, match=f"{name}: .* not "):
        missing()


# --- Workspaces.

def test_the_current_workspace_is_default_at_first():
    assert C.current_workspace() == "default"
    assert "default" in C.workspaces()


def test_switch_workspace_creates_one_only_when_told():
    with pytest.raises(RuntimeError, match='no workspace "nowhere"'):
        C.switch_workspace("nowhere")
    with pytest.raises(RuntimeError):
        C.switch_workspace("nowhere", False)
    assert C.switch_workspace("made", True) is None
    assert C.current_workspace() == "made"
    C.switch_workspace(b"default")
    assert C.current_workspace() == "default"
    with pytest.raises(TypeError):
        C.switch_workspace(3)


def test_switch_workspace_takes_a_workspace_too():
    mine = C.Workspace()
    mine.create_blob("mine")
    C.switch_workspace(mine, True)
    assert C.blobs() == ["mine"]
    assert C.Workspace.current is mine


def test_workspaces_have_blobs_of_their_own():
    C.feed_blob("a", np.ones(1))
    C.switch_workspace("another", True)
    assert C.blobs() == []
    C.switch_workspace("default")
    assert C.blobs() == ["a"]


def test_a_child_workspace_sees_the_blobs_of_its_parent():
    C.feed_blob("a", np.ones(1))
    C.create_child_workspace("default", "child")
    C.switch_workspace("child")
    C.create_blob("b")
    assert C.blobs() == ["a", "b"]
    assert C.local_blobs() == ["b"]
    with pytest.raises(RuntimeError, match="already"):
        C.create_child_workspace("default", "child")
    with pytest.raises(RuntimeError, match="no workspace"):
        C.create_child_workspace("nobody", "orphan")


def test_reset_workspace_empties_it_and_takes_a_root_folder(tmp_path):
    C.feed_blob("a", np.ones(1))
    assert C.root_folder() == "."
    assert C.reset_workspace(str(tmp_path)) is True
    assert C.blobs() == []
    assert C.root_folder() == str(tmp_path)
    C.reset_workspace(None)
    assert C.root_folder() == "."


def test_current_is_read_anew_every_time():
    before = C.Workspace.current
    C.reset_workspace()
    assert C.Workspace.current is not before
    C.create_blob("x")
    assert list(C.Workspace.current.blobs) == ["x"]
    assert C.Workspace().current is C.Workspace.current


def test_workspace_objects_have_blobs_and_nets():
    parent = C.Workspace()
    parent.create_blob("p").feed(np.arange(3))
    child = C.Workspace(parent)
    assert child.has_blob("p") and child.nets == {}
    assert np.array_equal(child.fetch_blob("p"), np.arange(3))
    child.create_blob("c")
    assert child._remove_blob("c") is True
    assert child._remove_blob("c") is False
    assert child._remove_blob("p") is False  # its parent's
    assert set(child.blobs) == {"p"}


# --- Feeding and fetching.

@pytest.mark.parametrize("dtype", NUMERIC)
def test_arrays_come_back_with_type_and_shape(dtype):
    array = np.arange(24).reshape(2, 3, 4).astype(dtype)
    assert C.feed_blob("x", array) is True
    back = C.fetch_blob("x")
    assert back.dtype == array.dtype
    assert np.array_equal(back, array)


@pytest.mark.parametrize("array", [
    np.zeros((2, 0, 3), "f4"), np.array(7, "i8"), np.arange(6).reshape(2, 3).T,
    np.arange(6)[::-2], np.arange(4, dtype=">i4")], ids=["empty", "0-d", "T", "step", "endian"])
def test_arrays_of_every_layout_come_back(array):
    C.feed_blob("x", array)
    back = C.fetch_blob("x")
    assert back.shape == array.shape
    assert np.array_equal(back, array)


def test_feeding_copies():
    array = np.ones(4)
    C.feed_blob("x", array)
    array[:] = 5
    assert np.array_equal(C.fetch_blob("x"), np.ones(4))


def test_fetching_copies():
    C.feed_blob("x", np.ones(4))
    C.fetch_blob("x")[:] = 5
    assert np.array_equal(C.fetch_blob("x"), np.ones(4))


def test_feeding_replaces_what_the_blob_held():
    C.feed_blob("x", "text")
    C.feed_blob("x", np.ones(2, "i4"))
    C.feed_blob("x", np.zeros((2, 2), "f8"))
    assert C.fetch_blob("x").dtype == np.float64
    C.feed_blob("x", b"text")
    assert C.fetch_blob("x") == b"text"


@pytest.mark.parametrize("text", [b"plain \0 \xff bytes", "text \u00e9"])
def test_a_string_is_a_blob_of_its_own_and_comes_back_as_bytes(text):
    C.feed_blob("s", text)
    assert C.fetch_blob("s") == (text if isinstance(text, bytes) else text.encode())


@pytest.mark.parametrize("array", [
    np.array([[b"a", b"b\0c"], [b"", b"\xff"]], object), np.array([b"one", b"eleven"])])
def test_strings_in_arrays_come_back_as_an_object_array_of_bytes(array):
    C.feed_blob("s", array)
    back = C.fetch_blob("s")
    assert back.dtype == object and back.shape == array.shape
    assert back.ravel().tolist() == array.ravel().tolist()


def test_text_in_object_arrays_is_written_as_utf8():
    C.feed_blob("s", np.array(["\u00e9"], object))
    assert C.fetch_blob("s")[0] == "\u00e9".encode()


@pytest.mark.parametrize("value, message", [
    (np.array(["a", "b"]), "unicode"), (np.array([1 + 2j]), "complex"),
    (np.array([1], "u4"), "uint32"), (np.array([object()]), "bytes or str"),
    (np.zeros(2, [("a", "i4")]), "there are no tensors"), ([1, 2], "only numpy arrays and strings"),
    (3.0, "only numpy arrays"), (None, "only numpy arrays")])
def test_what_no_tensor_can_hold_is_a_runtime_error(value, message):
    C.feed_blob("x", np.ones(2))
    with pytest.raises(RuntimeError, match=message):
        C.feed_blob("x", value)
    assert np.array_equal(C.fetch_blob("x"), np.ones(2))


def test_feeding_to_another_device_than_the_cpu_is_refused():
    def option(**fields):
        return caffe2_pb2.DeviceOption(**fields).SerializeToString()

    assert C.feed_blob("x", np.ones(1), option(device_type=0, random_seed=3))
    with pytest.raises(RuntimeError, match="device type 1"):
        C.feed_blob("x", np.ones(1), option(device_type=caffe2_pb2.PROTO_CUDA))
    with pytest.raises(RuntimeError, match="no DeviceOption"):
        C.feed_blob("x", np.ones(1), b"\xff\xff")


def test_fetching_what_is_not_there_is_a_runtime_error():
    with pytest.raises(RuntimeError, match="Can't find blob: nothing"):
        C.fetch_blob("nothing")


def test_values_of_other_types_are_told_of_in_bytes():
    C.create_blob("x")
    assert C.fetch_blob("x") == (
        b"x, a C++ native class of type nullptr (uninitialized).")
    with pytest.raises(RuntimeError, match="Could not fetch for blob of type"):
        C.Workspace.current.blobs["x"].fetch()


def test_quantised_tensors_are_fetched_as_a_tuple():
    blob = caffe2_pb2.BlobProto(name="q", type="Int8TensorCPU")
    blob.qtensor.CopyFrom(caffe2_pb2.QTensorProto(
        dims=[2], precision=8, scale=0.5, bias=3, is_signed=False, data=[1, 255],
        data_type=caffe2_pb2.TensorProto.UINT8))
    C.deserialize_blob("q", blob.SerializeToString())
    values, scale, zero_point = C.fetch_blob("q")
    assert values.tolist() == [1, 255] and values.dtype == np.uint8
    assert (scale, zero_point) == (0.5, 3)


def test_names_are_text_or_bytes():
    C.feed_blob(b"x", np.ones(1))
    assert C.has_blob("x") is True and C.has_blob(b"y") is False
    with pytest.raises(TypeError):
        C.has_blob(1)
    with pytest.raises(TypeError):
        C.feed_blob(None, np.ones(1))


def test_create_blob_keeps_what_is_there():
    assert C.create_blob("x") is True
    C.feed_blob("x", np.ones(1))
    C.create_blob("x")
    assert C.fetch_blob("x").tolist() == [1]


def test_reset_blob_empties_it():
    C.feed_blob("x", np.ones(1))
    C.reset_blob("x")
    assert b"uninitialized" in C.fetch_blob("x")
    with pytest.raises(RuntimeError):
        C.reset_blob("nothing")


def test_sizes_are_those_of_elements_and_characters():
    C.feed_blob("x", np.zeros((2, 3), "f4"))
    assert C.get_blob_size_bytes("x") == 24
    C.feed_blob("s", b"four")
    assert C.get_blob_size_bytes("s") == 4
    C.feed_blob("a", np.array([b"1", b"22"], object))
    C.feed_blob("b", np.array([b"1", b"333"], object))
    assert C.get_blob_size_bytes("b") - C.get_blob_size_bytes("a") == 1
    with pytest.raises(RuntimeError):
        C.get_blob_size_bytes("nothing")


def test_create_offline_tensor_makes_a_tensor_of_that_shape_and_type():
    C.create_offline_tensor("x", [2, 3], caffe2_pb2.TensorProto.INT64)
    assert C.fetch_blob("x").shape == (2, 3) and C.fetch_blob("x").dtype == np.int64
    with pytest.raises(RuntimeError):
        C.create_offline_tensor("x", [2], 99)


# --- Serialization.

@pytest.mark.parametrize("value", [np.arange(6.0).reshape(2, 3), b"text",
                                   np.array([b"a", b"bc"], object)])
def test_blobs_are_serialized_as_blobproto_and_back(value):
    C.feed_blob("x", value)
    content = C.serialize_blob("x")
    assert caffe2_pb2.BlobProto.FromString(content).name == "x"
    assert C.deserialize_blob("y", content) is None
    assert np.array_equal(C.fetch_blob("y"), value)
    assert np.array_equal(C.deserialize_blob(content).fetch(), value)


@pytest.mark.parametrize("content", [b"", b"\xff\xff\xff", b"no proto"])
def test_bytes_that_are_no_blobproto_are_a_runtime_error(content):
    with pytest.raises(RuntimeError):
        C.deserialize_blob("y", content)
    with pytest.raises(RuntimeError):
        C.deserialize_blob(content)


# --- Blob and TensorCPU.

def test_a_blob_outlives_its_workspace():
    blob = C.Workspace().create_blob("x")
    blob.feed(np.arange(3))
    assert blob.fetch().tolist() == [0, 1, 2]
    copy = C.Workspace().create_blob("y")
    copy.deserialize(blob.serialize("x"))
    assert copy.fetch().tolist() == [0, 1, 2]


def test_as_tensor_wants_a_tensor_and_tensor_makes_one():
    blob = C.Workspace().create_blob("x")
    blob.feed("text")
    assert not blob.is_tensor()
    with pytest.raises(RuntimeError, match="std::string"):
        blob.as_tensor()
    tensor = blob.tensor()
    assert blob.is_tensor() and isinstance(tensor, C.TensorCPU)
    assert tensor.data.dtype == np.float32 and tensor.data.size == 0


def test_data_is_the_memory_of_the_blob():
    blob = C.Workspace().create_blob("x")
    blob.feed(np.zeros((2, 2)))
    tensor = blob.tensor()
    data = tensor.data
    data[0, 1] = 3
    assert tensor.data is data
    assert blob.fetch().tolist() == [[0, 3], [0, 0]]
    del blob, tensor
    assert data[0, 1] == 3


def test_data_is_not_shared_with_other_blobs():
    C.feed_blob("x", np.zeros(2, "f4"))
    C.run_operator_once(protos.op("Copy", ["x"], ["y"]))
    C.run_operator_once(protos.op("Reshape", ["x"], ["z", "_"], shape=[2, 1]))
    C.Workspace.current.blobs["x"].tensor().data[:] = 7
    assert C.fetch_blob("y").tolist() == [0, 0]
    assert C.fetch_blob("z").tolist() == [[0], [0]]


def test_init_takes_shape_and_type_but_not_of_strings():
    tensor = C.Workspace().create_blob("x").tensor()
    tensor.init([2, 3], caffe2_pb2.TensorProto.INT32)
    tensor.data[...] = 4
    assert tensor.fetch().dtype == np.int32 and tensor.fetch().sum() == 24
    with pytest.raises(RuntimeError, match="feed"):
        tensor.init([2], caffe2_pb2.TensorProto.STRING)
    with pytest.raises(RuntimeError):
        tensor.init([2], 77)


def test_tensors_feed_and_fetch_copies_and_take_other_shapes():
    tensor = C.Workspace().create_blob("x").tensor()
    array = np.ones(3)
    tensor.feed(array)
    array[0] = 9
    fetched = tensor.fetch()
    tensor.data[1] = 5
    assert fetched.tolist() == [1, 1, 1] and tensor.fetch().tolist() == [1, 5, 1]
    tensor._reshape([2, 2])
    assert tensor._shape == [2, 2] and tensor.shape == (2, 2)
    tensor.feed(np.array([b"a"], object))
    assert tensor.data.tolist() == [b"a"]
    with pytest.raises(RuntimeError):
        tensor.feed([1.0])
    with pytest.raises(RuntimeError):
        tensor.reshape([-1])


def test_fetching_a_tensor_without_value_is_a_runtime_error():
    with pytest.raises(RuntimeError, match="no value"):
        C.Workspace().create_blob("x").tensor().fetch()


# --- The rest.

def test_flags_say_what_is_not_there():
    for flag in ("is_asan", "has_fbgemm", "has_cuda_support", "has_hip_support",
                 "has_gpu_support", "has_mkldnn", "use_mkldnn", "use_trt"):
        assert getattr(C, flag) is False
    assert C.num_cuda_devices() == 0
    assert C.is_numa_enabled() is False and C.get_num_numa_nodes() == -1
    C.create_blob("x")
    assert C.get_blob_numa_node("x") == -1
    assert C.get_stats() == {}


def test_global_init_takes_any_command_line():
    C.global_init(["caffe2", "--caffe2_log_level=0", "whatever"])
    C.global_init([])


def test_eight_threads_may_use_workspaces_of_their_own():
    def work(number):
        workspace = C.Workspace()
        for i in range(50):
            workspace.create_blob("x").feed(np.full(100, number, "f4"))
            workspace._run_operator(protos.op("Relu", ["x"], ["y"]))
            assert workspace.fetch_blob("y")[0] == number

    in_threads(work)


def test_all_workspaces_go_at_the_end():
    C.switch_workspace("other", True)
    C.on_module_exit()
    assert C.current_workspace() == "default" and C.workspaces() == ["default"]
