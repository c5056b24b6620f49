"""What Caffe2's front end finds in its extension: operators, nets, plans, gradients, schemas."""

import pathlib
import threading
import time

import numpy as np
import pytest

import caffe2_protos as protos
from caffe2_protos import caffe2_pb2
from doppio import _core, caffe2_state as C

relu = protos.op("Relu", ["x"], ["y"])
demo = protos.net("demo", protos.fill, protos.op("SumElements", ["filled"], ["sum"]))
# Fails in its second operator.
broken = protos.net("broken", protos.fill,
                    protos.op("Reshape", ["filled"], ["r", "_"], shape=[5, 5]))


pytestmark = pytest.mark.usefixtures("default_workspace")


# --- Operators.

def test_registered_operators_are_sorted_keys():
    keys = C.registered_operators()
    assert keys == sorted(set(keys)) and {"Relu", "ReluGradient", "Conv"} <= set(keys)


@pytest.mark.parametrize("engine, key", [
    ("", "Conv"), ("DEFAULT", "Conv"), ("CUDNN", "Conv_ENGINE_CUDNN")])
def test_op_registry_key(engine, key):
    assert C.op_registry_key("Conv", engine) == key


def test_nearby_opnames_are_at_most_three_edits_away():
    assert "Relu" in C.nearby_opnames("Rleu")
    assert "Conv" in C.nearby_opnames("Con")
    assert C.nearby_opnames("AnotherThingAltogether") == []


def test_engine_preferences_are_accepted():
    C.set_per_op_engine_pref({0: {"Conv": ["EIGEN"]}})
    C.set_global_engine_pref({0: ["EIGEN"]})
    C.set_engine_pref({0: {"Conv": ["EIGEN"]}}, {0: ["EIGEN"]})
    C.set_op_engine_pref("Conv", {0: ["EIGEN"]})
    C.feed_blob("x", np.array([-1.0]))
    assert C.run_operator_once(relu)


def test_devices_of_blobs_are_those_of_the_operator():
    op = protos.op_def("Relu", ["x"], ["y", "z"])
    op.device_option.device_type = 1
    inputs, outputs = C.infer_op_input_output_device(op.SerializeToString())
    options = [caffe2_pb2.DeviceOption.FromString(one) for one in inputs + outputs]
    assert (len(inputs), len(outputs)) == (1, 2)
    assert [option.device_type for option in options] == [1, 1, 1]
    op.type = "CopyFromCPUInput"
    inputs, outputs = C.infer_op_input_output_device(op.SerializeToString())
    assert caffe2_pb2.DeviceOption.FromString(inputs[0]).device_type == 0
    with pytest.raises(RuntimeError):
        C.infer_op_input_output_device(b"\xff\xff")


def test_run_operator_once_runs_it_and_raises():
    with pytest.raises(RuntimeError, match='"x"'):
        C.run_operator_once(relu)
    C.feed_blob("x", np.array([-1.0, 2.0], "f4"))
    assert C.run_operator_once(relu) is True
    assert C.fetch_blob("y").tolist() == [0, 2]


def test_run_operator_multiple_runs_it_that_often():
    C.feed_blob("x", np.array([0.0], "f4"))
    C.feed_blob("one", np.array([1.0], "f4"))
    assert C.run_operator_multiple(protos.op("Add", ["x", "one"], ["x"]), 5) is True
    assert C.fetch_blob("x").tolist() == [5] and C.nets() == []


@pytest.mark.parametrize("run", [
    C.run_operator_once, C.run_net_once, C.create_net, C.run_plan,
    lambda proto: C.run_operator_multiple(proto, 1), lambda proto: C.Predictor(b"", proto),
    lambda proto: C.get_gradient_defs(proto, []),
    lambda proto: C.get_operator_cost(proto, [])])
def test_bytes_that_are_no_proto_are_a_runtime_error(run):
    with pytest.raises(RuntimeError):
        run(b"\xff\xff\xffno proto")


@pytest.mark.parametrize("run", [C.run_operator_once, C.run_net_once, C.create_net, C.run_plan])
def test_text_is_no_proto(run):
    with pytest.raises(TypeError):
        run("...")


@pytest.mark.parametrize("call", [
    lambda: C.Workspace(3), lambda: C.switch_workspace(None), lambda: C.deserialize_blob([]),
    lambda: C.deserialize_blob(1, b""), lambda: C.create_db(1, "x", C.read),
    lambda: C.create_db("minidb", "x", 0), lambda: C.infer_shapes_and_types_from_map([], 3),
    lambda: C.infer_shapes_and_types_from_map([], {"x": 5}),
    lambda: C.infer_shapes_and_types_from_workspace(5), lambda: C.run_net(5, 1, False),
    lambda: C.run_net("demo", "1", False), lambda: C.benchmark_net(demo, "a", 1, False),
    lambda: C.set_global_engine_pref(3), lambda: C.add_observer_to_net("demo", 3),
    lambda: C.nearby_opnames(3), lambda: C.op_registry_key(), lambda: C.get_operator_cost(relu, 5)])
def test_arguments_of_wrong_types_are_a_type_error(call):
    with pytest.raises(TypeError):
        call()


# --- Nets.

def test_create_net_refuses_to_overwrite_unless_told():
    assert C.create_net(demo) is True
    assert C.nets() == ["demo"]
    with pytest.raises(RuntimeError, match="demo"):
        C.create_net(demo)
    assert C.create_net(demo, True) and C.create_net(demo, overwrite=True)


def test_run_net_runs_it_num_iter_times():
    C.feed_blob("x", np.array([0.0], "f4"))
    C.feed_blob("one", np.array([1.0], "f4"))
    C.create_net(protos.net("count", protos.op("Add", ["x", "one"], ["x"])))
    assert C.run_net("count", 3, False) is True
    assert C.run_net(b"count", 1) is True
    assert C.fetch_blob("x").tolist() == [4]


def test_a_net_that_is_not_there_is_a_runtime_error():
    for allow_fail in (False, True):
        with pytest.raises(RuntimeError, match="nowhere"):
            C.run_net("nowhere", 1, allow_fail)


def test_a_failing_run_is_a_runtime_error_or_false():
    C.create_net(broken)
    with pytest.raises(RuntimeError, match="op 1 Reshape"):
        C.run_net("broken", 1, False)
    assert C.run_net("broken", 1, True) is False


def test_the_position_of_the_operator_that_failed_is_kept():
    position = C.Workspace.current._last_failed_op_net_position
    assert position() == -1
    with pytest.raises(RuntimeError):
        C.run_net_once(broken)
    assert position() == 1
    C.create_net(broken)
    C.reset_workspace()
    C.create_net(broken)
    with pytest.raises(RuntimeError):
        C.run_net("broken", 1, False)
    assert C.Workspace.current._last_failed_op_net_position() == 1


def test_run_net_once_leaves_no_net():
    assert C.run_net_once(demo) is True
    assert C.fetch_blob("sum") == 12
    assert C.nets() == []


def test_delete_net_takes_any_name():
    C.create_net(demo)
    assert C.delete_net("demo") and C.nets() == []
    C.delete_net("demo")


def test_workspace_objects_make_and_run_nets():
    workspace = C.Workspace()
    net = workspace._create_net(demo)
    assert set(workspace.nets) == {"demo"}
    with pytest.raises(RuntimeError):
        workspace._create_net(demo)
    workspace._create_net(demo, overwrite=True)
    net.run()
    workspace.nets["demo"].run()
    assert workspace.fetch_blob("sum") == 12
    workspace._run_net(demo)
    workspace._run_operator(protos.fill)
    workspace._run_plan(protos.plan(demo))


def test_a_net_may_have_an_empty_name():
    workspace = C.Workspace()
    workspace._create_net(protos.net("", protos.fill)).run()
    assert list(workspace.nets) == [""]


def test_runs_let_other_threads_go_on():
    C.feed_blob("a", np.ones((400, 400), "f4"))
    C.create_net(protos.net("long", protos.op("MatMul", ["a", "a"], ["b"])))
    thread = threading.Thread(target=C.run_net, args=("long", 300, False))
    counted = 0
    thread.start()
    while thread.is_alive():
        counted += 1
        time.sleep(0)
    thread.join()
    assert counted > 20


def test_benchmark_net_gives_milliseconds():
    C.create_net(demo)
    assert len(C.benchmark_net("demo", 1, 3, False)) == 1
    whole, first, second = C.benchmark_net("demo", 1, 3, True)
    assert whole > 0 and first > 0 and second > 0
    assert isinstance(C.benchmark_net_once("demo"), float)
    with pytest.raises(RuntimeError):
        C.benchmark_net("nowhere", 1, 1, True)
    with pytest.raises(RuntimeError):
        C.benchmark_net("demo", -1, 1, True)


# --- Plans.

def test_run_plan_runs_its_steps():
    assert C.run_plan(protos.plan(demo)) is True
    assert C.fetch_blob("sum") == 12 and C.nets() == ["demo"]


def test_a_plan_in_the_background_is_done_some_time():
    plan = C.run_plan_in_background(protos.plan(demo, num_iter=20))
    while not plan.is_done():
        time.sleep(0.001)
    assert plan.is_succeeded() is True
    assert C.fetch_blob("sum") == 12


def test_a_plan_in_the_background_that_fails_raises_where_it_is_asked():
    plan = C.run_plan_in_background(protos.plan(broken))
    while not plan.is_done():
        time.sleep(0.001)
    with pytest.raises(RuntimeError, match="Reshape"):
        plan.is_succeeded()


# --- Gradients.

def test_a_gradient_wrapper_is_empty_dense_or_sparse():
    wrapper = C.GradientWrapper()
    assert (wrapper.dense, wrapper.indices, wrapper.values) == ("", "", "")
    assert wrapper.is_empty() and not wrapper.is_dense() and not wrapper.is_sparse()
    wrapper.dense = "g"
    assert wrapper.is_dense() and not wrapper.is_empty()
    wrapper = C.GradientWrapper()
    wrapper.indices, wrapper.values = "i", "v"
    assert wrapper.is_sparse() and not wrapper.is_dense() and not wrapper.is_empty()
    with pytest.raises(TypeError):
        wrapper.dense = 3


def dense(name):
    wrapper = C.GradientWrapper()
    wrapper.dense = name
    return wrapper


def test_gradient_defs_are_operators_and_the_gradients_of_the_inputs():
    ops, inputs = C.get_gradient_defs(relu, [dense("y_grad")])
    (op,) = [caffe2_pb2.OperatorDef.FromString(one) for one in ops]
    assert (op.type, list(op.input), list(op.output)) == (
        "ReluGradient", ["y", "y_grad"], ["x_grad"])
    assert op.is_gradient_op
    assert [gradient.dense for gradient in inputs] == ["x_grad"]


def test_sparse_and_missing_gradients_come_as_such():
    gather = protos.op("Gather", ["w", "i"], ["y"])
    ops, (data, indices) = C.get_gradient_defs(gather, [dense("y_grad")])
    assert ops == []
    assert data.is_sparse() and (data.indices, data.values) == ("i", "y_grad")
    assert indices.is_empty()


def test_operators_without_gradient_are_a_runtime_error():
    for kind in ("Shape", "NoSuchOperator"):
        with pytest.raises(RuntimeError):
            C.get_gradient_defs(protos.op(kind, ["x"], ["y"]), [dense("y_grad")])
    with pytest.raises(RuntimeError, match="schema"):
        C.get_gradient_defs(protos.op("Mul", ["a"], ["b"]), [dense("b_grad")])
    with pytest.raises(TypeError):
        C.get_gradient_defs(relu, ["y_grad"])


NETS = {
    "chain": [("FC", ["x", "w", "b"], ["h"], {}), ("Relu", ["h"], ["r"], {}),
              ("SumElements", ["r"], ["loss"], {})],
    "conv": [("Conv", ["x", "w", "b"], ["h"], {"kernel": 3, "pad": 1, "order": "NCHW"}),
             ("MaxPool", ["h"], ["p"], {"kernel": 2, "stride": 2}),
             ("Relu", ["p"], ["r"], {}), ("SumElements", ["r"], ["loss"], {})],
    "sparse": [("Gather", ["w", "i"], ["g"], {}), ("Mul", ["g", "x"], ["m"], {}),
               ("SumElements", ["m"], ["loss"], {})],
    "expand": [("Expand", ["x", "shape"], ["e"], {}), ("Tanh", ["e"], ["t"], {}),
               ("SumElements", ["t"], ["loss"], {})],
}


@pytest.mark.parametrize("name", NETS)
def test_gradients_op_by_op_are_the_net_of_the_builder(name):
    """As the front end makes a gradient net of a net in which every blob is used once."""
    forward = [protos.op(kind, inputs, outputs, **args)
               for kind, inputs, outputs, args in NETS[name]]
    start = protos.op_def("ConstantFill", ["loss"], ["loss_autogen_grad"], value=1.0)
    start.name = ""
    gradients, backward = {"loss": "loss_autogen_grad"}, [start.SerializeToString()]
    for op in reversed(forward):
        op_def = caffe2_pb2.OperatorDef.FromString(op)
        of_outputs = [gradients.pop(output, None) for output in op_def.output]
        ops, of_inputs = C.get_gradient_defs(
            op, [dense(g) if g else C.GradientWrapper() for g in of_outputs])
        backward += ops
        for blob, gradient in zip(op_def.input, of_inputs):
            if gradient.is_dense():
                gradients[blob] = gradient.dense
    net = _core.Net(protos.net(name, *forward))
    _, alone, _, _ = _core.gradient(net, {"loss": None}, None)
    built = caffe2_pb2.NetDef.FromString(alone.SerializeToString())
    ours = protos.net_def(name, *backward)
    assert [str(op) for op in ours.op] == [str(op) for op in built.op]


# --- Shapes, costs, schemas.

def shapes(content):
    return {shape.name: None if shape.unknown_shape else (list(shape.dims), shape.data_type)
            for shape in caffe2_pb2.TensorShapes.FromString(content).shapes}


def test_shapes_are_inferred_from_the_workspace():
    C.feed_blob("x", np.zeros((2, 3), "f8"))
    C.feed_blob("to", np.array([4, 6, 1], "i8"))
    C.create_blob("empty")
    found = shapes(C.infer_shapes_and_types_from_workspace(
        [protos.net("n", relu), protos.net("m", protos.op("Shape", ["y"], ["s"]))]))
    double, integer = caffe2_pb2.TensorProto.DOUBLE, caffe2_pb2.TensorProto.INT64
    assert found["y"] == ([2, 3], double) and found["s"] == ([2], integer)
    assert found["x"] == ([2, 3], double)


def test_shapes_are_inferred_from_a_map():
    net = protos.net("n", relu, protos.op("Relu", ["unknown"], ["z"]))
    float_, integer = caffe2_pb2.TensorProto.FLOAT, caffe2_pb2.TensorProto.INT32
    found = shapes(C.infer_shapes_and_types_from_map([net], {"x": [2, 3]}))
    assert found["y"] == ([2, 3], float_) and found["z"] is None
    found = shapes(C.infer_shapes_and_types_from_map(
        [protos.net("n", protos.op("Copy", ["x"], ["y"]))], {"x": [2]}, {"x": integer}))
    assert found["y"] == ([2], integer)
    with pytest.raises(RuntimeError):
        C.infer_shapes_and_types_from_map([net], {"x": [2]}, {"x": 1000})


def test_shapes_that_contradict_each_other_give_none_at_all():
    net = protos.net("n", protos.op("Add", ["a", "b"], ["c"]))
    assert C.infer_shapes_and_types_from_map([net], {"a": [2], "b": [3]}) == b""


def test_operators_cost_operations_and_bytes():
    C.feed_blob("x", np.zeros((1, 8, 8, 8), "f4"))
    C.feed_blob("w", np.zeros((4, 8, 3, 3), "f4"))
    conv = protos.op("Conv", ["x", "w"], ["y"], kernel=3, pad=1)
    flops, written, read = C.get_operator_cost(conv, ["x", "w"])
    assert flops >= 2 * 4 * 8 * 8 * 8 * 9
    assert written == 4 * 4 * 8 * 8 and read == 4 * (8 * 8 * 8 + 4 * 8 * 9)
    with pytest.raises(RuntimeError):
        C.get_operator_cost(conv, ["x", "nothing"])


def test_a_schema_says_what_an_operator_takes():
    schema = C.OpSchema.get("Conv")
    assert schema.min_input == 2 and schema.max_input == 3
    assert (schema.min_output, schema.max_output) == (1, 1)
    assert schema.doc and schema.file and schema.line > 0 and not schema.private
    assert any(arg.name == "kernel" and arg.description and not arg.required
               for arg in schema.args)
    assert [name for name, doc in schema.input_desc if doc] == ["X", "W", "b"]
    assert len(schema.output_desc) == 1
    assert schema.inf and schema.CalculateOutput(2) == 1
    assert schema.num_inputs_allowed(2) and not schema.num_inputs_allowed(4)
    assert schema.num_outputs_allowed(1) and not schema.num_inputs_outputs_allowed(1, 1)
    assert not schema.inplace_enforced(0, 0)
    assert C.OpSchema.get("Concat").max_input == 2**31 - 1
    assert C.OpSchema.get("NoSuchOperator") is None
    assert C.OpSchema.get_cpu_impl("Conv") and C.OpSchema.get_cpu_impl("NoSuch") is None
    assert C.OpSchema.get_gradient_impl("Conv") and not C.OpSchema.get_gradient_impl("Shape")
    assert C.OpSchema.get_cuda_impl("Conv") is None


# --- Predictor.

def model():
    init = protos.net("init", protos.op("ConstantFill", [], ["w"], shape=[2, 4], value=1.0),
                      protos.op("ConstantFill", [], ["b"], shape=[2], value=0.5))
    predict = protos.net_def("predict", protos.op("FC", ["data", "w", "b"], ["y"]))
    predict.external_input.extend(["data", "w", "b"])
    predict.external_output.append("y")
    return init, predict.SerializeToString()


def test_a_predictor_takes_inputs_by_position_and_by_name():
    predictor = C.Predictor(*model())
    data = np.array([[1, 2, 3, 4]], "f4")
    assert predictor.run([data])[0].tolist() == [[10.5, 10.5]]
    assert predictor.run({"data": data + 1})[0].tolist() == [[14.5, 14.5]]
    assert predictor.run([])[0].tolist() == [[14.5, 14.5]]


def test_a_predictor_sees_the_current_workspace():
    _, predict = model()
    C.feed_blob("w", np.ones((2, 4), "f4"))
    C.feed_blob("b", np.zeros(2, "f4"))
    assert C.Predictor(b"", predict).run([np.ones((1, 4), "f4")])[0].tolist() == [[4, 4]]


def test_a_predictor_refuses_wrong_inputs():
    predictor = C.Predictor(*model())
    data = np.ones((1, 4), "f4")
    for inputs in ([data] * 4, {"nothing": data}, [[1.0]], [data[:, :3]], [np.array(["a"])]):
        with pytest.raises(RuntimeError):
            predictor.run(inputs)
    assert predictor.run([data])[0].tolist() == [[4.5, 4.5]]


# --- Observers.

def test_observers_count_and_time():
    C.create_net(demo)
    times = C.add_observer_to_net("demo", "TimeObserver")
    counts = C.add_observer_to_net("demo", "RunCountObserver")
    C.add_observer_to_net("demo", "ProfileObserver")
    assert C.num_observers_on_net("demo") == 3
    C.run_net("demo", 4, False)
    assert times.average_time() > 0 and times.average_time_children() > 0
    assert "8 times" in counts.debug_info() and "4 runs" in times.debug_info()
    with pytest.raises(RuntimeError):
        counts.average_time()
    C.remove_observer_from_net("demo", counts)
    assert C.num_observers_on_net("demo") == 2
    C.run_net("demo", 1, False)
    assert "8 times" in counts.debug_info() and "5 runs" in times.debug_info()
    C.clear_global_net_observer()


def test_observers_go_with_their_net():
    C.create_net(demo)
    C.add_observer_to_net("demo", "TimeObserver")
    C.create_net(demo, True)
    assert C.num_observers_on_net("demo") == 0
    observer = C.add_observer_to_net("demo", "TimeObserver")
    C.run_plan(protos.plan(demo))  # makes the net anew
    assert C.num_observers_on_net("demo") == 0
    C.remove_observer_from_net("demo", observer)
    C.run_net("demo", 1, False)
    assert "0 runs" in observer.debug_info()
    C.delete_net("demo")
    for call in (lambda: C.num_observers_on_net("demo"),
                 lambda: C.add_observer_to_net("demo", "TimeObserver")):
        with pytest.raises(RuntimeError):
            call()
    C.create_net(demo)
    with pytest.raises(RuntimeError, match="TimeObserver"):
        C.add_observer_to_net("demo", "NoSuchObserver")


# --- Databases.

def test_a_database_holds_what_was_put_in_order(tmp_path):
    path = str(tmp_path / "db")
    for db_type in ("minidb", "leveldb", "lmdb"):
        db = C.create_db(db_type, path + db_type, C.Mode.new)
        transaction = db.new_transaction()
        for i in range(3):
            transaction.put(f"key{i}", b"\0value" * (i + 1))
        transaction.commit()
        db.close()
        cursor = C.create_db(db_type, path + db_type, C.read).new_cursor()
        records = []
        while cursor.valid():
            records.append((cursor.key(), cursor.value()))
            cursor.next()
        assert records == [(f"key{i}".encode(), b"\0value" * (i + 1)) for i in range(3)]
        with pytest.raises(RuntimeError):
            cursor.key()
        cursor.seek_to_first()
        assert cursor.key() == b"key0" and cursor.supports_seek() == (db_type != "minidb")
        if cursor.supports_seek():
            cursor.seek(b"key1")
            assert cursor.key() == b"key1"


def test_a_database_written_from_python_is_one_of_doppio(tmp_path):
    path = str(tmp_path / "db")
    C.feed_blob("x", np.arange(3.0))
    db = C.create_db("minidb", path, C.new)
    db.new_transaction().put("x#%0", C.serialize_blob("x"))  # written when it is dropped
    late = db.new_transaction()
    late.put("y", b"not written")
    db.close()
    del late
    ((name, array),) = _core.load_tensors(path)
    assert name == "x" and array.tolist() == [0, 1, 2]


def test_a_dropped_database_is_closed(tmp_path):
    path = str(tmp_path / "db")
    for i in range(2):
        db = C.create_db("minidb", path, C.Mode.write)
        db.new_transaction().put(f"k{i}", "v")
        del db
    assert pathlib.Path(path).read_bytes() == b"".join(
        b"\2\0\0\0\1\0\0\0" + key + b"v" for key in (b"k0", b"k1"))


def test_databases_that_can_not_be_are_a_runtime_error(tmp_path):
    with pytest.raises(RuntimeError, match="rocksdb"):
        C.create_db("rocksdb", str(tmp_path), C.Mode.read)
    for db_type in ("minidb", "leveldb", "lmdb"):
        with pytest.raises(RuntimeError, match="nothing"):
            C.create_db(db_type, str(tmp_path / "nothing"), C.Mode.read)
    damaged = tmp_path / "damaged"
    damaged.write_bytes(b"\x05\0\0\0\xff\0\0\0key")
    with pytest.raises(RuntimeError, match="damaged"):
        C.create_db("minidb", str(damaged), C.Mode.read).new_cursor()
    damaged.write_bytes(b"")
    with pytest.raises(RuntimeError, match="open for reading"):
        C.create_db("minidb", str(damaged), C.Mode.read).new_transaction()
    with pytest.raises(RuntimeError, match="open for writing"):
        C.create_db("minidb", str(damaged), C.Mode.write).new_cursor()
    with pytest.raises(RuntimeError, match="0 bytes"):
        C.create_db("minidb", str(damaged), C.Mode.write)._write([(b"k", b"")])
    assert {"minidb", "LevelDB", "lmdb"} <= set(C.registered_dbs())
