#include <algorithm>
#include <limits>

#include "doppio/gradient_maker.h"
#include "doppio/registry.h"
#include "ops/detection/box_arguments.h"
#include "src/kernel/nms.h"

namespace doppio {
namespace {

// Classes are counted with the background as class 0. Scores and boxes may or may not have it.
struct ClassLayout {
  explicit ClassLayout(ArgumentReader* args)
      : rotated(args->GetSingleArgument<bool>("rotated")),
        agnostic(args->GetSingleArgument<bool>("cls_agnostic_bbox_reg")),
        boxes_have_background(args->GetSingleArgument<bool>("input_boxes_include_bg_cls")) {}

  int box() const { return rotated ? 5 : 4; }
  // Where boxes lack the background, scores have it at the end.
  int64_t ScoreColumn(int64_t c) const { return boxes_have_background ? c : c - 1; }
  int64_t BoxColumn(int64_t c) const {
    if (agnostic) return 0;
    return (boxes_have_background ? c : c - 1) * box();
  }

  bool rotated;
  bool agnostic;  // one box for all classes
  bool boxes_have_background;
};

// [N,M], or [N,M,1,1] as a convolution gives it.
bool IsMatrix(DimsView dims) {
  return dims.size() == 2 || (dims.size() == 4 && dims[2] == 1 && dims[3] == 1);
}

absl::Status CheckShapes(const ClassLayout& layout, DimsView scores, DimsView boxes) {
  if (!IsMatrix(scores) || !IsMatrix(boxes) || scores[0] != boxes[0] || scores[1] < 1) {
    return absl::InvalidArgumentError(
        absl::StrCat("the scores must be [N,classes] and the boxes [N,", layout.box(),
                     " classes], but are ", ShapeToString(scores), " and ", ShapeToString(boxes)));
  }
  const int64_t wanted = layout.agnostic ? 1 : scores[1] - (layout.boxes_have_background ? 0 : 1);
  if (boxes[1] % layout.box() != 0 || boxes[1] / layout.box() != wanted) {
    return absl::InvalidArgumentError(
        absl::StrCat("scores ", ShapeToString(scores), " go with ", wanted, " boxes of ",
                     layout.box(), " numbers in a row, but the boxes are ", ShapeToString(boxes)));
  }
  return absl::OkStatus();
}

DOPPIO_OPERATOR_SCHEMA(BoxWithNMSLimit)
    .NumInputs(2, 3)
    .NumOutputs(3, 6)
    .Doc(R"DOC(
The detections among the boxes of an image: for each class but the background those with a score
above score_thresh, of overlapping ones the best (non-maximum suppression), and of all classes
together the best detections_per_im. They are listed by class, the best of each class first.

With soft_nms_enabled, boxes that overlap with a better one lose score instead, by the factor
1 - overlap where the overlap is above `nms` (linear) or exp(-overlap^2 / soft_nms_sigma)
(gaussian), and are dropped below soft_nms_min_score_thres; the scores that are left are put out.

Boxes with NaN or infinite coordinates, and scores that are NaN, are no detections.
)DOC")
    .Arg<float>("score_thresh", "scores must be above it", 0.05f)
    .Arg<float>("nms", "the largest overlap, as intersection over union", 0.3f)
    .Arg<int>("detections_per_im", "detections of an image at most; at most 0: all", 100)
    .Arg<bool>("soft_nms_enabled", "whether boxes lose score instead of being dropped", false)
    .Arg<std::string>("soft_nms_method",
                      "\"linear\", \"gaussian\", or \"hard\", which takes the whole score",
                      "linear")
    .Arg<float>("soft_nms_sigma", "of the gaussian", 0.5f)
    .Arg<float>("soft_nms_min_score_thres", "the smallest score that is left", 0.001f)
    .Arg<bool>("rotated", "whether boxes are [centre x, centre y, width, height, angle in degrees]",
               false)
    .Arg<bool>("cls_agnostic_bbox_reg", "whether there is one box for all classes", false)
    .Arg<bool>(
        "input_boxes_include_bg_cls",
        "whether the first class of the boxes, and of the scores, is the background; if not, "
        "the boxes lack it and the scores have it at the end",
        true)
    .Arg<bool>("output_classes_include_bg_cls", "whether the first class in the output is 1, not 0",
               true)
    .FillUsing(StatePlusOne)
    .Input(0, "scores", "[N,classes] of float; also [N,classes,1,1]")
    .Input(1, "boxes", "[N,4 classes] (rotated: [N,5 classes]) of float")
    .Input(2, "batch_splits",
           "vector of int32 or float: how many rows are of each image; without it all of one")
    .Output(0, "scores", "[n] of float")
    .Output(1, "boxes", "[n,4] (rotated: [n,5])")
    .Output(2, "classes", "[n], float")
    .Output(3, "batch_splits", "float vector: detections of each image")
    .Output(4, "keeps", "[n] of int32: rows of the image that the detections are")
    .Output(5, "keeps_size", "[images,classes] of int32: detections of each class")
    .Flops([](const OperatorDef&, const std::vector<TensorInfo>& inputs, const auto&) {
      return SizeFromDim(*inputs[0].dims, 0);
    })
    .TensorInference([](InferenceContext* context) -> absl::Status {
      DOPPIO_RETURN_IF_ERROR(CheckShapes(ClassLayout(context), context->dims(0), context->dims(1)));
      int64_t images = 1;
      if (context->InputSize() > 2) images = SizeFromDim(context->dims(2), 0);
      context->SetOutput(3, DataType::kFloat, {images});
      context->SetOutput(5, DataType::kInt32, {images, context->dims(0)[1]});
      return absl::OkStatus();
    });

template <class Context>
class BoxWithNMSLimitOp final : public Operator<Context> {
 public:
  DOPPIO_USE_OPERATOR_FUNCTIONS;
  explicit BoxWithNMSLimitOp(OperatorInit* init)
      : Operator<Context>(init),
        layout_(init),
        score_threshold_(init->GetSingleArgument<float>("score_thresh")),
        nms_threshold_(init->GetSingleArgument<float>("nms")),
        most_(init->GetSingleArgument<int>("detections_per_im")),
        is_soft_(init->GetSingleArgument<bool>("soft_nms_enabled")),
        first_class_(init->GetSingleArgument<bool>("output_classes_include_bg_cls") ? 1 : 0),
        plus_one_(init->GetSingleArgument<bool>("legacy_plus_one")) {
    using Decay = NonMaximumSuppression::Decay;
    const std::string method = init->GetSingleArgument<std::string>("soft_nms_method");
    soft_.sigma = init->GetSingleArgument<float>("soft_nms_sigma");
    soft_.threshold = nms_threshold_;
    soft_.min_score = init->GetSingleArgument<float>("soft_nms_min_score_thres");
    soft_.decay = method == "linear"     ? Decay::kLinear
                  : method == "gaussian" ? Decay::kGaussian
                                         : Decay::kHard;
    if (soft_.decay == Decay::kHard && method != "hard") {
      init->Fail(absl::InvalidArgumentError(
          absl::StrCat("soft_nms_method is \"", method, "\", must be linear, gaussian or hard")));
    }
    if (is_soft_ && soft_.decay == Decay::kGaussian && !(soft_.sigma > 0)) {
      init->Fail(absl::InvalidArgumentError(
          absl::StrCat("soft_nms_sigma is ", soft_.sigma, ", must be above 0")));
    }
  }

  absl::Status RunOnDevice() override {
    const Tensor& scores = Input(0);
    const Tensor& boxes = Input(1);
    DOPPIO_RETURN_IF_ERROR(ExpectFloat("the scores", scores.dtype()));
    DOPPIO_RETURN_IF_ERROR(ExpectFloat("the boxes", boxes.dtype()));
    DOPPIO_RETURN_IF_ERROR(CheckShapes(layout_, scores.dims(), boxes.dims()));
    DOPPIO_RETURN_IF_ERROR(ReadSplits(scores.dim(0)));
    if (OutputSize() > 4 && scores.dim(0) > std::numeric_limits<int32_t>::max()) {
      return absl::OutOfRangeError(
          absl::StrCat("keeps can not number ", scores.dim(0), " rows, since they are int32"));
    }
    classes_ = scores.dim(1);
    const int64_t images = static_cast<int64_t>(splits_.size());
    int32_t* class_counts = nullptr;
    if (OutputSize() > 5) {
      DOPPIO_ASSIGN_OR_RETURN(Tensor * sizes, Output(5, DataType::kInt32, {images, classes_}));
      class_counts = sizes->mutable_data<int32_t>();
      std::fill_n(class_counts, sizes->numel(), 0);
    }
    found_.clear();
    image_counts_.clear();
    int64_t row = 0;
    for (const int64_t rows : splits_) {
      const size_t before = found_.size();
      DOPPIO_RETURN_IF_ERROR(FindInImage(scores.data<float>() + row * classes_,
                                         boxes.data<float>() + row * boxes.dim(1), boxes.dim(1),
                                         rows));
      for (size_t i = before; class_counts != nullptr && i < found_.size(); ++i) {
        ++class_counts[found_[i].class_id];
      }
      if (class_counts != nullptr) class_counts += classes_;
      image_counts_.push_back(static_cast<float>(found_.size() - before));
      row += rows;
    }
    return WriteOutputs();
  }

 private:
  struct Detection {
    int64_t class_id;
    int64_t place;  // among those of the image before the limit
    int64_t row;    // of the image
    const float* box;
    float score;
  };

  // splits_ becomes the numbers of rows of the images, which make `rows` together.
  absl::Status ReadSplits(int64_t rows) {
    if (InputSize() < 3) {
      splits_.assign(1, rows);
      return absl::OkStatus();
    }
    const Tensor& splits = Input(2);
    if (splits.rank() != 1) {
      return absl::InvalidArgumentError(
          absl::StrCat("batch_splits must be a vector, but is ", ShapeToString(splits.dims())));
    }
    splits_.clear();
    return DispatchType(TypeList<int32_t, float>(), splits.dtype(), [&](auto tag) -> absl::Status {
      int64_t left = rows;
      for (const auto count : splits.span<typename decltype(tag)::type>()) {
        // In this form NaN fails it too.
        if (!(count >= 0 && static_cast<double>(count) <= static_cast<double>(left))) {
          return WrongSplits(rows);
        }
        splits_.push_back(static_cast<int64_t>(count));
        left -= splits_.back();
      }
      return left == 0 ? absl::OkStatus() : WrongSplits(rows);
    });
  }

  absl::Status WrongSplits(int64_t rows) const {
    return absl::InvalidArgumentError(
        absl::StrCat("batch_splits must be numbers of rows, none negative, with the sum ", rows));
  }

  // Adds the detections of `rows` rows to found_, by class.
  absl::Status FindInImage(const float* scores, const float* boxes, int64_t box_columns,
                           int64_t rows) {
    if (rows == 0) return absl::OkStatus();
    if (is_soft_) DOPPIO_RETURN_IF_ERROR(soft_scores_.Resize(DataType::kFloat, {rows}));
    const auto begin = static_cast<std::ptrdiff_t>(found_.size());
    for (int64_t c = 1; c < classes_; ++c) {
      const float* column = scores + layout_.ScoreColumn(c);
      const BoxRows box_rows{boxes + layout_.BoxColumn(c), box_columns, layout_.box(), plus_one_};
      candidates_.clear();
      for (int64_t i = 0; i < rows; ++i) {
        if (column[i * classes_] > score_threshold_ &&
            IsFiniteBox(box_rows.row(i), layout_.box())) {
          candidates_.push_back(i);
        }
      }
      kept_.clear();
      if (is_soft_) {
        float* soft = soft_scores_.mutable_data<float>();
        for (int64_t i : candidates_) soft[i] = column[i * classes_];
        DOPPIO_RETURN_IF_ERROR(nms_.Soft(box_rows, candidates_, soft_, soft, &kept_));
      } else {
        std::sort(candidates_.begin(), candidates_.end(), [&](int64_t a, int64_t b) {
          return ScoreBefore(column[a * classes_], a, column[b * classes_], b);
        });
        DOPPIO_RETURN_IF_ERROR(
            nms_.Hard(box_rows, candidates_, nms_threshold_, most_ > 0 ? most_ : -1, &kept_));
      }
      for (int64_t i : kept_) {
        const float score = is_soft_ ? soft_scores_.data<float>()[i] : column[i * classes_];
        found_.push_back({c, static_cast<int64_t>(found_.size()), i, box_rows.row(i), score});
      }
    }
    if (most_ > 0 && static_cast<std::ptrdiff_t>(found_.size()) - begin > most_) {
      std::nth_element(found_.begin() + begin, found_.begin() + begin + most_, found_.end(),
                       [](const Detection& a, const Detection& b) {
                         return ScoreBefore(a.score, a.place, b.score, b.place);
                       });
      found_.resize(static_cast<size_t>(begin + most_));
      // Back to the order of classes, in which they were found.
      std::sort(found_.begin() + begin, found_.end(),
                [](const Detection& a, const Detection& b) { return a.place < b.place; });
    }
    return absl::OkStatus();
  }

  absl::Status WriteOutputs() {
    const int64_t n = static_cast<int64_t>(found_.size());
    const int64_t images = static_cast<int64_t>(splits_.size());
    DOPPIO_ASSIGN_OR_RETURN(Tensor * scores, Output(0, DataType::kFloat, {n}));
    DOPPIO_ASSIGN_OR_RETURN(Tensor * boxes, Output(1, DataType::kFloat, {n, layout_.box()}));
    DOPPIO_ASSIGN_OR_RETURN(Tensor * classes, Output(2, DataType::kFloat, {n}));
    for (int64_t i = 0; i < n; ++i) {
      const Detection& detection = found_[static_cast<size_t>(i)];
      scores->mutable_data<float>()[i] = detection.score;
      classes->mutable_data<float>()[i] = static_cast<float>(detection.class_id - 1 + first_class_);
      std::copy_n(detection.box, layout_.box(), boxes->mutable_data<float>() + i * layout_.box());
    }
    if (OutputSize() > 3) {
      DOPPIO_ASSIGN_OR_RETURN(Tensor * splits, Output(3, DataType::kFloat, {images}));
      std::copy(image_counts_.begin(), image_counts_.end(), splits->mutable_data<float>());
    }
    if (OutputSize() > 4) {
      DOPPIO_ASSIGN_OR_RETURN(Tensor * keeps, Output(4, DataType::kInt32, {n}));
      std::transform(found_.begin(), found_.end(), keeps->mutable_data<int32_t>(),
                     [](const Detection& d) { return static_cast<int32_t>(d.row); });
    }
    return absl::OkStatus();
  }

  const ClassLayout layout_;
  const float score_threshold_;
  const float nms_threshold_;
  const int most_;
  const bool is_soft_;
  const int64_t first_class_;
  const bool plus_one_;
  NonMaximumSuppression::SoftOptions soft_;

  // Scratch, kept from run to run.
  NonMaximumSuppression nms_;
  int64_t classes_ = 0;
  std::vector<int64_t> splits_;
  std::vector<int64_t> candidates_;
  std::vector<int64_t> kept_;
  Tensor soft_scores_;
  std::vector<Detection> found_;
  std::vector<float> image_counts_;
};

DOPPIO_REGISTER_CPU_OPERATOR(BoxWithNMSLimit, BoxWithNMSLimitOp<CPUContext>);
DOPPIO_SHOULD_NOT_DO_GRADIENT(BoxWithNMSLimit);

}  // namespace
}  // namespace doppio
