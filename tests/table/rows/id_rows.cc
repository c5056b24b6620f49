// Rows of the operators that put numbers into buckets, hash ids, merge them or deal them out.

#include <algorithm>
#include <cmath>
#include <set>

#include "doppio/shape.h"
#include "tests/table/op_table.h"

namespace doppio {
namespace {

// In ascending order; halves, which elements are equal to now and then.
std::vector<float> Boundaries(CaseMaker& c, int64_t count) {
  std::vector<float> boundaries;
  for (int64_t i = 0; i < count; ++i) {
    boundaries.push_back(static_cast<float>(c.Int(-4, 4)) / 2);
  }
  std::sort(boundaries.begin(), boundaries.end());
  return boundaries;
}

Tensor Halves(CaseMaker& c, DimsView dims) {
  return Generate(DataType::kFloat, dims,
                  [&](const Dims&) { return static_cast<double>(c.Int(-10, 10)) / 4; });
}

DOPPIO_OP_ROW(Bucketize)
    .Case([](CaseMaker& c) {
      c.Input("X", Halves(c, c.Shape()));
      c.Arg("boundaries", Boundaries(c, c.Int(1, 6)));
      c.Output("Y");
    })
    .Reference([](const OpCase& c) -> std::vector<Tensor> {
      const std::vector<float> boundaries = c.Args<float>("boundaries");
      return {Generate(DataType::kInt32, c.in(0).dims(), [&](const Dims& i) {
        double bucket = 0;
        for (float boundary : boundaries) bucket += At(c.in(0), i) > boundary ? 1 : 0;
        return bucket;
      })};
    });

DOPPIO_OP_ROW(BatchBucketize)
    .Case([](CaseMaker& c) {
      const Dims feature = c.Shape(2, 2);
      const int64_t count = feature[1] == 0 ? 0 : c.Size();
      std::vector<int32_t> lengths;
      std::vector<float> boundaries;
      for (int64_t j = 0; j < count; ++j) {
        const std::vector<float> more = Boundaries(c, c.Int(0, 4));
        lengths.push_back(static_cast<int32_t>(more.size()));
        boundaries.insert(boundaries.end(), more.begin(), more.end());
      }
      c.Input("FEATURE", Halves(c, feature));
      c.Input("INDICES",
              c.Random(DataType::kInt32, {count}, 0, static_cast<double>(feature[1] - 1)));
      c.Input("BOUNDARIES", c.Vector<float>(boundaries));
      c.Input("LENGTHS", c.Vector<int32_t>(lengths));
      c.Output("Y");
    })
    .Reference([](const OpCase& c) -> std::vector<Tensor> {
      const Tensor& lengths = c.in(3);
      std::vector<int64_t> starts = {0};
      for (int64_t j = 0; j < lengths.numel(); ++j) {
        starts.push_back(starts.back() + IntegerAt(lengths, j));
      }
      const Dims dims = {c.in(0).dim(0), c.in(1).numel()};
      return {Generate(DataType::kInt32, dims, [&](const Dims& i) {
        const double x = At(c.in(0), {i[0], IntegerAt(c.in(1), i[1])});
        double bucket = 0;
        for (int64_t k = 0; k < IntegerAt(lengths, i[1]); ++k) {
          bucket += x > ElementAsDouble(c.in(2), starts[static_cast<size_t>(i[1])] + k) ? 1 : 0;
        }
        return bucket;
      })};
    })
    .NeverScalar("FEATURE is a matrix");

DOPPIO_OP_ROW(IndexHash)
    .Case([](CaseMaker& c) {
      c.Input("X", c.Random(c.IndexType(), c.Shape(), -1e6, 2e9));
      c.Arg("modulo", c.Int(1, 1000000));
      if (c.Chance()) c.Arg("seed", c.Int(-10, 1000000));
      c.Output("Y");
    })
    .Reference([](const OpCase& c) -> std::vector<Tensor> {
      const Tensor& x = c.in(0);
      const bool is_wide = x.dtype() == DataType::kInt64;
      const int64_t modulo = c.Arg<int64_t>("modulo");
      return {Generate(x.dtype(), x.dims(), [&](const Dims& i) {
        const auto id = static_cast<uint64_t>(static_cast<int64_t>(At(x, i)));
        uint64_t hash = static_cast<uint64_t>(c.Arg<int64_t>("seed")) * 0xDEADBEEF;
        for (int byte = 0; byte < (is_wide ? 8 : 4); ++byte) {
          const int64_t low = static_cast<int64_t>(id >> (8 * byte) & 0xFF);
          hash = hash * 65537 + static_cast<uint64_t>(low < 128 ? low : low - 256);
        }
        const int64_t rest =
            (is_wide ? static_cast<int64_t>(hash) : static_cast<int32_t>(hash)) % modulo;
        return static_cast<double>((rest + modulo) % modulo);
      })};
    });

DOPPIO_OP_ROW(MergeIdLists)
    .Case([](CaseMaker& c) {
      const DataType type = c.IndexType();
      const int64_t examples = c.Size();
      const int64_t lists = c.Int(1, 3);
      for (int64_t i = 0; i < lists; ++i) {
        const Tensor lengths = c.Random(DataType::kInt32, {examples}, 0, 5);
        int64_t sum = 0;
        for (int64_t k = 0; k < examples; ++k) sum += IntegerAt(lengths, k);
        c.Input(absl::StrCat("lengths", i), lengths);
        c.Input(absl::StrCat("values", i), c.Random(type, {sum}, -3, 9));
      }
      c.Output("merged_lengths");
      c.Output("merged_values");
    })
    .Reference([](const OpCase& c) -> std::vector<Tensor> {
      std::vector<int64_t> next(static_cast<size_t>(c.def.input_size()), 0);
      std::vector<int32_t> lengths;
      std::vector<int64_t> values;
      for (int64_t k = 0; k < c.in(0).numel(); ++k) {
        std::set<int64_t> ids;
        for (int i = 0; i < c.def.input_size(); i += 2) {
          for (int64_t n = 0; n < IntegerAt(c.in(i), k); ++n) {
            ids.insert(IntegerAt(c.in(i + 1), next[static_cast<size_t>(i)]++));
          }
        }
        lengths.push_back(static_cast<int32_t>(ids.size()));
        values.insert(values.end(), ids.begin(), ids.end());
      }
      const auto count = static_cast<int64_t>(values.size());
      return {*Tensor::FromSpan<int32_t>(c.in(0).dims(), lengths),
              *ConvertTensor(*Tensor::FromSpan<int64_t>({count}, values), c.in(1).dtype())};
    })
    .NeverScalar("lengths are a vector")
    .InferenceOpen("how many ids are left depends on them");

double ShardOf(double key, double shards) { return key - shards * std::floor(key / shards); }

// The places of the keys of each shard, in their order.
std::vector<std::vector<int64_t>> Shards(const Tensor& keys, int64_t shards) {
  std::vector<std::vector<int64_t>> places(static_cast<size_t>(shards));
  for (int64_t k = 0; k < keys.numel(); ++k) {
    const double shard = ShardOf(ElementAsDouble(keys, k), static_cast<double>(shards));
    places[static_cast<size_t>(shard)].push_back(k);
  }
  return places;
}

// Inputs besides the keys, and all the outputs.
void RestOfPartition(CaseMaker& c, const Dims& keys) {
  const int64_t more = c.Int(0, 2);
  for (int64_t i = 0; i < more; ++i) {
    Dims dims = keys;
    if (c.Chance()) dims.push_back(c.Int(0, 3));
    c.Input(absl::StrCat("X", i),
            c.Random(c.OneOf({DataType::kFloat, DataType::kInt8, DataType::kString}), dims));
  }
  if (c.Chance()) c.Arg("pack_first_input", 1);
  const int64_t outputs = c.Int(1, 4) * c.def().input_size();
  for (int64_t i = 0; i < outputs; ++i) c.Output(absl::StrCat("Y", i));
}

// The parts of the keys, which are input `keys`, and of the inputs behind it.
std::vector<Tensor> Parts(const OpCase& c, int keys, const std::vector<int64_t>& places,
                          int64_t shards) {
  std::vector<Tensor> parts;
  for (int i = keys; i < c.def.input_size(); ++i) {
    Dims dims = {static_cast<int64_t>(places.size())};
    dims.insert(dims.end(), c.in(i).dims().begin() + c.in(keys).rank(), c.in(i).dims().end());
    const int64_t block = SizeFromDim(dims, 1);
    parts.push_back(Pick(c.in(i), dims, [&](const Dims& index) {
      return places[static_cast<size_t>(index[0])] * block + FlatIndex(dims, index) % block;
    }));
  }
  if (c.Arg<bool>("pack_first_input")) {
    const Tensor& whole = parts[0];
    parts[0] = Generate(whole.dtype(), whole.dims(), [&](const Dims& i) {
      return std::floor(At(whole, i) / static_cast<double>(shards));
    });
  }
  return parts;
}

DOPPIO_OP_ROW(Partition)
    .Case([](CaseMaker& c) {
      const Dims keys = c.Shape(1, 2);
      c.Input("keys", c.Random(c.IndexType(), keys, -20, 20));
      RestOfPartition(c, keys);
    })
    .Reference([](const OpCase& c) {
      const int64_t shards = c.def.output_size() / c.def.input_size();
      std::vector<Tensor> outputs;
      for (const std::vector<int64_t>& places : Shards(c.in(0), shards)) {
        for (const Tensor& part : Parts(c, 0, places, shards)) outputs.push_back(part);
      }
      return outputs;
    })
    .NeverScalar("keys are at least a vector");

DOPPIO_OP_ROW(LengthsPartition)
    .Case([](CaseMaker& c) {
      const Tensor lengths = c.Random(DataType::kInt32, c.Shape(1, 1), 0, 4);
      int64_t sum = 0;
      for (int64_t k = 0; k < lengths.numel(); ++k) sum += IntegerAt(lengths, k);
      c.Input("lengths", lengths);
      c.Input("keys", c.Random(c.IndexType(), {sum}, -20, 20));
      RestOfPartition(c, {sum});
    })
    .Reference([](const OpCase& c) {
      const int64_t shards = c.def.output_size() / c.def.input_size();
      std::vector<int64_t> examples;
      for (int64_t i = 0; i < c.in(0).numel(); ++i) {
        examples.insert(examples.end(), static_cast<size_t>(IntegerAt(c.in(0), i)), i);
      }
      std::vector<Tensor> outputs;
      for (const std::vector<int64_t>& places : Shards(c.in(1), shards)) {
        std::vector<int32_t> lengths(static_cast<size_t>(c.in(0).numel()), 0);
        for (int64_t k : places) ++lengths[static_cast<size_t>(examples[static_cast<size_t>(k)])];
        outputs.push_back(*Tensor::FromSpan<int32_t>(c.in(0).dims(), lengths));
        for (const Tensor& part : Parts(c, 1, places, shards)) outputs.push_back(part);
      }
      return outputs;
    })
    .NeverScalar("lengths are a vector");

DOPPIO_OP_ROW(GatherByKey)
    .Case([](CaseMaker& c) {
      const DataType type =
          c.ValueType({DataType::kFloat, DataType::kDouble, DataType::kInt64, DataType::kString});
      const Tensor keys = c.Random(c.IndexType(), c.Shape(1, 1), -20, 20);
      const int64_t shards = c.Int(1, 3);
      Dims dims = {0};
      if (c.Chance()) dims.push_back(c.Int(0, 3));
      c.Input("keys", keys);
      for (const std::vector<int64_t>& places : Shards(keys, shards)) {
        dims[0] = static_cast<int64_t>(places.size());
        c.Input(absl::StrCat("X", c.def().input_size()), c.Random(type, dims));
      }
      if (c.Chance()) c.Arg("pack_first_input", 1);
      c.Output("Y");
    })
    .Reference([](const OpCase& c) -> std::vector<Tensor> {
      const Tensor& keys = c.in(0);
      Dims dims(c.in(1).dims().begin(), c.in(1).dims().end());
      dims[0] = keys.numel();
      const int64_t block = SizeFromDim(dims, 1);
      Tensor output = *Tensor::Create(c.in(1).dtype(), dims);
      const auto shards = Shards(keys, c.def.input_size() - 1);
      const absl::Status status = DispatchType(AllTypes(), output.dtype(), [&](auto tag) {
        using T = typename decltype(tag)::type;
        for (size_t s = 0; s < shards.size(); ++s) {
          const T* from = c.in(static_cast<int>(s) + 1).template data<T>();
          for (int64_t k : shards[s]) {
            for (int64_t j = 0; j < block; ++j) {
              output.mutable_data<T>()[k * block + j] = *from++;
            }
          }
        }
        return absl::OkStatus();
      });
      EXPECT_TRUE(status.ok()) << status;
      return {output};
    })
    .NeverScalar("keys are a vector")
    .Differentiable({1, 2, 3});

// Of nothing or all, so that two runs are alike; the operators' tests have the rest.
void MakeReplacingDropout(CaseMaker& c) {
  const Tensor lengths = c.Random(DataType::kInt32, c.Shape(1, 1), 0, 4);
  int64_t sum = 0;
  for (int64_t k = 0; k < lengths.numel(); ++k) sum += IntegerAt(lengths, k);
  c.Input("X", c.Random(DataType::kInt64, {sum}, 1, 100));
  c.Input("lengths", lengths);
  if (c.Chance()) c.Arg("ratio", c.Chance() ? 1.0f : 0.0f);
  if (c.Chance()) c.Arg("replacement_value", -1);
  c.Output("Y");
  c.Output("output_lengths");
}

DOPPIO_OP_ROW(SparseItemwiseDropoutWithReplacement)
    .Case(MakeReplacingDropout)
    .Reference([](const OpCase& c) -> std::vector<Tensor> {
      if (c.Arg<float>("ratio") == 0) return {c.in(0), c.in(1)};
      const double replacement = c.Arg<int>("replacement_value");
      return {Generate(DataType::kInt64, c.in(0).dims(), [&](const Dims&) { return replacement; }),
              c.in(1)};
    })
    .NeverScalar("ids are a vector");

DOPPIO_OP_ROW(SparseDropoutWithReplacement)
    .Case(MakeReplacingDropout)
    .Reference([](const OpCase& c) -> std::vector<Tensor> {
      if (c.Arg<float>("ratio") == 0) return {c.in(0), c.in(1)};
      const double replacement = c.Arg<int>("replacement_value");
      return {Generate(DataType::kInt64, c.in(1).dims(), [&](const Dims&) { return replacement; }),
              Generate(DataType::kInt32, c.in(1).dims(), [&](const Dims&) { return 1.0; })};
    })
    .NeverScalar("ids are a vector")
    .InferenceOpen("which examples are replaced is random");

}  // namespace
}  // namespace doppio
