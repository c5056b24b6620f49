"""doppio: run, train and build the nets that people made with Caffe2.

>>> import doppio
>>> import numpy as np
>>> net = doppio.Net("demo")
>>> Y = net.Expand("X", "shape", name="Y")
>>> loss = net.SumElements(Y, name="loss")
>>> backward = doppio.gradient(net, of=[loss])
>>> ws = doppio.Workspace()
>>> ws["X"] = np.array([[1], [2], [3]], np.float32)
>>> ws["shape"] = [3, 4]
>>> ws.run(backward.net)
>>> ws[backward["X"]]
array([[4.],
       [4.],
       [4.]], dtype=float32)

`doppio.load` reads nets, models and tensors from files, `doppio.Predictor` runs trained ones,
`doppio.check` says what is wrong with one, `doppio.operators` knows all operators, and
`@doppio.operator` makes one of a Python function. Old scripts that import `caffe2.python` run on
`doppio.caffe2_compat`.
"""

from doppio import _core
from doppio._core import Tensor, __version__, num_threads, set_memory_limit, set_num_threads
from doppio.cancellation import Cancellation
from doppio.checking import GradientCheck, Problem, check, check_gradients, infer
from doppio.errors import (AlreadyExistsError, CancelledError, DataLossError,
                           DeadlineExceededError, Error, FailedPreconditionError,
                           InvalidArgumentError, NotFoundError, PermissionDeniedError,
                           ResourceExhaustedError, UnimplementedError)
from doppio.files import load, save
from doppio.gradients import Gradient, SparseGradient, gradient
from doppio.model import Model
from doppio.net import Net, NetBuilder, Op
from doppio.prediction import Predictor, PredictorStats
from doppio.python_operators import ArraySpec, PythonOperator, operator
from doppio.recurrent import LSTM, lstm
from doppio.registry import ArgSpec, BlobSpec, OperatorSchema, load_library, operators
from doppio.training import (Evaluation, Trained, Training, TrainStep, add_optimizer,
                             optimizers, train)
from doppio.workspace import BlobInfo, Workspace, WorkspaceStats

_core.import_numpy()

__all__ = [
    "Workspace", "Net", "NetBuilder", "Op", "load", "save", "gradient", "Predictor", "check",
    "add_optimizer", "optimizers", "Training", "train", "Trained", "TrainStep", "Evaluation",
    "check_gradients", "GradientCheck", "lstm", "LSTM",
    "infer", "operators", "load_library", "Tensor", "Gradient", "SparseGradient", "Model",
    "Problem", "BlobInfo", "WorkspaceStats", "PredictorStats", "OperatorSchema", "ArgSpec",
    "BlobSpec", "operator", "PythonOperator", "ArraySpec", "num_threads", "set_num_threads",
    "Error", "InvalidArgumentError", "NotFoundError", "AlreadyExistsError",
    "FailedPreconditionError", "UnimplementedError", "ResourceExhaustedError", "DataLossError",
    "Cancellation", "CancelledError", "DeadlineExceededError", "PermissionDeniedError",
    "set_memory_limit",
]
