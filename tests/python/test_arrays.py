"""Arrays into workspaces and out of them."""

import numpy as np
import pytest

import doppio
from support import DTYPES, address

@pytest.fixture
def ws():
    return doppio.Workspace()


@pytest.fixture
def copy_net():
    return doppio.Net("copy").add("Copy", "X", "Y")


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", [(), (0,), (1,), (3, 0, 2), (2, 3), (2, 1, 3, 2)])
def test_every_type_and_shape_comes_back_as_it_was(ws, copy_net, dtype, shape):
    values = np.arange(np.prod(shape, dtype=int)).reshape(shape) % 2
    array = values.astype(dtype)
    ws.feed("X", array)
    ws.run(copy_net)
    for name in ("X", "Y"):
        back = ws.fetch(name)
        assert back.dtype == array.dtype and back.shape == array.shape
        np.testing.assert_array_equal(back, array)


@pytest.mark.parametrize("dtype", ["int16", "int32", "int64", "uint16", "float16", "float32", "float64"])
def test_big_endian_arrays_are_converted(ws, dtype):
    array = np.array([[1, 2], [3, 4]], dtype).astype(np.dtype(dtype).newbyteorder(">"))
    ws["X"] = array
    assert ws["X"].dtype == np.dtype(dtype)
    np.testing.assert_array_equal(ws["X"], array)


@pytest.mark.parametrize("change", [
    lambda a: a[::2], lambda a: a[:, ::-1], lambda a: a.T, lambda a: np.asfortranarray(a),
    lambda a: a[1:, 1:], lambda a: np.broadcast_to(a[0], (5, 6)), lambda a: a[:, :, None][..., 0].T,
])
def test_arrays_in_any_layout_are_fed_by_value(ws, copy_net, change):
    array = change(np.arange(24, dtype=np.float32).reshape(4, 6))
    ws["X"] = array
    ws.run(copy_net)
    np.testing.assert_array_equal(ws["Y"], array)


def test_an_array_that_is_not_aligned_is_copied(ws):
    raw = np.zeros(4 * 5 + 1, np.uint8)
    array = raw[1:].view(np.float32)
    array[:] = [1, 2, 3, 4, 5]
    assert not array.flags.aligned
    ws["X"] = array
    np.testing.assert_array_equal(ws["X"], [1, 2, 3, 4, 5])


def test_64_mib_are_fed_and_fetched_without_a_copy(ws):
    array = np.zeros(64 << 18, np.float32)
    assert array.nbytes == 64 << 20
    ws.feed("X", array)
    assert address(ws.fetch("X")) == address(array)
    assert address(ws.fetch("X")) == address(ws.fetch("X"))


def test_what_is_written_to_a_shared_array_is_seen_by_the_next_run(ws, copy_net):
    array = np.zeros(3, np.float32)
    ws.feed("X", array)
    array[1] = 7
    ws.run(copy_net)
    np.testing.assert_array_equal(ws["Y"], [0, 7, 0])


def test_a_copied_array_is_independent(ws):
    array = np.zeros(3, np.float32)
    ws.feed("X", array, copy=True)
    array[:] = 7
    np.testing.assert_array_equal(ws["X"], [0, 0, 0])


def test_an_operator_in_place_never_writes_to_the_array_that_was_fed(ws):
    array = np.array([-1, 2], np.float32)
    ws["X"] = array
    ws.run(doppio.Net("relu").add("Relu", "X", "X"))
    np.testing.assert_array_equal(ws["X"], [0, 2])
    np.testing.assert_array_equal(array, [-1, 2])


def test_an_array_that_was_fed_lives_as_long_as_the_blob(ws):
    ws["X"] = np.arange(1000, dtype=np.int64) * 3
    view = ws["X"]
    ws["X"] = 0
    for _ in range(10):
        np.full(1000, -1)  # would reuse the memory if it were free
    np.testing.assert_array_equal(view, np.arange(1000) * 3)


def test_a_fetched_array_is_read_only_because_the_blob_shares_it(ws):
    ws["X"] = np.zeros(3)
    with pytest.raises(ValueError, match="read-only"):
        ws["X"][0] = 1


def test_a_fetched_copy_is_ones_own(ws):
    ws["X"] = np.zeros(3)
    own = ws.fetch("X", copy=True)
    own[0] = 1
    assert ws["X"][0] == 0


def test_fetched_arrays_stay_what_they_are_when_the_net_runs_again(ws, copy_net):
    ws["X"] = np.float32([1, 2])
    ws.run(copy_net)
    first = ws["Y"]
    ws["X"] = np.float32([3, 4])
    ws.run(copy_net)
    np.testing.assert_array_equal(first, [1, 2])
    np.testing.assert_array_equal(ws["Y"], [3, 4])


@pytest.mark.parametrize("end", [doppio.Workspace.reset_workspace, doppio.Workspace.close])
def test_fetched_arrays_outlive_the_workspace(copy_net, end):
    ws = doppio.Workspace()
    ws["X"] = np.arange(100000, dtype=np.float32)
    ws.run(copy_net)
    view = ws["Y"]
    end(ws)
    del ws
    np.testing.assert_array_equal(view, np.arange(100000))


def test_results_of_a_predictor_that_nobody_shares_may_be_written_to():
    net = doppio.Net("n").add("Relu", "X", "Y")
    result = doppio.Predictor(net)(np.float32([1, -1]))
    if result.flags.writeable:
        result[0] = 5
    np.testing.assert_array_equal(doppio.Predictor(net)(np.float32([1, -1])), [1, 0])


# What is no array.

def test_numbers_and_lists_become_what_nets_are_made_of(ws):
    ws["a"], ws["b"], ws["c"], ws["d"] = 1, 2.5, [[1, 2]], [True, False]
    assert [ws[name].dtype for name in "abcd"] == [np.int64, np.float32, np.int64, np.bool_]
    assert ws["a"].shape == () and ws["c"].shape == (1, 2)


def test_numpy_scalars_keep_their_type(ws):
    ws["x"] = np.float64(2.5)
    assert ws["x"].dtype == np.float64


def test_dtype_converts(ws):
    ws.feed("X", [1, 2], dtype=np.float16)
    ws.feed("Y", np.arange(3), dtype="float")
    assert ws["X"].dtype == np.float16 and ws["Y"].dtype == np.float32


def test_a_subclass_of_ndarray_is_an_array(ws):
    ws["X"] = np.ma.masked_array([1.0, 2.0])
    np.testing.assert_array_equal(ws["X"], [1, 2])


def test_a_buffer_is_an_array(ws):
    ws["X"] = memoryview(bytearray(b"\x01\x02"))
    assert ws["X"].dtype == np.uint8
    np.testing.assert_array_equal(ws["X"], [1, 2])


# Strings.

@pytest.mark.parametrize("array", [
    np.array([b"a", b"", b"\xff\x00z"], object), np.array([b"a", b"", b"\xff\x00z"]),
    [b"a", b"", b"\xff\x00z"],
])
def test_strings_are_arrays_of_bytes(ws, copy_net, array):
    ws["X"] = array
    ws.run(copy_net)
    assert ws["Y"].dtype == object
    assert ws["Y"].tolist() == [b"a", b"", b"\xff\x00z"]


def test_text_is_kept_as_utf8(ws):
    ws["a"] = "Ärger"
    ws["b"] = np.array([["é", "x"]])
    assert ws["a"].item() == "Ärger".encode() and ws["a"].shape == ()
    assert ws["b"].tolist() == [["é".encode(), b"x"]]


# Refusals.

@pytest.mark.parametrize("value, words", [
    (np.array([b"a", 1, None], object), "element 1.*not int"),
    ([b"a", None], "element 1.*not NoneType"),
    ([1, "a"], "element 0.*not int"),
    (np.zeros(2, [("a", "f4"), ("b", "i4")]), "each of its fields"),
    (np.zeros(2, np.complex64), "real and imaginary"),
    (np.zeros(2, np.uint32), "no tensors of uint32"),
    (np.zeros(2, np.uint64), "no tensors of uint64"),
    (np.zeros(2, np.longdouble), "no tensors of float128"),
    (np.array(["2020-01-01"], "M8[D]"), "no tensors of datetime64"),
    (None, "element 0"),
    ({"a": 1}, "element 0.*not dict"),
    (object(), "element 0.*not object"),
])
def test_what_no_tensor_can_hold_is_a_type_error_that_names_the_blob(ws, value, words):
    with pytest.raises(TypeError, match=f'feed of "X".*{words}'):
        ws.feed("X", value)
    assert "X" not in ws


def test_ragged_lists_are_refused(ws):
    with pytest.raises(ValueError, match='feed of "X".*NumPy makes no array'):
        ws.feed("X", [[1, 2], [3]])


def test_an_array_larger_than_the_limit_is_refused_before_anything_is_allocated(ws):
    huge = np.broadcast_to(np.float32(1), (1 << 20, 1 << 20))
    with pytest.raises(ValueError, match='feed of "X".*larger than a tensor may be'):
        ws["X"] = huge


def test_an_array_larger_than_the_machine_is_a_memory_error(ws):
    huge = np.broadcast_to(np.uint8(1), (1 << 39,))
    with pytest.raises(MemoryError):
        ws["X"] = huge


def test_an_empty_name_is_refused(ws):
    with pytest.raises(ValueError, match="name of a blob"):
        ws[""] = 1


@pytest.mark.parametrize("name", [1, None, ["X"]])
def test_a_name_is_text(ws, name):
    with pytest.raises(TypeError):
        ws.feed(name, 1)


def test_an_error_that_an_array_like_raises_is_the_callers(ws):
    class Broken:
        def __array__(self, dtype=None):
            raise KeyError("mine")

    with pytest.raises(KeyError, match="mine"):
        ws["X"] = Broken()


# Cast and Reshape do what NumPy's astype and reshape do.

@pytest.mark.parametrize("source", DTYPES)
@pytest.mark.parametrize("target", DTYPES)
def test_cast_does_what_astype_does(ws, source, target):
    array = np.array([0, 1, 2, 100, 3]).astype(source)
    ws["X"] = array
    ws.run(doppio.Net("cast").add("Cast", "X", "Y", to=np.dtype(target)))
    np.testing.assert_array_equal(ws["Y"], array.astype(target), strict=True)


@pytest.mark.parametrize("shape", [(6,), (3, 2), (1, 6, 1), (-1, 2), (2, -1)])
def test_reshape_does_what_reshape_does(ws, shape):
    array = np.arange(6).reshape(2, 3)
    ws["X"] = array
    ws.run(doppio.Net("reshape").add("Reshape", "X", ["Y", "old"], shape=shape))
    np.testing.assert_array_equal(ws["Y"], array.reshape(shape), strict=True)
    assert ws["old"].tolist() == [2, 3]
