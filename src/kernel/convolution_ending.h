#ifndef DOPPIO_KERNEL_CONVOLUTION_ENDING_H_
#define DOPPIO_KERNEL_CONVOLUTION_ENDING_H_

namespace doppio {

// What becomes of a convolution's sums before they are written to Y.
struct ConvolutionEnding {
  enum class Activation { kNone, kRelu, kClip };

  bool adds = false;  // what Y holds
  Activation activation = Activation::kNone;
  float slope = 0;  // kRelu: of what is below 0
  float least = 0;  // kClip
  float most = 0;
};

}  // namespace doppio

#endif  // DOPPIO_KERNEL_CONVOLUTION_ENDING_H_
