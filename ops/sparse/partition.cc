// Partition and LengthsPartition.

#include <algorithm>

#include "doppio/gradient_maker.h"
#include "doppio/registry.h"
#include "ops/sparse/shards.h"
#include "src/kernel/indices.h"
#include "src/operator/element_copy.h"
#include "src/operator/lengths_input.h"

namespace doppio {
namespace {

absl::Status CheckOutputCount(int inputs, int outputs) {
  if (inputs > 0 && outputs % inputs == 0) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat("there must be an output of each input for every shard, but there are ", inputs,
                   " inputs and ", outputs, " outputs"));
}

// Whether the shape of an input begins with that of the keys, which have a dimension at least.
absl::Status CheckPrefix(DimsView keys, DimsView input, int number) {
  DOPPIO_RETURN_IF_ERROR(CheckNotScalar(keys, "the keys"));
  if (input.size() >= keys.size() && input.subspan(0, keys.size()) == keys) {
    return absl::OkStatus();
  }
  return absl::InvalidArgumentError(absl::StrCat("input ", number, " ", ShapeToString(input),
                                                 " must begin with the shape of the keys ",
                                                 ShapeToString(keys)));
}

// [count] and the dimensions that the input has more than the keys.
Dims PartDims(int64_t count, DimsView keys, DimsView input) {
  Dims dims = {count};
  dims.insert(dims.end(), input.begin() + static_cast<std::ptrdiff_t>(keys.size()), input.end());
  return dims;
}

template <typename Key>
void CountShards(absl::Span<const Key> keys, int64_t shards, std::vector<int64_t>* counts) {
  counts->assign(static_cast<size_t>(shards), 0);
  for (Key key : keys) ++(*counts)[static_cast<size_t>(ShardOf(key, shards))];
}

// `with_lengths`: input 0 are lengths, and the keys are input 1.
OpSchema::InferenceFunction InferParts(bool with_lengths) {
  return [=](InferenceContext* context) -> absl::Status {
    const int inputs = context->InputSize();
    DOPPIO_RETURN_IF_ERROR(CheckOutputCount(inputs, context->OutputSize()));
    const int shards = context->OutputSize() / inputs;
    const int first = with_lengths ? 1 : 0;
    const DimsView keys = context->dims(first);
    for (int i = first; i < inputs; ++i) {
      DOPPIO_RETURN_IF_ERROR(CheckPrefix(keys, context->dims(i), i));
    }
    if (with_lengths) {
      DOPPIO_RETURN_IF_ERROR(
          CheckVector<int32_t>(context->dtype(0), context->dims(0), "the lengths"));
      for (int s = 0; s < shards; ++s) {
        context->SetOutput(s * inputs, DataType::kInt32, context->dims(0));
      }
    }
    const Tensor* values = context->value(first);
    if (values == nullptr) return absl::OkStatus();
    return DispatchType(IndexTypes(), values->dtype(), [&](auto tag) {
      std::vector<int64_t> counts;
      CountShards(values->span<typename decltype(tag)::type>(), shards, &counts);
      for (int s = 0; s < shards; ++s) {
        for (int i = first; i < inputs; ++i) {
          context->SetOutput(s * inputs + i, context->dtype(i),
                             PartDims(counts[static_cast<size_t>(s)], keys, context->dims(i)));
        }
      }
      return absl::OkStatus();
    });
  };
}

void StatePartition(OpSchema& schema) {
  schema.Arg<int>("pack_first_input", "1: the keys are divided by the number of shards", 0)
      .Flops([](const OperatorDef&, const auto&, const auto&) { return int64_t{0}; });
}

DOPPIO_OPERATOR_SCHEMA(Partition)
    .NumInputs(1, OpSchema::kMany)
    .NumOutputs(1, OpSchema::kMany)
    .FillUsing(StatePartition)
    .Doc(R"DOC(
Deals keys out to shards, and with them what the other inputs have for each: a key belongs to the shard
key mod shards, where everything stays in its order. There are as many shards as outputs for each input,
in the order X_0 of shard 0, X_1 of shard 0, ..., X_0 of shard 1, .... With pack_first_input the keys
are divided by the number of shards, rounded down.

Example: X_0 [3,4,6,9] and X_1 [1,2,3,4] with four outputs give [4,6], [2,3], [3,9] and [1,4].
)DOC")
    .Input(0, "X_0", "tensor of int32 or int64, at least a vector: the keys")
    .Input(1, "X_1", "tensor of any type, whose shape begins with that of X_0; more may follow")
    .Output(0, "X_0_part_0", "vector of X_0's type; one for every input and shard")
    .TensorInference(InferParts(false));

DOPPIO_OPERATOR_SCHEMA(LengthsPartition)
    .NumInputs(2, OpSchema::kMany)
    .NumOutputs(2, OpSchema::kMany)
    .FillUsing(StatePartition)
    .Doc(R"DOC(
Partition of keys of which each example has several: the first input are lengths, and those of a shard
say how many of its keys each example has.

Example: lengths [2,1] and keys [3,4,5] with four outputs give [1,0], [4], [1,1] and [3,5].
)DOC")
    .Input(0, "lengths", "vector of int32, which sum to the number of keys")
    .Input(1, "keys", "vector of int32 or int64; more inputs with a row for each key may follow")
    .Output(0, "lengths_part_0", "vector of int32")
    .Output(1, "keys_part_0", "vector of keys' type; one for every input and shard")
    .TensorInference(InferParts(true));

template <class Context, bool kWithLengths>
class PartitionOp final : public Operator<Context> {
 public:
  DOPPIO_USE_OPERATOR_FUNCTIONS;
  explicit PartitionOp(OperatorInit* init)
      : Operator<Context>(init),
        packs_keys_(init->GetSingleArgument<int>("pack_first_input") != 0) {
    init->Fail(CheckOutputCount(InputSize(), OutputSize()));
  }

  absl::Status RunOnDevice() override {
    const Tensor& keys = Input(kKeys);
    for (int i = kKeys; i < InputSize(); ++i) {
      DOPPIO_RETURN_IF_ERROR(CheckPrefix(keys.dims(), Input(i).dims(), i));
    }
    return DispatchType(IndexTypes(), keys.dtype(), [&](auto tag) -> absl::Status {
      using Key = typename decltype(tag)::type;
      if (kWithLengths) DOPPIO_RETURN_IF_ERROR(PartLengths(keys.span<Key>()));
      SortByShard(keys.span<Key>());
      DOPPIO_RETURN_IF_ERROR(PartKeys<Key>());
      for (int i = kKeys + 1; i < InputSize(); ++i) DOPPIO_RETURN_IF_ERROR(PartRows(i));
      return absl::OkStatus();
    });
  }

 private:
  static constexpr int kKeys = kWithLengths ? 1 : 0;

  int64_t Shards() const { return OutputSize() / InputSize(); }

  template <typename Key>
  absl::Status PartLengths(absl::Span<const Key> keys) {
    DOPPIO_RETURN_IF_ERROR(CheckIsVector(Input(1).dims(), "the keys"));
    DOPPIO_RETURN_IF_ERROR(CheckVector<int32_t>(Input(0), "the lengths"));
    const auto lengths = Input(0).template span<int32_t>();
    DOPPIO_RETURN_IF_ERROR(
        CheckLengths(lengths, "lengths", static_cast<int64_t>(keys.size()), "keys"));
    parts_.clear();
    for (int64_t shard = 0; shard < Shards(); ++shard) {
      DOPPIO_ASSIGN_OR_RETURN(Tensor * output, Output(static_cast<int>(shard) * InputSize(),
                                                      DataType::kInt32, Input(0).dims()));
      parts_.push_back(output->template mutable_data<int32_t>());
      std::fill_n(parts_.back(), output->numel(), 0);
    }
    size_t k = 0;
    for (size_t example = 0; example < lengths.size(); ++example) {
      for (const size_t end = k + static_cast<size_t>(lengths[example]); k < end; ++k) {
        ++parts_[static_cast<size_t>(ShardOf(keys[k], Shards()))][example];
      }
    }
    return absl::OkStatus();
  }

  template <typename Key>
  void SortByShard(absl::Span<const Key> keys) {
    CountShards(keys, Shards(), &counts_);
    ends_.assign(counts_.size(), 0);
    for (size_t shard = 1; shard < counts_.size(); ++shard) {
      ends_[shard] = ends_[shard - 1] + counts_[shard - 1];
    }
    order_.resize(keys.size());
    for (size_t k = 0; k < keys.size(); ++k) {
      int64_t& end = ends_[static_cast<size_t>(ShardOf(keys[k], Shards()))];
      order_[static_cast<size_t>(end++)] = static_cast<int64_t>(k);
    }
  }

  // What the shard gets, by the places in the inputs.
  absl::Span<const int64_t> PlacesOf(int64_t shard) const {
    const auto i = static_cast<size_t>(shard);
    return absl::MakeConstSpan(order_).subspan(static_cast<size_t>(ends_[i] - counts_[i]),
                                               static_cast<size_t>(counts_[i]));
  }

  absl::StatusOr<Tensor*> Part(int64_t shard, int input) {
    return Output(
        static_cast<int>(shard) * InputSize() + input, Input(input).dtype(),
        PartDims(counts_[static_cast<size_t>(shard)], Input(kKeys).dims(), Input(input).dims()));
  }

  template <typename Key>
  absl::Status PartKeys() {
    const Key* keys = Input(kKeys).template data<Key>();
    for (int64_t shard = 0; shard < Shards(); ++shard) {
      DOPPIO_ASSIGN_OR_RETURN(Tensor * output, Part(shard, kKeys));
      Key* out = output->template mutable_data<Key>();
      for (int64_t k : PlacesOf(shard)) {
        *out++ = packs_keys_ ? static_cast<Key>(KeyInShard(keys[k], Shards())) : keys[k];
      }
    }
    return absl::OkStatus();
  }

  absl::Status PartRows(int input) {
    const int64_t block = SizeFromDim(Input(input).dims(), Input(kKeys).rank());
    for (int64_t shard = 0; shard < Shards(); ++shard) {
      DOPPIO_ASSIGN_OR_RETURN(Tensor * output, Part(shard, input));
      const ElementCopy copy(Input(input), output);
      int64_t to = 0;
      for (int64_t k : PlacesOf(shard)) {
        copy(k * block, to, block);
        to += block;
      }
    }
    return absl::OkStatus();
  }

  const bool packs_keys_;
  std::vector<int32_t*> parts_;  // the lengths of each shard
  std::vector<int64_t> counts_;  // the keys of each shard
  std::vector<int64_t> ends_;    // of the shards in order_
  std::vector<int64_t> order_;   // the places of the keys, one shard's behind the other's
};

DOPPIO_REGISTER_CPU_OPERATOR(Partition, PartitionOp<CPUContext, false>);
DOPPIO_REGISTER_CPU_OPERATOR(LengthsPartition, PartitionOp<CPUContext, true>);
DOPPIO_GRADIENT_NOT_IMPLEMENTED_YET(Partition);
DOPPIO_GRADIENT_NOT_IMPLEMENTED_YET(LengthsPartition);

}  // namespace
}  // namespace doppio
