#include "src/kernel/softmax.h"

#include <algorithm>
#include <cmath>

#include "doppio/parallel.h"

namespace doppio {
namespace {

constexpr int64_t kGrain = 1 << 12;  // exponentials that are worth a thread

int64_t RowsPerThread(int64_t n) { return kGrain / std::max<int64_t>(n, 1) + 1; }

}  // namespace

template <typename T>
void Softmax(const T* x, int64_t rows, int64_t n, T* y, T* row_max, T* log_norm, CPUContext*) {
  if (n == 0) return;
  ParallelFor(rows, RowsPerThread(n), [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      const T* in = x + i * n;
      T* out = y + i * n;
      const T max = *std::max_element(in, in + n);
      double sum = 0;
      for (int64_t j = 0; j < n; ++j) {
        out[j] = std::exp(in[j] - max);
        sum += out[j];
      }
      const T scale = static_cast<T>(1 / sum);
      for (int64_t j = 0; j < n; ++j) out[j] *= scale;
      if (row_max != nullptr) row_max[i] = max;
      if (log_norm != nullptr) log_norm[i] = static_cast<T>(std::log(sum));
    }
  });
}

template <typename T>
void SoftmaxGradient(const T* y, const T* dy, int64_t rows, int64_t n, T* dx, CPUContext*) {
  if (n == 0) return;
  ParallelFor(rows, RowsPerThread(n), [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      const T* y_row = y + i * n;
      const T* dy_row = dy + i * n;
      T* dx_row = dx + i * n;
      double sum = 0;
      for (int64_t j = 0; j < n; ++j) sum += static_cast<double>(y_row[j]) * dy_row[j];
      const T dot = static_cast<T>(sum);
      for (int64_t j = 0; j < n; ++j) dx_row[j] = y_row[j] * (dy_row[j] - dot);
    }
  });
}

template void Softmax<float>(const float*, int64_t, int64_t, float*, float*, float*, CPUContext*);
template void Softmax<double>(const double*, int64_t, int64_t, double*, double*, double*,
                              CPUContext*);
template void SoftmaxGradient<float>(const float*, const float*, int64_t, int64_t, float*,
                                     CPUContext*);
template void SoftmaxGradient<double>(const double*, const double*, int64_t, int64_t, double*,
                                      CPUContext*);

}  // namespace doppio
