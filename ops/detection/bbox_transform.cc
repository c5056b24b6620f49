#include <algorithm>
#include <cmath>

#include "doppio/gradient_maker.h"
#include "doppio/parallel.h"
#include "doppio/registry.h"
#include "ops/detection/box_arguments.h"

namespace doppio {
namespace {

absl::Status CheckShapes(bool rotated, DimsView rois, DimsView deltas, DimsView im_info) {
  const int64_t size = rotated ? 5 : 4;
  if (rois.size() != 2 || (rois[1] != size && rois[1] != size + 1)) {
    return absl::InvalidArgumentError(absl::StrCat("the rois must be [M,", size,
                                                   "] or, with an image first, [M,", size + 1,
                                                   "], but are ", ShapeToString(rois)));
  }
  if (deltas.size() != 2 || deltas[0] != rois[0] || deltas[1] % size != 0) {
    return absl::InvalidArgumentError(
        absl::StrCat("the deltas for ", rois[0], " rois must be [", rois[0], ",", size,
                     " K] for some number K of classes, but are ", ShapeToString(deltas)));
  }
  if (im_info.size() != 2 || im_info[1] != 3) {
    return absl::InvalidArgumentError(
        absl::StrCat("im_info must be [images,3], but is ", ShapeToString(im_info)));
  }
  if (rois[1] == size && im_info[0] != 1) {
    return absl::InvalidArgumentError(
        absl::StrCat("rois that do not say their image are those of one, but im_info ",
                     ShapeToString(im_info), " has ", im_info[0]));
  }
  return absl::OkStatus();
}

DOPPIO_OPERATOR_SCHEMA(BBoxTransform)
    .NumInputs(3)
    .NumOutputs(1, 2)
    .Doc(R"DOC(
Moves proposed boxes by the deltas that a net predicts for each class, and then into the image.
A box of width w and centre x, all in pixels of the image before it was scaled, becomes one of width
`w exp(min(dw, log(1000/16)))` and centre `x + w dx`, dx and dw divided by their weights; so do
heights. With `rotated` boxes are [centre x, centre y, width, height, angle in degrees], and a fifth
delta, in radians, is added to the angle.

The proposals are in pixels of the scaled image, and so are the new boxes, unless apply_scale is 0.
)DOC")
    .OptionalArg<std::vector<float>>("weights",
                                     "four numbers by which dx, dy, dw and dh are divided; 1 each "
                                     "where not given")
    .Arg<bool>("apply_scale", "whether the new boxes are scaled as the image was", true)
    .Arg<bool>("rotated", "whether boxes have an angle", false)
    .FillUsing(StateBoxArguments)
    .Input(0, "rois",
           "boxes [M,4] of float (rotated: [M,5]), or with the number of the image before each one")
    .Input(1, "deltas", "[M,4K] (rotated: [M,5K]): dx, dy, dw, dh (and da) for each of K classes")
    .Input(2, "im_info", "[images,3]: height and width as scaled, and the scale")
    .Output(0, "box_out", "the new boxes, of the deltas' shape")
    .Output(1, "roi_batch_splits", "float vector: how many of the rois are of each image")
    .Flops([](const OperatorDef&, const std::vector<TensorInfo>& inputs, const auto&) {
      return 12 * SizeFromDim(*inputs[1].dims, 0);
    })
    .TensorInference([](InferenceContext* context) -> absl::Status {
      DOPPIO_RETURN_IF_ERROR(CheckShapes(context->GetSingleArgument<bool>("rotated"),
                                         context->dims(0), context->dims(1), context->dims(2)));
      context->SetOutput(0, DataType::kFloat, context->dims(1));
      context->SetOutput(1, DataType::kFloat, {context->dims(2)[0]});
      return absl::OkStatus();
    });

template <class Context>
class BBoxTransformOp final : public Operator<Context> {
 public:
  DOPPIO_USE_OPERATOR_FUNCTIONS;
  explicit BBoxTransformOp(OperatorInit* init)
      : Operator<Context>(init),
        args_(init),
        apply_scale_(init->GetSingleArgument<bool>("apply_scale")),
        rotated_(init->GetSingleArgument<bool>("rotated")) {
    if (!init->HasArgument("weights")) return;
    const std::vector<float> weights = init->GetRepeatedArgument<float>("weights");
    if (weights.size() == 4) {
      std::copy(weights.begin(), weights.end(), args_.decoding.weights);
    } else {
      init->Fail(absl::InvalidArgumentError(
          absl::StrCat("there are ", weights.size(), " weights, but must be 4")));
    }
  }

  absl::Status RunOnDevice() override {
    const char* const names[] = {"the rois", "the deltas", "im_info"};
    for (int i = 0; i < 3; ++i) DOPPIO_RETURN_IF_ERROR(ExpectFloat(names[i], Input(i).dtype()));
    const Tensor& rois = Input(0);
    const Tensor& deltas = Input(1);
    const Tensor& im_info = Input(2);
    DOPPIO_RETURN_IF_ERROR(CheckShapes(rotated_, rois.dims(), deltas.dims(), im_info.dims()));
    DOPPIO_RETURN_IF_ERROR(CheckImageInfo(im_info));
    DOPPIO_RETURN_IF_ERROR(CountRois(rois, im_info.dim(0)));
    DOPPIO_ASSIGN_OR_RETURN(Tensor * boxes, Output(0, DataType::kFloat, deltas.dims()));
    const float* info = im_info.data<float>();
    ParallelFor(rois.dim(0), 512, [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; ++i) {
        const float* roi = rois.data<float>() + i * rois.dim(1);
        const int64_t image = HasImages(rois) ? static_cast<int64_t>(roi[0]) : 0;
        TransformRow(HasImages(rois) ? roi + 1 : roi, info + 3 * image,
                     deltas.data<float>() + i * deltas.dim(1), deltas.dim(1),
                     boxes->mutable_data<float>() + i * deltas.dim(1));
      }
    });
    return absl::OkStatus();
  }

 private:
  int size() const { return rotated_ ? 5 : 4; }
  bool HasImages(const Tensor& rois) const { return rois.dim(1) > size(); }

  // Output 1, and whether all images exist.
  absl::Status CountRois(const Tensor& rois, int64_t images) {
    float* counts = nullptr;
    if (OutputSize() > 1) {
      DOPPIO_ASSIGN_OR_RETURN(Tensor * splits, Output(1, DataType::kFloat, {images}));
      counts = splits->mutable_data<float>();
      std::fill_n(counts, images, 0.0f);
    }
    if (!HasImages(rois)) {
      if (counts != nullptr) counts[0] = static_cast<float>(rois.dim(0));
      return absl::OkStatus();
    }
    const float* roi = rois.data<float>();
    for (int64_t i = 0; i < rois.dim(0); ++i, roi += rois.dim(1)) {
      if (!(roi[0] >= 0 && roi[0] < static_cast<float>(images))) {
        return absl::InvalidArgumentError(absl::StrCat(
            "roi ", i, " is of image ", roi[0], ", but must be of one in [0, ", images, ")"));
      }
      if (counts != nullptr) counts[static_cast<int64_t>(roi[0])] += 1;
    }
    return absl::OkStatus();
  }

  // One roi with the deltas of all classes.
  void TransformRow(const float* roi, const float* info, const float* deltas, int64_t columns,
                    float* out) const {
    const float scale = info[2];
    // Whole pixels of the image before it was scaled.
    const float height = static_cast<float>(std::trunc(info[0] / scale + 0.5));
    const float width = static_cast<float>(std::trunc(info[1] / scale + 0.5));
    float box[5];
    std::copy_n(roi, size(), box);
    for (int i = 0; i < 4; ++i) box[i] /= scale;
    for (int64_t k = 0; k < columns; k += size()) {
      args_.Transform(box, deltas + k, size(), height, width, out + k);
      if (!apply_scale_) continue;
      for (int i = 0; i < 4; ++i) out[k + i] *= scale;
    }
  }

  BoxArguments args_;
  const bool apply_scale_;
  const bool rotated_;
};

DOPPIO_REGISTER_CPU_OPERATOR(BBoxTransform, BBoxTransformOp<CPUContext>);
DOPPIO_SHOULD_NOT_DO_GRADIENT(BBoxTransform);

}  // namespace
}  // namespace doppio
