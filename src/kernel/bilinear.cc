#include "src/kernel/bilinear.h"

#include <algorithm>

#include "doppio/parallel.h"

namespace doppio {
namespace {

constexpr int64_t kGrain = 8192;

}  // namespace

void LinearSources::Assign(int64_t count, int64_t source_count) {
  sources_.resize(static_cast<size_t>(count));
  const float step =
      count > 1 ? static_cast<float>(source_count - 1) / static_cast<float>(count - 1) : 0.0f;
  for (int64_t i = 0; i < count; ++i) {
    const float place = step * static_cast<float>(i);
    // Rounding may take the product one past the end.
    const int64_t first = std::min(static_cast<int64_t>(place), source_count - 1);
    sources_[static_cast<size_t>(i)] = {first, std::min(first + 1, source_count - 1),
                                        place - static_cast<float>(first)};
  }
}

template <typename T>
void Bilinear(const T* x, int64_t count, int64_t height, int64_t width, int64_t inner,
              const LinearSources& rows, const LinearSources& columns, T* y, CPUContext*) {
  const int64_t row = columns.size() * inner;
  ParallelFor(count * rows.size(), std::max<int64_t>(1, kGrain / std::max<int64_t>(1, row)),
              [&](int64_t begin, int64_t end) {
                for (int64_t i = begin; i < end; ++i) {
                  const LinearSources::Source& h = rows[i % rows.size()];
                  const T* image = x + i / rows.size() * height * width * inner;
                  const T* upper = image + h.first * width * inner;
                  const T* lower = image + h.second * width * inner;
                  const T h1 = h.weight;
                  const T h0 = T(1) - h1;
                  T* out = y + i * row;
                  for (int64_t k = 0; k < columns.size(); ++k) {
                    const LinearSources::Source& w = columns[k];
                    const T w1 = w.weight;
                    const T w0 = T(1) - w1;
                    const int64_t a = w.first * inner;
                    const int64_t b = w.second * inner;
                    for (int64_t c = 0; c < inner; ++c) {
                      *out++ = h0 * (w0 * upper[a + c] + w1 * upper[b + c]) +
                               h1 * (w0 * lower[a + c] + w1 * lower[b + c]);
                    }
                  }
                }
              });
}

template <typename T>
void BilinearGradient(const T* dy, int64_t count, int64_t height, int64_t width, int64_t inner,
                      const LinearSources& rows, const LinearSources& columns, T* dx, CPUContext*) {
  const int64_t image_size = height * width * inner;
  const int64_t row = columns.size() * inner;
  const int64_t cost = std::max<int64_t>({1, image_size, rows.size() * row});
  ParallelFor(count, std::max<int64_t>(1, kGrain / cost), [&](int64_t begin, int64_t end) {
    for (int64_t n = begin; n < end; ++n) {
      T* image = dx + n * image_size;
      std::fill_n(image, image_size, T(0));
      const T* in = dy + n * rows.size() * row;
      for (int64_t i = 0; i < rows.size(); ++i) {
        const LinearSources::Source& h = rows[i];
        T* upper = image + h.first * width * inner;
        T* lower = image + h.second * width * inner;
        const T h1 = h.weight;
        const T h0 = T(1) - h1;
        for (int64_t k = 0; k < columns.size(); ++k) {
          const LinearSources::Source& w = columns[k];
          const T w1 = w.weight;
          const T w0 = T(1) - w1;
          const int64_t a = w.first * inner;
          const int64_t b = w.second * inner;
          for (int64_t c = 0; c < inner; ++c) {
            const T value = *in++;
            upper[a + c] += h0 * w0 * value;
            upper[b + c] += h0 * w1 * value;
            lower[a + c] += h1 * w0 * value;
            lower[b + c] += h1 * w1 * value;
          }
        }
      }
    }
  });
}

#define DOPPIO_INSTANTIATE_(T)                                                                  \
  template void Bilinear<T>(const T*, int64_t, int64_t, int64_t, int64_t, const LinearSources&, \
                            const LinearSources&, T*, CPUContext*);                             \
  template void BilinearGradient<T>(const T*, int64_t, int64_t, int64_t, int64_t,               \
                                    const LinearSources&, const LinearSources&, T*, CPUContext*);
DOPPIO_INSTANTIATE_(float)
DOPPIO_INSTANTIATE_(double)
#undef DOPPIO_INSTANTIATE_

}  // namespace doppio
