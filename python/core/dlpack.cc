#include "python/core/dlpack.h"

#include <pybind11/numpy.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "python/core/arrays.h"
#include "python/core/errors.h"
#include "python/core/release.h"

namespace doppio::python {
namespace {

// The structures of DLPack's version 0.8, as capsules named "dltensor" carry them.
struct DlDevice {
  int32_t type;
  int32_t id;
};
struct DlType {
  uint8_t code;
  uint8_t bits;
  uint16_t lanes;
};
struct DlTensor {
  void* data;
  DlDevice device;
  int32_t ndim;
  DlType dtype;
  int64_t* shape;
  int64_t* strides;  // in elements; null: C order
  uint64_t byte_offset;
};
struct DlManagedTensor {
  DlTensor tensor;
  void* manager;
  void (*deleter)(DlManagedTensor*);
};

constexpr char kFresh[] = "dltensor";
constexpr char kTaken[] = "used_dltensor";
constexpr int32_t kCpu = 1;
enum Code : uint8_t { kInt = 0, kUInt = 1, kFloat = 2, kBfloat = 4, kBool = 6 };

struct TypeCode {
  DataType type;
  uint8_t code;
  uint8_t bits;
};
constexpr TypeCode kTypeCodes[] = {
    {DataType::kFloat, kFloat, 32},     {DataType::kDouble, kFloat, 64},
    {DataType::kBool, kBool, 8},        {DataType::kInt8, kInt, 8},
    {DataType::kInt16, kInt, 16},       {DataType::kInt32, kInt, 32},
    {DataType::kInt64, kInt, 64},       {DataType::kUInt8, kUInt, 8},
    {DataType::kUInt16, kUInt, 16},     {DataType::kFloat16, kFloat, 16},
    {DataType::kBFloat16, kBfloat, 16},
};

// What is alive for as long as the consumer holds the tensor.
struct Exported {
  DlManagedTensor managed;
  Tensor tensor;
  std::vector<int64_t> shape;
  std::vector<int64_t> strides;
};

void Delete(void* managed) {
  auto* tensor = static_cast<DlManagedTensor*>(managed);
  if (tensor->deleter != nullptr) tensor->deleter(tensor);
}

bool IsContiguous(const DlTensor& tensor) {
  if (tensor.strides == nullptr) return true;
  int64_t step = 1;
  for (int i = tensor.ndim - 1; i >= 0; --i) {
    if (tensor.shape[i] != 1 && tensor.strides[i] != step) return false;
    step *= tensor.shape[i];
  }
  return true;
}

// The elements of a tensor whose strides are not those of C order, gathered by NumPy.
Tensor Gather(const DlTensor& source, DataType type, const Dims& dims, const char* data) {
  Tensor tensor = ValueOrRaise(Tensor::Create(type, dims));
  // Only moved, so 16 bits are 16 bits (NumPy has no bfloat16).
  const py::dtype dtype = NumpyType(type == DataType::kBFloat16 ? DataType::kUInt16 : type);
  const std::vector<py::ssize_t> shape(dims.begin(), dims.end());
  std::vector<py::ssize_t> strides;
  strides.reserve(shape.size());
  for (int i = 0; i < source.ndim; ++i) strides.push_back(source.strides[i] * dtype.itemsize());
  py::module_::import("numpy").attr("copyto")(
      py::array(dtype, shape, {}, tensor.raw_mutable_data(), py::none()),
      py::array(dtype, shape, strides, data, py::none()));
  return tensor;
}

}  // namespace

py::capsule ToDlpack(const Tensor& tensor) {
  for (const TypeCode& candidate : kTypeCodes) {
    if (candidate.type != tensor.dtype()) continue;
    auto exported = std::make_unique<Exported>();
    exported->tensor = tensor;
    exported->shape.assign(tensor.dims().begin(), tensor.dims().end());
    exported->strides.resize(exported->shape.size());
    int64_t step = 1;
    for (size_t i = exported->shape.size(); i-- > 0;) {
      exported->strides[i] = step;
      step *= exported->shape[i];
    }
    exported->managed.tensor = {const_cast<void*>(tensor.raw_data()),
                                {kCpu, 0},
                                tensor.rank(),
                                {candidate.code, candidate.bits, 1},
                                exported->shape.data(),
                                exported->strides.data(),
                                0};
    exported->managed.manager = exported.get();
    exported->managed.deleter = [](DlManagedTensor* managed) {
      delete static_cast<Exported*>(managed->manager);
    };
    PyObject* capsule = PyCapsule_New(&exported->managed, kFresh, [](PyObject* unused) {
      if (PyCapsule_IsValid(unused, kFresh) != 0) Delete(PyCapsule_GetPointer(unused, kFresh));
    });
    if (capsule == nullptr) throw py::error_already_set();
    (void)exported.release();  // the capsule's now
    return py::reinterpret_steal<py::capsule>(capsule);
  }
  RaiseTypeError(absl::StrCat("DLPack has no tensors of ", DataTypeName(tensor.dtype())));
}

Tensor FromDlpack(py::handle object, absl::string_view what, bool copy) {
  const py::object capsule = object.attr("__dlpack__")();
  auto* managed = PyCapsule_IsValid(capsule.ptr(), kFresh) != 0
                      ? static_cast<DlManagedTensor*>(PyCapsule_GetPointer(capsule.ptr(), kFresh))
                      : nullptr;
  if (managed == nullptr) {
    RaiseTypeError(absl::StrCat(what, ": its __dlpack__() returned no capsule \"dltensor\""));
  }
  const DlTensor& source = managed->tensor;
  if (source.device.type != kCpu) {
    RaiseTypeError(absl::StrCat(what, ": is on another device than the CPU (DLPack device type ",
                                source.device.type, "); copy it to the CPU first"));
  }
  DataType type = DataType::kUndefined;
  for (const TypeCode& candidate : kTypeCodes) {
    if (candidate.code == source.dtype.code && candidate.bits == source.dtype.bits &&
        source.dtype.lanes == 1) {
      type = candidate.type;
    }
  }
  if (type == DataType::kUndefined) {
    RaiseTypeError(absl::StrCat(what, ": there are no tensors of DLPack's type {code ",
                                source.dtype.code, ", bits ", source.dtype.bits, ", lanes ",
                                source.dtype.lanes, "}"));
  }
  const Dims dims(source.shape, source.shape + source.ndim);
  const int64_t count = ValueOrRaise(NumElements(dims));
  const char* data = static_cast<const char*>(source.data) + source.byte_offset;
  if (!IsContiguous(source) && count > 0) return Gather(source, type, dims, data);
  // From here on the capsule no longer owns the tensor.
  PyCapsule_SetName(capsule.ptr(), kTaken);
  Tensor tensor = ValueOrRaise(Tensor::FromExternal(type, dims, data, Share(managed, &Delete)));
  if (copy) Check(tensor.MakeUnique());
  return tensor;
}

}  // namespace doppio::python
