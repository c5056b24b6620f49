#include "doppio/gradient_maker.h"
#include "doppio/registry.h"
#include "src/kernel/indices.h"
#include "src/operator/element_copy.h"
#include "src/operator/lengths_input.h"

namespace doppio {
namespace {

DOPPIO_OPERATOR_SCHEMA(LengthsGather)
    .NumInputs(3)
    .NumOutputs(1)
    .Doc(R"DOC(
Picks segments of rows, which lie one behind the other in ITEMS, by their numbers.

Example: ITEMS [2,2,1,4,3,1], LENGTHS [1,3,0,2] and INDICES [0,3] give [2,3,1].
)DOC")
    .Input(0, "ITEMS", "tensor of any type, at least a vector")
    .Input(1, "LENGTHS", "vector of int32, none negative, which sum to the rows of ITEMS")
    .Input(2, "INDICES", "vector of int32 or int64: numbers of segments")
    .Output(0, "OUTPUT", "tensor of ITEMS' type: the rows of the segments that were picked")
    .Flops([](const OperatorDef&, const auto&, const auto&) { return int64_t{0}; })
    .NeedsValue(1)
    .NeedsValue(2)
    .TensorInference([](InferenceContext* context) -> absl::Status {
      DOPPIO_RETURN_IF_ERROR(CheckNotScalar(context->dims(0), "ITEMS"));
      DOPPIO_RETURN_IF_ERROR(CheckVector<int32_t>(*context->value(1), "LENGTHS"));
      const auto lengths = context->value(1)->span<int32_t>();
      DOPPIO_RETURN_IF_ERROR(CheckLengths(lengths, "LENGTHS", context->dims(0)[0], "ITEMS"));
      const Tensor& indices = *context->value(2);
      return DispatchType(IndexTypes(), indices.dtype(), [&](auto tag) -> absl::Status {
        const auto index = indices.span<typename decltype(tag)::type>();
        DOPPIO_RETURN_IF_ERROR(CheckIndices(index, 0, static_cast<int64_t>(lengths.size())));
        Dims dims(context->dims(0).begin(), context->dims(0).end());
        dims[0] = 0;
        for (auto i : index) dims[0] += lengths[static_cast<size_t>(i)];
        DOPPIO_RETURN_IF_ERROR(NumElements(dims).status());
        context->SetOutput(0, context->dtype(0), dims);
        return absl::OkStatus();
      });
    });

template <class Context>
class LengthsGatherOp final : public Operator<Context> {
 public:
  DOPPIO_USE_OPERATOR_FUNCTIONS;
  explicit LengthsGatherOp(OperatorInit* init) : Operator<Context>(init) {}

  absl::Status RunOnDevice() override {
    const Tensor& items = Input(0);
    const Tensor& indices = Input(2);
    DOPPIO_RETURN_IF_ERROR(CheckNotScalar(items.dims(), "ITEMS"));
    DOPPIO_RETURN_IF_ERROR(CheckVector<int32_t>(Input(1), "LENGTHS"));
    DOPPIO_RETURN_IF_ERROR(CheckIsVector(indices.dims(), "INDICES"));
    const auto lengths = Input(1).template span<int32_t>();
    DOPPIO_RETURN_IF_ERROR(CheckLengths(lengths, "LENGTHS", items.dim(0), "ITEMS"));
    offsets_.assign(1, 0);
    for (int32_t length : lengths) offsets_.push_back(offsets_.back() + length);
    return DispatchType(IndexTypes(), indices.dtype(), [&](auto tag) -> absl::Status {
      const auto index = indices.span<typename decltype(tag)::type>();
      DOPPIO_RETURN_IF_ERROR(CheckIndices(index, 0, static_cast<int64_t>(lengths.size())));
      Dims dims(items.dims().begin(), items.dims().end());
      dims[0] = 0;
      for (auto i : index) dims[0] += lengths[static_cast<size_t>(i)];
      DOPPIO_ASSIGN_OR_RETURN(Tensor * output, Output(0, items.dtype(), dims));
      const ElementCopy copy(items, output);
      const int64_t block = SizeFromDim(items.dims(), 1);
      int64_t to = 0;
      for (auto i : index) {
        const int64_t count = lengths[static_cast<size_t>(i)] * block;
        copy(offsets_[static_cast<size_t>(i)] * block, to, count);
        to += count;
      }
      return absl::OkStatus();
    });
  }

 private:
  std::vector<int64_t> offsets_;
};

DOPPIO_REGISTER_CPU_OPERATOR(LengthsGather, LengthsGatherOp<CPUContext>);
DOPPIO_SHOULD_NOT_DO_GRADIENT(LengthsGather);

}  // namespace
}  // namespace doppio
