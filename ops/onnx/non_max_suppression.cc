#include <algorithm>
#include <numeric>
#include <vector>

#include "doppio/cancellation.h"
#include "doppio/gradient_maker.h"
#include "doppio/registry.h"
#include "src/kernel/nms.h"

namespace doppio {
namespace {

constexpr int kRequired = 2;
constexpr const char* kOptional[] = {"max_output_boxes_per_class", "iou_threshold",
                                     "score_threshold"};

DOPPIO_OPERATOR_SCHEMA(NonMaxSuppression)
    .NumInputs(kRequired, kRequired + 3)
    .NumOutputs(1)
    .Doc(R"DOC(
Of the boxes of each image and class that overlap, the one with the best score: goes through the boxes from the
best score down, and takes those whose intersection over union with all that were taken for the class is at most
iou_threshold, and whose score is above score_threshold where that is given. Boxes without an area overlap with
nothing. Of equal scores the first box comes first; NaN is no score.

Example: boxes [1,2,4] = 0 0 1 1, 0 0 1 0.9, scores [1,1,2] = 0.9 0.8 and max_output_boxes_per_class = 3 with
iou_threshold = 0.5 give [[0,0,0]].
)DOC")
    .Arg<int>(
        "center_point_box",
        "0: boxes are two corners y, x, y, x, in any order; 1: the centre x, y, width, height", 0)
    .OptionalArg<std::vector<std::string>>(
        "given",
        "which inputs there are behind the second one, in their order: of "
        "max_output_boxes_per_class, iou_threshold, score_threshold")
    .Input(0, "boxes", "float [images, N, 4]")
    .Input(1, "scores", "float [images, classes, N]")
    .Input(2, "more",
           "what `given` says, single numbers: how many boxes a class has at most (int64; 0), and "
           "both thresholds (float; 0, and none)")
    .Output(0, "selected", "int64 [selected, 3]: image, class and number of a box");

struct Box {
  float y1, x1, y2, x2;
  float area() const { return (y2 - y1) * (x2 - x1); }
};

Box ReadBox(const float* v, bool is_centered) {
  if (is_centered) {
    return {v[1] - v[3] / 2, v[0] - v[2] / 2, v[1] + v[3] / 2, v[0] + v[2] / 2};
  }
  return {std::min(v[0], v[2]), std::min(v[1], v[3]), std::max(v[0], v[2]), std::max(v[1], v[3])};
}

bool Overlaps(const Box& a, const Box& b, float threshold) {
  if (!(a.area() > 0) || !(b.area() > 0)) return false;
  const float height = std::min(a.y2, b.y2) - std::max(a.y1, b.y1);
  const float width = std::min(a.x2, b.x2) - std::max(a.x1, b.x1);
  if (!(height > 0) || !(width > 0)) return false;
  const float both = height * width;
  return both / (a.area() + b.area() - both) > threshold;
}

template <class Context>
class NonMaxSuppressionOp final : public Operator<Context> {
 public:
  DOPPIO_USE_OPERATOR_FUNCTIONS;
  explicit NonMaxSuppressionOp(OperatorInit* init)
      : Operator<Context>(init),
        is_centered_(init->GetSingleArgument<int>("center_point_box") != 0) {
    const auto given = init->GetRepeatedArgument<std::string>("given");
    for (size_t i = 0; i < given.size(); ++i) {
      const auto found = std::find(std::begin(kOptional), std::end(kOptional), given[i]);
      int* const input = inputs_ + (found - std::begin(kOptional));
      if (found == std::end(kOptional) || *input != 0) {
        init->Fail(absl::InvalidArgumentError(
            absl::StrCat("given has \"", given[i], "\", may have each of ", kOptional[0], ", ",
                         kOptional[1], " and ", kOptional[2], " once")));
        return;
      }
      *input = kRequired + static_cast<int>(i);
    }
    if (InputSize() != kRequired + static_cast<int>(given.size())) {
      init->Fail(absl::InvalidArgumentError(absl::StrCat("there are ", InputSize(),
                                                         " inputs, but boxes, scores and ",
                                                         given.size(), " more are given")));
    }
  }

  absl::Status RunOnDevice() override {
    const Tensor& boxes = Input(0);
    const Tensor& scores = Input(1);
    if (!boxes.Is<float>() || !scores.Is<float>() || boxes.rank() != 3 || scores.rank() != 3 ||
        boxes.dim(2) != 4 || boxes.dim(0) != scores.dim(0) || boxes.dim(1) != scores.dim(2)) {
      return absl::InvalidArgumentError(
          absl::StrCat("boxes must be float [images,N,4] and scores float [images,classes,N], but "
                       "there are ",
                       DescribeInput(0), " and ", DescribeInput(1)));
    }
    int64_t most = 0;
    float iou_threshold = 0;
    float score_threshold = 0;
    DOPPIO_RETURN_IF_ERROR(Read(0, &most));
    DOPPIO_RETURN_IF_ERROR(Read(1, &iou_threshold));
    DOPPIO_RETURN_IF_ERROR(Read(2, &score_threshold));
    const int64_t count = boxes.dim(1);
    selected_.clear();
    for (int64_t image = 0; image < boxes.dim(0) && most > 0; ++image) {
      boxes_.clear();
      for (int64_t i = 0; i < count; ++i) {
        boxes_.push_back(ReadBox(boxes.data<float>() + (image * count + i) * 4, is_centered_));
      }
      for (int64_t c = 0; c < scores.dim(1); ++c) {
        const float* of_class = scores.data<float>() + (image * scores.dim(1) + c) * count;
        Sort(of_class, inputs_[2] == 0 ? nullptr : &score_threshold);
        DOPPIO_RETURN_IF_ERROR(Select(image, c, most, iou_threshold));
      }
    }
    const auto rows = static_cast<int64_t>(selected_.size()) / 3;
    DOPPIO_ASSIGN_OR_RETURN(Tensor * selected, Output(0, DataType::kInt64, {rows, 3}));
    std::copy(selected_.begin(), selected_.end(), selected->mutable_data<int64_t>());
    return absl::OkStatus();
  }

 private:
  // An optional input, where it is there.
  template <typename T>
  absl::Status Read(int which, T* value) const {
    if (inputs_[which] == 0) return absl::OkStatus();
    const Tensor& tensor = Input(inputs_[which]);
    if (!tensor.Is<T>() || tensor.numel() != 1) {
      return absl::InvalidArgumentError(
          absl::StrCat(kOptional[which], " must be a single ", DataTypeName(DataTypeOf<T>::value),
                       ", but there is ", DescribeInput(inputs_[which])));
    }
    *value = *tensor.data<T>();
    return absl::OkStatus();
  }

  // The boxes of a class that count, the best first.
  void Sort(const float* scores, const float* threshold) {
    order_.clear();
    for (size_t i = 0; i < boxes_.size(); ++i) {
      const float score = scores[i];
      if (score != score || (threshold != nullptr && !(score > *threshold))) continue;
      order_.push_back(static_cast<int64_t>(i));
    }
    std::sort(order_.begin(), order_.end(),
              [scores](int64_t a, int64_t b) { return ScoreBefore(scores[a], a, scores[b], b); });
  }

  absl::Status Select(int64_t image, int64_t c, int64_t most, float threshold) {
    kept_.clear();
    for (int64_t i : order_) {
      if (static_cast<int64_t>(kept_.size()) == most) break;
      DOPPIO_RETURN_IF_ERROR(CancellationStatus());
      const Box& box = boxes_[static_cast<size_t>(i)];
      if (std::any_of(kept_.begin(), kept_.end(),
                      [&](const Box& kept) { return Overlaps(kept, box, threshold); })) {
        continue;
      }
      kept_.push_back(box);
      selected_.insert(selected_.end(), {image, c, i});
    }
    return absl::OkStatus();
  }

  const bool is_centered_;
  int inputs_[3] = {};  // of kOptional; 0: not given
  // Scratch, kept for the next run.
  std::vector<Box> boxes_;
  std::vector<Box> kept_;
  std::vector<int64_t> order_;
  std::vector<int64_t> selected_;
};

DOPPIO_REGISTER_CPU_OPERATOR(NonMaxSuppression, NonMaxSuppressionOp<CPUContext>);
DOPPIO_NO_GRADIENT(NonMaxSuppression);

}  // namespace
}  // namespace doppio
