#ifndef DOPPIO_OPS_NN_CHANNELS_LAST_TENSOR_H_
#define DOPPIO_OPS_NN_CHANNELS_LAST_TENSOR_H_

#include "doppio/blob.h"
#include "doppio/context.h"

namespace doppio {

// A tensor [N, C, spatial...] of three to five dimensions that is stored [N, spatial..., C].
class ChannelsLastTensor final : public TensorForm {
 public:
  absl::Status MakeTensor(Tensor* tensor) const override;
  const Tensor& stored() const override { return stored_; }
  Tensor* mutable_stored() { return &stored_; }

 private:
  Tensor stored_;
};

// Copies a tensor of numbers, [N, C, spatial...], to one [N, spatial..., C].
absl::Status MoveChannelsLast(const Tensor& from, Tensor* to, CPUContext* context);
// And back.
absl::Status MoveChannelsFirst(const Tensor& from, Tensor* to, CPUContext* context);

}  // namespace doppio

#endif  // DOPPIO_OPS_NN_CHANNELS_LAST_TENSOR_H_
