#ifndef DOPPIO_OPS_DETECTION_FPN_H_
#define DOPPIO_OPS_DETECTION_FPN_H_

// What the operators on feature pyramids have in common: proposals are collected from the levels of
// the pyramid and sorted by score, and distributed to levels by their size (Lin and others, Feature
// Pyramid Networks, 2017).

#include <vector>

#include "doppio/operator.h"
#include "doppio/schema.h"

namespace doppio {

inline void StateCollectArguments(OpSchema& schema) {
  schema.Arg<int>("rpn_max_level", "the last level of the pyramid that has proposals", 6)
      .Arg<int>("rpn_min_level", "the first one", 2)
      .Arg<int>("rpn_post_nms_topN", "proposals that stay at most; at most 0: all", 2000);
}

void StateDistributeArguments(OpSchema& schema);

// The least and the last level: from arguments `prefix`_min_level and `prefix`_max_level.
struct PyramidLevels {
  PyramidLevels(ArgumentReader* args, absl::string_view prefix);
  int64_t count() const { return last - first + 1; }

  int64_t first;
  int64_t last;
};

// Inputs: the rois [n,5] of each level, then the scores of each level, n elements.
class ProposalCollector {
 public:
  explicit ProposalCollector(ArgumentReader* args)
      : levels_(args, "rpn"), most_(args->GetSingleArgument<int>("rpn_post_nms_topN")) {}

  // How many proposals there will be, from the shapes of the inputs.
  absl::StatusOr<int64_t> Count(absl::Span<const DimsView> inputs) const;
  // Writes them to `rois` [Count(),5], those with the largest scores first; equal ones stay in the
  // order of the input.
  absl::Status Collect(absl::Span<const Tensor* const> inputs, float* rois);

 private:
  struct Proposal {
    float score;
    int64_t place;
    const float* roi;
  };

  PyramidLevels levels_;
  int64_t most_;
  std::vector<Proposal> proposals_;  // kept from run to run
};

class ProposalDistributor {
 public:
  explicit ProposalDistributor(ArgumentReader* args);

  int64_t level_count() const { return levels_.count(); }

  // Finds the level of each box x1, y1, x2, y2 in `count` rows of `columns` that end with it:
  // floor(canonical_level + log2(sqrt(area) / canonical_scale + 1e-6)), in the range of levels. An
  // error for areas that are negative or NaN.
  absl::Status Distribute(const float* rois, int64_t count, int64_t columns);

  // Afterwards: the rows of the i-th level, in their order; and for each row its place when those
  // of all levels are put one after the other.
  absl::Span<const int64_t> RowsOf(int64_t i) const;
  void WriteRestore(int32_t* restore) const;

 private:
  PyramidLevels levels_;
  float canonical_scale_;
  float canonical_level_;
  bool plus_one_;
  // Kept from run to run.
  std::vector<int64_t> level_of_;  // of each row, counted from 0
  std::vector<int64_t> rows_;      // by level
  std::vector<int64_t> begin_;     // of each level in rows_, and the end
};

}  // namespace doppio

#endif  // DOPPIO_OPS_DETECTION_FPN_H_
