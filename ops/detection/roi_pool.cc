#include <algorithm>
#include <cmath>
#include <limits>

#include "doppio/gradient_maker.h"
#include "doppio/parallel.h"
#include "doppio/registry.h"
#include "ops/detection/rois.h"
#include "src/operator/storage_order.h"

namespace doppio {
namespace {

struct RoIPoolArguments : RoiArguments {
  explicit RoIPoolArguments(ArgumentReader* args) : RoiArguments(args) {
    if (ReadStorageOrder(args) == StorageOrder::kNHWC) {
      args->Fail(absl::InvalidArgumentError("RoIPool is there for the order NCHW alone"));
    }
  }
};

void StateRoIPoolArguments(OpSchema& schema) {
  schema.FillUsing(StateRoiArguments)
      .Arg<std::string>("order", "NCHW; there is no other", "NCHW")
      .Arg<int>("is_test", "not 0: there is no second output, and so no gradient", 0);
}

// The shape of the outputs; argmaxes must be able to number the pixels.
absl::StatusOr<Dims> OutputShape(const RoIPoolArguments& args, DimsView x, DimsView rois) {
  DOPPIO_ASSIGN_OR_RETURN(Dims dims, PooledShape(args, false, x, rois, {4, true}));
  DOPPIO_ASSIGN_OR_RETURN(const int64_t pixels, CheckedProduct(x[2], x[3]));
  if (pixels > std::numeric_limits<int32_t>::max()) {
    return absl::InvalidArgumentError(
        absl::StrCat("X ", ShapeToString(x), " has more pixels than int32 can number"));
  }
  return dims;
}

void StatePooling(OpSchema& schema) {
  schema.NumInputs(2)
      .Input(0, "X", "feature map [N,C,H,W] of float or double")
      .Input(1, "rois", "[R,5] of float or double: image, x1, y1, x2, y2 in pixels of the image")
      .Output(0, "Y", "[R,C,pooled_h,pooled_w], of X's type")
      .TensorInference([](InferenceContext* context) -> absl::Status {
        DOPPIO_ASSIGN_OR_RETURN(const Dims dims, OutputShape(RoIPoolArguments(context),
                                                             context->dims(0), context->dims(1)));
        context->SetOutput(0, context->dtype(0), dims);
        context->SetOutput(1, DataType::kInt32, dims);
        return absl::OkStatus();
      });
}

DOPPIO_OPERATOR_SCHEMA(RoIPool)
    .NumOutputs(1, 2)
    .Doc(R"DOC(
The largest elements in a grid over each region of interest (Girshick, Fast R-CNN, 2015). Corners of
a region are rounded to pixels of the map, both of which belong to it; it is divided into pooled_h
by pooled_w bins that begin and end at whole pixels and may overlap. Y is the maximum of X in each
bin, 0 for a bin outside of the map, and argmaxes tells where it stands. NaN is passed over; where
there is nothing else the lowest number is put out.
)DOC")
    .FillUsing(StateRoIPoolArguments)
    .FillUsing(StatePooling)
    .Output(1, "argmaxes",
            "int32, of Y's shape: places in [H,W] of the maxima, -1 where there is none; not with "
            "is_test");

DOPPIO_OPERATOR_SCHEMA(RoIPoolF)
    .NumOutputs(2)
    .Doc("RoIPool by the name that Detectron has for it; there are always both outputs.")
    .FillUsing(StateRoiArguments)
    .FillUsing(StatePooling)
    .Output(1, "argmaxes",
            "int32, of Y's shape: places in [H,W] of the maxima, -1 where there is none");

// A region in pixels of the map, both corners inside of it.
struct PixelRoi {
  int64_t image;
  int64_t x1, y1, x2, y2;
};

// Where bin `bin` of `pooled` begins and ends in [first, last], within a map of `size`.
struct BinRange {
  BinRange(int64_t first, int64_t last, int64_t bin, int64_t pooled, int64_t size) {
    const float step =
        static_cast<float>(std::max<int64_t>(last - first + 1, 1)) / static_cast<float>(pooled);
    const auto place = [&](float offset) {
      return std::clamp<int64_t>(static_cast<int64_t>(offset) + first, 0, size);
    };
    begin = place(std::floor(static_cast<float>(bin) * step));
    end = place(std::ceil(static_cast<float>(bin + 1) * step));
  }
  int64_t begin;
  int64_t end;
};

template <class Context>
class RoIPoolOp final : public Operator<Context> {
 public:
  DOPPIO_USE_OPERATOR_FUNCTIONS;
  explicit RoIPoolOp(OperatorInit* init)
      : Operator<Context>(init),
        args_(init),
        is_test_(init->GetSingleArgument<int>("is_test", 0) != 0) {
    if (OutputSize() != (is_test_ ? 1 : 2)) {
      init->Fail(absl::InvalidArgumentError(
          absl::StrCat("there are ", OutputSize(), " outputs, must be ",
                       is_test_ ? "1 with is_test" : "2 without is_test")));
    }
  }

  absl::Status RunOnDevice() override {
    const Tensor& x = Input(0);
    const Tensor& rois = Input(1);
    DOPPIO_ASSIGN_OR_RETURN(const Dims dims, OutputShape(args_, x.dims(), rois.dims()));
    DOPPIO_RETURN_IF_ERROR(ReadRois(rois, x.dim(0)));
    return DispatchType(TypeList<float, double>(), x.dtype(), [&](auto tag) -> absl::Status {
      using T = typename decltype(tag)::type;
      DOPPIO_ASSIGN_OR_RETURN(Tensor * y, Output(0, x.dtype(), dims));
      int32_t* argmaxes = nullptr;
      if (!is_test_) {
        DOPPIO_ASSIGN_OR_RETURN(Tensor * places, Output(1, DataType::kInt32, dims));
        argmaxes = places->mutable_data<int32_t>();
      }
      Pool(x.data<T>(), x.dims(), y->mutable_data<T>(), argmaxes);
      return absl::OkStatus();
    });
  }

 private:
  absl::Status ReadRois(const Tensor& rois, int64_t images) {
    return DispatchType(TypeList<float, double>(), rois.dtype(), [&](auto tag) -> absl::Status {
      using R = typename decltype(tag)::type;
      const RoiRows<R> rows{rois.data<R>(), rois.dim(1), 4};
      rois_.clear();
      for (int64_t i = 0; i < rois.dim(0); ++i) {
        DOPPIO_ASSIGN_OR_RETURN(const ScaledRoi<R> roi,
                                (ReadRoi<R>(rows, i, images, args_.spatial_scale)));
        DOPPIO_RETURN_IF_ERROR(CheckReach(roi, i));
        const auto round = [](R side) { return static_cast<int64_t>(std::round(side)); };
        rois_.push_back({roi.image, round(roi.x1), round(roi.y1), round(roi.x2), round(roi.y2)});
      }
      return absl::OkStatus();
    });
  }

  template <typename T>
  void Pool(const T* x, DimsView dims, T* y, int32_t* argmaxes) const {
    const int64_t channels = dims[1];
    const int64_t height = dims[2];
    const int64_t width = dims[3];
    const int64_t bins = args_.pooled_height * args_.pooled_width;
    const int64_t units = static_cast<int64_t>(rois_.size()) * channels;
    ParallelFor(units, (1 << 10) / bins + 1, [&](int64_t begin, int64_t end) {
      for (int64_t unit = begin; unit < end; ++unit) {
        const PixelRoi& roi = rois_[static_cast<size_t>(unit / channels)];
        const T* plane = x + (roi.image * channels + unit % channels) * height * width;
        int64_t place = unit * bins;
        for (int64_t ph = 0; ph < args_.pooled_height; ++ph) {
          const BinRange rows(roi.y1, roi.y2, ph, args_.pooled_height, height);
          for (int64_t pw = 0; pw < args_.pooled_width; ++pw, ++place) {
            const BinRange columns(roi.x1, roi.x2, pw, args_.pooled_width, width);
            const bool is_empty = rows.end <= rows.begin || columns.end <= columns.begin;
            T largest = is_empty ? T(0) : std::numeric_limits<T>::lowest();
            int32_t where = -1;
            for (int64_t h = rows.begin; h < rows.end; ++h) {
              for (int64_t w = columns.begin; w < columns.end; ++w) {
                if (!(plane[h * width + w] > largest)) continue;
                largest = plane[h * width + w];
                where = static_cast<int32_t>(h * width + w);
              }
            }
            y[place] = largest;
            if (argmaxes != nullptr) argmaxes[place] = where;
          }
        }
      }
    });
  }

  const RoIPoolArguments args_;
  const bool is_test_;
  std::vector<PixelRoi> rois_;  // kept from run to run
};

void StatePoolingGradient(OpSchema& schema) {
  schema.NumInputs(4)
      .NumOutputs(1)
      .Doc(
          "The gradient of RoIPool for X: each element of dY is added to the pixel that was the "
          "maximum. The regions get no gradient.")
      .Input(0, "X", "RoIPool's input, of which only the shape is used")
      .Input(1, "rois", "the regions, of which only the image is used")
      .Input(2, "argmaxes", "RoIPool's second output: int32 in [-1,H*W)")
      .Input(3, "dY", "gradient of RoIPool's output, float or double")
      .Output(0, "dX", "gradient of X, of X's shape and dY's type")
      .TensorInference([](InferenceContext* context) {
        context->SetOutput(0, context->dtype(3), context->dims(0));
        return absl::OkStatus();
      });
}

DOPPIO_OPERATOR_SCHEMA(RoIPoolGradient)
    .FillUsing(StateRoIPoolArguments)
    .FillUsing(StatePoolingGradient);
DOPPIO_OPERATOR_SCHEMA(RoIPoolFGradient)
    .FillUsing(StateRoiArguments)
    .FillUsing(StatePoolingGradient);

template <class Context>
class RoIPoolGradientOp final : public Operator<Context> {
 public:
  DOPPIO_USE_OPERATOR_FUNCTIONS;
  explicit RoIPoolGradientOp(OperatorInit* init) : Operator<Context>(init), args_(init) {}

  absl::Status RunOnDevice() override {
    const Tensor& x = Input(0);
    const Tensor& rois = Input(1);
    const Tensor& argmaxes = Input(2);
    const Tensor& dy = Input(3);
    DOPPIO_ASSIGN_OR_RETURN(const Dims dims, OutputShape(args_, x.dims(), rois.dims()));
    if (dy.dims() != DimsView(dims) || argmaxes.dims() != DimsView(dims) ||
        !argmaxes.Is<int32_t>()) {
      return absl::InvalidArgumentError(
          absl::StrCat("dY ", DescribeInput(3), " and argmaxes ", DescribeInput(2),
                       " are not what RoIPool makes of X ", DescribeInput(0), " and the rois ",
                       DescribeInput(1)));
    }
    DOPPIO_RETURN_IF_ERROR(CheckPlaces(argmaxes, SizeFromDim(x.dims(), 2)));
    DOPPIO_RETURN_IF_ERROR(ReadImages(rois, x.dim(0)));
    return DispatchType(TypeList<float, double>(), dy.dtype(), [&](auto tag) -> absl::Status {
      using T = typename decltype(tag)::type;
      DOPPIO_ASSIGN_OR_RETURN(Tensor * dx, Output(0, dy.dtype(), x.dims()));
      std::fill_n(dx->mutable_data<T>(), dx->numel(), T(0));
      Scatter(argmaxes.data<int32_t>(), dy.data<T>(), x.dims(), dx->mutable_data<T>());
      return absl::OkStatus();
    });
  }

 private:
  absl::Status CheckPlaces(const Tensor& argmaxes, int64_t pixels) const {
    for (int32_t place : argmaxes.span<int32_t>()) {
      if (place >= -1 && place < pixels) continue;
      return absl::InvalidArgumentError(
          absl::StrCat("argmaxes contain ", place, ", but must be in [-1, ", pixels, ")"));
    }
    return absl::OkStatus();
  }

  absl::Status ReadImages(const Tensor& rois, int64_t images) {
    return DispatchType(TypeList<float, double>(), rois.dtype(), [&](auto tag) -> absl::Status {
      using R = typename decltype(tag)::type;
      const RoiRows<R> rows{rois.data<R>(), rois.dim(1), 4};
      images_.clear();
      for (int64_t i = 0; i < rois.dim(0); ++i) {
        DOPPIO_ASSIGN_OR_RETURN(const ScaledRoi<R> roi,
                                (ReadRoi<R>(rows, i, images, args_.spatial_scale)));
        images_.push_back(roi.image);
      }
      return absl::OkStatus();
    });
  }

  // Threads share the channels among them, so that each pixel gets its parts in one order.
  template <typename T>
  void Scatter(const int32_t* argmaxes, const T* dy, DimsView dims, T* dx) const {
    const int64_t channels = dims[1];
    const int64_t plane = SizeFromDim(dims, 2);
    const int64_t bins = args_.pooled_height * args_.pooled_width;
    const int64_t count = static_cast<int64_t>(images_.size());
    if (count == 0) return;
    ParallelFor(channels, (1 << 14) / (count * bins) + 1, [&](int64_t begin, int64_t end) {
      for (int64_t r = 0; r < count; ++r) {
        for (int64_t c = begin; c < end; ++c) {
          T* out = dx + (images_[static_cast<size_t>(r)] * channels + c) * plane;
          const int64_t first = (r * channels + c) * bins;
          for (int64_t i = first; i < first + bins; ++i) {
            if (argmaxes[i] >= 0) out[argmaxes[i]] += dy[i];
          }
        }
      }
    });
  }

  const RoIPoolArguments args_;
  std::vector<int64_t> images_;  // of the regions; kept from run to run
};

class GetRoIPoolGradient final : public GradientMakerBase {
  using GradientMakerBase::GradientMakerBase;
  std::vector<OperatorDef> GetGradientDefs() override {
    return SingleGradientDef(Def().type() + "Gradient", "", {I(0), I(1), O(1), GO(0)}, {GI(0)});
  }
};

DOPPIO_REGISTER_CPU_OPERATOR(RoIPool, RoIPoolOp<CPUContext>);
DOPPIO_REGISTER_CPU_OPERATOR(RoIPoolGradient, RoIPoolGradientOp<CPUContext>);
DOPPIO_REGISTER_GRADIENT(RoIPool, GetRoIPoolGradient);
DOPPIO_REGISTER_CPU_OPERATOR(RoIPoolF, RoIPoolOp<CPUContext>);
DOPPIO_REGISTER_CPU_OPERATOR(RoIPoolFGradient, RoIPoolGradientOp<CPUContext>);
DOPPIO_REGISTER_GRADIENT(RoIPoolF, GetRoIPoolGradient);

}  // namespace
}  // namespace doppio
