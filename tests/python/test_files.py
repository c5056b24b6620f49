"""Nets and tensors in files."""

import os
import pickle

import numpy as np
import pytest

import doppio
from support import DTYPES


@pytest.mark.parametrize("ending", ["pb", "pbtxt", "json"])
def test_nets_come_back_from_every_encoding(tmp_path, ending):
    net = doppio.Net("demo", type="parallel").add("Conv", ["X", "W"], "Y", kernel=3, order="NCHW")
    net.external_inputs = ["X", "W"]
    path = tmp_path / f"net.{ending}"
    doppio.save(net, path)
    assert doppio.load(path) == net and doppio.load(str(path)).type == "parallel"
    doppio.save(net.to_proto(), path)
    assert doppio.load(path) == net


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("ending", ["npy", "npz", "pb", "pbtxt"])
def test_arrays_come_back_from_every_kind_of_file(tmp_path, dtype, ending):
    array = np.arange(6).reshape(2, 3).astype(dtype)
    path = tmp_path / f"array.{ending}"
    doppio.save(array, path)
    back = doppio.load(path)
    np.testing.assert_array_equal(back["arr_0"] if ending == "npz" else back, array, strict=True)


def test_files_are_those_of_numpy(tmp_path):
    doppio.save({"a": np.arange(3), "b": [1.5]}, tmp_path / "x.npz")
    with np.load(tmp_path / "x.npz") as arrays:
        assert arrays["a"].tolist() == [0, 1, 2] and arrays["b"].tolist() == [1.5]
    np.savez(tmp_path / "y.npz", q=np.eye(2, dtype=np.float16))
    np.testing.assert_array_equal(doppio.load(tmp_path / "y.npz")["q"], np.eye(2))


@pytest.mark.parametrize("protocol", range(2, 6))
def test_arrays_of_bytes_and_text_objects_become_strings(tmp_path, protocol):
    words = np.array([[b"ab\0", b"", "\u56fe"], [b"\xff", b"ab\0", "z"]], object)
    path = tmp_path / "words.npy"
    for array in (words, np.asfortranarray(words), words[:, ::-1]):
        np.save(path, array)
        content = path.read_bytes()
        path.write_bytes(content[:content.index(b"\n") + 1] + pickle.dumps(array, protocol))
        expected = [[w.encode() if isinstance(w, str) else w for w in row] for row in array]
        assert doppio.load(path).tolist() == expected
    np.savez(tmp_path / "words.npz", w=words)
    assert doppio.load(tmp_path / "words.npz")["w"][0, 0] == b"ab\0"


@pytest.mark.parametrize("value", [1, None, [b"a"], os.system, np.float32(2)])
def test_no_other_objects_are_unpickled(tmp_path, value):
    array = np.empty(2, object)
    array[:] = [b"a", value]
    np.save(tmp_path / "x.npy", array)
    with pytest.raises(doppio.errors.InvalidArgumentError, match="bytes or text; this one holds"):
        doppio.load(tmp_path / "x.npy")


def test_a_model_comes_back(tmp_path):
    net = doppio.Net("n").add("Mul", ["x", "w"], "y")
    doppio.save(doppio.Model(net, [], {"w": np.float32([2])}, ["x"], ["y"]), tmp_path / "m.minidb")
    model = doppio.load(tmp_path / "m.minidb")
    assert [str(op) for op in model.net] == ["Mul(x, w) -> y"]
    assert model.weights["w"].tolist() == [2] and (model.inputs, model.outputs) == (["x"], ["y"])


@pytest.mark.parametrize("cut", [1, 7, 20])
def test_files_that_are_cut_off_are_refused(tmp_path, cut):
    whole, path = tmp_path / "whole.pb", tmp_path / "cut.pb"
    doppio.save(doppio.Net("demo").add("Expand", ["X", "shape"], "Y"), whole)
    path.write_bytes(whole.read_bytes()[:-cut])
    with pytest.raises(doppio.Error, match="cut.pb"):
        doppio.load(path)


def test_a_plan_says_how_it_is_run(tmp_path):
    path = tmp_path / "plan.pbtxt"
    path.write_text('name: "plan" network { name: "n" } execution_step { name: "s" network: "n" }')
    with pytest.raises(doppio.InvalidArgumentError, match="run_plan"):
        doppio.load(path)


@pytest.mark.parametrize("what", [None, object(), lambda: 1])
def test_what_has_no_file_is_refused(tmp_path, what):
    with pytest.raises(TypeError, match="save"):
        doppio.save(what, tmp_path / "x")
    assert not (tmp_path / "x").exists()


def test_several_arrays_want_an_archive(tmp_path):
    with pytest.raises(ValueError, match="npz"):
        doppio.save({"a": [1]}, tmp_path / "x.npy")


def test_a_folder_that_is_not_there_is_an_error(tmp_path):
    with pytest.raises(doppio.Error, match="none"):
        doppio.save(doppio.Net("n"), tmp_path / "none" / "net.pb")


def test_names_of_files_are_text_or_paths():
    for call in (doppio.load, lambda path: doppio.save(doppio.Net("n"), path)):
        with pytest.raises(TypeError):
            call(1.5)


def test_a_file_of_no_known_kind_is_told_so(tmp_path):
    path = tmp_path / "cat.png"
    path.write_text("hello, this is no picture")
    with pytest.raises(doppio.DataLossError, match="cat.png: .*no file that doppio knows"):
        doppio.load(path)
