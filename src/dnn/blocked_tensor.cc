#include "src/dnn/blocked_tensor.h"

namespace doppio {

absl::Status BlockedTensor::Resize(const dnnl::memory::desc& desc) {
  DOPPIO_RETURN_IF_ERROR(
      storage_.Resize(DataType::kUInt8, {static_cast<int64_t>(desc.get_size())}));
  if (desc_ != desc) desc_ = desc;
  return absl::OkStatus();
}

}  // namespace doppio
