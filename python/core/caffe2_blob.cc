// What Caffe2's front end calls Blob and TensorCPU: handles of one blob of a workspace, or of one
// that no workspace has. python/doppio/caffe2_state dresses them.

#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "doppio/int8_tensor.h"
#include "doppio/limits.h"
#include "doppio/serialize.h"
#include "python/core/arrays.h"
#include "python/core/bindings.h"
#include "python/core/errors.h"
#include "python/core/net.h"
#include "python/core/workspace.h"

namespace doppio::python {
namespace {

// Keeps the blob also after its workspace dropped it.
class BlobHandle {
 public:
  BlobHandle(std::shared_ptr<PyWorkspace> workspace, std::string name, std::shared_ptr<Blob> blob)
      : workspace_(std::move(workspace)), name_(std::move(name)), blob_(std::move(blob)) {}

  const std::string& name() const { return name_; }

  // The blob, to be read or written: raises while a net on another thread uses it.
  const Blob& ForReading() const {
    CheckUnused(/*is_read=*/true);
    return *blob_;
  }
  Blob* ForWriting() const {
    CheckUnused(/*is_read=*/false);
    return blob_.get();
  }

 private:
  void CheckUnused(bool is_read) const {
    if (workspace_ == nullptr || workspace_->is_closed()) return;
    if (workspace_->get().FindBlob(name_) == blob_) workspace_->CheckUnused(name_, is_read);
  }

  std::shared_ptr<PyWorkspace> workspace_;  // null: of none
  std::string name_;
  std::shared_ptr<Blob> blob_;
};

const Tensor& TensorOf(const BlobHandle& handle) {
  const Tensor* tensor = handle.ForReading().Get<Tensor>();
  if (tensor != nullptr) return *tensor;
  Raise(absl::InvalidArgumentError(absl::StrCat("blob \"", handle.name(), "\" holds ",
                                                handle.ForReading().TypeName(), ", no tensor")));
}

const Tensor& TypedTensorOf(const BlobHandle& handle) {
  const Tensor& tensor = TensorOf(handle);
  if (tensor.dtype() == DataType::kUndefined) {
    Raise(absl::FailedPreconditionError(
        absl::StrCat("the tensor of blob \"", handle.name(), "\" has no value yet")));
  }
  return tensor;
}

// An array, bytes, (array, scale, zero point) of a quantised tensor, or None for other types.
py::object Fetch(const BlobHandle& handle) {
  const Blob& blob = handle.ForReading();
  if (blob.Is<Tensor>()) return CopyOfTensor(TypedTensorOf(handle));
  if (blob.Is<std::string>()) return py::bytes(*blob.Get<std::string>());
  if (blob.Is<Int8Tensor>()) {
    const auto& quantised = *blob.Get<Int8Tensor>();
    return py::make_tuple(CopyOfTensor(quantised.values), quantised.scale, quantised.zero_point);
  }
  return py::none();
}

void FeedArray(const BlobHandle& handle, const py::array& array) {
  Tensor tensor =
      TensorFromArray(array, absl::StrCat("feed of \"", handle.name(), "\""), /*copy=*/true);
  *handle.ForWriting()->GetMutable<Tensor>() = std::move(tensor);
}

void FeedText(const BlobHandle& handle, py::handle text) {
  *handle.ForWriting()->GetMutable<std::string>() = BytesFromPython(text, "feed");
}

// Caffe2's count: of strings their characters and the objects.
int64_t SizeInBytes(const BlobHandle& handle) {
  const Blob& blob = handle.ForReading();
  if (blob.Is<std::string>()) return static_cast<int64_t>(blob.Get<std::string>()->size());
  const auto* quantised = blob.Get<Int8Tensor>();
  const Tensor* tensor = quantised == nullptr ? blob.Get<Tensor>() : &quantised->values;
  if (tensor == nullptr) return 0;
  auto bytes = static_cast<int64_t>(tensor->bytes());
  for (const std::string& text : tensor->span<std::string>()) {
    bytes += static_cast<int64_t>(text.size());
  }
  return bytes;
}

// The tensor of a blob, made one where it is none. `data` is an array through which the blob's own
// elements are written.
class TensorHandle {
 public:
  explicit TensorHandle(BlobHandle blob) : blob_(std::move(blob)) {
    blob_.ForWriting()->GetMutable<Tensor>();
  }

  const BlobHandle& blob() const { return blob_; }
  Tensor* Mutable() const { return blob_.ForWriting()->GetMutable<Tensor>(); }

  py::object Data() {
    Tensor* tensor = Mutable();
    if (tensor->dtype() == DataType::kUndefined) {  // Caffe2's default
      const Dims dims(tensor->dims().begin(), tensor->dims().end());
      Check(tensor->Resize(DataType::kFloat, dims));
    }
    if (tensor->Is<std::string>() || tensor->Is<bfloat16>()) return CopyOfTensor(*tensor);
    // The array that was handed out last has a share of the elements; it is the same still.
    py::object last = last_ ? last_() : py::none();
    if (!last.is_none() && IsArrayOf(last, *tensor)) return last;
    Check(tensor->MakeUnique());  // no other blob shall see what is written
    auto* kept = new Tensor(*tensor);
    const py::capsule base(kept, [](void* pointer) { delete static_cast<Tensor*>(pointer); });
    const py::array array(NumpyType(tensor->dtype()),
                          std::vector<py::ssize_t>(tensor->dims().begin(), tensor->dims().end()),
                          {}, tensor->numel() > 0 ? tensor->raw_data() : nullptr, base);
    last_ = py::weakref(static_cast<py::handle>(array), py::handle());
    return array;
  }

 private:
  static bool IsArrayOf(const py::object& object, const Tensor& tensor) {
    const auto array = py::reinterpret_borrow<py::array>(object);
    return tensor.numel() > 0 && array.data() == tensor.raw_data() &&
           array.dtype().is(NumpyType(tensor.dtype())) &&
           DimsView(tensor.dims()) == DimsView(Dims(array.shape(), array.shape() + array.ndim()));
  }

  BlobHandle blob_;
  py::object last_;  // a weak reference
};

void InitTensor(const TensorHandle& self, const std::vector<int64_t>& dims, int64_t dtype) {
  const DataType type = ValueOrRaise(DataTypeFromNumber(dtype));
  if (type == DataType::kString) {
    Raise(absl::InvalidArgumentError("init: strings are not written in place; use feed()"));
  }
  Check(self.Mutable()->Resize(type, dims));
}

void ReshapeTensor(const TensorHandle& self, const std::vector<int64_t>& dims) {
  Tensor* tensor = self.Mutable();
  const DataType type =
      tensor->dtype() == DataType::kUndefined ? DataType::kFloat : tensor->dtype();
  Check(tensor->Resize(type, dims));
}

py::object FindBlob(const std::shared_ptr<PyWorkspace>& workspace, const std::string& name) {
  std::shared_ptr<Blob> blob = workspace->get().FindBlob(name);
  return blob == nullptr ? py::none() : py::cast(BlobHandle(workspace, name, std::move(blob)));
}

BlobHandle MakeBlob(const std::shared_ptr<PyWorkspace>& workspace, const std::string& name) {
  return {workspace, name, workspace->get().CreateBlob(name)};
}

}  // namespace

void BindCaffe2Blobs(py::module_& core) {
  py::class_<BlobHandle>(core, "BlobHandle")
      .def(py::init([](const std::string& name) {
        return BlobHandle(nullptr, name, std::make_shared<Blob>());
      }))
      .def_property_readonly("name", &BlobHandle::name)
      .def_property_readonly("type_name",
                             [](const BlobHandle& self) { return self.ForReading().TypeName(); })
      .def_property_readonly("is_tensor",
                             [](const BlobHandle& self) { return self.ForReading().IsTensor(); })
      .def_property_readonly("is_empty",
                             [](const BlobHandle& self) { return self.ForReading().IsEmpty(); })
      .def_property_readonly("nbytes", &SizeInBytes)
      .def("fetch", &Fetch)
      .def("feed_array", &FeedArray)
      .def("feed_text", &FeedText)
      .def("share",  // the elements of an array, not a copy
           [](const BlobHandle& self, const py::array& array) {
             *self.ForWriting()->GetMutable<Tensor>() =
                 TensorFromArray(array, "share", /*copy=*/false);
           })
      .def("reset", [](const BlobHandle& self) { self.ForWriting()->Reset(); })
      .def("serialize",
           [](const BlobHandle& self, const std::string& name) {
             return MessageToPython(ValueOrRaise(BlobToProto(self.ForReading(), name)));
           })
      .def("deserialize", [](const BlobHandle& self, py::handle bytes) {
        Limits limits;  // as Caffe2: what the program loads, it trusts
        limits.file_access = FileAccess::Within("/");
        Check(
            BlobFromProto(MessageFromPython<BlobProto>(bytes, "blob"), self.ForWriting(), limits));
      });
  py::class_<TensorHandle>(core, "TensorHandle")
      .def(py::init<BlobHandle>())
      .def_property_readonly("data", &TensorHandle::Data)
      .def("fetch",
           [](const TensorHandle& self) { return CopyOfTensor(TypedTensorOf(self.blob())); })
      .def("feed",
           [](const TensorHandle& self, const py::array& array) { FeedArray(self.blob(), array); })
      .def("init", &InitTensor)
      .def_property_readonly("shape",
                             [](const TensorHandle& self) {
                               const DimsView dims = TensorOf(self.blob()).dims();
                               return std::vector<int64_t>(dims.begin(), dims.end());
                             })
      .def("reshape", &ReshapeTensor);
  core.def("find_blob", &FindBlob);
  core.def("make_blob", &MakeBlob);
}

}  // namespace doppio::python
