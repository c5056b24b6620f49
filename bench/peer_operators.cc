// The doppio half of `tools/bench-peers pools`: a net of some operators, run once for every line on
// standard input, answering with the nanoseconds it took, so that a peer can run in between.
//
//   bench_peer_operators FOLDER THREADS
//
// FOLDER has net.pb and, for each external input of the net, a file INPUT.npy; it gets OUTPUT.npy
// for each external output of the first run.

#include <cstdlib>
#include <iostream>
#include <string>

#include "bench/answer_lines.h"
#include "doppio/parallel.h"
#include "doppio/proto_io.h"
#include "doppio/tensor_io.h"
#include "doppio/workspace.h"

namespace {

absl::Status Serve(const std::string& folder, int threads) {
  const auto file = [&](const std::string& name) {
    return absl::StrCat(folder, "/", name, ".npy");
  };
  doppio::SetNumThreads(threads);
  DOPPIO_ASSIGN_OR_RETURN(const doppio::NetDef def, doppio::LoadNet(folder + "/net.pb"));
  doppio::Workspace workspace;
  for (const std::string& name : def.external_input()) {
    DOPPIO_RETURN_IF_ERROR(workspace.Feed(name, doppio::LoadTensor(file(name), "")));
  }
  DOPPIO_ASSIGN_OR_RETURN(doppio::Net * net, workspace.CreateNet(def));
  DOPPIO_RETURN_IF_ERROR(net->Run());
  for (const std::string& name : def.external_output()) {
    DOPPIO_ASSIGN_OR_RETURN(const doppio::Tensor output, workspace.Fetch(name));
    DOPPIO_RETURN_IF_ERROR(doppio::SaveTensor(output, file(name), name));
  }
  return doppio::AnswerLines([&] { return net->Run(); });
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) {
    std::cerr << "bench_peer_operators: two arguments: folder, threads\n";
    return 2;
  }
  const absl::Status status = Serve(argv[1], std::atoi(argv[2]));
  if (!status.ok()) std::cerr << "bench_peer_operators: " << status << "\n";
  return status.ok() ? 0 : 1;
}
