// Expand and ExpandGradient as operators of a net: everything a user waits for, on the shapes with
// which peers were measured. Bytes are those of the larger tensor, which is written in every run
// (phantoms are off). Its elements are not 0: of zeros some processors write more.

#include <benchmark/benchmark.h>

#include <cstdint>
#include <string>
#include <vector>

#include "doppio/net_builder.h"
#include "doppio/parallel.h"
#include "doppio/workspace.h"

namespace doppio {
namespace {

struct Case {
  std::vector<int64_t> x_dims;
  std::vector<int64_t> y_dims;
};

const Case kCases[] = {
    {{1, 4096}, {4096, 4096}},
    {{4096, 1}, {4096, 4096}},
    {{64, 1, 56, 56}, {64, 64, 56, 56}},
    {{1}, {16777216}},
    {{16, 1, 256, 1, 64}, {16, 8, 256, 8, 64}},
    {{1, 1, 1, 128}, {8, 16, 64, 128}},
    {{1, 8}, {8, 8}},
    {{3, 1}, {3, 4}},
};

absl::Status Prepare(Workspace* workspace, const Case& shapes, DataType dtype) {
  for (const auto& [name, dims] :
       {std::make_pair("X", shapes.x_dims), std::make_pair("dY", shapes.y_dims)}) {
    DOPPIO_ASSIGN_OR_RETURN(Tensor tensor, Tensor::Create(dtype, dims));
    std::fill_n(static_cast<char*>(tensor.raw_mutable_data()), tensor.bytes(), char{1});
    DOPPIO_RETURN_IF_ERROR(workspace->Feed(name, std::move(tensor)));
  }
  const std::vector<int64_t>& y_dims = shapes.y_dims;
  return workspace->Feed("shape", Tensor::FromSpan<int64_t>({static_cast<int64_t>(y_dims.size())},
                                                            absl::MakeConstSpan(y_dims)));
}

void Run(benchmark::State& state, const NetDef& def, const Case& shapes, DataType dtype,
         int threads) {
  const int threads_before = NumThreads();
  SetNumThreads(threads);
  Workspace workspace;
  absl::Status status = Prepare(&workspace, shapes, dtype);
  Net* net = nullptr;
  if (status.ok()) {
    absl::StatusOr<Net*> created = workspace.CreateNet(def);
    status = created.status();
    if (created.ok()) net = *created;
  }
  if (status.ok()) status = net->Run();  // allocates the output
  for (auto _ : state) {
    if (status.ok()) status = net->Run();
    if (!status.ok()) {
      state.SkipWithError(status.ToString().c_str());
      break;
    }
  }
  int64_t bytes = static_cast<int64_t>(DataTypeSize(dtype));
  for (int64_t size : shapes.y_dims) bytes *= size;
  state.SetBytesProcessed(state.iterations() * bytes);
  SetNumThreads(threads_before);
}

void Register() {
  NetBuilder expand("expand");
  *expand.mutable_def()->add_arg() = MakeArgument<int>("phantoms", 0);
  expand.Op("Expand", {"X", "shape"}, {"Y"});
  NetBuilder gradient("gradient");
  gradient.Op("ExpandGradient", {"dY", "X"}, {"dX"});
  for (int threads : {1, 2}) {
    for (DataType dtype : {DataType::kFloat, DataType::kInt64}) {
      for (const Case& shapes : kCases) {
        const std::string name =
            absl::StrCat(ShapeToString(shapes.x_dims), "->", ShapeToString(shapes.y_dims), "/",
                         DataTypeName(dtype), "/threads:", threads);
        for (const NetDef& def : {expand.def(), gradient.def()}) {
          benchmark::RegisterBenchmark(absl::StrCat(def.op(0).type(), "/", name).c_str(),
                                       [def, &shapes, dtype, threads](benchmark::State& state) {
                                         Run(state, def, shapes, dtype, threads);
                                       })
              ->UseRealTime();
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
