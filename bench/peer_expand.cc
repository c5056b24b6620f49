// The doppio half of `tools/bench-peers expand`: prepares one case and runs it once for every line
// on standard input, answering with the nanoseconds it took, so that a peer can run in between.
//
//   bench_peer_expand expand|gradient float|double|int32|int64|float16|uint8 THREADS X_DIMS Y_DIMS
//
// with shapes as 4096,1; there is no gradient of uint8.

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <iostream>
#include <string>
#include <type_traits>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_split.h"
#include "bench/answer_lines.h"
#include "doppio/dtype.h"
#include "doppio/parallel.h"
#include "doppio/tensor.h"
#include "src/kernel/broadcast.h"
#include "src/kernel/fill.h"
#include "src/kernel/reduce.h"

namespace {

int Fail(const std::string& message) {
  std::cerr << "bench_peer_expand: " << message << "\n";
  return 2;
}

std::vector<int64_t> ParseShape(const std::string& text) {
  std::vector<int64_t> shape;
  for (const auto& size : absl::StrSplit(text, ',', absl::SkipEmpty())) {
    shape.push_back(std::strtoll(std::string(size).c_str(), nullptr, 10));
  }
  return shape;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 6) return Fail("five arguments: operation, type, threads, x dims, y dims");
  const bool expand = std::strcmp(argv[1], "expand") == 0;
  const absl::StatusOr<doppio::DataType> dtype = doppio::DataTypeFromName(argv[2]);
  if (!dtype.ok()) return Fail(dtype.status().ToString());
  doppio::SetNumThreads(std::atoi(argv[3]));
  const std::vector<int64_t> x_dims = ParseShape(argv[4]);
  const std::vector<int64_t> y_dims = ParseShape(argv[5]);
  absl::StatusOr<doppio::Tensor> x = doppio::Tensor::Create(*dtype, x_dims);
  absl::StatusOr<doppio::Tensor> y = doppio::Tensor::Create(*dtype, y_dims);
  if (!x.ok()) return Fail(x.status().ToString());
  if (!y.ok()) return Fail(y.status().ToString());

  doppio::CPUContext context;
  using Types = doppio::TypeList<float, double, int32_t, int64_t, doppio::float16, uint8_t>;
  const absl::Status status = doppio::DispatchType(Types(), *dtype, [&](auto tag) -> absl::Status {
    using T = typename decltype(tag)::type;
    constexpr bool kHasSums = !std::is_same_v<T, uint8_t>;
    if (!expand && !kHasSums) return absl::InvalidArgumentError("there is no such gradient");
    T* x_data = x->template mutable_data<T>();
    T* y_data = y->template mutable_data<T>();
    doppio::Fill(T(1), x_data, x->numel(), &context);
    doppio::Fill(T(1), y_data, y->numel(), &context);
    return doppio::AnswerLines([&] {
      if (expand) {
        doppio::Broadcast(sizeof(T), x_data, x_dims, y_data, y_dims, &context);
      } else if constexpr (kHasSums) {
        (void)doppio::ReduceSumTo<T>(y_data, y_dims, x_data, x_dims, &context);
      }
      return absl::OkStatus();
    });
  });
  return status.ok() ? 0 : Fail(status.ToString());
}
