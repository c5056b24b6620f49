#include "ops/nn/channels_last_tensor.h"

#include <algorithm>
#include <numeric>

#include "src/kernel/transpose.h"

namespace doppio {
namespace {

absl::Status Permute(const Tensor& from, const std::vector<int>& axes, Tensor* to,
                     CPUContext* context) {
  Dims dims;
  for (int axis : axes) dims.push_back(from.dim(axis));
  DOPPIO_RETURN_IF_ERROR(to->Resize(from.dtype(), dims));
  Transpose(DataTypeSize(from.dtype()), from.raw_data(), from.dims(), axes, to->raw_mutable_data(),
            context);
  return absl::OkStatus();
}

// 0 to rank - 1, of which axis 1 goes to the end.
std::vector<int> AxesWithLastChannels(int rank) {
  std::vector<int> axes(static_cast<size_t>(rank));
  std::iota(axes.begin(), axes.end(), 0);
  std::rotate(axes.begin() + 1, axes.begin() + 2, axes.end());
  return axes;
}

}  // namespace

absl::Status MoveChannelsLast(const Tensor& from, Tensor* to, CPUContext* context) {
  return Permute(from, AxesWithLastChannels(from.rank()), to, context);
}

absl::Status MoveChannelsFirst(const Tensor& from, Tensor* to, CPUContext* context) {
  std::vector<int> axes(static_cast<size_t>(from.rank()));
  std::iota(axes.begin(), axes.end(), 0);
  std::rotate(axes.begin() + 1, axes.end() - 1, axes.end());
  return Permute(from, axes, to, context);
}

absl::Status ChannelsLastTensor::MakeTensor(Tensor* tensor) const {
  if (stored_.dtype() == DataType::kUndefined) {
    return absl::FailedPreconditionError("there is no value yet");
  }
  CPUContext context;
  return MoveChannelsFirst(stored_, tensor, &context);
}

}  // namespace doppio
