#include "src/dnn/packed_weights.h"

#include "src/kernel/winograd.h"

namespace doppio {

void PackedWeights::Set(Tensor plain) {
  const std::lock_guard<std::mutex> lock(mutex_);
  dims_.assign(plain.dims().begin(), plain.dims().end());
  packed_.clear();
  packed_.push_back({dnnl::memory::desc(), std::make_shared<Tensor>(std::move(plain))});
  winograd_.reset();
}

absl::StatusOr<std::shared_ptr<const Tensor>> PackedWeights::Get(
    const dnnl::memory::desc& plain, const dnnl::memory::desc& wanted) const {
  const std::lock_guard<std::mutex> lock(mutex_);
  return Find(plain, wanted);
}

absl::StatusOr<std::shared_ptr<const Tensor>> PackedWeights::GetWinograd(
    const dnnl::memory::desc& plain) const {
  const std::lock_guard<std::mutex> lock(mutex_);
  if (winograd_ == nullptr) {
    DOPPIO_ASSIGN_OR_RETURN(const std::shared_ptr<const Tensor> w, Find(plain, plain));
    auto transformed = std::make_shared<Tensor>();
    DOPPIO_RETURN_IF_ERROR(
        transformed->Resize(DataType::kFloat, {WinogradFilterSize(dims_[0], dims_[1])}));
    CPUContext context;
    TransformWinogradFilters(dims_[0], dims_[1], static_cast<const float*>(w->raw_data()),
                             transformed->mutable_data<float>(), &context);
    winograd_ = std::move(transformed);
  }
  return winograd_;
}

absl::StatusOr<std::shared_ptr<const Tensor>> PackedWeights::Find(
    const dnnl::memory::desc& plain, const dnnl::memory::desc& wanted) const {
  if (packed_.empty()) return absl::FailedPreconditionError("there are no weights to pack");
  if (packed_[0].desc.is_zero()) packed_[0].desc = plain;
  for (const Packed& packed : packed_) {
    if (packed.desc == wanted) return packed.data;
  }
  const Packed& from = packed_[0];
  auto data = std::make_shared<Tensor>();
  DOPPIO_RETURN_IF_ERROR(data->Resize(DataType::kUInt8, {static_cast<int64_t>(wanted.get_size())}));
  DOPPIO_RETURN_IF_ERROR(
      DnnlReorder(from.desc, from.data->raw_data(), wanted, data->raw_mutable_data()));
  // Any layout can be made from any other: one is enough to keep.
  if (packed_.size() == 1 && packed_[0].desc == plain) packed_.clear();
  packed_.push_back({wanted, data});
  return data;
}

}  // namespace doppio
