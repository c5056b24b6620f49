#include "src/kernel/pixels.h"

#include <algorithm>
#include <cstring>

#include "doppio/parallel.h"
#include "src/kernel/bytes.h"

namespace doppio {
namespace {

// Fewer pixels are faster moved one by one than by a call.
constexpr int64_t kShortRun = 8;

template <typename E>
void SelectRow(const E* x, int64_t inner, const PixelSources& columns, E value, E* y) {
  if (inner == 1 && columns.repeat() > 1) {
    RepeatElements(sizeof(E), x, columns.size() / columns.repeat(), columns.repeat(), y,
                   Stores::kCached);
    return;
  }
  for (const PixelSources::Run& run : columns.runs()) {
    E* out = y + run.begin * inner;
    const int64_t n = (run.end - run.begin) * inner;
    if (run.source == kNoPixel) {
      std::fill_n(out, n, value);
    } else if (n < kShortRun) {
      const E* in = x + run.source * inner;
      for (int64_t i = 0; i < n; ++i) out[i] = in[i];
    } else {
      std::memcpy(out, x + run.source * inner, static_cast<size_t>(n) * sizeof(E));
    }
  }
}

template <typename E>
void Select(const E* x, int64_t count, int64_t height, int64_t width, int64_t inner,
            const PixelSources& rows, const PixelSources& columns, E value, E* y) {
  const int64_t row = columns.size() * inner;
  const int64_t grain = std::max<int64_t>(
      1, kGrainBytes / std::max<int64_t>(1, row * static_cast<int64_t>(sizeof(E))));
  ParallelFor(count * rows.size(), grain, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      const int64_t source = rows[i % rows.size()];
      E* out = y + i * row;
      if (source == kNoPixel) {
        std::fill_n(out, row, value);
      } else if (i > begin && i % rows.size() > 0 && source == rows[i % rows.size() - 1]) {
        std::memcpy(out, out - row, static_cast<size_t>(row) * sizeof(E));
      } else {
        const int64_t image = i / rows.size();
        SelectRow(x + (image * height + source) * width * inner, inner, columns, value, out);
      }
    }
  });
}

}  // namespace

void PixelSources::FindRuns() {
  runs_.clear();
  for (int64_t i = 0; i < size(); ++i) {
    const int64_t source = (*this)[i];
    if (!runs_.empty()) {
      Run& last = runs_.back();
      const bool goes_on =
          last.source == kNoPixel ? source == kNoPixel : source == last.source + (i - last.begin);
      if (goes_on) {
        last.end = i + 1;
        continue;
      }
    }
    runs_.push_back({i, i + 1, source});
  }
  repeat_ = 1;
  int64_t repeat = 0;
  while (repeat < size() && (*this)[repeat] == 0) ++repeat;
  if (repeat <= 1 || size() % repeat != 0) return;
  for (int64_t i = 0; i < size(); ++i) {
    if ((*this)[i] != i / repeat) return;
  }
  repeat_ = repeat;
}

void SelectPixels(size_t element_size, const void* x, int64_t count, int64_t height, int64_t width,
                  int64_t inner, const PixelSources& rows, const PixelSources& columns,
                  const void* value, void* y, CPUContext*) {
  const auto run = [&](auto bits) {
    using E = decltype(bits);
    std::memcpy(&bits, value, sizeof(E));
    Select(static_cast<const E*>(x), count, height, width, inner, rows, columns, bits,
           static_cast<E*>(y));
  };
  switch (element_size) {
    case 1:
      return run(uint8_t());
    case 2:
      return run(uint16_t());
    case 4:
      return run(uint32_t());
    default:
      return run(uint64_t());
  }
}

template <typename T>
void SelectPixelsGradient(const T* dy, int64_t count, int64_t height, int64_t width, int64_t inner,
                          const PixelSources& rows, const PixelSources& columns, T* dx,
                          CPUContext*) {
  const int64_t dy_row = columns.size() * inner;
  const int64_t dx_row = width * inner;
  const int64_t cost = std::max(rows.size() * dy_row, height * dx_row);
  const int64_t grain = std::max<int64_t>(1, 32768 / std::max<int64_t>(1, cost));
  ParallelFor(count, grain, [&](int64_t begin, int64_t end) {
    for (int64_t image = begin; image < end; ++image) {
      std::fill_n(dx + image * height * dx_row, height * dx_row, T(0));
      for (int64_t h = 0; h < rows.size(); ++h) {
        if (rows[h] == kNoPixel) continue;
        const T* in = dy + (image * rows.size() + h) * dy_row;
        T* out = dx + (image * height + rows[h]) * dx_row;
        for (const PixelSources::Run& run : columns.runs()) {
          if (run.source == kNoPixel) continue;
          const T* from = in + run.begin * inner;
          T* to = out + run.source * inner;
          const int64_t n = (run.end - run.begin) * inner;
          for (int64_t i = 0; i < n; ++i) to[i] += from[i];
        }
      }
    }
  });
}

template void SelectPixelsGradient<float>(const float*, int64_t, int64_t, int64_t, int64_t,
                                          const PixelSources&, const PixelSources&, float*,
                                          CPUContext*);
template void SelectPixelsGradient<double>(const double*, int64_t, int64_t, int64_t, int64_t,
                                           const PixelSources&, const PixelSources&, double*,
                                           CPUContext*);

}  // namespace doppio
