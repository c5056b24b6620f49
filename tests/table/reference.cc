#include "tests/table/reference.h"

namespace doppio {

void ForEachIndex(DimsView dims, const std::function<void(const Dims&)>& f) {
  for (int64_t size : dims) {
    if (size == 0) return;
  }
  Dims index(dims.size(), 0);
  while (true) {
    f(index);
    size_t axis = dims.size();
    while (axis > 0 && ++index[axis - 1] == dims[axis - 1]) index[--axis] = 0;
    if (axis == 0) return;
  }
}

int64_t FlatIndex(DimsView dims, DimsView index) {
  const size_t dropped = index.size() - dims.size();
  int64_t flat = 0;
  for (size_t axis = 0; axis < dims.size(); ++axis) {
    flat = flat * dims[axis] + (dims[axis] == 1 ? 0 : index[axis + dropped]);
  }
  return flat;
}

double At(const Tensor& tensor, DimsView index) {
  return ElementAsDouble(tensor, FlatIndex(tensor.dims(), index));
}

int64_t IntegerAt(const Tensor& tensor, int64_t i) {
  return static_cast<int64_t>(ElementAsDouble(tensor, i));
}

Tensor Generate(DataType dtype, DimsView dims, const std::function<double(const Dims&)>& f) {
  Tensor values = *Tensor::Create(DataType::kDouble, dims);
  double* out = values.mutable_data<double>();
  ForEachIndex(dims, [&](const Dims& index) { *out++ = f(index); });
  return *ConvertTensor(values, dtype);
}

Tensor Pick(const Tensor& source, DimsView dims, const std::function<int64_t(const Dims&)>& f) {
  Tensor result = *Tensor::Create(source.dtype(), dims);
  const absl::Status status = DispatchType(AllTypes(), source.dtype(), [&](auto tag) {
    using T = typename decltype(tag)::type;
    T* out = result.mutable_data<T>();
    ForEachIndex(dims, [&](const Dims& index) { *out++ = source.data<T>()[f(index)]; });
    return absl::OkStatus();
  });
  EXPECT_TRUE(status.ok()) << status;
  return result;
}

}  // namespace doppio
