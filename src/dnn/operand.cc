#include "src/dnn/operand.h"

namespace doppio {

absl::Status DnnlOperand::Init(const dnnl::memory::desc& from, const dnnl::memory::desc& to,
                               int64_t bytes, int slot) {
  same_ = from == to || bytes == 0;  // oneDNN would divide by 0, in some layouts
  slot_ = slot;
  bytes_ = bytes;
  if (same_) return absl::OkStatus();
  const dnnl::reorder::primitive_desc desc(DnnlEngine(), from, DnnlEngine(), to, DnnlAttributes());
  return reorder_.Init(desc, {{DNNL_ARG_FROM, from}, {DNNL_ARG_TO, to}});
}

absl::Status DnnlOperand::InitInput(const dnnl::memory::desc& tensor,
                                    const dnnl::memory::desc& wanted, int slot) {
  return Init(tensor, wanted, static_cast<int64_t>(wanted.get_size()), slot);
}

absl::Status DnnlOperand::InitOutput(const dnnl::memory::desc& tensor,
                                     const dnnl::memory::desc& wanted, int slot) {
  return Init(wanted, tensor, static_cast<int64_t>(wanted.get_size()), slot);
}

absl::StatusOr<const void*> DnnlOperand::Read(const void* data) {
  if (same_) return data;
  DOPPIO_ASSIGN_OR_RETURN(const void* copy, DnnlScratch(slot_, bytes_));
  reorder_.Bind(0, data);
  reorder_.Bind(1, copy);
  DOPPIO_RETURN_IF_ERROR(reorder_.Execute());
  return copy;
}

absl::StatusOr<void*> DnnlOperand::Target(void* data) {
  if (same_) return data;
  return DnnlScratch(slot_, bytes_);
}

absl::Status DnnlOperand::Write(void* data) {
  if (same_) return absl::OkStatus();
  DOPPIO_ASSIGN_OR_RETURN(const void* copy, DnnlScratch(slot_, bytes_));
  reorder_.Bind(0, copy);
  reorder_.Bind(1, data);
  return reorder_.Execute();
}

}  // namespace doppio
