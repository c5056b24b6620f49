#ifndef DOPPIO_PYTHON_CORE_CAFFE2_OPERATOR_H_
#define DOPPIO_PYTHON_CORE_CAFFE2_OPERATOR_H_

// Caffe2's own operators written in Python: the types Python and PythonGradient, which call a
// function registered under a token, or one that a pickled builder makes, as f(inputs, outputs).
// What is asked of them, names of arguments included: caffe2/python/pybind_state.h and core.py
// (Net.Python).

#include <pybind11/pybind11.h>

#include <map>
#include <memory>
#include <string>

#include "doppio/operator.h"

namespace doppio::python {

namespace py = pybind11;

struct Caffe2Function {
  py::object function;
  bool wants_workspace = false;
};

// By token; that of a gradient is the operator's and the suffix. With the interpreter's lock.
std::map<std::string, Caffe2Function>& Caffe2Functions();
inline constexpr char kCaffe2GradientSuffix[] = "_gradient";

// The function sees OpTensors, or DlpackOpTensors.
std::unique_ptr<OperatorBase> CreateCaffe2PythonOp(OperatorInit* init, bool is_gradient);
std::unique_ptr<OperatorBase> CreateCaffe2DlpackOp(OperatorInit* init, bool is_gradient);

}  // namespace doppio::python

#endif  // DOPPIO_PYTHON_CORE_CAFFE2_OPERATOR_H_
