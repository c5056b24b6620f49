#include <algorithm>
#include <cstring>

#include "doppio/gradient_maker.h"
#include "doppio/registry.h"
#include "src/kernel/indices.h"

namespace doppio {
namespace {

DOPPIO_OPERATOR_SCHEMA(ScatterAssign)
    .NumInputs(3)
    .NumOutputs(1)
    .EnforceInplace({{0, 0}})
    .Doc(R"DOC(
Overwrites rows of DATA in place: DATA[INDICES[k]] = SLICES[k]. Where an index stands there twice, the
last one wins. Only the number of elements of SLICES counts, not their shape.
)DOC")
    .Input(0, "DATA", "tensor of any type, at least a vector")
    .Input(1, "INDICES", "tensor of int32 or int64: rows of DATA")
    .Input(2, "SLICES", "tensor of DATA's type with a row of DATA for every index")
    .Output(0, "DATA", "the first input")
    .Flops([](const OperatorDef&, const auto&, const auto&) { return int64_t{0}; })
    .IdenticalTypeAndShape();

template <class Context>
class ScatterAssignOp final : public Operator<Context> {
 public:
  DOPPIO_USE_OPERATOR_FUNCTIONS;
  explicit ScatterAssignOp(OperatorInit* init) : Operator<Context>(init) {
    if (IsInplace(1, 0) || IsInplace(2, 0)) {
      init->Fail(absl::InvalidArgumentError("DATA may not be INDICES or SLICES too"));
    }
  }

  absl::Status RunOnDevice() override {
    const Tensor& data = Input(0);
    const Tensor& indices = Input(1);
    const Tensor& slices = Input(2);
    if (data.rank() == 0) {
      return absl::InvalidArgumentError(
          absl::StrCat("DATA must be at least a vector, but is ", DescribeInput(0)));
    }
    const int64_t block = SizeFromDim(data.dims(), 1);
    DOPPIO_ASSIGN_OR_RETURN(int64_t wanted, CheckedProduct(indices.numel(), block));
    if (slices.dtype() != data.dtype() || slices.numel() != wanted) {
      return absl::InvalidArgumentError(absl::StrCat("SLICES ", DescribeInput(2),
                                                     " must have a row of DATA ", DescribeInput(0),
                                                     " for each of INDICES ", DescribeInput(1)));
    }
    return DispatchType(IndexTypes(), indices.dtype(), [&](auto tag) -> absl::Status {
      const auto index = indices.span<typename decltype(tag)::type>();
      DOPPIO_RETURN_IF_ERROR(CheckIndices(index, 0, data.dim(0)));
      DOPPIO_ASSIGN_OR_RETURN(Tensor * output, Output(0, data.dtype(), data.dims()));
      if (slices.numel() == 0) return absl::OkStatus();
      if (data.Is<std::string>()) {
        const std::string* in = slices.data<std::string>();
        std::string* out = output->mutable_data<std::string>();
        for (size_t k = 0; k < index.size(); ++k)
          std::copy_n(in + static_cast<int64_t>(k) * block, block, out + index[k] * block);
      } else {
        const int64_t bytes = block * static_cast<int64_t>(DataTypeSize(data.dtype()));
        const char* in = static_cast<const char*>(slices.raw_data());
        char* out = static_cast<char*>(output->raw_mutable_data());
        for (size_t k = 0; k < index.size(); ++k) {
          std::memcpy(out + index[k] * bytes, in + static_cast<int64_t>(k) * bytes,
                      static_cast<size_t>(bytes));
        }
      }
      return absl::OkStatus();
    });
  }
};

DOPPIO_REGISTER_CPU_OPERATOR(ScatterAssign, ScatterAssignOp<CPUContext>);
DOPPIO_SHOULD_NOT_DO_GRADIENT(ScatterAssign);

}  // namespace
}  // namespace doppio
