#include <algorithm>
#include <limits>

#include "doppio/parallel.h"
#include "ops/elementwise/unary.h"
#include "src/kernel/broadcast.h"
#include "src/kernel/elementwise_binary.h"

namespace doppio {
namespace {

using SumIntTypes = TypeList<int32_t, int64_t>;

void State(OpSchema* schema, const char* types) {
  schema->NumInputs(1, OpSchema::kMany)
      .NumOutputs(1)
      .AllowInplace({{0, 0}})
      .TakesPhantomsWhere([](const OperatorDef&, int) { return true; })
      .Input(0, "X0", absl::StrCat("tensor of ", types, "; the others have its type and shape"))
      .Output(0, "Y", "tensor of the same type and shape")
      .Flops([](const OperatorDef&, const std::vector<TensorInfo>& inputs, const auto&) {
        const int64_t additions = static_cast<int64_t>(inputs.size()) - 1;
        return CheckedProduct(additions, SizeFromDim(*inputs[0].dims, 0))
            .value_or(std::numeric_limits<int64_t>::max());
      })
      .TensorInference([](InferenceContext* context) -> absl::Status {
        for (int i = 1; i < context->InputSize(); ++i) {
          if (context->dtype(i) != context->dtype(0) || context->dims(i) != context->dims(0)) {
            return absl::InvalidArgumentError(
                absl::StrCat("input ", i, " is ", DataTypeName(context->dtype(i)),
                             ShapeToString(context->dims(i)), ", but input 0 is ",
                             DataTypeName(context->dtype(0)), ShapeToString(context->dims(0))));
          }
        }
        context->SetOutput(0, context->dtype(0), context->dims(0));
        return absl::OkStatus();
      });
}

DOPPIO_OPERATOR_SCHEMA(Sum)
    .FillUsing([](OpSchema& schema) { State(&schema, kArithmetic); })
    .Doc("The sum of tensors of one shape: Y = X0 + X1 + ..., added in this order.");

DOPPIO_OPERATOR_SCHEMA(SumInt)
    .FillUsing([](OpSchema& schema) { State(&schema, "int32 or int64"); })
    .Doc(
        "The sum of tensors of integers of one shape: Y = X0 + X1 + ...; sums wrap.\n\nExample: "
        "[1,2], [3,4] and [5,6] give [9,12].");

template <class Context, class Types>
class SumOp final : public Operator<Context> {
 public:
  DOPPIO_USE_OPERATOR_FUNCTIONS;
  using Operand = typename Operator<Context>::Operand;
  explicit SumOp(OperatorInit* init) : Operator<Context>(init) {}

  absl::Status RunOnDevice() override {
    const auto x = InputOperand(0);
    const DataType type = x.elements.dtype();
    bool is_repeated = x.is_repeated();
    for (int i = 1; i < InputSize(); ++i) {
      const auto term = InputOperand(i);
      is_repeated = is_repeated || term.is_repeated();
      if (term.elements.dtype() != type || term.dims != x.dims) {
        return absl::InvalidArgumentError(absl::StrCat("input ", i, " ", DescribeInput(i),
                                                       " has not the type and shape of input 0 ",
                                                       DescribeInput(0)));
      }
    }
    return DispatchType(Types(), type, [&](auto tag) -> absl::Status {
      using T = typename decltype(tag)::type;
      if (is_repeated) return SumRepeated<T>(x.dims);
      DOPPIO_ASSIGN_OR_RETURN(Tensor * y, Output(0, type, x.dims));
      absl::InlinedVector<const T*, 16> terms;
      for (int i = 0; i < InputSize(); ++i) terms.push_back(Input(i).template data<T>());
      SumOf<T>(terms, y->mutable_data<T>(), y->numel(), &context_);
      return absl::OkStatus();
    });
  }

 private:
  // Where some terms are phantoms: block by block, as SumOf does it.
  template <typename T>
  absl::Status SumRepeated(DimsView x_dims) {
    // Before the output, which may take the place of a term.
    const Dims dims(x_dims.begin(), x_dims.end());
    absl::InlinedVector<Operand, 16> operands;
    for (int i = 0; i < InputSize(); ++i) operands.push_back(InputOperand(i));
    DOPPIO_ASSIGN_OR_RETURN(Tensor * output, Output(0, DataTypeOf<T>::value, dims));
    absl::InlinedVector<BroadcastReader, 16> terms;
    for (const Operand& operand : operands) {
      terms.emplace_back(sizeof(T), operand.elements.raw_data(), operand.elements.dims(), dims);
    }
    constexpr int64_t kBlock = 1024;
    constexpr int64_t kGrain = 32 * kBlock;
    T* const y = output->mutable_data<T>();
    ParallelFor(output->numel(), kGrain, [&](int64_t begin, int64_t end) {
      T sum_room[kBlock];
      T term_room[kBlock];
      for (int64_t from = begin; from < end; from += kBlock) {
        const int64_t to = std::min(from + kBlock, end);
        const T* sum = static_cast<const T*>(terms[0].Read(from, to, sum_room));
        if (terms.size() == 1) std::copy_n(sum, to - from, y + from);
        for (size_t i = 1; i < terms.size(); ++i) {
          const T* const both[] = {sum, static_cast<const T*>(terms[i].Read(from, to, term_room))};
          T* const result = i + 1 == terms.size() ? y + from : sum_room;
          SumOf<T>(both, result, to - from, &context_);
          sum = result;
        }
      }
    });
    return absl::OkStatus();
  }
};

// dY is the gradient of every term: no operator is needed.
class GetSumGradient final : public GradientMakerBase {
  using GradientMakerBase::GradientMakerBase;
  std::vector<OperatorDef> GetGradientDefs() override {
    for (int i = 0; i < InputSize(); ++i) SetDense(i, GO(0));
    return {};
  }
};

DOPPIO_REGISTER_CPU_OPERATOR(Sum, SumOp<CPUContext, ArithmeticTypes>);
DOPPIO_REGISTER_CPU_OPERATOR(SumInt, SumOp<CPUContext, SumIntTypes>);
DOPPIO_REGISTER_GRADIENT(Sum, GetSumGradient);
DOPPIO_SHOULD_NOT_DO_GRADIENT(SumInt);

}  // namespace
}  // namespace doppio
