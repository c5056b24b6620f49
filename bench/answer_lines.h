#ifndef DOPPIO_BENCH_ANSWER_LINES_H_
#define DOPPIO_BENCH_ANSWER_LINES_H_

#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <iostream>
#include <string>

#include "absl/functional/function_ref.h"
#include "doppio/status.h"

namespace doppio {

// What a program does that is compared with a peer: says "ready", then runs once for every line on
// standard input, or as often as the line says, and answers with the nanoseconds that it took, so
// that the peer can run in between.
inline absl::Status AnswerLines(absl::FunctionRef<absl::Status()> run) {
  std::cout << "ready" << std::endl;
  for (std::string line; std::getline(std::cin, line);) {
    const int64_t runs = line.empty() ? 1 : std::atoll(line.c_str());
    const auto start = std::chrono::steady_clock::now();
    for (int64_t i = 0; i < runs; ++i) DOPPIO_RETURN_IF_ERROR(run());
    const std::chrono::nanoseconds taken = std::chrono::steady_clock::now() - start;
    std::cout << taken.count() << std::endl;
  }
  return absl::OkStatus();
}

}  // namespace doppio

#endif  // DOPPIO_BENCH_ANSWER_LINES_H_
