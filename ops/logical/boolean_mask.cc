#include <algorithm>
#include <cstring>

#include "doppio/gradient_maker.h"
#include "doppio/registry.h"
#include "ops/logical/mask.h"

namespace doppio {
namespace {

DOPPIO_OPERATOR_SCHEMA(BooleanMask)
    .NumInputs(2)
    .NumOutputs(1, 2)
    .Doc(R"DOC(
Keeps the rows of `data` for which `mask` is true, in their order.

Example: data = [1,2,3,4,5,6] and mask = [true,false,false,true,true,false] give masked_data =
[1,4,5] and masked_indices = [0,3,4].
)DOC")
    .Input(0, "data", "tensor of any type, at least a vector")
    .Input(1, "mask", "vector of bool, with an element for each row of `data`")
    .Output(0, "masked_data", "tensor of the type of `data`: the rows that are kept")
    .Output(1, "masked_indices", "vector of int64: which rows of `data` they are; may be left out")
    .Flops([](const OperatorDef&, const auto&, const auto&) { return int64_t{0}; });

DOPPIO_OPERATOR_SCHEMA(BooleanMaskGradient)
    .NumInputs(2)
    .NumOutputs(1)
    .Doc(
        "The gradient of BooleanMask: rows of dY go back to where they came from, all others are "
        "0.\n\nExample: mask = [true,false,true] and dY = [7,8] give dX = [7,0,8].\n\nCaffe2 takes "
        "vectors alone.")
    .Input(0, "mask", "BooleanMask's mask")
    .Input(1, "dY", "gradient of masked_data: as many rows as there are true elements in `mask`")
    .Output(0, "dX", "gradient of `data`, with a row for each element of `mask`")
    .Flops([](const OperatorDef&, const auto&, const auto&) { return int64_t{0}; })
    .TensorInference([](InferenceContext* context) -> absl::Status {
      DOPPIO_RETURN_IF_ERROR(CheckMask(context->dtype(0), context->dims(0)));
      if (context->dims(1).empty()) return absl::InvalidArgumentError("dY is a scalar");
      Dims dims(context->dims(1).begin(), context->dims(1).end());
      dims[0] = context->dims(0)[0];
      DOPPIO_RETURN_IF_ERROR(NumElements(dims).status());
      context->SetOutput(0, context->dtype(1), dims);
      return absl::OkStatus();
    });

// Calls f(first row, number of rows) for each run of true elements.
template <typename F>
void ForEachRun(absl::Span<const bool> mask, F f) {
  for (size_t i = 0; i < mask.size();) {
    if (!mask[i]) {
      ++i;
      continue;
    }
    const size_t first = i;
    while (i < mask.size() && mask[i]) ++i;
    f(static_cast<int64_t>(first), static_cast<int64_t>(i - first));
  }
}

template <class Context>
class BooleanMaskOp final : public Operator<Context> {
 public:
  DOPPIO_USE_OPERATOR_FUNCTIONS;
  explicit BooleanMaskOp(OperatorInit* init) : Operator<Context>(init) {}

  absl::Status RunOnDevice() override {
    const Tensor& data = Input(0);
    DOPPIO_RETURN_IF_ERROR(CheckMask(Input(1).dtype(), Input(1).dims()));
    if (data.rank() == 0 || data.dim(0) != Input(1).dim(0)) {
      return absl::InvalidArgumentError(absl::StrCat("the mask ", DescribeInput(1),
                                                     " must have an element for each row of ",
                                                     DescribeInput(0)));
    }
    const absl::Span<const bool> mask = Input(1).template span<bool>();
    Dims dims(data.dims().begin(), data.dims().end());
    dims[0] = CountTrue(mask);
    const int64_t row = SizeFromDim(data.dims(), 1);
    DOPPIO_ASSIGN_OR_RETURN(Tensor * masked, Output(0, data.dtype(), dims));
    if (data.Is<std::string>()) {
      CopyRuns(mask, data.data<std::string>(), row, masked->mutable_data<std::string>());
    } else {
      CopyBytes(mask, data.raw_data(), row * static_cast<int64_t>(DataTypeSize(data.dtype())),
                dims[0], masked->raw_mutable_data());
    }
    if (OutputSize() < 2) return absl::OkStatus();
    DOPPIO_ASSIGN_OR_RETURN(Tensor * indices, Output(1, DataType::kInt64, {dims[0]}));
    KeepElements(mask, dims[0], indices->mutable_data<int64_t>(),
                 [](size_t i) { return static_cast<int64_t>(i); });
    return absl::OkStatus();
  }

 private:
  // to = the element(i) whose mask is true, of which there are `count`. Single elements are written
  // without a branch that nobody could foretell: what is not kept is written over by the next.
  template <typename T, typename F>
  static void KeepElements(absl::Span<const bool> mask, int64_t count, T* to, F element) {
    const T* const end = to + count;
    for (size_t i = 0; to != end; ++i) {
      *to = element(i);
      to += mask[i] ? 1 : 0;
    }
  }

  static void CopyBytes(absl::Span<const bool> mask, const void* from, int64_t row_bytes,
                        int64_t count, void* to) {
    const auto keep = [&](auto zero) {
      using T = decltype(zero);
      const T* in = static_cast<const T*>(from);
      KeepElements(mask, count, static_cast<T*>(to), [in](size_t i) { return in[i]; });
    };
    switch (row_bytes) {
      case 1:
        return keep(uint8_t{0});
      case 2:
        return keep(uint16_t{0});
      case 4:
        return keep(uint32_t{0});
      case 8:
        return keep(uint64_t{0});
      default:
        CopyRuns(mask, static_cast<const char*>(from), row_bytes, static_cast<char*>(to));
    }
  }

  template <typename T>
  static void CopyRuns(absl::Span<const bool> mask, const T* from, int64_t row, T* to) {
    if (row == 0) return;
    ForEachRun(mask, [&](int64_t first, int64_t count) {
      to = std::copy_n(from + first * row, count * row, to);
    });
  }
};

template <class Context>
class BooleanMaskGradientOp final : public Operator<Context> {
 public:
  DOPPIO_USE_OPERATOR_FUNCTIONS;
  explicit BooleanMaskGradientOp(OperatorInit* init) : Operator<Context>(init) {}

  absl::Status RunOnDevice() override {
    const Tensor& dy = Input(1);
    DOPPIO_RETURN_IF_ERROR(CheckMask(Input(0).dtype(), Input(0).dims()));
    const absl::Span<const bool> mask = Input(0).template span<bool>();
    if (dy.rank() == 0 || dy.dim(0) != CountTrue(mask)) {
      return absl::InvalidArgumentError(absl::StrCat("dY ", DescribeInput(1), " must have ",
                                                     CountTrue(mask),
                                                     " rows, as many as the mask keeps"));
    }
    return DispatchType(AllNumericTypes(), dy.dtype(), [&](auto) -> absl::Status {
      Dims dims(dy.dims().begin(), dy.dims().end());
      dims[0] = static_cast<int64_t>(mask.size());
      DOPPIO_ASSIGN_OR_RETURN(Tensor * dx, Output(0, dy.dtype(), dims));
      const int64_t row = SizeFromDim(dims, 1) * static_cast<int64_t>(DataTypeSize(dy.dtype()));
      if (row == 0 || mask.empty()) return absl::OkStatus();
      const char* from = static_cast<const char*>(dy.raw_data());
      char* const to = static_cast<char*>(dx->raw_mutable_data());
      int64_t done = 0;  // rows of dX
      ForEachRun(mask, [&](int64_t first, int64_t count) {
        std::memset(to + done * row, 0, static_cast<size_t>((first - done) * row));
        std::memcpy(to + first * row, from, static_cast<size_t>(count * row));
        from += count * row;
        done = first + count;
      });
      std::memset(to + done * row, 0, static_cast<size_t>((dims[0] - done) * row));
      return absl::OkStatus();
    });
  }
};

class GetBooleanMaskGradient final : public GradientMakerBase {
  using GradientMakerBase::GradientMakerBase;
  std::vector<OperatorDef> GetGradientDefs() override {
    return SingleGradientDef("BooleanMaskGradient", "", {I(1), GO(0)}, {GI(0)});
  }
};

DOPPIO_REGISTER_CPU_OPERATOR(BooleanMask, BooleanMaskOp<CPUContext>);
DOPPIO_REGISTER_CPU_OPERATOR(BooleanMaskGradient, BooleanMaskGradientOp<CPUContext>);
DOPPIO_REGISTER_GRADIENT(BooleanMask, GetBooleanMaskGradient);

}  // namespace
}  // namespace doppio
