// The doppio half of `tools/bench-peers nets`: loads a net, answers once, and then runs once for
// every line on standard input, answering with the nanoseconds it took, so that a peer can run in
// between.
//
//   bench_peer_net INIT PREDICT INPUT.npy OUTPUT.npy THREADS optimize|plain

#include <cstdlib>
#include <cstring>
#include <iostream>
#include <string>

#include "bench/answer_lines.h"
#include "doppio/parallel.h"
#include "doppio/predictor.h"
#include "doppio/proto_io.h"
#include "doppio/tensor_io.h"

namespace {

absl::Status Serve(char** argv) {
  doppio::SetNumThreads(std::atoi(argv[5]));
  DOPPIO_ASSIGN_OR_RETURN(doppio::NetDef init, doppio::LoadNet(argv[1]));
  DOPPIO_ASSIGN_OR_RETURN(doppio::NetDef predict, doppio::LoadNet(argv[2]));
  DOPPIO_ASSIGN_OR_RETURN(const doppio::Tensor input, doppio::LoadTensor(argv[3], ""));
  doppio::PredictorOptions options;
  options.optimize = std::strcmp(argv[6], "optimize") == 0;
  DOPPIO_ASSIGN_OR_RETURN(const auto predictor,
                          doppio::Predictor::Create(std::move(init), std::move(predict), options));
  {
    DOPPIO_ASSIGN_OR_RETURN(const std::vector<doppio::Tensor> first, predictor->Run({input}));
    DOPPIO_RETURN_IF_ERROR(doppio::SaveTensor(first[0], argv[4], "output"));
  }
  return doppio::AnswerLines([&] { return predictor->Run({input}).status(); });
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 7) {
    std::cerr << "bench_peer_net: six arguments: init net, predict net, input, output, threads, "
                 "optimize or plain\n";
    return 2;
  }
  const absl::Status status = Serve(argv);
  if (!status.ok()) std::cerr << "bench_peer_net: " << status << "\n";
  return status.ok() ? 0 : 1;
}
