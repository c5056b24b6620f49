"""What several tests of the Python package use."""

import os
import threading

import pytest

import doppio

DTYPES = ["bool", "int8", "int16", "int32", "int64", "uint8", "uint16", "float16", "float32", "float64"]


def address(array):
    """Where the elements of an array are."""
    return array.__array_interface__["data"][0]


def in_threads(work, count=8):
    """Runs work(k) on `count` threads; raises the first exception of any."""
    errors = []

    def guarded(k):
        try:
            work(k)
        except BaseException as error:  # noqa: BLE001: raised again below
            errors.append(error)

    threads = [threading.Thread(target=guarded, args=(k,)) for k in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if errors:
        raise errors[0]


def resident_bytes():
    """Memory of this process that is in use."""
    with open("/proc/self/statm", encoding="ascii") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def allowed_growth(limit):
    """`limit` bytes, or many more under AddressSanitizer, which keeps what was freed for a while."""
    return 1 << 30 if "libasan" in os.environ.get("LD_PRELOAD", "") else limit


def skip_without_onnx():
    """Skips the module in a doppio that was built without ONNX."""
    try:
        doppio.Model.from_onnx(b"")
    except doppio.UnimplementedError as error:
        pytest.skip(str(error), allow_module_level=True)
    except doppio.InvalidArgumentError:
        pass  # no bytes are no model
