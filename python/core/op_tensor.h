#ifndef DOPPIO_PYTHON_CORE_OP_TENSOR_H_
#define DOPPIO_PYTHON_CORE_OP_TENSOR_H_

#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>

#include <memory>
#include <utility>
#include <vector>

#include "doppio/blob.h"
#include "doppio/tensor.h"

namespace doppio::python {

namespace py = pybind11;

// What functions of Caffe2's operator type Python see of their inputs and outputs: Caffe2's
// TensorCPU. It is the tensor of a blob until Detach(), and then what that tensor was, so that a
// function may keep it.
class OpTensor {
 public:
  explicit OpTensor(std::shared_ptr<Blob> blob, bool is_output)
      : blob_(std::move(blob)), is_output_(is_output) {}
  explicit OpTensor(Tensor tensor) : own_(std::move(tensor)), is_output_(true) {}

  // The elements without a copy (strings: a copy); those of outputs may be written.
  py::array Data();
  // The same as a DLPack capsule.
  py::capsule DlpackData();
  py::array Fetch() const;
  void Feed(py::handle array);
  void FeedDlpack(const py::capsule& capsule);
  void Init(const std::vector<int64_t>& dims, int type);
  void Reshape(const std::vector<int64_t>& dims);
  std::vector<int64_t> Shape() const;

  // After the call: the blob's elements are no one else's, whatever arrays the function kept.
  void Detach();

 private:
  const Tensor& tensor() const;
  Tensor* mutable_tensor(const char* what);
  // An output's, for a function that writes to it.
  Tensor* MakeWritable();

  std::shared_ptr<Blob> blob_;
  Tensor own_;
  bool is_output_;
};

// The same with DLPack capsules in the place of arrays: Caffe2's DLPackTensorCPU.
class DlpackOpTensor : public OpTensor {
 public:
  using OpTensor::OpTensor;
};

}  // namespace doppio::python

#endif  // DOPPIO_PYTHON_CORE_OP_TENSOR_H_
