#include <algorithm>
#include <cmath>

#include "doppio/gradient_maker.h"
#include "doppio/parallel.h"
#include "doppio/registry.h"

namespace doppio {
namespace {

enum class Sampling { kNearest, kBilinear, kBicubic };
enum class Beside { kZeros, kBorder, kReflection };

struct GridArguments {
  explicit GridArguments(ArgumentReader* args)
      : aligns_corners(args->GetSingleArgument<bool>("align_corners")) {
    const std::string mode = args->GetSingleArgument<std::string>("mode");
    sampling = mode == "nearest"    ? Sampling::kNearest
               : mode == "bilinear" ? Sampling::kBilinear
                                    : Sampling::kBicubic;
    if (sampling == Sampling::kBicubic && mode != "bicubic") {
      args->Fail(absl::InvalidArgumentError(
          absl::StrCat("mode is \"", mode, "\", must be nearest, bilinear or bicubic")));
    }
    const std::string padding = args->GetSingleArgument<std::string>("padding_mode");
    beside = padding == "zeros"    ? Beside::kZeros
             : padding == "border" ? Beside::kBorder
                                   : Beside::kReflection;
    if (beside == Beside::kReflection && padding != "reflection") {
      args->Fail(absl::InvalidArgumentError(
          absl::StrCat("padding_mode is \"", padding, "\", must be zeros, border or reflection")));
    }
  }

  Sampling sampling;
  Beside beside;
  bool aligns_corners;
};

absl::Status CheckShapes(DimsView x, DimsView grid) {
  const bool fits =
      x.size() == 4 && grid.size() == 4 && grid[3] == 2 && grid[0] == x[0] && x[2] > 0 && x[3] > 0;
  if (fits) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat("X ", ShapeToString(x),
                                                 " must be [N,C,H,W] with pixels, and grid ",
                                                 ShapeToString(grid), " [N,h,w,2]"));
}

DOPPIO_OPERATOR_SCHEMA(GridSample)
    .NumInputs(2)
    .NumOutputs(1)
    .Doc(R"DOC(
Images sampled where a grid says: Y[n,c,i,j] is X[n,c] at column x and row y, which are grid[n,i,j], -1 being the
left (upper) and 1 the right (lower) end of the image: with align_corners the centres of its outermost pixels,
else their outer edges. Between pixels X is interpolated (the coefficient of bicubic is -0.75), or the nearest
one is taken, of two the one with an even index. Beside the image X is 0 (zeros), its border (border), or what
stands as far on the other side of that (reflection). NaN counts as the first row or column for border and
reflection, and lies beside the image for zeros.

Example: X [1,1,1,2] = 1 3 and grid [1,1,1,2] = 0 0 give Y [1,1,1,1] = 2.
)DOC")
    .Arg<std::string>("mode", "nearest, bilinear or bicubic", "bilinear")
    .Arg<std::string>("padding_mode", "zeros, border or reflection", "zeros")
    .Arg<bool>("align_corners", "whether -1 and 1 are centres of pixels", false)
    .Input(0, "X", "[N,C,H,W] of float or double")
    .Input(1, "grid", "[N,h,w,2] of X's type: x and y of each sample")
    .Output(0, "Y", "[N,C,h,w] of X's type")
    .TensorInference([](InferenceContext* context) -> absl::Status {
      const DimsView x = context->dims(0);
      const DimsView grid = context->dims(1);
      const GridArguments args(context);
      DOPPIO_RETURN_IF_ERROR(context->status());
      DOPPIO_RETURN_IF_ERROR(CheckShapes(x, grid));
      context->SetOutput(0, context->dtype(0), {x[0], x[1], grid[1], grid[2]});
      return absl::OkStatus();
    });

// One dimension of an image.
template <typename T>
class SampledLine {
 public:
  SampledLine(const GridArguments& args, int64_t size) : args_(args), size_(size) {}

  // In pixels, of a place from -1 to 1.
  T Denormalized(T place) const {
    if (args_.aligns_corners) return (place + 1) / 2 * static_cast<T>(size_ - 1);
    return ((place + 1) * static_cast<T>(size_) - 1) / 2;
  }

  // Brought into the image, as padding_mode says.
  T Bounded(T at) const {
    const T last = static_cast<T>(size_ - 1);
    if (args_.beside == Beside::kZeros) return at;
    if (args_.beside == Beside::kReflection) {
      const T low = args_.aligns_corners ? T(0) : T(-0.5);
      const T length = args_.aligns_corners ? last : last + 1;
      at = Reflected(at, low, length);
    }
    if (!(at > 0)) return 0;
    return std::min(at, last);
  }

  // The pixel; -1: beside the image.
  int64_t Pixel(T at) const {
    if (!(at >= 0 && at <= static_cast<T>(size_ - 1))) return -1;
    return static_cast<int64_t>(at);
  }

 private:
  static T Reflected(T at, T low, T length) {
    if (length == 0) return 0;
    const T distance = std::abs(at - low);
    const T rest = std::fmod(distance, length);
    const bool is_odd = std::fmod(std::floor(distance / length), T(2)) != 0;
    return is_odd ? low + length - rest : low + rest;
  }

  const GridArguments& args_;
  int64_t size_;
};

// A sample is made of at most four by four pixels.
template <typename T>
struct Taps {
  int count = 0;
  int64_t pixel[4];  // -1: 0
  T weight[4];
};

template <typename T>
Taps<T> TapsOf(const GridArguments& args, int64_t size, T place) {
  const SampledLine<T> line(args, size);
  T at = line.Denormalized(place);
  Taps<T> taps;
  const auto add = [&](T pixel, T weight) {
    taps.pixel[taps.count] = line.Pixel(pixel);
    taps.weight[taps.count++] = weight;
  };
  if (args.sampling != Sampling::kBicubic) at = line.Bounded(at);
  const T floor = std::floor(at);
  const T rest = at - floor;
  switch (args.sampling) {
    case Sampling::kNearest:
      add(std::nearbyint(at), 1);
      break;
    case Sampling::kBilinear:
      add(floor, 1 - rest);
      add(floor + 1, rest);
      break;
    case Sampling::kBicubic: {
      const T a = T(-0.75);
      const auto near = [a](T d) { return ((a + 2) * d - (a + 3)) * d * d + 1; };
      const auto far = [a](T d) { return ((a * d - 5 * a) * d + 8 * a) * d - 4 * a; };
      add(line.Bounded(floor - 1), far(rest + 1));
      add(line.Bounded(floor), near(rest));
      add(line.Bounded(floor + 1), near(1 - rest));
      add(line.Bounded(floor + 2), far(2 - rest));
      break;
    }
  }
  return taps;
}

template <class Context>
class GridSampleOp final : public Operator<Context> {
 public:
  DOPPIO_USE_OPERATOR_FUNCTIONS;
  explicit GridSampleOp(OperatorInit* init) : Operator<Context>(init), args_(init) {}

  absl::Status RunOnDevice() override {
    const Tensor& x = Input(0);
    const Tensor& grid = Input(1);
    DOPPIO_RETURN_IF_ERROR(CheckShapes(x.dims(), grid.dims()));
    if (x.dtype() != grid.dtype()) {
      return absl::InvalidArgumentError(
          absl::StrCat(DescribeInput(0), " and ", DescribeInput(1), " must have the same type"));
    }
    return DispatchType(TypeList<float, double>(), x.dtype(), [&](auto tag) -> absl::Status {
      using T = typename decltype(tag)::type;
      DOPPIO_ASSIGN_OR_RETURN(Tensor * y,
                              Output(0, x.dtype(), {x.dim(0), x.dim(1), grid.dim(1), grid.dim(2)}));
      Sample(x, grid.data<T>(), grid.dim(1) * grid.dim(2), y->mutable_data<T>());
      return absl::OkStatus();
    });
  }

 private:
  // The image, of so many samples each.
  template <typename T>
  void Sample(const Tensor& x, const T* grid, int64_t samples, T* y) const {
    const int64_t channels = x.dim(1);
    const int64_t height = x.dim(2);
    const int64_t width = x.dim(3);
    ParallelFor(x.dim(0) * samples, 256, [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; ++i) {
        const Taps<T> columns = TapsOf(args_, width, grid[2 * i]);
        const Taps<T> rows = TapsOf(args_, height, grid[2 * i + 1]);
        const int64_t n = i / samples;
        for (int64_t c = 0; c < channels; ++c) {
          const T* image = x.data<T>() + (n * channels + c) * height * width;
          T sum = 0;
          for (int r = 0; r < rows.count; ++r) {
            if (rows.pixel[r] < 0) continue;
            T of_row = 0;
            for (int k = 0; k < columns.count; ++k) {
              if (columns.pixel[k] < 0) continue;
              of_row += columns.weight[k] * image[rows.pixel[r] * width + columns.pixel[k]];
            }
            sum += rows.weight[r] * of_row;
          }
          y[(n * channels + c) * samples + i % samples] = sum;
        }
      }
    });
  }

  const GridArguments args_;
};

DOPPIO_REGISTER_CPU_OPERATOR(GridSample, GridSampleOp<CPUContext>);
DOPPIO_NO_GRADIENT(GridSample);

}  // namespace
}  // namespace doppio
