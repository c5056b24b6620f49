#include <algorithm>
#include <cmath>
#include <limits>

#include "doppio/gradient_maker.h"
#include "doppio/parallel.h"
#include "doppio/registry.h"
#include "ops/detection/rois.h"

namespace doppio {
namespace {

struct PSRoIPoolArguments {
  explicit PSRoIPoolArguments(ArgumentReader* args)
      : spatial_scale(ReadSpatialScale(args)),
        group(args->GetSingleArgument<int>("group_size", 1)),
        channels(args->GetSingleArgument<int>("output_dim", 1)) {
    if (group < 1 || channels < 1) {
      args->Fail(absl::InvalidArgumentError(absl::StrCat(
          "group_size and output_dim are ", group, " and ", channels, ", must be at least 1")));
    }
  }

  int64_t bins() const { return group * group; }

  // The shape of the outputs for inputs of these shapes.
  absl::StatusOr<Dims> OutputShape(DimsView x, DimsView rois) const {
    DOPPIO_ASSIGN_OR_RETURN(const int64_t inputs, CheckedProduct(bins(), channels));
    if (x.size() != 4 || x[1] != inputs || inputs > std::numeric_limits<int32_t>::max()) {
      return absl::InvalidArgumentError(
          absl::StrCat("with group_size ", group, " and output_dim ", channels, " X must be [N,",
                       inputs, ",H,W], below 2^31 channels, but is ", ShapeToString(x)));
    }
    if (rois.size() != 2 || rois[1] != 5) {
      return absl::InvalidArgumentError(
          absl::StrCat("the rois must be [R,5], but are ", ShapeToString(rois)));
    }
    const Dims dims = {rois[0], channels, group, group};
    DOPPIO_RETURN_IF_ERROR(NumElements(dims).status());
    return dims;
  }

  float spatial_scale;
  int64_t group;
  int64_t channels;
};

void StateArguments(OpSchema& schema) {
  schema.FillUsing(StateSpatialScale)
      .Arg<int>("group_size", "height and width of the output", 1)
      .Arg<int>("output_dim", "channels of the output", 1);
}

DOPPIO_OPERATOR_SCHEMA(PSRoIPool)
    .NumInputs(2)
    .NumOutputs(2)
    .FillUsing(StateArguments)
    .Doc(R"DOC(
Means in a grid over each region of interest, where each place of the grid has channels of its own
(R-FCN: Dai and others, 2016). Corners of a region are rounded to pixels of the image, both of which
belong to it, and then scaled; the region is at least 0.1 pixels wide and high. It is divided into
group_size by group_size bins, which are widened to whole pixels. Element (c,h,w) of a region is the
mean of channel (c * group_size + h) * group_size + w of X over bin (h,w), 0 for one outside of the
map.

Example: X [1,4,1,1] = [[[[1]],[[2]],[[3]],[[4]]]], rois [1,5] = [[0,0,0,0,0]] and group_size 2 give
Y [1,1,2,2] = [[[[1,2],[3,4]]]] and argmaxes [1,1,2,2] = [[[[0,1],[2,3]]]].
)DOC")
    .Input(0, "X", "feature map [N,group_size^2 * output_dim,H,W] of float or double")
    .Input(1, "RoIs", "[R,5] of float or double: image, x1, y1, x2, y2 in pixels of the image")
    .Output(0, "Y", "[R,output_dim,group_size,group_size], of X's type")
    .Output(1, "argmaxes", "int32, of Y's shape: the channels of X that were read")
    .TensorInference([](InferenceContext* context) -> absl::Status {
      DOPPIO_ASSIGN_OR_RETURN(const Dims dims, PSRoIPoolArguments(context).OutputShape(
                                                   context->dims(0), context->dims(1)));
      context->SetOutput(0, context->dtype(0), dims);
      context->SetOutput(1, DataType::kInt32, dims);
      return absl::OkStatus();
    });

// A region on the feature map, in bins.
struct BinnedRoi {
  int64_t image;
  float x, y;  // of the first bin
  float bin_width, bin_height;
};

// Pixels [begin, end) of a bin along one axis.
struct PixelRange {
  PixelRange(float start, float step, int64_t bin, int64_t size)
      : begin(Place(std::floor(static_cast<float>(bin) * step + start), size)),
        end(Place(std::ceil(static_cast<float>(bin + 1) * step + start), size)) {}
  static int64_t Place(float at, int64_t size) {
    return std::clamp<int64_t>(static_cast<int64_t>(at), 0, size);
  }
  int64_t begin;
  int64_t end;
};

// The regions of an operator, kept from run to run.
class BinnedRois {
 public:
  absl::Status Read(const PSRoIPoolArguments& args, const Tensor& rois, int64_t images) {
    return DispatchType(TypeList<float, double>(), rois.dtype(), [&](auto tag) -> absl::Status {
      using R = typename decltype(tag)::type;
      const RoiRows<R> rows{rois.data<R>(), rois.dim(1), 4};
      rois_.clear();
      for (int64_t i = 0; i < rois.dim(0); ++i) {
        DOPPIO_ASSIGN_OR_RETURN(ScaledRoi<float> roi, (ReadRoi<float>(rows, i, images, 1.0f)));
        const auto scaled = [&](float side, double more) {
          return static_cast<float>(std::round(side) + more) * args.spatial_scale;
        };
        roi = {roi.image, scaled(roi.x1, 0), scaled(roi.y1, 0), scaled(roi.x2, 1),
               scaled(roi.y2, 1)};
        DOPPIO_RETURN_IF_ERROR(CheckReach(roi, i));
        const auto bin = [&](float size) {
          return std::max(size, 0.1f) / static_cast<float>(args.group);
        };
        rois_.push_back({roi.image, roi.x1, roi.y1, bin(roi.x2 - roi.x1), bin(roi.y2 - roi.y1)});
      }
      return absl::OkStatus();
    });
  }

  int64_t count() const { return static_cast<int64_t>(rois_.size()); }

  // The pixels of bin `bin` of region r on a map of these sizes, as rows and columns.
  struct Bin {
    int64_t image;
    PixelRange rows;
    PixelRange columns;

    double pixels() const {
      return static_cast<double>((rows.end - rows.begin) * (columns.end - columns.begin));
    }
    bool is_empty() const { return rows.end <= rows.begin || columns.end <= columns.begin; }
  };
  Bin BinOf(int64_t r, int64_t bin, int64_t group, DimsView map) const {
    const BinnedRoi& roi = rois_[static_cast<size_t>(r)];
    return {roi.image, PixelRange(roi.y, roi.bin_height, bin / group, map[2]),
            PixelRange(roi.x, roi.bin_width, bin % group, map[3])};
  }

 private:
  std::vector<BinnedRoi> rois_;
};

template <class Context>
class PSRoIPoolOp final : public Operator<Context> {
 public:
  DOPPIO_USE_OPERATOR_FUNCTIONS;
  explicit PSRoIPoolOp(OperatorInit* init) : Operator<Context>(init), args_(init) {}

  absl::Status RunOnDevice() override {
    const Tensor& x = Input(0);
    DOPPIO_ASSIGN_OR_RETURN(const Dims dims, args_.OutputShape(x.dims(), Input(1).dims()));
    DOPPIO_RETURN_IF_ERROR(rois_.Read(args_, Input(1), x.dim(0)));
    return DispatchType(TypeList<float, double>(), x.dtype(), [&](auto tag) -> absl::Status {
      using T = typename decltype(tag)::type;
      DOPPIO_ASSIGN_OR_RETURN(Tensor * y, Output(0, x.dtype(), dims));
      DOPPIO_ASSIGN_OR_RETURN(Tensor * channels, Output(1, DataType::kInt32, dims));
      Pool(x.data<T>(), x.dims(), y->mutable_data<T>(), channels->mutable_data<int32_t>());
      return absl::OkStatus();
    });
  }

 private:
  template <typename T>
  void Pool(const T* x, DimsView dims, T* y, int32_t* channels) const {
    const int64_t bins = args_.bins();
    const int64_t pixels = SizeFromDim(dims, 2);
    ParallelFor(rois_.count() * dims[1], 64, [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; ++i) {
        const int64_t channel = i % dims[1];
        const auto bin = rois_.BinOf(i / dims[1], channel % bins, args_.group, dims);
        const T* plane = x + (bin.image * dims[1] + channel) * pixels;
        double sum = 0;
        for (int64_t h = bin.rows.begin; h < bin.rows.end; ++h) {
          for (int64_t w = bin.columns.begin; w < bin.columns.end; ++w) {
            sum += plane[h * dims[3] + w];
          }
        }
        y[i] = bin.is_empty() ? T(0) : static_cast<T>(sum / bin.pixels());
        channels[i] = static_cast<int32_t>(channel);
      }
    });
  }

  const PSRoIPoolArguments args_;
  BinnedRois rois_;
};

DOPPIO_OPERATOR_SCHEMA(PSRoIPoolGradient)
    .NumInputs(4)
    .NumOutputs(1)
    .FillUsing(StateArguments)
    .Doc(
        "The gradient of PSRoIPool for X: each element of dY is added, in equal parts, to the "
        "pixels of its bin. The regions get no gradient.")
    .Input(0, "X", "PSRoIPool's input, of which only the shape is used")
    .Input(1, "RoIs", "the regions")
    .Input(2, "argmaxes", "PSRoIPool's second output")
    .Input(3, "dY", "gradient of PSRoIPool's first output, float or double")
    .Output(0, "dX", "gradient of X, of X's shape and dY's type")
    .ShapeOnly({0})
    .TensorInference([](InferenceContext* context) {
      context->SetOutput(0, context->dtype(3), context->dims(0));
      return absl::OkStatus();
    });

template <class Context>
class PSRoIPoolGradientOp final : public Operator<Context> {
 public:
  DOPPIO_USE_OPERATOR_FUNCTIONS;
  explicit PSRoIPoolGradientOp(OperatorInit* init) : Operator<Context>(init), args_(init) {}

  absl::Status RunOnDevice() override {
    const Tensor& x = Input(0);
    const Tensor& dy = Input(3);
    DOPPIO_ASSIGN_OR_RETURN(const Dims dims, args_.OutputShape(x.dims(), Input(1).dims()));
    if (dy.dims() != DimsView(dims) || !AreChannels(Input(2), dims, x.dim(1))) {
      return absl::InvalidArgumentError(
          absl::StrCat("dY ", DescribeInput(3), " and argmaxes ", DescribeInput(2),
                       " are not what PSRoIPool makes of X ", DescribeInput(0), " and the rois ",
                       DescribeInput(1)));
    }
    DOPPIO_RETURN_IF_ERROR(rois_.Read(args_, Input(1), x.dim(0)));
    return DispatchType(TypeList<float, double>(), dy.dtype(), [&](auto tag) -> absl::Status {
      using T = typename decltype(tag)::type;
      DOPPIO_ASSIGN_OR_RETURN(Tensor * dx, Output(0, dy.dtype(), x.dims()));
      std::fill_n(dx->mutable_data<T>(), dx->numel(), T(0));
      Spread(dy.data<T>(), dx->dims(), dx->mutable_data<T>());
      return absl::OkStatus();
    });
  }

 private:
  static bool AreChannels(const Tensor& channels, DimsView dims, int64_t count) {
    if (channels.dims() != dims || !channels.Is<int32_t>()) return false;
    const int32_t* channel = channels.data<int32_t>();
    for (int64_t i = 0; i < channels.numel(); ++i) {
      if (channel[i] != i % count) return false;
    }
    return true;
  }

  // Threads share the channels among them, so that each pixel gets its parts in one order.
  template <typename T>
  void Spread(const T* dy, DimsView dims, T* dx) const {
    const int64_t bins = args_.bins();
    const int64_t pixels = SizeFromDim(dims, 2);
    ParallelFor(dims[1], 4, [&](int64_t begin, int64_t end) {
      for (int64_t r = 0; r < rois_.count(); ++r) {
        for (int64_t channel = begin; channel < end; ++channel) {
          const auto bin = rois_.BinOf(r, channel % bins, args_.group, dims);
          if (bin.is_empty()) continue;
          const T part = static_cast<T>(dy[r * dims[1] + channel] / bin.pixels());
          T* plane = dx + (bin.image * dims[1] + channel) * pixels;
          for (int64_t h = bin.rows.begin; h < bin.rows.end; ++h) {
            for (int64_t w = bin.columns.begin; w < bin.columns.end; ++w) {
              plane[h * dims[3] + w] += part;
            }
          }
        }
      }
    });
  }

  const PSRoIPoolArguments args_;
  BinnedRois rois_;
};

class GetPSRoIPoolGradient final : public GradientMakerBase {
  using GradientMakerBase::GradientMakerBase;
  std::vector<OperatorDef> GetGradientDefs() override {
    return SingleGradientDef("PSRoIPoolGradient", "", {I(0), I(1), O(1), GO(0)}, {GI(0)});
  }
};

DOPPIO_REGISTER_CPU_OPERATOR(PSRoIPool, PSRoIPoolOp<CPUContext>);
DOPPIO_REGISTER_CPU_OPERATOR(PSRoIPoolGradient, PSRoIPoolGradientOp<CPUContext>);
DOPPIO_REGISTER_GRADIENT(PSRoIPool, GetPSRoIPoolGradient);

}  // namespace
}  // namespace doppio
