"""Workspaces, runs, and their errors."""

import numpy as np
import pytest

import doppio


@pytest.fixture
def ws():
    return doppio.Workspace()


def test_blobs_are_a_mapping(ws):
    ws.blobs["X"] = [1, 2]
    ws.blobs.update(Y=3)
    assert sorted(ws.blobs) == ["X", "Y"] and len(ws.blobs) == 2 and "X" in ws.blobs
    assert {name: array.tolist() for name, array in ws.blobs.items()} == {"X": [1, 2], "Y": 3}
    del ws.blobs["X"]
    assert "X" not in ws and ws.blobs.get("X") is None


def test_a_missing_blob_is_a_key_error_with_near_names(ws):
    ws["loss"] = 1
    with pytest.raises(KeyError) as error:
        ws["lost"]
    assert str(error.value) == 'there is no blob "lost"; did you mean loss?'
    assert isinstance(error.value, doppio.NotFoundError) and isinstance(error.value, RuntimeError)
    with pytest.raises(KeyError):
        del ws["lost"]


def test_a_net_is_made_once_and_again_when_it_changed(ws):
    ws["X"] = np.float32([-1, 2])
    net = doppio.Net("n").add("Relu", "X", "Y")
    ws.run(net)
    ws.run(net, times=3)
    assert ws.nets == ["n"]
    net.Exp("Y", name="Z")
    ws.run(net)
    np.testing.assert_allclose(ws["Z"], np.exp([0, 2]), rtol=1e-6)


def test_two_nets_of_one_name_are_two_nets(ws):
    ws["X"] = np.float32([-1, 2])
    first, second = doppio.Net("n").add("Relu", "X", "Y"), doppio.Net("n").add("Negative", "X", "Y")
    for net, result in ((first, [0, 2]), (second, [1, -2]), (first, [0, 2])):
        ws.run(net)
        assert ws["Y"].tolist() == result


def test_a_net_runs_by_its_name_after_its_first_run(ws):
    ws["X"] = 1.0
    ws.run(doppio.Net("mine").add("Negative", "X", "X"))
    ws.run("mine", 2)
    assert ws["X"] == -1
    with pytest.raises(KeyError, match='no net "mime"; did you mean mine'):
        ws.run("mime")


def test_a_net_without_a_name_runs(ws):
    ws["X"] = 1.0
    ws.run(doppio.Net("").add("Negative", "X", "Y"))
    assert ws["Y"] == -1


def test_a_deleted_net_is_made_again(ws):
    ws["X"] = 1.0
    net = doppio.Net("n").add("Negative", "X", "Y")
    ws.run(net)
    ws.delete_net("n")
    assert ws.nets == []
    ws.run(net)
    ws.reset_workspace()
    ws["X"] = 2.0
    ws.run(net)
    assert ws["Y"] == -2


def test_the_error_of_a_run_has_the_whole_message_and_harms_nothing(ws):
    ws["X"], ws["shape"] = np.zeros((3, 2)), [3, 4]
    net = doppio.Net("demo").add("Expand", ["X", "shape"], "Y")
    with pytest.raises(ValueError) as error:
        ws.run(net)
    assert str(error.value) == ('net "demo", op 0 Expand(X, shape) -> Y: cannot expand [3,2] to [3,4]: '
                                "dimension 1 is 2, must be 1 or 4")
    assert ws.last_failed_operator("demo") == 0
    ws["shape"] = [5, 1, 2]
    ws.run(net)
    assert ws["Y"].shape == (5, 3, 2)


def test_all_missing_inputs_are_told_together(ws):
    net = doppio.Net("n").add("Relu", "A", "B").add("Exp", "C", "D")
    with pytest.raises(doppio.Error, match='(?s)"A".*"C"'):
        ws.run(net)


def test_a_child_sees_its_parent_and_keeps_it_alive(ws):
    ws["w"] = [1.0, 2.0]
    child = doppio.Workspace(ws)
    child["x"] = [10.0, 20.0]
    net = doppio.Net("n").add("Mul", ["x", "w"], "y")
    child.run(net)
    assert child["y"].tolist() == [10, 40] and "y" not in ws
    del ws
    child.run(net)
    assert child["w"].tolist() == [1, 2]


def test_stats_count_what_a_workspace_holds(ws):
    ws.feed("X", np.zeros(1000, np.float32), copy=True)
    ws.run(doppio.Net("n").add("Copy", "X", "Y"))
    stats = ws.stats()
    assert stats.blobs == 2 and stats.nets == 1 and stats.live_bytes >= 8000
    ws.reset_workspace()
    assert ws.stats()[:3] == (0, 0, 0)


def test_a_blob_describes_itself(ws):
    ws["X"] = np.zeros((2, 3), np.int8)
    assert ws.info("X") == doppio.BlobInfo("Tensor", "int8", (2, 3))
    ws.create_blob("empty")
    assert ws.info("empty").shape is None
    with pytest.raises(doppio.FailedPreconditionError, match="no value"):
        ws["empty"]
    with pytest.raises(KeyError):
        ws.info("nothing")


def test_blobs_can_be_renamed_and_serialized(ws):
    ws["X"] = [1.0, 2.0]
    ws.rename_blob("X", "Y")
    content = ws.serialize_blob("Y")
    ws.deserialize_blob("Z", content)
    assert ws["Z"].tolist() == [1, 2] and "X" not in ws
    with pytest.raises(doppio.Error):
        ws.deserialize_blob("Z", b"\xff\xff")
    assert ws["Z"].tolist() == [1, 2]


@pytest.mark.parametrize("use", [
    lambda ws: ws.feed("X", 1), lambda ws: ws.fetch("X"), lambda ws: ws.run("n"), lambda ws: ws["X"],
    lambda ws: ws.reset_workspace(), lambda ws: ws.blobs["X"], lambda ws: list(ws.blobs),
    lambda ws: ws.stats(), lambda ws: ws.run(doppio.Net("n").add("Relu", "X", "Y")),
    lambda ws: doppio.Workspace(ws), lambda ws: "X" in ws, lambda ws: ws.tensor("X"),
])
def test_a_closed_workspace_can_not_be_used(use):
    with doppio.Workspace() as ws:
        ws["X"] = 1
    assert ws.closed and "closed" in repr(ws)
    with pytest.raises(doppio.FailedPreconditionError, match="closed"):
        use(ws)
    ws.close()


def test_the_child_of_a_closed_workspace_can_not_be_used(ws):
    child = doppio.Workspace(ws)
    ws.close()
    with pytest.raises(doppio.FailedPreconditionError, match="parent"):
        child["X"]


@pytest.mark.parametrize("net", [None, 1, b"n", ["n"]])
def test_only_nets_run(ws, net):
    with pytest.raises(TypeError, match="run: a Net"):
        ws.run(net)


def test_names_that_are_no_utf8_are_listed(ws):
    net = doppio.Net.from_text('op { type: "ConstantFill" output: "a\\377" }')
    ws.run(net)
    assert ws.blobs and list(ws.blobs) == net.outputs == net.ops[0].outputs == ["a\udcff"]
    assert doppio.Predictor(net).outputs == ["a\udcff"]


def test_times_must_not_be_negative(ws):
    with pytest.raises(ValueError, match="times"):
        ws.run(doppio.Net("n"), times=-1)


def test_a_file_that_is_a_directory_or_absent_is_an_os_error(tmp_path):
    with pytest.raises(FileNotFoundError):
        doppio.load(tmp_path / "none.pb")
    with pytest.raises(IsADirectoryError):
        doppio.load(tmp_path)


def test_a_net_opens_the_files_that_it_may(ws, tmp_path):
    inside, outside = tmp_path / "inside", tmp_path / "outside"
    inside.mkdir()

    def saves(folder):
        net = doppio.Net("save")
        net.Save("X", db=str(folder / "x.minidb"), db_type="minidb", absolute_path=True)
        ws.run(net)

    ws["X"] = 1
    assert ws.files == "."
    with pytest.raises(doppio.PermissionDeniedError, match="may not be opened here"):
        saves(inside)
    ws.files = inside
    assert doppio.Workspace(ws).files == ws.files == str(inside)
    saves(inside)
    with pytest.raises(PermissionError):
        saves(outside)
    ws.files = None
    assert ws.files is None
    with pytest.raises(doppio.PermissionDeniedError):
        saves(inside)

    load = doppio.Net("load")
    load.Load(name=["X"], db=str(inside / "x.minidb"), db_type="minidb", absolute_path=True)
    net = doppio.Net("net")
    net.Copy("X", name="Y")
    with pytest.raises(doppio.PermissionDeniedError):
        doppio.Predictor(net, load)
    assert doppio.Predictor(net, load, files=str(inside))() == 1


def test_tensors_are_held_to_a_limit(ws):
    net = doppio.Net("fill")
    net.ConstantFill(name="Y", shape=[1 << 20])
    doppio.set_memory_limit(ws.stats().process_live_bytes + (1 << 20))
    try:
        with pytest.raises(MemoryError, match="may hold"):
            ws.run(net)
    finally:
        doppio.set_memory_limit(None)
    ws.run(net)
    with pytest.raises(ValueError, match="set_memory_limit"):
        doppio.set_memory_limit(-1)
