#ifndef DOPPIO_DNN_WINOGRAD_H_
#define DOPPIO_DNN_WINOGRAD_H_

// Winograd's algorithm (src/kernel/winograd.h) in the place of one of oneDNN's convolutions, which
// has none for processors with AVX2: the same layouts and post-operations.

#include <memory>
#include <optional>

#include "src/dnn/conv_shape.h"
#include "src/dnn/packed_weights.h"
#include "src/dnn/post_operations.h"
#include "src/kernel/winograd.h"

namespace doppio {

class WinogradForward {
 public:
  // Nothing where it can not do what `post` asks for, or between images so laid out, and where it
  // would not be faster.
  static std::optional<WinogradForward> For(const ConvShape& shape, const dnnl::memory::desc& image,
                                            const dnnl::memory::desc& places,
                                            const PostOperations& post);

  // Takes the filters, whose plain layout is `plain`.
  absl::Status Init(const PackedWeights& weights, const dnnl::memory::desc& plain);
  // bias may be null. What is at y is what is added to.
  absl::Status Run(const void* x, const void* bias, void* y);

 private:
  WinogradConvolution shape_;
  WinogradEnding ending_;
  std::shared_ptr<const Tensor> w_;
  std::shared_ptr<const Tensor> transformed_;
};

}  // namespace doppio

#endif  // DOPPIO_DNN_WINOGRAD_H_
