// SparseNormalize and Float16SparseNormalize.

#include <cmath>

#include "doppio/float16.h"
#include "doppio/gradient_maker.h"
#include "doppio/registry.h"
#include "src/kernel/indices.h"
#include "src/operator/lengths_input.h"

namespace doppio {
namespace {

template <typename T>
void StateNormalize(OpSchema& schema) {
  const absl::string_view type = DataTypeName(DataTypeOf<T>::value);
  schema.NumInputs(2, 3)
      .NumOutputs(1)
      .EnforceInplace({{0, 0}})
      .Doc(absl::StrCat("Gives rows of a table of ", type,
                        R"DOC( the length `norm`, in place.

Each row that an index names is multiplied by norm / (|row| + 1e-12), where |row| is the root of the sum
of its squares. With use_max_norm rows that are not longer than `norm` stay as they are. An index that
stands twice is done twice.

Example: param [[3,4],[6,8],[0,1]] and indices [1] with norm = 5 give [[3,4],[3,4],[0,1]].
)DOC"))
      .Arg<bool>("use_max_norm", "whether shorter rows stay as they are", true)
      .Arg<float>("norm", "the length; not negative", 1.0f)
      .Input(0, "param", absl::StrCat("tensor of ", type, ", at least a vector: the table"))
      .Input(1, "indices", "tensor of int32 or int64: rows of param")
      .Input(2, "grad", "not read; for old nets")
      .Output(0, "output_param", "the first input")
      .ShapeOnly({2})
      .Flops([](const OperatorDef&, const std::vector<TensorInfo>& inputs, const auto&) {
        const Dims& param = *inputs[0].dims;
        const int64_t block = param.empty() ? 0 : SizeFromDim(param, 1);
        return 3 * SizeFromDim(*inputs[1].dims, 0) * block;
      })
      .IdenticalTypeAndShape();
}

DOPPIO_OPERATOR_SCHEMA(SparseNormalize).FillUsing(StateNormalize<float>);
DOPPIO_OPERATOR_SCHEMA(Float16SparseNormalize).FillUsing(StateNormalize<float16>);

template <class Context, typename T>
class SparseNormalizeOp final : public Operator<Context> {
 public:
  DOPPIO_USE_OPERATOR_FUNCTIONS;
  explicit SparseNormalizeOp(OperatorInit* init)
      : Operator<Context>(init),
        is_most_(init->GetSingleArgument<bool>("use_max_norm")),
        norm_(init->GetSingleArgument<float>("norm")) {
    if (!(norm_ >= 0)) {
      init->Fail(absl::InvalidArgumentError(
          absl::StrCat("norm is ", norm_, ", but must not be negative")));
    }
    if (IsInplace(1, 0)) init->Fail(absl::InvalidArgumentError("param may not be indices too"));
  }

  absl::Status RunOnDevice() override {
    const Tensor& param = Input(0);
    const Tensor& indices = Input(1);
    if (!param.Is<T>()) {
      return absl::InvalidArgumentError(absl::StrCat(
          "param must be ", DataTypeName(DataTypeOf<T>::value), ", but is ", DescribeInput(0)));
    }
    DOPPIO_RETURN_IF_ERROR(CheckNotScalar(param.dims(), "param"));
    return DispatchType(IndexTypes(), indices.dtype(), [&](auto tag) -> absl::Status {
      const auto index = indices.span<typename decltype(tag)::type>();
      DOPPIO_RETURN_IF_ERROR(CheckIndices(index, 0, param.dim(0)));
      DOPPIO_ASSIGN_OR_RETURN(Tensor * output, Output(0, param.dtype(), param.dims()));
      const int64_t block = SizeFromDim(output->dims(), 1);
      T* table = output->template mutable_data<T>();
      for (auto row : index) Normalize(table + row * block, block);
      return absl::OkStatus();
    });
  }

 private:
  void Normalize(T* row, int64_t block) const {
    double sum = 0;
    for (int64_t j = 0; j < block; ++j) {
      const double x = static_cast<double>(static_cast<float>(row[j]));
      sum += x * x;
    }
    const double norm = std::sqrt(sum);
    if (is_most_ && norm <= double{norm_}) return;
    const float factor = static_cast<float>(double{norm_} / (norm + 1e-12));
    for (int64_t j = 0; j < block; ++j) {
      row[j] = static_cast<T>(static_cast<float>(row[j]) * factor);
    }
  }

  const bool is_most_;
  const float norm_;
};

DOPPIO_REGISTER_CPU_OPERATOR(SparseNormalize, SparseNormalizeOp<CPUContext, float>);
DOPPIO_REGISTER_CPU_OPERATOR(Float16SparseNormalize, SparseNormalizeOp<CPUContext, float16>);
DOPPIO_SHOULD_NOT_DO_GRADIENT(SparseNormalize);
DOPPIO_SHOULD_NOT_DO_GRADIENT(Float16SparseNormalize);

}  // namespace
}  // namespace doppio
