#include "src/kernel/nms.h"

#include <algorithm>
#include <cmath>

#include "doppio/cancellation.h"
#include "src/kernel/boxes.h"

namespace doppio {
namespace {

// By comparisons that the compiler turns into one instruction each.
float Larger(float a, float b) { return a > b ? a : b; }
float Smaller(float a, float b) { return a < b ? a : b; }

float UprightArea(const float* box, float pixel) {
  return (box[2] - box[0] + pixel) * (box[3] - box[1] + pixel);
}

float UprightOverlap(float ax1, float ay1, float ax2, float ay2, float a_area, float bx1, float by1,
                     float bx2, float by2, float b_area, float pixel) {
  const float w = Larger(Smaller(ax2, bx2) - Larger(ax1, bx1) + pixel, 0.0f);
  const float h = Larger(Smaller(ay2, by2) - Larger(ay1, by1) + pixel, 0.0f);
  const float intersection = w * h;
  return intersection / (a_area + b_area - intersection);
}

float RotatedOverlap(const float* a, const float* b) {
  const float intersection = RotatedIntersection(a, b);
  return intersection / (a[2] * a[3] + b[2] * b[3] - intersection);
}

}  // namespace

float Overlap(const BoxRows& boxes, int64_t i, int64_t j) {
  const float* a = boxes.row(i);
  const float* b = boxes.row(j);
  if (boxes.size == 5) return RotatedOverlap(a, b);
  const float pixel = boxes.plus_one ? 1.0f : 0.0f;
  return UprightOverlap(a[0], a[1], a[2], a[3], UprightArea(a, pixel), b[0], b[1], b[2], b[3],
                        UprightArea(b, pixel), pixel);
}

bool NonMaximumSuppression::OverlapsKept(const BoxRows& boxes, const float* box,
                                         float threshold) const {
  const float pixel = boxes.plus_one ? 1.0f : 0.0f;
  const float area = UprightArea(box, pixel);
  // A few at a time: within such a block there is nothing to decide, so it becomes vectors.
  constexpr size_t kBlock = 16;
  for (size_t begin = 0; begin < area_.size(); begin += kBlock) {
    const size_t end = std::min(area_.size(), begin + kBlock);
    int too_large = 0;
    for (size_t k = begin; k < end; ++k) {
      const float overlap = UprightOverlap(x1_[k], y1_[k], x2_[k], y2_[k], area_[k], box[0], box[1],
                                           box[2], box[3], area, pixel);
      too_large |= static_cast<int>(!(overlap <= threshold));
    }
    if (too_large != 0) return true;
  }
  return false;
}

void NonMaximumSuppression::Keep(const BoxRows& boxes, int64_t i) {
  const float* box = boxes.row(i);
  x1_.push_back(box[0]);
  y1_.push_back(box[1]);
  x2_.push_back(box[2]);
  y2_.push_back(box[3]);
  area_.push_back(UprightArea(box, boxes.plus_one ? 1.0f : 0.0f));
}

absl::Status NonMaximumSuppression::Hard(const BoxRows& boxes, absl::Span<const int64_t> order,
                                         float threshold, int64_t most,
                                         std::vector<int64_t>* kept) {
  const size_t before = kept->size();
  for (std::vector<float>* list : {&x1_, &y1_, &x2_, &y2_, &area_}) list->clear();
  for (int64_t i : order) {
    if (most >= 0 && static_cast<int64_t>(kept->size() - before) >= most) break;
    DOPPIO_RETURN_IF_ERROR(CancellationStatus());
    if (boxes.size == 5) {
      const bool overlaps =
          std::any_of(kept->begin() + static_cast<std::ptrdiff_t>(before), kept->end(),
                      [&](int64_t k) { return !(Overlap(boxes, k, i) <= threshold); });
      if (overlaps) continue;
    } else {
      if (OverlapsKept(boxes, boxes.row(i), threshold)) continue;
      Keep(boxes, i);
    }
    kept->push_back(i);
  }
  return absl::OkStatus();
}

absl::Status NonMaximumSuppression::Soft(const BoxRows& boxes, absl::Span<const int64_t> candidates,
                                         const SoftOptions& options, float* scores,
                                         std::vector<int64_t>* kept) {
  const auto factor = [&](float overlap) -> float {
    switch (options.decay) {
      case Decay::kLinear:
        return overlap > options.threshold ? 1.0f - overlap : 1.0f;
      case Decay::kGaussian:
        return static_cast<float>(std::exp(-1.0 * overlap * overlap / options.sigma));
      case Decay::kHard:
        break;
    }
    return overlap > options.threshold ? 0.0f : 1.0f;
  };
  pending_.assign(candidates.begin(), candidates.end());
  while (!pending_.empty()) {
    DOPPIO_RETURN_IF_ERROR(CancellationStatus());
    const auto best = std::max_element(pending_.begin(), pending_.end(),
                                       [&](int64_t a, int64_t b) { return scores[a] < scores[b]; });
    std::swap(pending_.front(), *best);
    const int64_t i = pending_.front();
    kept->push_back(i);
    size_t left = 0;
    for (size_t k = 1; k < pending_.size(); ++k) {
      const int64_t j = pending_[k];
      scores[j] *= factor(Overlap(boxes, i, j));
      if (scores[j] >= options.min_score) pending_[left++] = j;
    }
    pending_.resize(left);
  }
  return absl::OkStatus();
}

}  // namespace doppio
