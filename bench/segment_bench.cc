// Sums of embeddings and their gradients, as operators of a net: 100 bags of 50 rows of a table of
// 1,000,000 rows of 64. "same" reads the same rows again and again, which then stand in caches;
// "other" takes other rows every time. Bytes are those of the rows that are read or written.

#include <benchmark/benchmark.h>

#include <cstdint>
#include <random>
#include <string>
#include <vector>

#include "doppio/net_builder.h"
#include "doppio/parallel.h"
#include "doppio/workspace.h"

namespace doppio {
namespace {

constexpr int64_t kTableRows = 1000000;
constexpr int64_t kColumns = 64;
constexpr int64_t kBags = 100;
constexpr int64_t kBagRows = 50;
constexpr int64_t kRows = kBags * kBagRows;
constexpr int64_t kIndexSets = 64;

absl::StatusOr<Tensor> Zeros(DataType dtype, DimsView dims) {
  DOPPIO_ASSIGN_OR_RETURN(Tensor tensor, Tensor::Create(dtype, dims));
  std::fill_n(static_cast<char*>(tensor.raw_mutable_data()), tensor.bytes(), char{0});
  return tensor;
}

absl::StatusOr<Tensor> RandomRows(std::mt19937_64* generator, int64_t rows) {
  std::uniform_int_distribution<int64_t> row(0, rows - 1);
  std::vector<int64_t> indices(kRows);
  for (int64_t& index : indices) index = row(*generator);
  return Tensor::FromSpan<int64_t>({kRows}, absl::MakeConstSpan(indices));
}

absl::Status Prepare(Workspace* workspace, DataType dtype) {
  std::mt19937_64 generator(1);
  DOPPIO_RETURN_IF_ERROR(workspace->Feed("table", Zeros(dtype, {kTableRows, kColumns})));
  DOPPIO_RETURN_IF_ERROR(workspace->Feed("rows", Zeros(DataType::kFloat, {kRows, kColumns})));
  DOPPIO_RETURN_IF_ERROR(workspace->Feed("dY", Zeros(DataType::kFloat, {kBags, kColumns})));
  DOPPIO_RETURN_IF_ERROR(workspace->Feed("scalars", Zeros(DataType::kFloat, {kRows})));
  DOPPIO_RETURN_IF_ERROR(workspace->Feed("indices", RandomRows(&generator, kTableRows)));
  const std::vector<int32_t> lengths(kBags, kBagRows);
  DOPPIO_RETURN_IF_ERROR(
      workspace->Feed("lengths", Tensor::FromSpan<int32_t>({kBags}, absl::MakeConstSpan(lengths))));
  std::vector<int32_t> ids(kRows);
  for (int32_t& id : ids) id = static_cast<int32_t>(generator() % kBags);
  return workspace->Feed("ids", Tensor::FromSpan<int32_t>({kRows}, absl::MakeConstSpan(ids)));
}

void Run(benchmark::State& state, const NetDef& def, DataType dtype, bool other_rows, int threads) {
  const int threads_before = NumThreads();
  SetNumThreads(threads);
  Workspace workspace;
  absl::Status status = Prepare(&workspace, dtype);
  std::mt19937_64 generator(2);
  std::vector<Tensor> index_sets;
  for (int64_t i = 0; other_rows && status.ok() && i < kIndexSets; ++i) {
    absl::StatusOr<Tensor> indices = RandomRows(&generator, kTableRows);
    status = indices.status();
    if (status.ok()) index_sets.push_back(*std::move(indices));
  }
  Net* net = nullptr;
  if (status.ok()) {
    absl::StatusOr<Net*> created = workspace.CreateNet(def);
    status = created.status();
    if (created.ok()) net = *created;
  }
  if (status.ok()) status = net->Run();  // allocates the output
  size_t next = 0;
  for (auto _ : state) {
    if (!index_sets.empty() && status.ok()) {
      status = workspace.Feed("indices", index_sets[next++ % index_sets.size()]);
    }
    if (status.ok()) status = net->Run();
    if (!status.ok()) {
      state.SkipWithError(status.ToString().c_str());
      break;
    }
  }
  state.SetBytesProcessed(state.iterations() * kRows * kColumns *
                          static_cast<int64_t>(DataTypeSize(dtype)));
  SetNumThreads(threads_before);
}

void Register() {
  struct Case {
    const char* type;
    std::vector<std::string> inputs;
    bool gathers;
  };
  const std::vector<Case> cases = {
      {"SparseLengthsSum", {"table", "indices", "lengths"}, true},
      {"SparseLengthsWeightedSum", {"table", "scalars", "indices", "lengths"}, true},
      {"SparseLengthsIndicesInGradientSumGradient", {"dY", "lengths", "indices"}, false},
      {"LengthsSum", {"rows", "lengths"}, false},
      {"LengthsMax", {"rows", "lengths"}, false},
      {"UnsortedSegmentSum", {"rows", "ids"}, false},
  };
  for (int threads : {1, 2}) {
    for (const Case& c : cases) {
      for (DataType dtype : {DataType::kFloat, DataType::kFloat16}) {
        for (bool other_rows : {false, true}) {
          if (!c.gathers && (other_rows || dtype != DataType::kFloat)) continue;
          NetBuilder builder("segments");
          builder.Op(c.type, c.inputs, {"Y"});
          const std::string name =
              absl::StrCat(c.type, "/", DataTypeName(dtype), other_rows ? "/other" : "/same",
                           "/threads:", threads);
          benchmark::RegisterBenchmark(name.c_str(), [def = builder.def(), dtype, other_rows,
                                                      threads](benchmark::State& state) {
            Run(state, def, dtype, other_rows, threads);
          })->UseRealTime();
        }
      }
    }
  }
}

}  // namespace
}  // namespace doppio

int main(int argc, char** argv) {
  doppio::Register();
  benchmark::Initialize(&argc, argv);
  benchmark::RunSpecifiedBenchmarks();
  benchmark::Shutdown();
  return 0;
}
