#ifndef DOPPIO_KERNEL_RESAMPLE_H_
#define DOPPIO_KERNEL_RESAMPLE_H_

// Interpolation along one dimension of a tensor after the other.

#include <cstddef>
#include <cstdint>
#include <vector>

namespace doppio {

// Of which elements of a line, and how much of each, the elements of another line are made. Memory
// is kept from use to use.
class ResampleTaps {
 public:
  // For lines of `out` elements, each of `taps` elements. All weights must be set then.
  void Start(int64_t out, int taps);
  // A tap beside the line of `in` elements is that of its end.
  void Set(int64_t o, int tap, int64_t index, double weight, int64_t in);

  int64_t out() const { return out_; }
  int taps() const { return taps_; }
  int64_t index(int64_t o, int tap) const { return indices_[static_cast<size_t>(o * taps_ + tap)]; }
  double weight(int64_t o, int tap) const { return weights_[static_cast<size_t>(o * taps_ + tap)]; }
  // Whether lines of `in` elements stay what they are.
  bool IsIdentity(int64_t in) const;

 private:
  int64_t out_ = 0;
  int taps_ = 1;
  std::vector<int64_t> indices_;
  std::vector<double> weights_;
};

// y [outer, taps.out(), inner] of x [outer, in, inner]. T is float or double.
template <typename T>
void Resample(const T* x, int64_t outer, int64_t in, int64_t inner, const ResampleTaps& taps, T* y);

// The same of single taps, whose elements are copied, whatever they are.
void ResampleNearest(size_t element_size, const void* x, int64_t outer, int64_t in, int64_t inner,
                     const ResampleTaps& taps, void* y);

}  // namespace doppio

#endif  // DOPPIO_KERNEL_RESAMPLE_H_
