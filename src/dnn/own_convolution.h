#ifndef DOPPIO_DNN_OWN_CONVOLUTION_H_
#define DOPPIO_DNN_OWN_CONVOLUTION_H_

// Convolutions of doppio's own in the place of those of oneDNN that it has not, or not fast, with
// the same layouts and post-operations: Winograd's algorithm on processors without AVX-512
// (src/kernel/winograd.h), and groups of a few channels (src/kernel/convolve_groups.h).

#include <memory>

#include "src/dnn/conv_shape.h"
#include "src/dnn/packed_weights.h"
#include "src/dnn/post_operations.h"

namespace doppio {

class OwnConvolution {
 public:
  virtual ~OwnConvolution() = default;

  // Of the image and of places: blocks of channels, as oneDNN's convolutions have them.
  const dnnl::memory::desc& image() const { return image_; }
  const dnnl::memory::desc& places() const { return places_; }
  void SetLayouts(const dnnl::memory::desc& image, const dnnl::memory::desc& places) {
    image_ = image;
    places_ = places;
  }

  // bias may be null. What is at y is what is added to.
  virtual absl::Status Run(const void* x, const void* bias, void* y) = 0;

 private:
  dnnl::memory::desc image_;
  dnnl::memory::desc places_;
};

struct OwnConvolutionOptions {
  // Layouts that are there: of the image, row-major for a plain tensor, and of what is written, of
  // format any where that is free.
  dnnl::memory::desc image;
  dnnl::memory::desc places;
  bool may_use_winograd = false;
  bool onednn_is_fast = true;  // IsFast, of what it has for this convolution
};

// Null where oneDNN is as fast, or the convolution can not do what `post` asks for, or not in these
// layouts. To be called inside CallDnnl.
absl::StatusOr<std::unique_ptr<OwnConvolution>> MakeOwnConvolution(
    const ConvShape& shape, const PackedWeights& weights, const PostOperations& post,
    const OwnConvolutionOptions& options);

}  // namespace doppio

#endif  // DOPPIO_DNN_OWN_CONVOLUTION_H_
