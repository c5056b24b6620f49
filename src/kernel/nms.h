#ifndef DOPPIO_KERNEL_NMS_H_
#define DOPPIO_KERNEL_NMS_H_

// Non-maximum suppression: of boxes that overlap, the best one stays.

#include <cstdint>
#include <vector>

#include "absl/types/span.h"
#include "doppio/status.h"

namespace doppio {

// Boxes among other columns of a matrix: box i is the `size` floats at data + i * stride, four of
// an upright box or five of a rotated one (boxes.h).
struct BoxRows {
  const float* data;
  int64_t stride;
  int size = 4;
  bool plus_one = true;  // of upright boxes

  const float* row(int64_t i) const { return data + i * stride; }
};

// Intersection over union of two boxes; NaN where neither has an area, or one is not finite.
float Overlap(const BoxRows& boxes, int64_t i, int64_t j);

// Whether score a comes before score b in descending order: NaN last, equal ones by their places,
// so that sorting gives one result.
inline bool ScoreBefore(float a, int64_t a_place, float b, int64_t b_place) {
  const bool a_is_nan = a != a;
  const bool b_is_nan = b != b;
  if (a_is_nan != b_is_nan) return b_is_nan;
  return a > b || (!(a < b) && a_place < b_place);
}

// Non-maximum suppression with scratch that is kept from call to call. Its time grows with the
// square of the number of boxes, so it asks after each one whether to go on
// (doppio/cancellation.h).
class NonMaximumSuppression {
 public:
  // Goes through the boxes in the given order, best first, and appends to `kept` those that overlap
  // with none appended in this call by more than `threshold`; no more than `most`, if that is not
  // negative. Overlaps that are NaN count as too large.
  absl::Status Hard(const BoxRows& boxes, absl::Span<const int64_t> order, float threshold,
                    int64_t most, std::vector<int64_t>* kept);

  enum class Decay { kHard, kLinear, kGaussian };
  struct SoftOptions {
    Decay decay = Decay::kLinear;
    float sigma = 0.5f;      // of the Gaussian
    float threshold = 0.3f;  // overlaps up to here do no harm (not for the Gaussian)
    float min_score = 0.001f;
  };
  // Soft suppression (Bodla and others, 2017): again and again the box with the largest score is
  // appended to `kept`, and the scores of the others multiplied by 1 - overlap (kLinear),
  // exp(-overlap^2 / sigma) (kGaussian) or 0 (kHard). What falls below `min_score` is dropped.
  // scores[i], by the number of the box, is changed; NaN is not allowed there.
  absl::Status Soft(const BoxRows& boxes, absl::Span<const int64_t> candidates,
                    const SoftOptions& options, float* scores, std::vector<int64_t>* kept);

 private:
  bool OverlapsKept(const BoxRows& boxes, const float* box, float threshold) const;
  void Keep(const BoxRows& boxes, int64_t i);

  // The upright boxes that were kept, by coordinate, for loops over arrays of numbers.
  std::vector<float> x1_, y1_, x2_, y2_, area_;
  std::vector<int64_t> pending_;
};

}  // namespace doppio

#endif  // DOPPIO_KERNEL_NMS_H_
