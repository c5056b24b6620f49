// The doppio half of `tools/bench-peers segments`: an operator of a net, run once for every line on
// standard input, answering with the nanoseconds it took, so that a peer can run in between.
//
//   bench_peer_segments FOLDER sum|gradient THREADS
//
// FOLDER has indices.npy, lengths.npy and dy.npy, and gets output.npy of the first run. The table
// has 1,000,000 rows of as many columns as dy, and element i of it is i % 251.

#include <cstdlib>
#include <cstring>
#include <iostream>
#include <string>

#include "bench/answer_lines.h"
#include "doppio/net_builder.h"
#include "doppio/parallel.h"
#include "doppio/tensor_io.h"
#include "doppio/workspace.h"

namespace {

constexpr int64_t kTableRows = 1000000;

absl::Status Serve(char** argv) {
  const std::string folder = argv[1];
  const bool sum = std::strcmp(argv[2], "sum") == 0;
  doppio::SetNumThreads(std::atoi(argv[3]));
  doppio::Workspace workspace;
  int64_t columns = 0;
  for (const char* name : {"indices", "lengths", "dy"}) {
    DOPPIO_ASSIGN_OR_RETURN(doppio::Tensor tensor,
                            doppio::LoadTensor(absl::StrCat(folder, "/", name, ".npy"), ""));
    columns = tensor.dim(tensor.rank() - 1);
    DOPPIO_RETURN_IF_ERROR(workspace.Feed(name, std::move(tensor)));
  }
  DOPPIO_ASSIGN_OR_RETURN(doppio::Tensor table,
                          doppio::Tensor::Create(doppio::DataType::kFloat, {kTableRows, columns}));
  float* elements = table.mutable_data<float>();
  for (int64_t i = 0; i < table.numel(); ++i) elements[i] = static_cast<float>(i % 251);
  DOPPIO_RETURN_IF_ERROR(workspace.Feed("table", std::move(table)));
  doppio::NetBuilder builder("segments");
  if (sum) {
    builder.Op("SparseLengthsSum", {"table", "indices", "lengths"}, {"output"});
  } else {
    builder.Op("SparseLengthsIndicesInGradientSumGradient", {"dy", "lengths", "indices"},
               {"output"});
  }
  DOPPIO_ASSIGN_OR_RETURN(doppio::Net * net, workspace.CreateNet(builder.def()));
  DOPPIO_RETURN_IF_ERROR(net->Run());
  DOPPIO_ASSIGN_OR_RETURN(const doppio::Tensor output, workspace.Fetch("output"));
  DOPPIO_RETURN_IF_ERROR(doppio::SaveTensor(output, folder + "/output.npy", "output"));
  return doppio::AnswerLines([&] { return net->Run(); });
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 4) {
    std::cerr << "bench_peer_segments: three arguments: folder, operation, threads\n";
    return 2;
  }
  const absl::Status status = Serve(argv);
  if (!status.ok()) std::cerr << "bench_peer_segments: " << status << "\n";
  return status.ok() ? 0 : 1;
}
