"""doppio.Tensor: buffers and DLPack."""

import gc
import weakref

import numpy as np
import pytest

import doppio
from support import DTYPES, address


@pytest.mark.parametrize("dtype", DTYPES)
def test_numpy_takes_a_tensor_by_the_buffer_protocol_without_a_copy(dtype):
    array = np.ones((2, 3), dtype)
    tensor = doppio.Tensor(array)
    view = np.asarray(memoryview(tensor))
    assert address(view) == address(array) and view.dtype == array.dtype
    assert not view.flags.writeable


@pytest.mark.parametrize("dtype", [d for d in DTYPES if d != "bool"])
@pytest.mark.parametrize("shape", [(), (0, 2), (2, 3)])
def test_dlpack_goes_out_and_in_without_a_copy(dtype, shape):
    array = np.ones(shape, dtype)
    ws = doppio.Workspace()
    ws["X"] = array
    back = np.from_dlpack(ws.tensor("X"))
    np.testing.assert_array_equal(back, array, strict=True)

    class OnlyDlpack:
        def __dlpack__(self, stream=None):
            return array.__dlpack__()

    ws["Y"] = OnlyDlpack()
    np.testing.assert_array_equal(ws["Y"], array, strict=True)
    if array.size:
        assert address(back) == address(array) == address(ws["Y"])


def test_dlpack_with_strides_is_gathered():
    array = np.arange(12, dtype=np.int32).reshape(3, 4)[::2, ::-1]

    class OnlyDlpack:
        def __dlpack__(self, stream=None):
            return array.__dlpack__()

    np.testing.assert_array_equal(doppio.Tensor(OnlyDlpack()).numpy(), array)


def test_a_tensor_that_came_by_dlpack_keeps_its_maker_alive():
    array = np.arange(1000.0)
    gone = weakref.ref(array)

    class OnlyDlpack:
        def __dlpack__(self, stream=None):
            return array.__dlpack__()

    ws = doppio.Workspace()
    ws["X"] = OnlyDlpack()
    del array, OnlyDlpack
    gc.collect()
    np.testing.assert_array_equal(ws["X"], np.arange(1000.0))
    ws.reset_workspace()
    gc.collect()
    assert gone() is None


def test_a_dlpack_capsule_that_nobody_takes_leaks_nothing():
    array = np.zeros(10)
    gone = weakref.ref(array)
    capsule = doppio.Tensor(array).__dlpack__()
    del array, capsule
    gc.collect()
    assert gone() is None


def test_pytorch_tensors_go_in_and_out():
    torch = pytest.importorskip("torch")
    ws = doppio.Workspace()
    source = torch.arange(6, dtype=torch.float32).reshape(2, 3)
    ws["X"] = source
    assert ws["X"].__array_interface__["data"][0] == source.data_ptr()
    back = torch.from_dlpack(ws.tensor("X"))
    assert back.data_ptr() == source.data_ptr() and torch.equal(back, source)
    ws["H"] = torch.tensor([1.5, -2.0], dtype=torch.bfloat16)
    assert ws.info("H").dtype == "bfloat16"
    assert torch.from_dlpack(ws.tensor("H")).dtype == torch.bfloat16


def test_bfloat16_is_fetched_as_float32():
    ws = doppio.Workspace()
    ws["X"] = np.float32([1.5, -2])
    ws.run(doppio.Net("cast").add("Cast", "X", "Y", to="bfloat16"))
    assert ws.tensor("Y").dtype == "bfloat16"
    np.testing.assert_array_equal(ws["Y"], np.float32([1.5, -2]), strict=True)
    with pytest.raises(BufferError, match="bfloat16"):
        memoryview(ws.tensor("Y"))


def test_a_tensor_tells_what_it_is():
    tensor = doppio.Tensor([[1, 2, 3]], dtype=np.int16)
    assert (tensor.dtype, tensor.shape, tensor.nbytes, len(tensor)) == ("int16", (1, 3), 6, 1)
    assert repr(tensor) == "doppio.Tensor int16[1,3]"
    assert address(tensor.copy().numpy()) != address(tensor.numpy())


def test_strings_have_no_buffer_and_no_dlpack():
    tensor = doppio.Tensor([b"a"])
    with pytest.raises(BufferError, match="string"):
        memoryview(tensor)
    with pytest.raises(TypeError, match="string"):
        tensor.__dlpack__()


@pytest.mark.parametrize("capsule", [None, 1, "x"])
def test_what_is_no_capsule_is_refused(capsule):
    class Liar:
        def __dlpack__(self, stream=None):
            return capsule

    with pytest.raises(TypeError, match='feed of "X".*capsule'):
        doppio.Workspace()["X"] = Liar()


def test_a_capsule_is_taken_once():
    capsule = np.zeros(2).__dlpack__()

    class Twice:
        def __dlpack__(self, stream=None):
            return capsule

    thing = Twice()
    doppio.Tensor(thing)
    with pytest.raises(TypeError, match="capsule"):
        doppio.Tensor(thing)
