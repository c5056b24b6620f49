"""What the process and its build have."""

from typing import Dict, Sequence

import numpy as np

from doppio import _core, errors
from doppio.caffe2_state.workspace import current

__all__ = [
    "DummyName", "builtin_cpu_supports_avx2", "create_offline_tensor",
    "define_caffe2_no_operator_schema", "get_blob_numa_node", "get_build_options",
    "get_num_numa_nodes", "get_stats", "global_init", "has_cuda_support", "has_fbgemm",
    "has_gpu_support", "has_hip_support", "has_mkldnn", "is_asan", "is_numa_enabled",
    "num_cuda_devices", "support_onnx_export", "transform_exists", "use_ideep", "use_mkldnn",
    "use_trt", "workspace_transform_exists",
]

is_asan = False
has_fbgemm = False
has_mkldnn = False
use_ideep = False
use_mkldnn = False
use_trt = False
has_cuda_support = False
has_gpu_support = False
has_hip_support = False
define_caffe2_no_operator_schema = False

_NO_NUMA = -1
_NUMPY_TYPES = {1: "float32", 2: "int32", 5: "bool", 6: "uint8", 7: "int8", 8: "uint16",
                9: "int16", 10: "int64", 12: "float16", 13: "float64"}


def global_init(args: Sequence[str]) -> None:
    """Takes a command line. `--caffe2_omp_num_threads=N` (N > 0) sets the number of threads inside
    operators; all else is of no meaning here."""
    for arg in list(args)[1:]:
        name, _, value = arg.lstrip("-").partition("=")
        if name == "caffe2_omp_num_threads" and value.isdigit() and int(value) > 0:
            _core.set_num_threads(int(value))


def get_build_options() -> Dict[str, str]:
    return {}


def builtin_cpu_supports_avx2() -> bool:
    try:
        with open("/proc/cpuinfo") as file:
            return "avx2" in file.read()
    except OSError:
        return False


def num_cuda_devices() -> int:
    return 0


def is_numa_enabled() -> bool:
    return False


def get_num_numa_nodes() -> int:
    return _NO_NUMA


def get_blob_numa_node(blob_name: str) -> int:
    current()._blob(blob_name)
    return _NO_NUMA


def get_stats() -> Dict[str, int]:
    """No operator here keeps counters of the process, so there are none."""
    return {}


def create_offline_tensor(name: str, dims: Sequence[int], datatype: int) -> bool:
    """Makes a blob a tensor of that shape and type (a number of TensorProto.DataType), of zeros."""
    if datatype not in _NUMPY_TYPES:
        raise errors.InvalidArgumentError(
            f"create_offline_tensor: {datatype} is no type of such a tensor")
    return current().create_blob(name)._feed(np.zeros(list(dims), _NUMPY_TYPES[datatype]))


def transform_exists(transform_name: str) -> bool:
    return False


def workspace_transform_exists(transform_name: str) -> bool:
    return False


def support_onnx_export(op: str) -> bool:
    return False


class DummyName:
    """Makes names that are not in use."""

    def __init__(self) -> None:
        self.reset()

    def reset(self, args: Sequence[str] = ()) -> None:
        self._used = set(args or ())
        self._count = 0

    def new_dummy_name(self) -> str:
        while True:
            name = f"OC2_DUMMY_{self._count}"
            self._count += 1
            if name not in self._used:
                self._used.add(name)
                return name
