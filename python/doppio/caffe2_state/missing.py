"""What Caffe2's extension has and doppio has not: each name is there and says why when it is
used."""

from typing import Any, Callable, Dict

from doppio import errors

_REWRITES = ("rewriting nets as Caffe2 did it is not part of doppio; `doppio.Predictor` has "
             "rewrites of its own")
_GRAPHS = "nomnigraph, Caffe2's graphs for rewriting nets, is not part of doppio"
_ONNX = "ONNX is not part of doppio"
_TENSORRT = "TensorRT is not part of doppio"
_FP16 = "simulated fp16 operators are not part of doppio"
_TORCH = "models of TorchScript (torch_pb2) are not part of doppio"
_GPU = "doppio runs on the CPU only"

_REASONS: Dict[str, str] = {
    _REWRITES: """
        apply_transform apply_transform_if_faster run_transform run_workspace_transform
        transform_addNNPACK transform_fuseConvBN transform_fuseNNPACKConvRelu
        transform_optimizeForIDEEP transform_optimizeForMKLDNN transform_sinkMaxPool""",
    _GRAPHS: """
        Annotation Edge Graph MatchNodeRef MatchPredicate NNGraph NNMatchGraph NNModule
        NNModuleFromProtobuf NNModuleFromProtobufDistributed NNSubgraph NeuralNetData
        NeuralNetOperator Node NodeRef matchSubgraph replaceAllUsesWith replaceAsConsumer
        replaceProducer""",
    _ONNX: """
        Caffe2Backend Caffe2BackendRep Caffe2Ops export_to_onnx onnxifi onnxifi_get_option
        onnxifi_set_option ssa_rewrite""",
    _TENSORRT: "onnx_to_trt_op transform_trt",
    _FP16: "fakeFp16FuseOps",
    "networks are not filled at random here; feed numpy.random arrays": """
        fill_random_network_inputs""",
    _TORCH: """
        argument_to_attribute_proto attribute_proto_to_argument node_proto_to_operator_def
        operator_def_to_node_proto""",
    _GPU: """
        DLPackTensorCUDA DLPackTensorHIP get_cuda_peer_access_pattern get_cuda_version
        get_cudnn_version get_default_gpu_id get_device_properties get_gpu_memory_info
        get_hip_peer_access_pattern get_hip_version get_miopen_version num_hip_devices
        set_default_gpu_id""",
}

MISSING: Dict[str, str] = {
    name: reason for reason, names in _REASONS.items() for name in names.split()}
"""Name -> why it is not there."""


def refusal(name: str, reason: str) -> Callable[..., Any]:
    """A function, or for the name of a class a class, that raises UnimplementedError when it is
    called."""
    def refuse(*args: Any, **kwargs: Any) -> Any:
        raise errors.UnimplementedError(f"{name}: {reason}")

    refuse.__name__ = refuse.__qualname__ = name
    refuse.__doc__ = f"Not there: {reason}."
    if not name[0].isupper():
        return refuse
    return type(name, (), {"__new__": refuse, "__doc__": refuse.__doc__, "__module__": __name__})
