"""The blobs of the current workspace, by name."""

from typing import Any, List, Optional, Union

from doppio import _core
from doppio.caffe2_state.blob import Blob, check_device, want
from doppio.caffe2_state.workspace import current, text

__all__ = [
    "blobs", "create_blob", "deserialize_blob", "feed_blob", "fetch_blob", "get_blob_size_bytes",
    "has_blob", "local_blobs", "reset_blob", "serialize_blob",
]


def blobs() -> List[str]:
    return current()._core.blob_names()


def local_blobs() -> List[str]:
    return current()._core.local_blob_names()


def has_blob(name: str) -> bool:
    return current().has_blob(name)


def create_blob(name: str) -> bool:
    current().create_blob(name)
    return True


def reset_blob(name: str) -> None:
    """Empties the blob."""
    current()._blob(name)._handle.reset()


def fetch_blob(name: str) -> Any:
    return current().fetch_blob(name)


def feed_blob(name: str, arg: Any, device_option: Optional[bytes] = None) -> bool:
    """Copies an array or a string into a blob, made where there is none."""
    check_device(device_option, f'feed of "{name}"')
    return current().create_blob(name)._feed(arg)


def serialize_blob(name: str) -> bytes:
    """The bytes of a BlobProto."""
    return current()._blob(name).serialize(name)


def deserialize_blob(name: Union[str, bytes], content: Optional[bytes] = None) -> Optional[Blob]:
    """deserialize_blob(name, content) fills the blob of that name; deserialize_blob(content) gives
    a blob of no workspace."""
    if content is None:
        want(name, (bytes, str), "deserialize_blob")
        blob = Blob(_core.BlobHandle("deserialized"))
        blob.deserialize(name if isinstance(name, bytes) else name.encode())
        return blob
    current().create_blob(text(name, "the name of a blob")).deserialize(content)
    return None


def get_blob_size_bytes(name: str) -> int:
    return current()._blob(name)._handle.nbytes
