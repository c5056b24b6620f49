#ifndef DOPPIO_KERNEL_BILINEAR_H_
#define DOPPIO_KERNEL_BILINEAR_H_

#include <cstdint>
#include <vector>

#include "doppio/context.h"

namespace doppio {

// Between which two places of the source each place lies, when both ends are kept: 0 is 0 and the
// last one is the last. Weights are computed in float, as Caffe2 does. Memory is kept from run to
// run.
class LinearSources {
 public:
  struct Source {
    int64_t first;
    int64_t second;  // the next one, or the last again
    float weight;    // of the second
  };

  void Assign(int64_t count, int64_t source_count);
  int64_t size() const { return static_cast<int64_t>(sources_.size()); }
  const Source& operator[](int64_t i) const { return sources_[static_cast<size_t>(i)]; }

 private:
  std::vector<Source> sources_;
};

// y[n, h, w, :] is interpolated between the four pixels of x around rows[h], columns[w]. x is
// [count, height, width, inner]. T: float, double.
template <typename T>
void Bilinear(const T* x, int64_t count, int64_t height, int64_t width, int64_t inner,
              const LinearSources& rows, const LinearSources& columns, T* y, CPUContext* context);

// Its gradient: dy is shared out with the same weights. dx is [count, height, width, inner].
template <typename T>
void BilinearGradient(const T* dy, int64_t count, int64_t height, int64_t width, int64_t inner,
                      const LinearSources& rows, const LinearSources& columns, T* dx,
                      CPUContext* context);

}  // namespace doppio

#endif  // DOPPIO_KERNEL_BILINEAR_H_
