#include "doppio/gradient_maker.h"
#include "doppio/parallel.h"
#include "doppio/registry.h"
#include "src/kernel/indices.h"
#include "src/operator/weight_input.h"

namespace doppio {
namespace {

absl::Status CheckInputCount(int count) {
  if (count % 2 == 1) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat(
      "the inputs are X_0, weight_0, INDICES and then pairs of slices and their weight, but there "
      "are ",
      count));
}

DOPPIO_OPERATOR_SCHEMA(ScatterWeightedSum)
    .NumInputs(5, OpSchema::kMany)
    .NumOutputs(1)
    .EnforceInplace({{0, 0}})
    .Doc(R"DOC(
Updates rows of X_0 in place: for every k, X_0[INDICES[k]] becomes weight_0 X_0[INDICES[k]] + weight_1
X_1[k] + weight_2 X_2[k] + .... This is how a sparse gradient is applied to a table.

An index that stands there twice is updated twice, so the row is then multiplied by weight_0 twice
too (which does not matter where weight_0 is 1). Only the number of elements of X_1, X_2, ... counts,
not their shape.
)DOC")
    .Input(0, "X_0", "tensor of float or double, at least a vector: the table")
    .Input(1, "weight_0", "one float, or one number of X_0's type")
    .Input(2, "INDICES", "tensor of int32 or int64: rows of X_0")
    .Input(3, "X_1", "tensor of X_0's type with a row of X_0 for every index")
    .Input(4, "weight_1", "one float, or one number of X_0's type; further pairs may follow")
    .Output(0, "X_0", "the first input")
    .Flops([](const OperatorDef&, const std::vector<TensorInfo>& inputs, const auto&) {
      int64_t flops = SizeFromDim(*inputs[3].dims, 0);
      for (size_t i = 3; i < inputs.size(); i += 2) flops += 2 * SizeFromDim(*inputs[i].dims, 0);
      return flops;
    })
    .TensorInference([](InferenceContext* context) {
      context->SetOutput(0, context->dtype(0), context->dims(0));
      return CheckInputCount(context->InputSize());
    });

template <class Context>
class ScatterWeightedSumOp final : public Operator<Context> {
 public:
  DOPPIO_USE_OPERATOR_FUNCTIONS;
  explicit ScatterWeightedSumOp(OperatorInit* init) : Operator<Context>(init) {
    init->Fail(CheckInputCount(InputSize()));
    for (int i = 1; i < InputSize(); ++i) {
      if (IsInplace(i, 0)) {
        init->Fail(absl::InvalidArgumentError(
            absl::StrCat("input ", i, " is X_0 too, which changes while it is read")));
      }
    }
  }

  absl::Status RunOnDevice() override {
    const Tensor& x = Input(0);
    const Tensor& indices = Input(2);
    if (x.rank() == 0) {
      return absl::InvalidArgumentError(
          absl::StrCat("X_0 must be at least a vector, but is ", DescribeInput(0)));
    }
    const int64_t block = SizeFromDim(x.dims(), 1);
    DOPPIO_RETURN_IF_ERROR(CheckOthers(block));
    return DispatchType(TypeList<float, double>(), x.dtype(), [&](auto tag) {
      return DispatchType(IndexTypes(), indices.dtype(), [&](auto index_tag) -> absl::Status {
        using T = typename decltype(tag)::type;
        const auto index = indices.span<typename decltype(index_tag)::type>();
        DOPPIO_RETURN_IF_ERROR(CheckIndices(index, 0, x.dim(0)));
        DOPPIO_ASSIGN_OR_RETURN(Tensor * table, Output(0, x.dtype(), x.dims()));
        Update(index, block, table->mutable_data<T>());
        return absl::OkStatus();
      });
    });
  }

 private:
  absl::Status CheckOthers(int64_t block) {
    const Tensor& x = Input(0);
    const int64_t rows = Input(2).numel();
    for (int i = 1; i < InputSize(); ++i) {
      if (i == 2) continue;
      const bool is_weight = i == 1 || i % 2 == 0;
      if (is_weight) {
        if (IsWeight(Input(i), x.dtype())) continue;
        return absl::InvalidArgumentError(
            absl::StrCat("input ", i, " ", DescribeInput(i),
                         " must be a weight: one float, or one number of X_0's type"));
      }
      DOPPIO_ASSIGN_OR_RETURN(const int64_t wanted, CheckedProduct(rows, block));
      if (Input(i).dtype() != x.dtype() || Input(i).numel() != wanted) {
        return absl::InvalidArgumentError(
            absl::StrCat("input ", i, " ", DescribeInput(i), " must have X_0's type and ", wanted,
                         " elements: a row for each of ", DescribeInput(2)));
      }
    }
    return absl::OkStatus();
  }

  // Rows one after the other, since an index may stand there twice; threads share out the columns.
  template <typename Index, typename T>
  void Update(absl::Span<const Index> index, int64_t block, T* table) {
    constexpr int64_t kGrain = 1 << 15;
    const int64_t rows = static_cast<int64_t>(index.size());
    const T w0 = WeightOf<T>(Input(1));
    ParallelFor(block, kGrain / std::max<int64_t>(rows, 1) + 16, [&](int64_t begin, int64_t end) {
      if (w0 != 1) {
        for (int64_t k = 0; k < rows; ++k) {
          T* row = table + index[k] * block;
          for (int64_t j = begin; j < end; ++j) row[j] *= w0;
        }
      }
      for (int i = 3; i < InputSize(); i += 2) {
        const T* x = Input(i).template data<T>();
        const T w = WeightOf<T>(Input(i + 1));
        for (int64_t k = 0; k < rows; ++k) {
          T* row = table + index[k] * block;
          for (int64_t j = begin; j < end; ++j) row[j] += w * x[k * block + j];
        }
      }
    });
  }
};

DOPPIO_REGISTER_CPU_OPERATOR(ScatterWeightedSum, ScatterWeightedSumOp<CPUContext>);
DOPPIO_SHOULD_NOT_DO_GRADIENT(ScatterWeightedSum);

}  // namespace
}  // namespace doppio
