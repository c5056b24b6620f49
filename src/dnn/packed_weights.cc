#include "src/dnn/packed_weights.h"

namespace doppio {

void PackedWeights::Set(Tensor plain) {
  const std::lock_guard<std::mutex> lock(mutex_);
  dims_.assign(plain.dims().begin(), plain.dims().end());
  packed_.clear();
  packed_.push_back({dnnl::memory::desc(), std::make_shared<Tensor>(std::move(plain))});
  forms_.clear();
}

absl::StatusOr<std::shared_ptr<const Tensor>> PackedWeights::Get(
    const dnnl::memory::desc& plain, const dnnl::memory::desc& wanted) const {
  const std::lock_guard<std::mutex> lock(mutex_);
  return Find(plain, wanted);
}

absl::StatusOr<std::shared_ptr<const Tensor>> PackedWeights::GetForm(
    const std::string& name, const dnnl::memory::desc& plain,
    absl::FunctionRef<absl::Status(const float* w, Tensor* to)> make) const {
  const std::lock_guard<std::mutex> lock(mutex_);
  std::shared_ptr<const Tensor>& form = forms_[name];
  if (form == nullptr) {
    DOPPIO_ASSIGN_OR_RETURN(const std::shared_ptr<const Tensor> w, Find(plain, plain));
    auto made = std::make_shared<Tensor>();
    DOPPIO_RETURN_IF_ERROR(make(static_cast<const float*>(w->raw_data()), made.get()));
    form = std::move(made);
  }
  return form;
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
