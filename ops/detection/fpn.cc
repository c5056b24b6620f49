#include "ops/detection/fpn.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "ops/detection/box_arguments.h"
#include "src/kernel/nms.h"

namespace doppio {

void StateDistributeArguments(OpSchema& schema) {
  schema
      .Arg<int>("roi_canonical_scale",
                "side of the square, in pixels, that belongs to the canonical level", 224)
      .Arg<int>("roi_canonical_level", "the level that regions of that size belong to", 4)
      .Arg<int>("roi_max_level", "the last level that regions are distributed to", 5)
      .Arg<int>("roi_min_level", "the first one", 2)
      .FillUsing(StatePlusOne);
}

PyramidLevels::PyramidLevels(ArgumentReader* args, absl::string_view prefix)
    : first(args->GetSingleArgument<int>(absl::StrCat(prefix, "_min_level"))),
      last(args->GetSingleArgument<int>(absl::StrCat(prefix, "_max_level"))) {
  if (last < first) {
    args->Fail(absl::InvalidArgumentError(absl::StrCat(prefix, "_max_level is ", last,
                                                       ", must be at least ", prefix,
                                                       "_min_level, which is ", first)));
  }
}

absl::StatusOr<int64_t> ProposalCollector::Count(absl::Span<const DimsView> inputs) const {
  const size_t levels = static_cast<size_t>(levels_.count());
  if (inputs.size() % 2 != 0 || inputs.size() / 2 != levels) {
    return absl::InvalidArgumentError(absl::StrCat("there are ", inputs.size(),
                                                   " inputs, must be the rois and then the scores ",
                                                   "of ", levels, " levels"));
  }
  int64_t count = 0;
  for (size_t i = 0; i < levels; ++i) {
    const DimsView rois = inputs[i];
    const DimsView scores = inputs[levels + i];
    if (rois.size() != 2 || rois[1] != 5 || SizeFromDim(scores, 0) != rois[0]) {
      return absl::InvalidArgumentError(absl::StrCat(
          "input ", i, " must be rois [n,5], and input ", levels + i,
          " their n scores, but they are ", ShapeToString(rois), " and ", ShapeToString(scores)));
    }
    if (rois[0] > std::numeric_limits<int64_t>::max() - count) {
      return absl::OutOfRangeError("there are more rois than int64 can count");
    }
    count += rois[0];
  }
  return most_ > 0 ? std::min(count, most_) : count;
}

absl::Status ProposalCollector::Collect(absl::Span<const Tensor* const> inputs, float* rois) {
  const size_t levels = inputs.size() / 2;
  for (size_t i = 0; i < inputs.size(); ++i) {
    DOPPIO_RETURN_IF_ERROR(ExpectFloat(i < levels ? "rois" : "scores", inputs[i]->dtype()));
  }
  proposals_.clear();
  for (size_t i = 0; i < levels; ++i) {
    const float* roi = inputs[i]->data<float>();
    for (float score : inputs[levels + i]->span<float>()) {
      proposals_.push_back({score, static_cast<int64_t>(proposals_.size()), roi});
      roi += 5;
    }
  }
  const auto before = [](const Proposal& a, const Proposal& b) {
    return ScoreBefore(a.score, a.place, b.score, b.place);
  };
  auto end = proposals_.end();
  if (most_ > 0 && most_ < static_cast<int64_t>(proposals_.size())) {
    end = proposals_.begin() + most_;
    std::nth_element(proposals_.begin(), end, proposals_.end(), before);
  }
  std::sort(proposals_.begin(), end, before);
  for (auto it = proposals_.begin(); it != end; ++it) rois = std::copy_n(it->roi, 5, rois);
  return absl::OkStatus();
}

ProposalDistributor::ProposalDistributor(ArgumentReader* args)
    : levels_(args, "roi"),
      canonical_scale_(static_cast<float>(args->GetSingleArgument<int>("roi_canonical_scale"))),
      canonical_level_(static_cast<float>(args->GetSingleArgument<int>("roi_canonical_level"))),
      plus_one_(args->GetSingleArgument<bool>("legacy_plus_one")) {
  if (!(canonical_scale_ > 0)) {
    args->Fail(absl::InvalidArgumentError(
        absl::StrCat("roi_canonical_scale is ", canonical_scale_, ", must be above 0")));
  }
}

absl::Status ProposalDistributor::Distribute(const float* rois, int64_t count, int64_t columns) {
  if (count > std::numeric_limits<int32_t>::max()) {
    return absl::OutOfRangeError(
        absl::StrCat("there are ", count, " rois, more than int32 can number"));
  }
  const float pixel = plus_one_ ? 1.0f : 0.0f;
  const float log_2 = static_cast<float>(std::log(2.0));
  const float last = static_cast<float>(levels_.count() - 1);
  level_of_.resize(static_cast<size_t>(count));
  begin_.assign(static_cast<size_t>(levels_.count() + 1), 0);
  for (int64_t i = 0; i < count; ++i) {
    const float* box = rois + i * columns + columns - 4;
    const float area = (box[2] - box[0] + pixel) * (box[3] - box[1] + pixel);
    if (!(area >= 0)) {
      return absl::InvalidArgumentError(absl::StrCat("roi ", i, " is [", box[0], ", ", box[1], ", ",
                                                     box[2], ", ", box[3],
                                                     "], which has no area of at least 0"));
    }
    const float size = std::log(std::sqrt(area) / canonical_scale_ + 1e-6f) / log_2;
    const float level = std::floor(canonical_level_ + size) - static_cast<float>(levels_.first);
    const int64_t place = static_cast<int64_t>(std::max(std::min(level, last), 0.0f));
    level_of_[static_cast<size_t>(i)] = place;
    ++begin_[static_cast<size_t>(place) + 1];
  }
  for (size_t i = 1; i < begin_.size(); ++i) begin_[i] += begin_[i - 1];
  // begin_[level] moves to the level's end while its rows are written, and back after that.
  rows_.resize(static_cast<size_t>(count));
  for (int64_t i = 0; i < count; ++i) {
    const size_t level = static_cast<size_t>(level_of_[static_cast<size_t>(i)]);
    rows_[static_cast<size_t>(begin_[level]++)] = i;
  }
  for (size_t i = begin_.size() - 1; i > 0; --i) begin_[i] = begin_[i - 1];
  begin_[0] = 0;
  return absl::OkStatus();
}

absl::Span<const int64_t> ProposalDistributor::RowsOf(int64_t i) const {
  const size_t level = static_cast<size_t>(i);
  return absl::Span<const int64_t>(rows_).subspan(
      static_cast<size_t>(begin_[level]), static_cast<size_t>(begin_[level + 1] - begin_[level]));
}

void ProposalDistributor::WriteRestore(int32_t* restore) const {
  for (size_t i = 0; i < rows_.size(); ++i) restore[rows_[i]] = static_cast<int32_t>(i);
}

}  // namespace doppio
