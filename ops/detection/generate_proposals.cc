#include <algorithm>
#include <cmath>
#include <numeric>

#include "doppio/gradient_maker.h"
#include "doppio/registry.h"
#include "ops/detection/box_arguments.h"
#include "src/kernel/nms.h"

namespace doppio {
namespace {

// Sizes of the inputs: scores [images,A,H,W] and, with boxes of `box` numbers, deltas
// [images,A*box,H,W], im_info [images,3] and anchors [A,box].
struct ProposalShapes {
  int64_t images;
  int64_t anchors;
  int64_t height;
  int64_t width;
  int box;

  int64_t positions() const { return height * width; }
  int64_t scores() const { return anchors * positions(); }  // of one image
};

absl::StatusOr<ProposalShapes> CheckShapes(DimsView scores, DimsView deltas, DimsView im_info,
                                           DimsView anchors) {
  const auto wrong = [&](absl::string_view rule) {
    return absl::InvalidArgumentError(
        absl::StrCat(rule, ", but the scores are ", ShapeToString(scores), ", the deltas ",
                     ShapeToString(deltas), ", im_info ", ShapeToString(im_info),
                     " and the anchors ", ShapeToString(anchors)));
  };
  if (scores.size() != 4) return wrong("the scores must be [images,A,H,W]");
  if (anchors.size() != 2 || anchors[0] != scores[1] || (anchors[1] != 4 && anchors[1] != 5)) {
    return wrong("the anchors must be [A,4], or [A,5] with angles");
  }
  DOPPIO_ASSIGN_OR_RETURN(const int64_t channels, CheckedProduct(scores[1], anchors[1]));
  if (deltas != DimsView({scores[0], channels, scores[2], scores[3]})) {
    return wrong("the deltas must be [images,4A,H,W], or with angles [images,5A,H,W]");
  }
  if (im_info != DimsView({scores[0], 3})) return wrong("im_info must be [images,3]");
  return ProposalShapes{scores[0], scores[1], scores[2], scores[3], static_cast<int>(anchors[1])};
}

void StateGenerateProposals(OpSchema& schema) {
  schema.NumInputs(4)
      .NumOutputs(2)
      .Doc(R"DOC(
Proposes regions in which there may be an object, from what a region proposal network says of A
anchor boxes at each position of a feature map. For each image: the pre_nms_topN best scores are
taken; their anchors, moved to their positions, are changed by their deltas (as BBoxTransform does
it) and moved into the image; boxes are dropped that have a side below min_size (times the scale of
the image) or NaN; of boxes that overlap by more than nms_thresh only the best is kept; and the best
post_nms_topN of those are the proposals, the best ones first. Equal scores stay in the order of the
input; NaN comes last.

Anchors of five numbers make rotated boxes: [centre x, centre y, width, height, angle].
)DOC")
      .Arg<float>("spatial_scale", "size of the feature map relative to the image", 1.0f / 16)
      .Arg<int>("pre_nms_topN", "boxes of an image that are looked at; at most 0: all", 6000)
      .Arg<int>("post_nms_topN", "proposals of an image at most; at most 0: all", 300)
      .Arg<float>("nms_thresh", "the largest overlap, as intersection over union", 0.7f)
      .Arg<float>("min_size", "pixels of the image before it was scaled", 16)
      .FillUsing(StateBoxArguments)
      .Input(0, "scores", "[images,A,H,W] of float")
      .Input(1, "bbox_deltas", "[images,4A,H,W] (with angles [images,5A,H,W])")
      .Input(2, "im_info", "[images,3]: height and width as scaled, and the scale")
      .Input(3, "anchors", "[A,4] (with angles [A,5]): boxes around the position 0,0")
      .Output(0, "rois", "[n,5] (with angles [n,6]): number of the image, and box")
      .Output(1, "rois_probs", "[n]: their scores")
      // How many proposals there are depends on the values.
      .Flops([](const OperatorDef&, const std::vector<TensorInfo>& inputs, const auto&) {
        return 12 * SizeFromDim(*inputs[0].dims, 0);
      })
      .TensorInference([](InferenceContext* context) {
        return CheckShapes(context->dims(0), context->dims(1), context->dims(2), context->dims(3))
            .status();
      });
}

DOPPIO_OPERATOR_SCHEMA(GenerateProposals).FillUsing(StateGenerateProposals);
DOPPIO_OPERATOR_SCHEMA(GenerateProposalsCPP).FillUsing(StateGenerateProposals);

template <class Context>
class GenerateProposalsOp final : public Operator<Context> {
 public:
  DOPPIO_USE_OPERATOR_FUNCTIONS;
  explicit GenerateProposalsOp(OperatorInit* init)
      : Operator<Context>(init),
        box_args_(init),
        stride_(1.0f / init->GetSingleArgument<float>("spatial_scale")),
        pre_nms_(init->GetSingleArgument<int>("pre_nms_topN")),
        post_nms_(init->GetSingleArgument<int>("post_nms_topN")),
        nms_threshold_(init->GetSingleArgument<float>("nms_thresh")),
        min_size_(init->GetSingleArgument<float>("min_size")) {
    if (!std::isfinite(stride_) || stride_ <= 0) {
      init->Fail(absl::InvalidArgumentError("spatial_scale must be a finite number above 0"));
    }
  }

  absl::Status RunOnDevice() override {
    const char* const names[] = {"the scores", "the deltas", "im_info", "the anchors"};
    for (int i = 0; i < 4; ++i) DOPPIO_RETURN_IF_ERROR(ExpectFloat(names[i], Input(i).dtype()));
    DOPPIO_ASSIGN_OR_RETURN(
        const ProposalShapes shapes,
        CheckShapes(Input(0).dims(), Input(1).dims(), Input(2).dims(), Input(3).dims()));
    DOPPIO_RETURN_IF_ERROR(CheckImageInfo(Input(2)));
    found_.clear();
    found_scores_.clear();
    for (int64_t image = 0; image < shapes.images; ++image) {
      DOPPIO_RETURN_IF_ERROR(FindProposals(shapes, image));
    }
    const int64_t columns = shapes.box + 1;
    const int64_t count = static_cast<int64_t>(found_scores_.size());
    DOPPIO_ASSIGN_OR_RETURN(Tensor * rois, Output(0, DataType::kFloat, {count, columns}));
    std::copy(found_.begin(), found_.end(), rois->mutable_data<float>());
    DOPPIO_ASSIGN_OR_RETURN(Tensor * probs, Output(1, DataType::kFloat, {count}));
    std::copy(found_scores_.begin(), found_scores_.end(), probs->mutable_data<float>());
    return absl::OkStatus();
  }

 private:
  // Adds those of one image to found_ and found_scores_.
  absl::Status FindProposals(const ProposalShapes& shapes, int64_t image) {
    const Tensor& all_scores = Input(0);
    const Tensor& im_info = Input(2);
    const float* scores = all_scores.data<float>() + image * shapes.scores();
    const float* info = im_info.data<float>() + image * 3;
    SortScores(scores, shapes.scores());
    // In the order of order_.
    DOPPIO_RETURN_IF_ERROR(boxes_.Resize(
        DataType::kFloat, {static_cast<int64_t>(order_.size()), int64_t{shapes.box}}));
    const float height = std::trunc(info[0]);
    const float width = std::trunc(info[1]);
    // In double, as the filter compares.
    const double min_size = static_cast<double>(min_size_) * info[2];
    candidates_.clear();
    for (size_t i = 0; i < order_.size(); ++i) {
      float* box = boxes_.mutable_data<float>() + i * static_cast<size_t>(shapes.box);
      MakeBox(shapes, image, order_[i], height, width, box);
      const bool is_large =
          shapes.box == 5
              ? IsLargeRotatedBoxInside(box, min_size, info[0], info[1])
              : IsLargeBoxInside(box, min_size, info[0], info[1], box_args_.decoding.plus_one);
      if (is_large) candidates_.push_back(static_cast<int64_t>(i));
    }
    const BoxRows rows{boxes_.data<float>(), shapes.box, shapes.box, box_args_.decoding.plus_one};
    kept_.clear();
    DOPPIO_RETURN_IF_ERROR(
        nms_.Hard(rows, candidates_, nms_threshold_, post_nms_ > 0 ? post_nms_ : -1, &kept_));
    for (int64_t i : kept_) {
      found_.push_back(static_cast<float>(image));
      found_.insert(found_.end(), rows.row(i), rows.row(i) + shapes.box);
      found_scores_.push_back(scores[order_[static_cast<size_t>(i)]]);
    }
    return absl::OkStatus();
  }

  // order_ becomes the places of the best scores, in descending order.
  void SortScores(const float* scores, int64_t count) {
    order_.resize(static_cast<size_t>(count));
    std::iota(order_.begin(), order_.end(), int64_t{0});
    const auto before = [scores](int64_t a, int64_t b) {
      return ScoreBefore(scores[a], a, scores[b], b);
    };
    if (pre_nms_ > 0 && pre_nms_ < count) {
      std::nth_element(order_.begin(), order_.begin() + pre_nms_, order_.end(), before);
      order_.resize(static_cast<size_t>(pre_nms_));
    }
    std::sort(order_.begin(), order_.end(), before);
  }

  // The box whose score is at `place` of [A,H,W].
  void MakeBox(const ProposalShapes& shapes, int64_t image, int64_t place, float height,
               float width, float* box) const {
    const Tensor& deltas = Input(1);
    const Tensor& anchors = Input(3);
    const int64_t positions = shapes.positions();
    const int64_t anchor = place / positions;
    const int64_t position = place % positions;
    const float* first = deltas.data<float>() + image * shapes.box * shapes.scores() +
                         anchor * shapes.box * positions + position;
    float delta[5];
    for (int i = 0; i < shapes.box; ++i) delta[i] = first[i * positions];
    float moved[5];
    std::copy_n(anchors.data<float>() + anchor * shapes.box, shapes.box, moved);
    const float shift_x = static_cast<float>(position % shapes.width) * stride_;
    const float shift_y = static_cast<float>(position / shapes.width) * stride_;
    moved[0] += shift_x;
    moved[1] += shift_y;
    if (shapes.box == 4) {
      moved[2] += shift_x;
      moved[3] += shift_y;
    }
    box_args_.Transform(moved, delta, shapes.box, height, width, box);
  }

  const BoxArguments box_args_;
  const float stride_;  // pixels of the image between positions
  const int pre_nms_;
  const int post_nms_;
  const float nms_threshold_;
  const float min_size_;

  // Scratch, kept from run to run.
  NonMaximumSuppression nms_;
  std::vector<int64_t> order_;
  Tensor boxes_;
  std::vector<int64_t> candidates_;
  std::vector<int64_t> kept_;
  std::vector<float> found_;
  std::vector<float> found_scores_;
};

DOPPIO_REGISTER_CPU_OPERATOR(GenerateProposals, GenerateProposalsOp<CPUContext>);
DOPPIO_REGISTER_CPU_OPERATOR(GenerateProposalsCPP, GenerateProposalsOp<CPUContext>);
DOPPIO_SHOULD_NOT_DO_GRADIENT(GenerateProposals);
DOPPIO_SHOULD_NOT_DO_GRADIENT(GenerateProposalsCPP);

}  // namespace
}  // namespace doppio
