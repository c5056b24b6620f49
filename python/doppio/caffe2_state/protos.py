"""The format's messages under Caffe2's own names (package `caffe2`), made when they are needed.

They live in a descriptor pool of their own. So they get along with a `caffe2_pb2` that is
installed, with `doppio.net_pb2` and with a libtorch in the process, each of which may have
registered the same names elsewhere.
"""

import types
from typing import Any, Dict, List, Tuple

from google.protobuf import descriptor_pb2, descriptor_pool, message, message_factory
from google.protobuf.internal import enum_type_wrapper

from doppio import _core, errors

_FIELD = descriptor_pb2.FieldDescriptorProto
_PACKAGE = "caffe2"

# (number, name, type, label, default) of the fields of messages that the front end uses and the
# format itself does not have.
_EXTRA: Dict[str, List[Tuple[Any, ...]]] = {
    "TwoNumberStatsProto": [(1, "mean", "float"), (2, "stddev", "float"), (3, "count", "int64")],
    "BlobProfile": [(1, "name", "string"), (3, "bytes_used", "TwoNumberStatsProto")],
    "ProfDAGProto": [
        (1, "name", "string", "required"), (2, "mean", "float", "required"),
        (3, "stddev", "float", "required"), (4, "execution_time", "TwoNumberStatsProto"),
        (5, "output_profile", "BlobProfile", "repeated"), (7, "extra_info", "string", "repeated"),
    ],
    "OpProfile": [
        (1, "idx", "string"), (2, "net_name", "string"), (3, "type", "string"),
        (4, "exec_time_secs", "float"),
    ],
    "ProfDAGProtos": [
        (1, "stats", "ProfDAGProto", "repeated"), (2, "net_name", "string"),
        (3, "ops_stats", "OpProfile", "repeated"),
    ],
    "NodeProto": [
        (1, "children", "NodeProto", "repeated"), (2, "word_ids", "int32", "repeated"),
        (3, "offset", "int32"), (4, "name", "string"), (5, "scores", "float", "repeated"),
    ],
    "TreeProto": [(1, "root_node", "NodeProto")],
    "HierarchyProto": [(1, "size", "int32"), (2, "paths", "PathProto", "repeated")],
    "PathProto": [(1, "word_id", "int32"), (2, "path_nodes", "PathNodeProto", "repeated")],
    "PathNodeProto": [(1, "index", "int32"), (2, "length", "int32"), (3, "target", "int32")],
}
_CONSTANTS = [
    ("META_NET_DEF", "!!META_NET_DEF"), ("PREDICTOR_DBREADER", "!!PREDICTOR_DBREADER"),
    ("PARAMETERS_BLOB_TYPE", ""), ("INPUTS_BLOB_TYPE", ""), ("OUTPUTS_BLOB_TYPE", ""),
    ("GLOBAL_INIT_NET_TYPE", ""), ("PREDICT_INIT_NET_TYPE", ""), ("PREDICT_NET_TYPE", ""),
    ("SINGLE_PREDICTOR", ""), ("MULTI_PREDICTOR", ""), ("TRAIN_INIT_PLAN_TYPE", ""),
    ("TRAIN_PLAN_TYPE", ""), ("SHAPE_INFO_BLOB", ""),
    ("DEFERRED_BLOB_READER", "__DEFERRED_BLOB_READER__"),
]
# Names of device types that versions of Caffe2's caffe2_pb2, or of forks of it, have besides those
# of the format itself.
_MORE_DEVICES = {
    "PROTO_DNNL": "PROTO_MKLDNN", "PROTO_MSNPU": "PROTO_ORT", "PROTO_MAIA": "PROTO_ORT",
    **{name: "PROTO_" + name for name in (
        "CPU", "CUDA", "MKLDNN", "OPENGL", "OPENCL", "IDEEP", "HIP", "COMPILE_TIME_MAX_DEVICE_TYPES",
        "ONLY_FOR_TEST")},  # until September 2018
}
_ONLY_FOR_TEST = 20901
_LEGACY_PADDING = ["NOTSET", "VALID", "SAME", "CAFFE_LEGACY_POOLING"]


def _rename(messages: Any) -> None:
    for one in messages:
        for field in one.field:
            if field.type_name.startswith(".doppio."):
                field.type_name = f".{_PACKAGE}." + field.type_name[len(".doppio."):]
        _rename(one.nested_type)


def _format_file() -> descriptor_pb2.FileDescriptorProto:
    file = descriptor_pb2.FileDescriptorProto.FromString(_core.format_descriptor())
    file.name = "caffe2/proto/caffe2.proto"
    file.package = _PACKAGE
    _rename(file.message_type)
    return file


def _extra_file() -> descriptor_pb2.FileDescriptorProto:
    file = descriptor_pb2.FileDescriptorProto(
        name="caffe2/proto/extra.proto", package=_PACKAGE, syntax="proto2")
    for name, fields in _EXTRA.items():
        added_message = file.message_type.add(name=name)
        for number, field, kind, *label in fields:
            added = added_message.field.add(name=field, number=number)
            added.label = getattr(_FIELD, "LABEL_" + (label[0] if label else "optional").upper())
            if kind in _EXTRA:
                added.type = _FIELD.TYPE_MESSAGE
                added.type_name = f".{_PACKAGE}.{kind}"
            else:
                added.type = getattr(_FIELD, "TYPE_" + kind.upper())
    constants = file.message_type.add(name="PredictorConsts")
    for number, (name, value) in enumerate(_CONSTANTS, start=1):
        constants.field.add(name=name, number=number, type=_FIELD.TYPE_STRING,
                            label=_FIELD.LABEL_OPTIONAL, default_value=value or name)
    padding = file.enum_type.add(name="LegacyPadding")
    for number, name in enumerate(_LEGACY_PADDING):
        padding.value.add(name=name, number=number)
    return file


def _classes(pool: descriptor_pool.DescriptorPool, name: str) -> Dict[str, Any]:
    """What a generated module would define: messages, enums and their values."""
    file = pool.FindFileByName(name)
    names: Dict[str, Any] = {"DESCRIPTOR": file}
    if hasattr(message_factory, "GetMessageClass"):
        make = message_factory.GetMessageClass
    else:
        make = message_factory.MessageFactory(pool).GetPrototype
    for one in file.message_types_by_name.values():
        names[one.name] = make(one)
    for enum in file.enum_types_by_name.values():
        names[enum.name] = enum_type_wrapper.EnumTypeWrapper(enum)
        names.update((value.name, value.number) for value in enum.values)
    return names


def _all() -> Dict[str, Any]:
    pool = descriptor_pool.DescriptorPool()
    names: Dict[str, Any] = {}
    for file in (_format_file(), _extra_file()):
        pool.AddSerializedFile(file.SerializeToString())
        names.update(_classes(pool, file.name))
    devices = names["DeviceTypeProto"].values()
    names.update(PROTO_COMPILE_TIME_MAX_DEVICE_TYPES=max(devices) + 1,
                 PROTO_ONLY_FOR_TEST=_ONLY_FOR_TEST)
    names.update((name, names[same]) for name, same in _MORE_DEVICES.items())
    names["DeviceOption"].cuda_gpu_id = property(  # its name until September 2018
        lambda option: option.device_id,
        lambda option, number: setattr(option, "device_id", number))
    names["DESCRIPTOR"] = pool.FindFileByName("caffe2/proto/caffe2.proto")
    return names


_NAMES = _all()
caffe2_pb2 = types.SimpleNamespace(**_NAMES)
"""The messages, for this package's own use."""


def parse(kind: Any, content: bytes) -> Any:
    """A message of its bytes; RuntimeError where they are none."""
    if not isinstance(content, bytes):
        raise TypeError(f"a serialized {kind.DESCRIPTOR.name} (bytes) is wanted, not "
                        + type(content).__name__)
    try:
        return kind.FromString(content)
    except message.DecodeError as error:
        raise errors.InvalidArgumentError(f"that is no {kind.DESCRIPTOR.name}: {error}") from None


MODULES = ("caffe2_pb2", "metanet_pb2", "torch_pb2", "caffe2_legacy_pb2", "predictor_consts_pb2",
           "prof_dag_pb2", "hsm_pb2")
"""Which of Caffe2's generated modules `fill` can stand in for."""


def fill(module: types.ModuleType) -> None:
    """Gives a module everything that Caffe2's generated modules define.

    All of MODULES get the same names, so that messages are the same classes wherever they are
    imported from. torch_pb2 (models of TorchScript) has no messages of its own here.
    """
    module.__dict__.update(_NAMES)
