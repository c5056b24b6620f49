#include "src/dnn/packed_matrix.h"

#include "doppio/shape.h"

namespace doppio {

absl::Status PackedMatrix::Set(const Tensor& w, int axis) {
  dims_.assign(w.dims().begin(), w.dims().end());
  n_ = SizeToDim(w.dims(), axis);
  k_ = SizeFromDim(w.dims(), axis);
  const int64_t wide = PanelColumns();
  DOPPIO_RETURN_IF_ERROR(panels_.Resize(DataType::kFloat, {(n_ + wide - 1) / wide, k_, wide}));
  PackPanels({w.data<float>(), k_, true}, k_, n_, panels_.mutable_data<float>());
  return absl::OkStatus();
}

void PackedMatrix::Multiply(const float* a, int64_t m, ProductEnd end, float* c) const {
  MultiplyPanels({a, k_}, panels_.data<float>(), m, n_, k_, end, c, n_);
}

}  // namespace doppio
