"""Blobs and tensors, as Caffe2's front end handles them: what is fed is copied, and so is what is
fetched; `TensorCPU.data` alone is the blob's own memory."""

from typing import Any, List, Optional, Sequence

import numpy as np

from doppio import _core, errors
from doppio.caffe2_state.protos import caffe2_pb2, parse

__all__ = ["Blob", "TensorCPU"]

_NOTHING = "nullptr (uninitialized)"


def want(value: Any, kind: Any, what: str) -> None:
    """TypeError unless the value is of that kind."""
    if not isinstance(value, kind):
        kinds = kind if isinstance(kind, tuple) else (kind,)
        names = " or ".join(kind.__name__ for kind in kinds)
        raise TypeError(f"{what}: {names} is wanted, not {type(value).__name__}")


def to_array(value: np.ndarray, what: str) -> np.ndarray:
    """The array as it may be fed, or a RuntimeError that says why not."""
    if not isinstance(value, np.ndarray):
        raise errors.InvalidArgumentError(
            f"{what}: only numpy arrays and strings can be fed, not {type(value).__name__}")
    if value.dtype.kind == "U":
        raise errors.InvalidArgumentError(
            f"{what}: an array of unicode strings can not be fed; make it one of bytes first, for "
            "instance with numpy.char.encode(array)")
    return value


def check_device(device_option: Optional[bytes], what: str) -> None:
    """RuntimeError where the bytes of a DeviceOption name another device than the CPU."""
    if device_option is None:
        return
    option = parse(caffe2_pb2.DeviceOption, device_option)
    if option.device_type != caffe2_pb2.PROTO_CPU:
        raise errors.UnimplementedError(
            f"{what}: device type {option.device_type} is asked for; doppio has the CPU only")


def feed_array(feed: Any, array: np.ndarray, what: str) -> None:
    """Calls feed(array); whatever is wrong with the array is a RuntimeError."""
    try:
        feed(to_array(array, what))
    except errors.Error:
        raise
    except (TypeError, ValueError) as error:
        raise errors.InvalidArgumentError(str(error)) from None


class TensorCPU:
    """The tensor of a blob. Made by `Blob.tensor()`; operators in Python get such too."""

    def __init__(self, handle: Any) -> None:
        self._handle = handle

    @property
    def data(self) -> np.ndarray:
        """An array over the tensor's own elements: writing to it writes to the blob. Of strings it
        is a copy."""
        return self._handle.data

    def feed(self, array: np.ndarray) -> None:
        """Copies the array into the tensor, which takes its shape and type."""
        feed_array(self._handle.feed, array, "TensorCPU.feed")

    def fetch(self) -> np.ndarray:
        """The elements as an array of their own."""
        return self._handle.fetch()

    def init(self, dims: Sequence[int], caffe_type: int) -> None:
        """Takes a shape and a type (a number of TensorProto.DataType). Elements are unspecified;
        RuntimeError for strings."""
        self._handle.init(list(dims), caffe_type)

    @property
    def _shape(self) -> List[int]:
        return list(self._handle.shape)

    def _reshape(self, dims: Sequence[int]) -> None:
        self._handle.reshape(list(dims))

    # The front end defines these two anew, by way of the two above.
    @property
    def shape(self) -> tuple:
        return tuple(self._shape)

    def reshape(self, dims: Sequence[int]) -> None:
        self._reshape(dims)

    def _tensor_impl_raw_handle(self) -> Any:
        """What torch._C._wrap_tensor_impl takes: a tensor of PyTorch over the same elements."""
        from torch import _C, from_numpy
        self._shared = from_numpy(self.data)  # must live until PyTorch has taken it
        return getattr(_C, "_tensor_impl_raw_handle")(self._shared)


class Blob:
    """A named place of a workspace, or, of `deserialize_blob(bytes)`, of none."""

    def __init__(self, handle: Any) -> None:
        self._handle = handle

    def serialize(self, name: str) -> bytes:
        """The bytes of a BlobProto of that name."""
        return self._handle.serialize(name)

    def deserialize(self, content: bytes) -> None:
        """Takes the value of the bytes of a BlobProto."""
        self._handle.deserialize(content)

    def fetch(self) -> Any:
        """A copy of a tensor as an array, bytes of a string, (array, scale, zero point) of a
        quantised tensor; RuntimeError for other values."""
        value = self._handle.fetch()
        if value is None:
            raise errors.InvalidArgumentError(
                f"Could not fetch for blob of type: {self._type_name()}")
        return value

    def is_tensor(self) -> bool:
        return self._handle.is_tensor

    def as_tensor(self) -> TensorCPU:
        """The blob's tensor; RuntimeError where it holds something else."""
        if not self.is_tensor():
            raise errors.InvalidArgumentError(
                f"the blob holds no tensor, but {self._type_name()}")
        return TensorCPU(_core.TensorHandle(self._handle))

    def tensor(self) -> TensorCPU:
        """The blob's tensor; a blob that holds something else becomes an empty one."""
        return TensorCPU(_core.TensorHandle(self._handle))

    def _feed(self, arg: Any, device_option: Optional[bytes] = None) -> bool:
        check_device(device_option, "feed")
        if isinstance(arg, (bytes, str)):
            self._handle.feed_text(arg)
        else:
            feed_array(self._handle.feed_array, arg, f'feed of "{self._handle.name}"')
        return True

    # The front end defines this one anew.
    def feed(self, arg: Any, device_option: Optional[bytes] = None) -> bool:
        return self._feed(arg, device_option)

    def _wrap_tensor_impl(self, raw_handle: Any) -> None:
        """Shares the elements of a tensor of PyTorch."""
        from torch import _C
        tensor = getattr(_C, "_wrap_tensor_impl")(raw_handle)
        feed_array(self._handle.share, tensor.detach().numpy(), "feed of a PyTorch tensor")

    def _type_name(self) -> str:
        return _NOTHING if self._handle.is_empty else self._handle.type_name


def fetch_named(blob: Blob, name: Any) -> Any:
    """As Blob.fetch, but a line of text (bytes) about values that can not be fetched."""
    value = blob._handle.fetch()
    if value is None:
        name = name.decode() if isinstance(name, bytes) else name
        value = f"{name}, a C++ native class of type {blob._type_name()}.".encode()
    return value
