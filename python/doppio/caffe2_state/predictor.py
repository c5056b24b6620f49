"""The predictor of Caffe2's front end."""

from typing import Any, Dict, List, Sequence, Union

import numpy as np

from doppio import _core, errors
from doppio.caffe2_state.blob import Blob, to_array, want
from doppio.caffe2_state.protos import caffe2_pb2, parse
from doppio.caffe2_state.workspace import Workspace, current

__all__ = ["Predictor"]


class Predictor:
    """Runs the init net once, and then the predict net as often as one likes, in a workspace that
    sees the blobs of the current one.

        predictor = Predictor(init_net_bytes, predict_net_bytes)
        outputs = predictor.run([array])          # by the position in external_input
        outputs = predictor.run({"data": array})  # by name

    The result is a list of arrays, one for each external output.
    """

    def __init__(self, init_net: bytes, predict_net: bytes) -> None:
        want(init_net, bytes, "Predictor, init_net")
        self._net = parse(caffe2_pb2.NetDef, predict_net)
        if not self._net.name:
            self._net.name = "predict"
        self._workspace = Workspace(current())
        if init_net:
            self._workspace._run_net(init_net)
        for name in self._net.external_input:
            if not self._workspace.has_blob(name):
                self._workspace.create_blob(name).tensor()
        self._workspace._create_net(self._net.SerializeToString(), True)

    def run(self, inputs: Union[Sequence[np.ndarray], Dict[str, np.ndarray]]) -> List[Any]:
        """The outputs as arrays of their own. Fewer inputs than the net has may be given; what is
        not given keeps its value."""
        if not isinstance(inputs, dict):
            names = self._net.external_input
            if len(inputs) > len(names):
                raise errors.InvalidArgumentError(
                    f"{len(inputs)} inputs are given, but the net has {len(names)}")
            inputs = dict(zip(names, inputs))
        for name, array in inputs.items():
            handle = _core.find_blob(self._workspace._core, name)
            if handle is None:
                raise errors.NotFoundError(f'the net has no input "{name}"')
            Blob(handle)._feed(to_array(array, f'input "{name}"'))
        self._workspace._run(self._net.name, 1)
        return [self._workspace._blob(name).fetch() for name in self._net.external_output]
