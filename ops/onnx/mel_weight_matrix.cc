#include <algorithm>
#include <cmath>
#include <vector>

#include "doppio/gradient_maker.h"
#include "doppio/registry.h"
#include "src/operator/lengths_input.h"

namespace doppio {
namespace {

struct MelSizes {
  int64_t bands;
  int64_t length;  // of the transform
};

absl::StatusOr<MelSizes> SizesOf(const Tensor& bands, const Tensor& length) {
  MelSizes sizes;
  DOPPIO_ASSIGN_OR_RETURN(sizes.bands, SingleInteger(bands, "num_mel_bins"));
  DOPPIO_ASSIGN_OR_RETURN(sizes.length, SingleInteger(length, "dft_length"));
  if (sizes.bands < 1 || sizes.length < 1) {
    return absl::InvalidArgumentError(absl::StrCat("num_mel_bins and dft_length must be at least ",
                                                   "1, but are ", sizes.bands, " and ",
                                                   sizes.length));
  }
  DOPPIO_RETURN_IF_ERROR(NumElements({sizes.length / 2 + 1, sizes.bands}).status());
  return sizes;
}

absl::StatusOr<double> SingleNumber(const Tensor& tensor, absl::string_view name) {
  if (tensor.numel() == 1 && tensor.Is<float>()) return *tensor.data<float>();
  if (tensor.numel() == 1 && tensor.Is<double>()) return *tensor.data<double>();
  return absl::InvalidArgumentError(
      absl::StrCat(name, " must be one float or double, but is ", tensor.TypeAndShape()));
}

DOPPIO_OPERATOR_SCHEMA(MelWeightMatrix)
    .NumInputs(5)
    .NumOutputs(1)
    .Doc(R"DOC(
ONNX's MelWeightMatrix: what a spectrum [frames, dft_length / 2 + 1] is multiplied by to get its mel bands
[frames, num_mel_bins]. The edges of the bands lie in equal distances on the mel scale, mel(f) = 2595 log10(1 + f / 700),
and band i rises from edge i to 1 at edge i + 1, and falls to edge i + 2.

Example: num_mel_bins 2, dft_length 8, sample_rate 8 and the edges 0 and 3 give Y [5,2] =
[[1,0],[0,1],[0,0],[0,0],[0,0]].
)DOC")
    .Input(0, "num_mel_bins", "a single int32 or int64, at least 1")
    .Input(1, "dft_length", "a single int32 or int64, at least 1")
    .Input(2, "sample_rate", "a single int32 or int64, numbers a second, at least 1")
    .Input(3, "lower_edge_hertz", "a single float or double, at least 0")
    .Input(4, "upper_edge_hertz", "a single float or double, not below the other edge")
    .Output(0, "Y", "float [dft_length / 2 + 1, num_mel_bins]")
    .TensorInference([](InferenceContext* context) -> absl::Status {
      if (context->value(0) == nullptr || context->value(1) == nullptr) return absl::OkStatus();
      DOPPIO_ASSIGN_OR_RETURN(const MelSizes sizes,
                              SizesOf(*context->value(0), *context->value(1)));
      context->SetOutput(0, DataType::kFloat, {sizes.length / 2 + 1, sizes.bands});
      return absl::OkStatus();
    });

template <class Context>
class MelWeightMatrixOp final : public Operator<Context> {
 public:
  DOPPIO_USE_OPERATOR_FUNCTIONS;
  explicit MelWeightMatrixOp(OperatorInit* init) : Operator<Context>(init) {}

  absl::Status RunOnDevice() override {
    DOPPIO_ASSIGN_OR_RETURN(const MelSizes sizes, SizesOf(Input(0), Input(1)));
    DOPPIO_ASSIGN_OR_RETURN(const int64_t rate, SingleInteger(Input(2), "sample_rate"));
    DOPPIO_ASSIGN_OR_RETURN(const double lower, SingleNumber(Input(3), "lower_edge_hertz"));
    DOPPIO_ASSIGN_OR_RETURN(const double upper, SingleNumber(Input(4), "upper_edge_hertz"));
    if (rate < 1 || !(lower >= 0) || !(upper >= lower) || std::isinf(upper)) {
      return absl::InvalidArgumentError(absl::StrCat("sample_rate ", rate,
                                                     " must be at least 1, and the edges ", lower,
                                                     " and ", upper, " not negative and in order"));
    }
    const int64_t rows = sizes.length / 2 + 1;
    const double low = Mel(lower);
    // The distance of edges, as ONNX counts it: as if there were one more.
    const double step = (Mel(upper) - low) / static_cast<double>(sizes.bands + 2);
    // The row of an edge.
    const auto edge = [&](int64_t i) {
      const double hertz = 700 * (std::pow(10.0, (static_cast<double>(i) * step + low) / 2595) - 1);
      const double bins = static_cast<double>(sizes.length) + 1;
      return std::floor(bins * hertz / static_cast<double>(rate));
    };
    if (edge(sizes.bands + 1) > static_cast<double>(rows)) {
      return absl::InvalidArgumentError(absl::StrCat("upper_edge_hertz ", upper,
                                                     " is beyond the spectrum, which ends at ",
                                                     static_cast<double>(rate) / 2));
    }
    DOPPIO_ASSIGN_OR_RETURN(Tensor * y, Output(0, DataType::kFloat, {rows, sizes.bands}));
    float* const weights = y->mutable_data<float>();
    std::fill_n(weights, y->numel(), 0.0f);
    for (int64_t i = 0; i < sizes.bands; ++i) {
      FillBand(static_cast<int64_t>(edge(i)), static_cast<int64_t>(edge(i + 1)),
               static_cast<int64_t>(edge(i + 2)), rows, sizes.bands, weights + i);
    }
    return absl::OkStatus();
  }

 private:
  static double Mel(double hertz) { return 2595 * std::log10(1 + hertz / 700); }

  static void FillBand(int64_t begin, int64_t top, int64_t end, int64_t rows, int64_t stride,
                       float* weights) {
    for (int64_t row = begin; row <= std::min(top, rows - 1); ++row) {
      weights[row * stride] = top == begin ? 1
                                           : static_cast<float>(static_cast<double>(row - begin) /
                                                                static_cast<double>(top - begin));
    }
    for (int64_t row = top; row < std::min(end, rows); ++row) {
      weights[row * stride] =
          static_cast<float>(static_cast<double>(end - row) / static_cast<double>(end - top));
    }
  }
};

DOPPIO_REGISTER_CPU_OPERATOR(MelWeightMatrix, MelWeightMatrixOp<CPUContext>);
DOPPIO_NO_GRADIENT(MelWeightMatrix);

}  // namespace
}  // namespace doppio
