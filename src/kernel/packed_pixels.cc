#include "src/kernel/packed_pixels.h"

#include <algorithm>

#include "doppio/parallel.h"

namespace doppio {
namespace {

// Pixels of one piece of work.
constexpr int64_t kBlock = 4096;

// body(image, begin, end) for blocks of pixels of all images.
template <typename Body>
void ForEachBlock(int64_t count, int64_t pixels, const Body& body) {
  const int64_t blocks = (pixels + kBlock - 1) / kBlock;
  ParallelFor(count * blocks, 2, [&](int64_t first, int64_t last) {
    for (int64_t i = first; i < last; ++i) {
      const int64_t begin = i % blocks * kBlock;
      body(i / blocks, begin, std::min(begin + kBlock, pixels));
    }
  });
}

// In float throughout, so that loops of it become vectors.
inline uint8_t ToByte(float value) {
  value = value > 0.0f ? value : 0.0f;  // NaN too
  value = value < 255.0f ? value : 255.0f;
  return static_cast<uint8_t>(static_cast<int32_t>(value));
}

}  // namespace

void UnpackPixels(const uint8_t* x, int64_t count, int64_t pixels, const float mean[3],
                  const PlaneNoise& noise, float* y, CPUContext*) {
  ForEachBlock(count, pixels, [&](int64_t image, int64_t begin, int64_t end) {
    const uint8_t* in = x + image * pixels * 4;
    for (int c = 0; c < 3; ++c) {
      const float m = mean[c];
      float* out = y + (image * 3 + c) * pixels;
      if (noise.period == 0) {
        for (int64_t i = begin; i < end; ++i) out[i] = static_cast<float>(in[4 * i + c]) - m;
        continue;
      }
      for (int64_t i = begin; i < end;) {
        const int64_t phase = i % noise.period;
        const int64_t stop = std::min(end, i + noise.period - phase);
        const float* added = noise.channel[c] + phase;
        const int64_t start = i;
        for (; i < stop; ++i) out[i] = static_cast<float>(in[4 * i + c]) - m + added[i - start];
      }
    }
  });
}

void PackPixels(const float* x, int64_t count, int64_t pixels, const float mean[3], uint8_t* y,
                CPUContext*) {
  ForEachBlock(count, pixels, [&](int64_t image, int64_t begin, int64_t end) {
    const float* in = x + image * 3 * pixels;
    uint8_t* out = y + image * pixels * 4;
    for (int64_t i = begin; i < end; ++i) {
      out[4 * i] = ToByte(in[i] + mean[0]);
      out[4 * i + 1] = ToByte(in[pixels + i] + mean[1]);
      out[4 * i + 2] = ToByte(in[2 * pixels + i] + mean[2]);
      out[4 * i + 3] = 255;
    }
  });
}

}  // namespace doppio
