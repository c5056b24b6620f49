#include <cmath>

#include "doppio/gradient_maker.h"
#include "doppio/parallel.h"
#include "doppio/registry.h"
#include "src/kernel/indices.h"

namespace doppio {
namespace {

absl::StatusOr<Dims> EncodingShape(int embedding_size, DimsView positions) {
  if (positions.size() != 2) {
    return absl::InvalidArgumentError(
        absl::StrCat("positions must be a matrix, but are ", ShapeToString(positions)));
  }
  if (embedding_size < 1) {
    return absl::InvalidArgumentError(
        absl::StrCat("embedding_size is ", embedding_size, ", but must be at least 1"));
  }
  return Dims{positions[0], positions[1], embedding_size};
}

DOPPIO_OPERATOR_SCHEMA(SinusoidPositionEncoding)
    .NumInputs(1)
    .NumOutputs(1)
    .Doc(R"DOC(
Tells a net the places of a sequence by waves of several lengths: with x = p / alpha^(k /
embedding_size), element k of what stands for position p is amplitude * sin(x) where k is even, and
amplitude * cos(x) where it is odd. Caffe2 looks at the first column of positions alone, and gives NaN
for negative ones.

Example: positions [1,2] = [[0,1]], embedding_size=2 and alpha=100 give [[[0,1],[0.841471,0.995004]]].
)DOC")
    .Arg<int>("embedding_size", "elements for each position", 100)
    .Arg<float>("alpha", "larger than 0: the longest wave is as many times as long as the shortest",
                10000.0f)
    .Arg<float>("amplitude", "the height of the waves", 1.0f)
    .Input(0, "positions", "matrix of int32 or int64")
    .Output(0, "output", "tensor of float: the dimensions of positions, then embedding_size")
    .Flops([](const OperatorDef&, const auto&, const std::vector<TensorInfo>& outputs) {
      return 3 * SizeFromDim(*outputs[0].dims, 0);
    })
    .TensorInference([](InferenceContext* context) -> absl::Status {
      const int size = context->GetSingleArgument<int>("embedding_size");
      DOPPIO_ASSIGN_OR_RETURN(const Dims dims, EncodingShape(size, context->dims(0)));
      context->SetOutput(0, DataType::kFloat, dims);
      return absl::OkStatus();
    });

template <class Context>
class SinusoidPositionEncodingOp final : public Operator<Context> {
 public:
  DOPPIO_USE_OPERATOR_FUNCTIONS;
  explicit SinusoidPositionEncodingOp(OperatorInit* init)
      : Operator<Context>(init),
        embedding_size_(init->GetSingleArgument<int>("embedding_size")),
        alpha_(init->GetSingleArgument<float>("alpha")),
        amplitude_(init->GetSingleArgument<float>("amplitude")) {
    if (!(alpha_ > 0)) {
      init->Fail(absl::InvalidArgumentError(
          absl::StrCat("alpha is ", alpha_, ", but must be larger than 0")));
    }
  }

  absl::Status RunOnDevice() override {
    const Tensor& positions = Input(0);
    DOPPIO_ASSIGN_OR_RETURN(const Dims dims, EncodingShape(embedding_size_, positions.dims()));
    return DispatchType(IndexTypes(), positions.dtype(), [&](auto tag) -> absl::Status {
      DOPPIO_ASSIGN_OR_RETURN(Tensor * output, Output(0, DataType::kFloat, dims));
      if (output->numel() == 0) return absl::OkStatus();
      DOPPIO_RETURN_IF_ERROR(lengths_.Resize(DataType::kDouble, {embedding_size_}));
      double* lengths = lengths_.mutable_data<double>();
      for (int k = 0; k < embedding_size_; ++k) {
        lengths[k] = std::pow(alpha_, static_cast<double>(k) / embedding_size_);
      }
      const auto* position = positions.data<typename decltype(tag)::type>();
      float* out = output->mutable_data<float>();
      ParallelFor(positions.numel(), (1 << 10) / embedding_size_ + 1,
                  [=](int64_t begin, int64_t end) {
                    for (int64_t i = begin; i < end; ++i) {
                      float* row = out + i * embedding_size_;
                      for (int k = 0; k < embedding_size_; ++k) {
                        const double x = static_cast<double>(position[i]) / lengths[k];
                        const double wave = k % 2 == 0 ? std::sin(x) : std::cos(x);
                        row[k] = static_cast<float>(amplitude_ * wave);
                      }
                    }
                  });
      return absl::OkStatus();
    });
  }

 private:
  const int embedding_size_;
  const double alpha_;
  const double amplitude_;
  Tensor lengths_;  // of the waves, 2 pi being 1
};

DOPPIO_REGISTER_CPU_OPERATOR(SinusoidPositionEncoding, SinusoidPositionEncodingOp<CPUContext>);
DOPPIO_NO_GRADIENT(SinusoidPositionEncoding);

}  // namespace
}  // namespace doppio
