#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "src/kernel/prelu_blocks.cc"
#include "hwy/foreach_target.h"  // must come before highway.h
//
#include <algorithm>

#include "doppio/parallel.h"
#include "hwy/highway.h"
#include "src/kernel/prelu_blocks.h"

HWY_BEFORE_NAMESPACE();
namespace doppio {
namespace HWY_NAMESPACE {
namespace {

namespace hn = hwy::HWY_NAMESPACE;

// kPreluLanes of the lanes of some pixels, whose slopes are next to each other.
void PreluLanes(const float* x, const float* slopes, int64_t pixels, int64_t lanes, float* y) {
  const hn::CappedTag<float, kPreluLanes> d;
  const auto n = static_cast<int64_t>(hn::Lanes(d));
  for (int64_t i = 0; i < kPreluLanes; i += n) {
    const auto slope = hn::LoadU(d, slopes + i);
    for (int64_t at = i; at < pixels * lanes; at += lanes) {
      const auto value = hn::LoadU(d, x + at);
      const auto below = hn::Mul(slope, value);
      hn::StoreU(hn::IfThenElse(hn::Gt(value, hn::Zero(d)), value, below), d, y + at);
    }
  }
}

void PreluRows(const float* x, const float* slopes, const PreluBlocks& shape, float* y) {
  constexpr int64_t kGrain = 1 << 14;
  const int64_t all = shape.rows * shape.pixels;
  ParallelFor(all, kGrain / shape.lanes + 1, [&](int64_t begin, int64_t end) {
    while (begin < end) {
      const int64_t row = begin / shape.pixels;
      const int64_t pixels = std::min(end, (row + 1) * shape.pixels) - begin;
      for (int64_t lane = 0; lane < shape.lanes; lane += kPreluLanes) {
        const int64_t at = begin * shape.lanes + lane;
        PreluLanes(x + at, slopes + row % shape.blocks * shape.lanes + lane, pixels, shape.lanes,
                   y + at);
      }
      begin += pixels;
    }
  });
}

}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace doppio
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace doppio {

HWY_EXPORT(PreluRows);

void PreluOfBlocks(const float* x, const float* slopes, const PreluBlocks& shape, float* y,
                   CPUContext*) {
  HWY_DYNAMIC_DISPATCH(PreluRows)(x, slopes, shape, y);
}

}  // namespace doppio
#endif
