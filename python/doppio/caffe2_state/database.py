"""Databases of keys and values: minidb, leveldb, lmdb."""

import enum
from typing import Any, List, Tuple, Union

from doppio import _core
from doppio.caffe2_state.blob import want

__all__ = ["Cursor", "DB", "Mode", "Transaction", "create_db", "new", "read", "registered_dbs",
           "write"]


class Mode(enum.Enum):
    """How create_db opens a database. `new` replaces one that is there, `write` adds to it."""

    read = 0
    write = 1
    new = 2


read, write, new = Mode.read, Mode.write, Mode.new


def _bytes(text: Union[str, bytes]) -> bytes:
    return text.encode() if isinstance(text, str) else text


Cursor = _core.DatabaseCursor


class Transaction:
    """Records to be written; commit() writes them, all or none. They are written too when it is
    dropped while the database is open."""

    def __init__(self, database: "DB") -> None:
        self._database = database
        self._records: List[Tuple[bytes, bytes]] = []

    def put(self, key: Union[str, bytes], value: Union[str, bytes]) -> None:
        self._records.append((_bytes(key), _bytes(value)))

    def commit(self) -> None:
        records, self._records = self._records, []
        if records:
            self._database._write(records)

    def __del__(self) -> None:
        if self._records and self._database._is_open:
            self.commit()


class DB:
    """An open database. What was written is there when it is closed, or dropped."""

    def __init__(self, db_type: str, path: str, mode: Mode) -> None:
        self._is_open = False
        self._database: Any = _core.open_database(db_type, path, mode.value)
        self._is_open = True
        self._writes = mode is not Mode.read

    def new_cursor(self) -> Cursor:
        return self._database.new_cursor()

    def new_transaction(self) -> Transaction:
        if not self._writes:
            self._database.write([])  # says that it is open for reading
        return Transaction(self)

    def _write(self, records: List[Tuple[bytes, bytes]]) -> None:
        self._database.write(records)

    def close(self) -> None:
        self._is_open = False
        self._database.close()

    def __del__(self) -> None:
        if self._is_open:
            self.close()


def create_db(db_type: str, path: str, mode: Mode) -> DB:
    """Opens or makes a database."""
    want(db_type, str, "create_db, type")
    want(path, str, "create_db, path")
    want(mode, Mode, "create_db, mode")
    return DB(db_type, path, mode)


def registered_dbs() -> List[str]:
    return _core.database_types()
