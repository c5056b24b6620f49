"""What Caffe2's extension has and doppio has not: each name is there and says why when it is
used."""

from typing import Any, Callable, Dict

from doppio import errors

_REWRITES = ("rewriting nets as Caffe2 did it is not part of doppio; `doppio.Predictor` has "
             "rewrites of its own")
_GRAPHS = "nomnigraph, Caffe2's graphs for rewriting nets, is not part of doppio"
_ONNX = "ONNX is not part of doppio"
_MEMORY = "sharing of blobs between operators (memonger) is not part of doppio"
_TENSORRT = "TensorRT is not part of doppio"
_FP16 = "simulated fp16 operators are not part of doppio"
_GPU = "doppio runs on the CPU only"

_REASONS: Dict[str, str] = {
    _REWRITES: """
        apply_transform apply_transform_if_faster run_transform run_workspace_transform
        transform_addNNPACK transform_fuseConvBN transform_fuseNNPACKConvRelu
        transform_optimizeForMKLDNN transform_sinkMaxPool""",
    _GRAPHS: """
        Annotation MatchPredicate NNGraph NNMatchGraph NNModule NNModuleFromProtobuf
        NNModuleFromProtobufDistributed NNSubgraph NeuralNetData NeuralNetOperator NodeRef
        replaceAllUsesWith replaceAsConsumer replaceProducer""",
    _ONNX: """
        Caffe2Backend Caffe2BackendRep Caffe2Ops export_to_onnx onnxifi onnxifi_get_option
        onnxifi_set_option ssa_rewrite""",
    _MEMORY: "memonger_compute_blob_recycling_for_dag memonger_optimize_inference_net",
    _TENSORRT: "onnx_to_trt_op transform_trt",
    _FP16: "fakeFp16FuseOps",
    "networks are not filled at random here; feed numpy.random arrays": """
        fill_random_network_inputs""",
    _GPU: """
        get_cuda_version get_cudnn_version get_cuda_peer_access_pattern get_device_properties
        get_gpu_memory_info num_hip_devices get_hip_version get_hip_peer_access_pattern
        get_miopen_version""",
}

MISSING: Dict[str, str] = {
    name: reason for reason, names in _REASONS.items() for name in names.split()}
"""Name -> why it is not there."""


def refusal(name: str, reason: str) -> Callable[..., Any]:
    def refuse(*args: Any, **kwargs: Any) -> Any:
        raise errors.UnimplementedError(f"{name}: {reason}")

    refuse.__name__ = refuse.__qualname__ = name
    refuse.__doc__ = f"Not there: {reason}."
    return refuse
