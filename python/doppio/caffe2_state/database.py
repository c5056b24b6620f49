"""Databases of the type minidb: records of a key and a value, one after the other in a file."""

import enum
import struct
from typing import Any, BinaryIO, List, Optional, Union

from doppio import errors
from doppio.caffe2_state.blob import want

__all__ = ["Cursor", "DB", "Mode", "Transaction", "create_db", "new", "read", "registered_dbs",
           "write"]


class Mode(enum.Enum):
    """How create_db opens a database."""

    read = 0
    write = 1
    new = 2


read, write, new = Mode.read, Mode.write, Mode.new

_LENGTHS = struct.Struct("<ii")
_OPEN = {Mode.read: "rb", Mode.write: "ab", Mode.new: "wb"}


def _bytes(text: Union[str, bytes]) -> bytes:
    return text.encode() if isinstance(text, str) else text


class Cursor:
    """Goes through the records in their order. Begins at the first."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self.seek_to_first()

    def supports_seek(self) -> bool:
        return False

    def seek_to_first(self) -> None:
        self._file.seek(0)
        self.next()

    def next(self) -> None:
        """Goes to the next record; valid() is false after the last. RuntimeError for a damaged
        one."""
        self._record: Any = None
        lengths = self._file.read(_LENGTHS.size)
        if not lengths:
            return
        sizes = _LENGTHS.unpack(lengths) if len(lengths) == _LENGTHS.size else (-1, -1)
        record = [self._take(size) for size in sizes]
        if None in record:
            raise errors.DataLossError(
                f"{self._file.name}: the database ends within a record, or is none")
        self._record = record

    def _take(self, size: int) -> Optional[bytes]:
        if size < 0:
            return None
        taken = self._file.read(size)
        return taken if len(taken) == size else None

    def valid(self) -> bool:
        return self._record is not None

    def key(self) -> bytes:
        return self._field(0)

    def value(self) -> bytes:
        return self._field(1)

    def _field(self, index: int) -> bytes:
        if self._record is None:
            raise errors.FailedPreconditionError("the cursor is behind the last record")
        return self._record[index]


class Transaction:
    """Records to be written; commit() writes them. They are written too when it is dropped."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._records: List[bytes] = []

    def put(self, key: Union[str, bytes], value: Union[str, bytes]) -> None:
        record = _bytes(key), _bytes(value)
        self._records.append(_LENGTHS.pack(*map(len, record)) + b"".join(record))

    def commit(self) -> None:
        self._file.write(b"".join(self._records))
        self._file.flush()
        self._records.clear()

    def __del__(self) -> None:
        if self._records and not self._file.closed:
            self.commit()


class DB:
    """An open database."""

    def __init__(self, path: str, mode: Mode) -> None:
        self._path = path
        self._mode = mode
        try:
            self._file: Any = open(path, _OPEN[mode])
        except OSError as error:
            raise errors.NotFoundError(f"{path}: {error.strerror}") from None

    def new_cursor(self) -> Cursor:
        if self._mode is not Mode.read:
            raise errors.FailedPreconditionError(f"{self._path} is open for writing")
        return Cursor(open(self._path, "rb"))

    def new_transaction(self) -> Transaction:
        if self._mode is Mode.read:
            raise errors.FailedPreconditionError(f"{self._path} is open for reading")
        return Transaction(self._file)

    def close(self) -> None:
        self._file.close()


def create_db(db_type: str, path: str, mode: Mode) -> DB:
    """Opens or makes a database."""
    want(db_type, str, "create_db, type")
    want(path, str, "create_db, path")
    want(mode, Mode, "create_db, mode")
    if db_type.lower() != "minidb":
        raise errors.UnimplementedError(
            f'there are no databases of type "{db_type}" here; there is minidb')
    return DB(path, mode)


def registered_dbs() -> List[str]:
    return ["minidb"]
