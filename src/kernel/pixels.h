#ifndef DOPPIO_KERNEL_PIXELS_H_
#define DOPPIO_KERNEL_PIXELS_H_

// Images made of the pixels of other images, whole columns and rows at a time: padding, cropping,
// enlarging without interpolation. Arrays are [count, height, width, inner].

#include <cstddef>
#include <cstdint>
#include <vector>

#include "doppio/context.h"

namespace doppio {

// A place of the source that is none: the pixel gets a fixed value.
inline constexpr int64_t kNoPixel = -1;

// Which source each column (or row) comes from. Vectors keep their memory from run to run.
class PixelSources {
 public:
  // source(i) for each of `count` places; it is kNoPixel or in the source image.
  template <typename F>
  void Assign(int64_t count, const F& source) {
    sources_.resize(static_cast<size_t>(count));
    for (int64_t i = 0; i < count; ++i) sources_[static_cast<size_t>(i)] = source(i);
    FindRuns();
  }

  int64_t size() const { return static_cast<int64_t>(sources_.size()); }
  int64_t operator[](int64_t i) const { return sources_[static_cast<size_t>(i)]; }

  // Places whose sources follow each other, or are all kNoPixel.
  struct Run {
    int64_t begin;
    int64_t end;
    int64_t source;
  };
  const std::vector<Run>& runs() const { return runs_; }
  // Above 1: the sources are 0, 1, 2, ..., each so many times.
  int64_t repeat() const { return repeat_; }

 private:
  void FindRuns();

  std::vector<int64_t> sources_;
  std::vector<Run> runs_;
  int64_t repeat_ = 1;
};

// y[n, h, w, :] = x[n, rows[h], columns[w], :], or the element at `value` where either is kNoPixel.
// x is [count, height, width, inner] of elements of 1, 2, 4 or 8 bytes.
void SelectPixels(size_t element_size, const void* x, int64_t count, int64_t height, int64_t width,
                  int64_t inner, const PixelSources& rows, const PixelSources& columns,
                  const void* value, void* y, CPUContext* context);

// The gradient: dx[n, rows[h], columns[w], :] is the sum of the dy[n, h, w, :]. T: float, double.
template <typename T>
void SelectPixelsGradient(const T* dy, int64_t count, int64_t height, int64_t width, int64_t inner,
                          const PixelSources& rows, const PixelSources& columns, T* dx,
                          CPUContext* context);

}  // namespace doppio

#endif  // DOPPIO_KERNEL_PIXELS_H_
