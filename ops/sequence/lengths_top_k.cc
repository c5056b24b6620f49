#include <algorithm>

#include "doppio/gradient_maker.h"
#include "doppio/registry.h"
#include "src/kernel/top_k.h"
#include "src/operator/lengths_input.h"

namespace doppio {
namespace {

using LengthsTopKTypes = TypeList<float, double>;

int64_t ReadK(ArgumentReader* args) {
  const int64_t k = args->GetSingleArgument<int>("k");
  if (k < 1 && args->status().ok()) {
    args->Fail(absl::InvalidArgumentError(absl::StrCat("k is ", k, ", but must be at least 1")));
  }
  return k;
}

DOPPIO_OPERATOR_SCHEMA(LengthsTopK)
    .NumInputs(2)
    .NumOutputs(2)
    .Doc(R"DOC(
The k largest elements of each segment of a vector, largest first, and their places in the segment.
Segments lie one behind the other. Of equal elements the one that comes first is taken first; NaN is
larger than all else. Where a segment has fewer than k elements, values are padded with 0 and indices
with -1.

Example: DATA [1,3,2,5], LENGTHS [3,1] and k = 2 give TopKValue [[3,2],[5,0]] and TopKIndices
[[1,2],[0,-1]].
)DOC")
    .RequiredArg<int>("k", "how many elements of each segment are wanted")
    .Input(0, "DATA", "vector of float or double")
    .Input(1, "LENGTHS", "vector of int32, none negative, which sum to the size of DATA")
    .Output(0, "TopKValue", "matrix of DATA's type [segments, k]")
    .Output(1, "TopKIndices", "matrix of int32 [segments, k]")
    .TensorInference([](InferenceContext* context) -> absl::Status {
      const int64_t k = ReadK(context);
      DOPPIO_RETURN_IF_ERROR(context->status());
      DOPPIO_RETURN_IF_ERROR(CheckVector<int32_t>(context->dtype(1), context->dims(1), "LENGTHS"));
      const Dims dims = {context->dims(1)[0], k};
      DOPPIO_RETURN_IF_ERROR(NumElements(dims).status());
      context->SetOutput(0, context->dtype(0), dims);
      context->SetOutput(1, DataType::kInt32, dims);
      return absl::OkStatus();
    })
    .Flops([](const OperatorDef&, const std::vector<TensorInfo>& inputs, const auto&) {
      return NumElements(*inputs[0].dims).value_or(0);
    });

template <class Context>
class LengthsTopKOp final : public Operator<Context> {
 public:
  DOPPIO_USE_OPERATOR_FUNCTIONS;
  explicit LengthsTopKOp(OperatorInit* init) : Operator<Context>(init), k_(ReadK(init)) {}

  absl::Status RunOnDevice() override {
    const Tensor& data = Input(0);
    DOPPIO_RETURN_IF_ERROR(CheckIsVector(data.dims(), "DATA"));
    DOPPIO_RETURN_IF_ERROR(CheckVector<int32_t>(Input(1), "LENGTHS"));
    const auto lengths = Input(1).template span<int32_t>();
    DOPPIO_RETURN_IF_ERROR(CheckLengths(lengths, "LENGTHS", data.numel(), "DATA"));
    return DispatchType(LengthsTopKTypes(), data.dtype(), [&](auto tag) -> absl::Status {
      using T = typename decltype(tag)::type;
      const int64_t segments = Input(1).numel();
      DOPPIO_ASSIGN_OR_RETURN(Tensor * values, Output(0, data.dtype(), {segments, k_}));
      DOPPIO_ASSIGN_OR_RETURN(Tensor * indices, Output(1, DataType::kInt32, {segments, k_}));
      offsets_.assign(1, 0);
      for (int32_t length : lengths) offsets_.push_back(offsets_.back() + length);
      TopKOfRows<T, int32_t>(
          segments,
          [&](int64_t i) {
            const size_t at = static_cast<size_t>(i);
            return TopKRow<T, int32_t>{data.data<T>() + offsets_[at], lengths[at], k_,
                                       values->template mutable_data<T>() + i * k_,
                                       indices->template mutable_data<int32_t>() + i * k_};
          },
          &scratch_);
      return absl::OkStatus();
    });
  }

 private:
  const int64_t k_;
  std::vector<int64_t> offsets_;
  TopKScratch scratch_;
};

DOPPIO_OPERATOR_SCHEMA(LengthsTopKGradient)
    .NumInputs(3)
    .NumOutputs(1)
    .Doc(R"DOC(
The gradient of LengthsTopK: in each segment the gradients of the elements that were taken, and 0 at
all others.
)DOC")
    .RequiredArg<int>("k", "as for LengthsTopK")
    .Input(0, "LENGTHS", "input 1 of LengthsTopK")
    .Input(1, "TopKIndices", "output 1 of LengthsTopK")
    .Input(2, "dTopKValue", "float or double [segments, k]: the gradient of TopKValue")
    .Output(0, "dDATA", "vector of dTopKValue's type, as long as the sum of the lengths")
    .NeedsValue(0)
    .Flops([](const OperatorDef&, const auto&, const auto&) { return int64_t{0}; })
    .TensorInference([](InferenceContext* context) -> absl::Status {
      DOPPIO_RETURN_IF_ERROR(CheckVector<int32_t>(*context->value(0), "LENGTHS"));
      DOPPIO_ASSIGN_OR_RETURN(int64_t sum,
                              SumOfLengths(context->value(0)->span<int32_t>(), "LENGTHS"));
      context->SetOutput(0, context->dtype(2), {sum});
      return absl::OkStatus();
    });

template <class Context>
class LengthsTopKGradientOp final : public Operator<Context> {
 public:
  DOPPIO_USE_OPERATOR_FUNCTIONS;
  explicit LengthsTopKGradientOp(OperatorInit* init) : Operator<Context>(init), k_(ReadK(init)) {}

  absl::Status RunOnDevice() override {
    DOPPIO_RETURN_IF_ERROR(CheckVector<int32_t>(Input(0), "LENGTHS"));
    const auto lengths = Input(0).template span<int32_t>();
    DOPPIO_ASSIGN_OR_RETURN(int64_t sum, SumOfLengths(lengths, "LENGTHS"));
    const Tensor& indices = Input(1);
    const Tensor& dy = Input(2);
    DOPPIO_ASSIGN_OR_RETURN(int64_t count, CheckedProduct(Input(0).numel(), k_));
    if (!indices.Is<int32_t>() || indices.numel() != count || dy.numel() != count) {
      return absl::InvalidArgumentError(absl::StrCat(
          "TopKIndices ", DescribeInput(1), " must be int32, and both they and dTopKValue ",
          DescribeInput(2), " have k = ", k_, " elements for each of LENGTHS ", DescribeInput(0)));
    }
    const int32_t* index = indices.data<int32_t>();
    for (size_t i = 0; i < lengths.size(); ++i, index += k_) {
      for (int64_t j = 0; j < std::min<int64_t>(lengths[i], k_); ++j) {
        if (index[j] >= 0 && index[j] < lengths[i]) continue;
        return absl::InvalidArgumentError(absl::StrCat("TopKIndices[", i, ",", j, "] is ", index[j],
                                                       ", but must be in [0, ", lengths[i], ")"));
      }
    }
    return DispatchType(LengthsTopKTypes(), dy.dtype(), [&](auto tag) -> absl::Status {
      using T = typename decltype(tag)::type;
      DOPPIO_ASSIGN_OR_RETURN(Tensor * output, Output(0, dy.dtype(), {sum}));
      T* dx = output->template mutable_data<T>();
      std::fill_n(dx, sum, T(0));
      const T* values = Input(2).template data<T>();
      const int32_t* places = Input(1).template data<int32_t>();
      for (int32_t length : lengths) {
        for (int64_t j = 0; j < std::min<int64_t>(length, k_); ++j) dx[places[j]] = values[j];
        dx += length;
        values += k_;
        places += k_;
      }
      return absl::OkStatus();
    });
  }

 private:
  const int64_t k_;
};

class GetLengthsTopKGradient final : public GradientMakerBase {
  using GradientMakerBase::GradientMakerBase;
  std::vector<OperatorDef> GetGradientDefs() override {
    return SingleGradientDef("LengthsTopKGradient", "", {I(1), O(1), GO(0)}, {GI(0)});
  }
};

DOPPIO_REGISTER_CPU_OPERATOR(LengthsTopK, LengthsTopKOp<CPUContext>);
DOPPIO_REGISTER_CPU_OPERATOR(LengthsTopKGradient, LengthsTopKGradientOp<CPUContext>);
DOPPIO_REGISTER_GRADIENT(LengthsTopK, GetLengthsTopKGradient);

}  // namespace
}  // namespace doppio
