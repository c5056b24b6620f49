#include "doppio/gradient_maker.h"
#include "doppio/registry.h"
#include "ops/sparse/shards.h"
#include "src/kernel/indices.h"
#include "src/operator/element_copy.h"
#include "src/operator/lengths_input.h"

namespace doppio {
namespace {

// [keys] and the dimensions of a row, which all shards have.
absl::StatusOr<Dims> GatheredDims(DimsView keys, DimsView first_shard) {
  DOPPIO_RETURN_IF_ERROR(CheckIsVector(keys, "keys"));
  DOPPIO_RETURN_IF_ERROR(CheckNotScalar(first_shard, "the values of shard 0"));
  Dims dims(first_shard.begin(), first_shard.end());
  dims[0] = keys[0];
  DOPPIO_RETURN_IF_ERROR(NumElements(dims).status());
  return dims;
}

DOPPIO_OPERATOR_SCHEMA(GatherByKey)
    .NumInputs(2, OpSchema::kMany)
    .NumOutputs(1)
    .Doc(R"DOC(
Puts together again what Partition has dealt out to shards: the row for each key is the next one of the
shard key mod shards.

Its gradient is a Partition, which takes a dense gradient alone: rows of a sparse one do not belong to the
keys one by one, as Caffe2 takes them to.

Example: keys [3,4,6,9] with the shards [2,3] and [1,4] give [1,2,3,4].
)DOC")
    .Arg<int>("pack_first_input", "for the gradient, a Partition: 1: it packs its keys", 0)
    .Input(0, "keys", "vector of int32 or int64: the keys that were partitioned")
    .Input(1, "sharded_values",
           "tensor of any type: a row for each key of shard 0; more may follow")
    .Output(0, "values", "tensor of the shards' type: a row for each key")
    .Flops([](const OperatorDef&, const auto&, const auto&) { return int64_t{0}; })
    .TensorInference([](InferenceContext* context) -> absl::Status {
      DOPPIO_ASSIGN_OR_RETURN(Dims dims, GatheredDims(context->dims(0), context->dims(1)));
      context->SetOutput(0, context->dtype(1), dims);
      return absl::OkStatus();
    });

template <class Context>
class GatherByKeyOp final : public Operator<Context> {
 public:
  DOPPIO_USE_OPERATOR_FUNCTIONS;
  explicit GatherByKeyOp(OperatorInit* init) : Operator<Context>(init) {}

  absl::Status RunOnDevice() override {
    const Tensor& keys = Input(0);
    const Tensor& first = Input(1);
    DOPPIO_ASSIGN_OR_RETURN(const Dims dims, GatheredDims(keys.dims(), first.dims()));
    const int64_t block = SizeFromDim(first.dims(), 1);
    const int64_t shards = InputSize() - 1;
    return DispatchType(IndexTypes(), keys.dtype(), [&](auto tag) -> absl::Status {
      const auto key = keys.span<typename decltype(tag)::type>();
      next_.assign(static_cast<size_t>(shards), 0);
      for (auto k : key) ++next_[static_cast<size_t>(ShardOf(k, shards))];
      DOPPIO_RETURN_IF_ERROR(CheckShards());
      DOPPIO_ASSIGN_OR_RETURN(Tensor * output, Output(0, first.dtype(), dims));
      copies_.clear();
      for (int i = 1; i < InputSize(); ++i) copies_.emplace_back(Input(i), output);
      next_.assign(static_cast<size_t>(shards), 0);
      int64_t to = 0;
      for (auto k : key) {
        const auto shard = static_cast<size_t>(ShardOf(k, shards));
        copies_[shard](next_[shard], to, block);
        next_[shard] += block;
        to += block;
      }
      return absl::OkStatus();
    });
  }

 private:
  // next_ holds the number of keys of each shard.
  absl::Status CheckShards() {
    const Tensor& first = Input(1);
    for (int i = 1; i < InputSize(); ++i) {
      const Tensor& values = Input(i);
      if (values.dtype() != first.dtype() || values.rank() != first.rank() ||
          values.dims().subspan(1) != first.dims().subspan(1)) {
        return absl::InvalidArgumentError(
            absl::StrCat("the values of shard ", i - 1, " ", DescribeInput(i),
                         " must have the type and the rows of shard 0 ", DescribeInput(1)));
      }
      const int64_t keys = next_[static_cast<size_t>(i - 1)];
      if (values.dim(0) != keys) {
        return absl::InvalidArgumentError(absl::StrCat("shard ", i - 1, " has ", keys,
                                                       " keys, but its values ", DescribeInput(i),
                                                       " have ", values.dim(0), " rows"));
      }
    }
    return absl::OkStatus();
  }

  std::vector<int64_t> next_;
  std::vector<ElementCopy> copies_;
};

class GetGatherByKeyGradient final : public GradientMakerBase {
  using GradientMakerBase::GradientMakerBase;
  std::vector<OperatorDef> GetGradientDefs() override {
    ArgumentReader reader(Def(), OpSchemaRegistry::Schema(Def().type()));
    const int packs = reader.GetSingleArgument<int>("pack_first_input");
    Fail(reader.status());
    std::vector<std::string> outputs;
    for (int i = 1; i < InputSize(); ++i) {
      outputs.push_back("_" + GI(i) + "_keys");
      outputs.push_back(GI(i));
    }
    return SingleGradientDef("Partition", "", {I(0), GO(0)}, outputs,
                             {MakeArgument<int>("pack_first_input", packs)});
  }
};

DOPPIO_REGISTER_CPU_OPERATOR(GatherByKey, GatherByKeyOp<CPUContext>);
DOPPIO_REGISTER_GRADIENT(GatherByKey, GetGatherByKeyGradient);

}  // namespace
}  // namespace doppio
