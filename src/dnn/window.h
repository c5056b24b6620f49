#ifndef DOPPIO_DNN_WINDOW_H_
#define DOPPIO_DNN_WINDOW_H_

// Windows that slide over an image: what convolutions, transposed convolutions and pools have in
// common. One shape rule serves inference, running and gradients:
//
//   DOPPIO_ASSIGN_OR_RETURN(Window window, PlaceWindow(settings, x.dims()));
//   window.out  // how many places the window takes in each spatial dimension

#include <cstdint>
#include <vector>

#include "doppio/shape.h"
#include "doppio/status.h"
#include "src/kernel/spatial.h"

namespace doppio {

// How pads are found. Numbers are those of the argument `legacy_pad`.
enum class LegacyPadding : int {
  kNotSet = 0,  // as given
  kValid = 1,   // none
  kSame = 2,    // so that there are in / stride outputs, rounded up
  kCaffe = 3,   // as given at the head; at the tail what rounding up the number of outputs needs
};

// Whether it finds the pads itself, so that none may be given.
bool PadsAreImplied(LegacyPadding legacy_pad);

enum class WindowUse { kConvolution, kPool, kTransposedConvolution };

// How a window slides, whatever the image. Operators read it from their arguments.
struct WindowSettings {
  // What is wrong with the numbers below.
  absl::Status Verify(WindowUse use) const;

  absl::Status status;  // what is wrong with them; nothing is placed then
  // Each has a number for each spatial dimension, but may have any where global_pooling is set.
  std::vector<int> kernel;
  std::vector<int> stride;
  std::vector<int> dilation;
  std::vector<int> pads;    // all heads, then all tails
  std::vector<int> adjust;  // transposed convolution: added at the tail of the output
  LegacyPadding legacy_pad = LegacyPadding::kNotSet;
  bool global_pooling = false;
  int group = 1;
  bool channels_last = false;  // order NHWC
};

// A window in all its places on an image. Spatial dimensions (one to three) are in the order in
// which they are stored. In dimension d the element `tap` of the window at place `o` is
// image[o * stride[d] - pad_head[d] + tap * dilation[d]], or padding where there is no such
// element.
struct Window {
  int64_t batch = 0;
  int64_t channels = 0;  // of the tensor that the window was placed by
  bool channels_last = false;
  Dims in;      // of the image
  Dims out;     // places
  Dims kernel;  // taps
  Dims stride;
  Dims dilation;  // 1: taps are neighbours
  Dims pad_head;  // negative where the first window begins inside of the image (legacy_pad SAME)
  Dims pad_tail;  // how far the last window reaches beyond the image; negative: how far it ends
                  // before the image does

  int rank() const { return static_cast<int>(in.size()); }
  // Whether some window lies in the padding as a whole.
  bool HasEmptyWindow() const;
  // Whether oneDNN can have it: the first windows begin at the image's edge or before it, the last
  // ones end less than a stride before the other edge (as in all but a few cases of legacy_pad SAME
  // and of adj), and nothing reaches further than 2^24, since it computes with 32 bits.
  bool IsOrdinary() const;
  int64_t kernel_size() const;  // product of the taps
};

// The same for plain loops (src/kernel/), which know neither channels nor pads at the tail.
SlidingWindow ToSlidingWindow(const Window& window);

// What must hold of the shape of an image, or of places, whatever the window's sizes: the arguments
// are right, the rank is that of the kernel, sizes but N's are positive and fit into 32 bits.
absl::Status CheckImageDims(const WindowSettings& settings, DimsView x);

// The window over an image X [N, C, spatial...], or [N, spatial..., C] where channels are last.
// N may be 0; other sizes must be positive and fit into 32 bits. Errors say which rule is broken:
// rank, kernel larger than the padded image, sizes.
absl::StatusOr<Window> PlaceWindow(const WindowSettings& settings, DimsView x);

// The same for a transposed convolution of X: X is what is in the places, and the image is the
// output: `out` is X's size and `in` the size of the result.
absl::StatusOr<Window> PlaceTransposedWindow(const WindowSettings& settings, DimsView x);

// [batch, channels, spatial...] or [batch, spatial..., channels].
Dims ImageDims(int64_t batch, int64_t channels, DimsView spatial, bool channels_last);

// The output of a pool: X's batch and channels, window.out.
absl::StatusOr<Dims> PooledDims(const Window& window);

}  // namespace doppio

#endif  // DOPPIO_DNN_WINDOW_H_
