#include "python/core/op_tensor.h"

#include <pybind11/stl.h>

#include "python/core/arrays.h"
#include "python/core/bindings.h"
#include "python/core/dlpack.h"
#include "python/core/errors.h"

namespace doppio::python {

const Tensor& OpTensor::tensor() const {
  const Tensor* tensor = blob_ == nullptr ? &own_ : blob_->Get<Tensor>();
  return tensor == nullptr ? own_ : *tensor;  // a blob without a value
}

Tensor* OpTensor::mutable_tensor(const char* what) {
  if (!is_output_) {
    Raise(absl::FailedPreconditionError(
        absl::StrCat(what, ": this is an input of the operator; only outputs may be changed")));
  }
  return blob_ == nullptr ? &own_ : blob_->GetMutable<Tensor>();
}

Tensor* OpTensor::MakeWritable() {
  Tensor* tensor = mutable_tensor("data");
  // As in Caffe2, a tensor to which nobody gave a type is one of floats.
  if (tensor->dtype() == DataType::kUndefined) {
    const Dims dims(tensor->dims().begin(), tensor->dims().end());
    Check(tensor->Resize(DataType::kFloat, dims));
  }
  Check(tensor->MakeUnique());
  return tensor;
}

py::array OpTensor::Data() {
  if (!is_output_) return ArrayFromTensor(tensor());
  const Tensor* tensor = MakeWritable();
  if (!IsNumeric(tensor->dtype()) || tensor->Is<bfloat16>()) return ArrayFromTensor(*tensor);
  auto* kept = new Tensor(*tensor);
  const py::capsule base(kept, [](void* pointer) { delete static_cast<Tensor*>(pointer); });
  return py::array(NumpyType(kept->dtype()),
                   std::vector<py::ssize_t>(kept->dims().begin(), kept->dims().end()), {},
                   kept->numel() > 0 ? kept->raw_data() : nullptr, base);
}

py::capsule OpTensor::DlpackData() { return ToDlpack(is_output_ ? *MakeWritable() : tensor()); }

py::array OpTensor::Fetch() const {
  if (tensor().dtype() == DataType::kUndefined) {
    Raise(absl::FailedPreconditionError("fetch: this tensor has no value yet"));
  }
  return CopyOfTensor(tensor());
}

void OpTensor::Feed(py::handle value) {
  if (!py::isinstance<py::array>(value)) {
    Raise(absl::InvalidArgumentError("feed: a NumPy array is wanted"));
  }
  const auto array = py::reinterpret_borrow<py::array>(value);
  if (array.dtype().kind() == 'U') {
    Raise(absl::InvalidArgumentError(
        "feed: arrays of unicode are not taken; encode their elements to bytes"));
  }
  *mutable_tensor("feed") = TensorFromArray(array, "feed", /*copy=*/true);
}

void OpTensor::FeedDlpack(const py::capsule& capsule) {
  const py::object holder = py::module_::import("types").attr("SimpleNamespace")(
      py::arg("__dlpack__") = py::cpp_function([capsule] { return capsule; }));
  *mutable_tensor("feed") = FromDlpack(holder, "feed", /*copy=*/true);
}

void OpTensor::Init(const std::vector<int64_t>& dims, int type) {
  const DataType dtype = ValueOrRaise(DataTypeFromNumber(type));
  if (!IsNumeric(dtype)) {
    Raise(absl::InvalidArgumentError(absl::StrCat("init: arrays have no access to tensors of ",
                                                  DataTypeName(dtype), "; use feed")));
  }
  Check(mutable_tensor("init")->Resize(dtype, dims));
}

void OpTensor::Reshape(const std::vector<int64_t>& dims) {
  Tensor* tensor = mutable_tensor("reshape");
  const DataType dtype =
      tensor->dtype() == DataType::kUndefined ? DataType::kFloat : tensor->dtype();
  Check(tensor->Resize(dtype, dims));
}

std::vector<int64_t> OpTensor::Shape() const {
  return {tensor().dims().begin(), tensor().dims().end()};
}

void OpTensor::Detach() {
  if (blob_ == nullptr) return;
  if (is_output_ && blob_->IsTensor()) Check(blob_->GetMutable<Tensor>()->MakeUnique());
  own_ = tensor();
  blob_ = nullptr;
}

void BindOpTensor(py::module_& core) {
  py::class_<OpTensor, std::shared_ptr<OpTensor>>(core, "OpTensor")
      .def(py::init([](py::handle value) {
             return std::make_shared<OpTensor>(
                 value.is_none() ? Tensor() : TensorFromPython(value, "OpTensor()", /*copy=*/true));
           }),
           py::arg("value") = py::none())
      .def_property_readonly("data", &OpTensor::Data)
      .def("fetch", &OpTensor::Fetch)
      .def("feed", &OpTensor::Feed)
      .def("init", &OpTensor::Init)
      .def("_reshape", &OpTensor::Reshape)
      .def("reshape", &OpTensor::Reshape)
      .def_property_readonly("_shape", &OpTensor::Shape)
      .def_property_readonly(
          "shape", [](const OpTensor& self) { return py::tuple(py::cast(self.Shape())); });
  py::class_<DlpackOpTensor, std::shared_ptr<DlpackOpTensor>>(core, "DlpackOpTensor")
      .def_property_readonly("data", &DlpackOpTensor::DlpackData)
      .def("feed", &DlpackOpTensor::FeedDlpack)
      .def("_reshape", &DlpackOpTensor::Reshape)
      .def_property_readonly("_shape", &DlpackOpTensor::Shape);
}

}  // namespace doppio::python
