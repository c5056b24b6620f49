#include <algorithm>
#include <cmath>

#include "doppio/gradient_maker.h"
#include "doppio/registry.h"

namespace doppio {
namespace {

struct Buckets {
  explicit Buckets(ArgumentReader* args)
      : lower(args->GetSingleArgument<float>("lower_bound")),
        upper(args->GetSingleArgument<float>("upper_bound")),
        count(args->GetSingleArgument<int>("num_buckets")) {
    if (count < 1) {
      args->Fail(absl::InvalidArgumentError(
          absl::StrCat("num_buckets is ", count, ", but must be at least 1")));
    }
    if (!(lower < upper) || std::isinf(upper - lower)) {
      args->Fail(
          absl::InvalidArgumentError(absl::StrCat("lower_bound is ", lower, " and upper_bound ",
                                                  upper, ", but they must be finite and rise")));
    }
  }

  // Two more than there are between the bounds.
  int64_t size() const { return count + 2; }

  // Which bucket a number belongs to that is not NaN.
  int64_t Find(double x) const {
    if (x < lower) return 0;
    if (x >= upper) return count + 1;
    const double place = (x - lower) / (upper - lower) * static_cast<double>(count);
    return std::min(static_cast<int64_t>(place) + 1, count);  // which rounding may lead beyond
  }

  double lower;
  double upper;
  int64_t count;
};

DOPPIO_OPERATOR_SCHEMA(AccumulateHistogram)
    .NumInputs(1)
    .NumOutputs(2)
    .Doc(R"DOC(
Counts how many elements are in each of `num_buckets` parts of [lower_bound, upper_bound), which are
as large as each other, how many below (the first count) and how many above (the last one). NaN
counts nowhere. The second output has what all runs of this operator have counted.

Example: X [4] = [-1,0,0.75,9] with num_buckets=2 gives CurHist [4] = [1,1,1,1].
)DOC")
    .Arg<float>("lower_bound", "the least number that is not below", 0.0f)
    .Arg<float>("upper_bound", "the least number that is above", 1.0f)
    .Arg<int>("num_buckets", "parts between the bounds", 1)
    .Input(0, "X", "tensor of float")
    .Output(0, "CurHist", "vector of int64: num_buckets + 2 counts of this run")
    .Output(1, "AccHist", "likewise: of all runs")
    .Flops([](const OperatorDef&, const std::vector<TensorInfo>& inputs, const auto&) {
      return 3 * SizeFromDim(*inputs[0].dims, 0);
    })
    .HasSideEffects()
    .TensorInference([](InferenceContext* context) -> absl::Status {
      const Buckets buckets(context);
      DOPPIO_RETURN_IF_ERROR(context->status());
      context->SetOutput(0, DataType::kInt64, {buckets.size()});
      context->SetOutput(1, DataType::kInt64, {buckets.size()});
      return absl::OkStatus();
    });

template <class Context>
class AccumulateHistogramOp final : public Operator<Context> {
 public:
  DOPPIO_USE_OPERATOR_FUNCTIONS;
  explicit AccumulateHistogramOp(OperatorInit* init) : Operator<Context>(init), buckets_(init) {}

  absl::Status RunOnDevice() override {
    const Tensor& x = Input(0);
    if (!x.Is<float>()) return UnsupportedTypeError(x.dtype(), {DataType::kFloat});
    const int64_t size = buckets_.size();
    if (total_.numel() != size) {
      DOPPIO_RETURN_IF_ERROR(total_.Resize(DataType::kInt64, {size}));
      std::fill_n(total_.mutable_data<int64_t>(), size, 0);
    }
    DOPPIO_ASSIGN_OR_RETURN(Tensor * current, Output(0, DataType::kInt64, {size}));
    DOPPIO_ASSIGN_OR_RETURN(Tensor * accumulated, Output(1, DataType::kInt64, {size}));
    int64_t* counts = current->mutable_data<int64_t>();
    int64_t* total = total_.mutable_data<int64_t>();
    std::fill_n(counts, size, 0);
    for (const float v : x.span<float>()) {
      if (!std::isnan(v)) ++counts[buckets_.Find(v)];
    }
    for (int64_t i = 0; i < size; ++i) total[i] += counts[i];
    std::copy_n(total, size, accumulated->mutable_data<int64_t>());
    return absl::OkStatus();
  }

 private:
  const Buckets buckets_;
  Tensor total_;  // of all runs; made in the first one
};

DOPPIO_REGISTER_CPU_OPERATOR(AccumulateHistogram, AccumulateHistogramOp<CPUContext>);
DOPPIO_SHOULD_NOT_DO_GRADIENT(AccumulateHistogram);

}  // namespace
}  // namespace doppio
