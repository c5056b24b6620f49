#ifndef DOPPIO_DNN_CONV_PIECES_H_
#define DOPPIO_DNN_CONV_PIECES_H_

// A convolution that is cut into smaller ones, each left to one thread. oneDNN multiplies matrices
// where it has no faster way (windows that begin outside of the image, for one), and then the bits
// depend on its number of threads. Those of the pieces do not, and where they are cut depends on
// the shape alone.

#include <memory>
#include <vector>

#include "absl/strings/match.h"
#include "src/dnn/conv_shape.h"
#include "src/dnn/onednn.h"

namespace doppio {

// Whether oneDNN would multiply matrices for what such a descriptor describes.
template <typename PrimitiveDesc>
bool MultipliesMatrices(const PrimitiveDesc& desc) {
  return absl::StrContains(desc.impl_info_str(), "gemm");
}

// Whether oneDNN has a convolution made for it.
template <typename PrimitiveDesc>
bool IsFast(const PrimitiveDesc& desc) {
  return !absl::StartsWith(desc.impl_info_str(), "ref") && !MultipliesMatrices(desc);
}

class ConvolutionPieces {
 public:
  bool IsFor(const ConvShape& shape) const {
    return !pieces_.empty() && image_ == shape.image() && filter_ == shape.filter();
  }
  void Clear() { pieces_.clear(); }

  // May throw oneDNN's exceptions: call them inside CallDnnl.
  absl::Status InitForward(const ConvShape& shape, bool has_bias);
  absl::Status InitBackwardData(const ConvShape& shape);

  // From the image to places, or from the gradient of places to that of the image: all row-major,
  // order NCHW. b may be null.
  absl::Status Run(const float* from, const float* w, const float* b, float* to);

 private:
  struct Piece {
    DnnlPrimitive primitive;
    int64_t from = 0;  // where its parts begin
    int64_t w = 0;
    int64_t b = 0;
    int64_t to = 0;
  };

  template <typename InitPrimitive>
  absl::Status Init(const ConvShape& shape, bool backward, const InitPrimitive& init);

  std::vector<std::unique_ptr<Piece>> pieces_;
  std::vector<absl::Status> statuses_;  // of the pieces
  Dims image_;                          // that the pieces are for
  Dims filter_;
};

}  // namespace doppio

#endif  // DOPPIO_DNN_CONV_PIECES_H_
