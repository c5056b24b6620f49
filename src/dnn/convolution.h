#ifndef DOPPIO_DNN_CONVOLUTION_H_
#define DOPPIO_DNN_CONVOLUTION_H_

// Convolutions and their gradients on plain tensors: float in oneDNN, double (and float where
// oneDNN lacks the geometry) in plain loops. An object belongs to one operator, whose arguments and
// inputs' shapes say what the ConvShape is; it keeps what oneDNN makes for a shape. The bits of the
// results do not depend on the number of threads.

#include <memory>
#include <vector>

#include "doppio/context.h"
#include "doppio/status.h"
#include "src/dnn/conv_pieces.h"
#include "src/dnn/conv_shape.h"
#include "src/dnn/onednn.h"
#include "src/dnn/operand.h"

namespace doppio {

// What oneDNN makes of a filter and another input: a convolution's output, or the image's gradient.
class DnnlConvolution {
 protected:
  bool IsFor(const ConvShape& shape) {
    return pieces_.IsFor(shape) || primitive_.IsFor({shape.image(), shape.filter()});
  }
  // Runs what the shape was prepared for: the pieces, with b, or the primitive, to whose further
  // arguments the caller has seen.
  absl::Status Execute(const ConvShape& shape, const float* in, const float* w, const float* b,
                       float* out);

  DnnlOperand in_;
  DnnlOperand w_;
  DnnlOperand out_;
  DnnlPrimitive primitive_;   // of these three, in this order, and more
  ConvolutionPieces pieces_;  // instead, where the primitive's bits depend on its threads
};

// y = W * x + b. b may be null, in all runs or none.
class ConvolutionForward : private DnnlConvolution {
 public:
  template <typename T>
  absl::Status Run(const ConvShape& shape, const T* x, const T* w, const T* b, T* y,
                   CPUContext* context);

 private:
  absl::Status RunDnnl(const ConvShape& shape, const float* x, const float* w, const float* b,
                       float* y);
};

// The image's gradient, or the transposed convolution of `dy`; b as above, but of the channels of
// the image.
class ConvolutionBackwardData : private DnnlConvolution {
 public:
  template <typename T>
  absl::Status Run(const ConvShape& shape, const T* dy, const T* w, const T* b, T* dx,
                   CPUContext* context);

 private:
  absl::Status RunDnnl(const ConvShape& shape, const float* dy, const float* w, float* dx);
};

// The filter's gradient.
class ConvolutionBackwardWeights {
 public:
  ConvolutionBackwardWeights();
  ~ConvolutionBackwardWeights();

  template <typename T>
  absl::Status Run(const ConvShape& shape, const T* x, const T* dy, T* dw, CPUContext* context);

 private:
  struct Piece;

  absl::Status RunDnnl(const ConvShape& shape, const float* x, const float* dy, float* dw);
  absl::Status InitPieces(const ConvShape& shape);

  // How oneDNN adds up over a batch depends on its threads. So the filter is cut into pieces, by
  // its shape alone, and each piece is left to one thread.
  std::vector<std::unique_ptr<Piece>> pieces_;
  DnnlOperand x_;  // where all pieces need all of it
  bool share_x_ = false;
  Dims image_;  // that the pieces are for
  Dims filter_;
  std::vector<absl::Status> statuses_;  // of the pieces
  int threads_ = 0;
};

// db: the sum of dy over all but its channels, for each of `channels`.
template <typename T>
absl::Status SumOverImages(DimsView dy_dims, bool channels_last, const T* dy, T* db,
                           CPUContext* context);

}  // namespace doppio

#endif  // DOPPIO_DNN_CONVOLUTION_H_
