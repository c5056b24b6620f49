// The limit of `tools/bench-peers elementwise`: reads and writes as many bytes as an operator would
// and computes nothing, once for every line on standard input.
//
//   bench_peer_traffic READ_BYTES WRITTEN_BYTES THREADS

#include <cstdint>
#include <cstdlib>
#include <iostream>
#include <vector>

#include "bench/answer_lines.h"
#include "doppio/parallel.h"
#include "doppio/tensor.h"
#include "src/kernel/bytes.h"

namespace {

constexpr int64_t kBlock = 4096;

absl::StatusOr<doppio::Tensor> Bytes(int64_t count) {
  DOPPIO_ASSIGN_OR_RETURN(doppio::Tensor bytes,
                          doppio::Tensor::Create(doppio::DataType::kUInt8, {count}));
  std::fill_n(bytes.mutable_data<uint8_t>(), count, uint8_t{1});
  return bytes;
}

// A sum of something of each cache line, which the compiler must compute.
uint64_t Read(const uint8_t* from, int64_t bytes) {
  uint64_t sum = 0;
  for (int64_t i = 0; i < bytes; i += 64) sum += from[i];
  return sum;
}

absl::Status Serve(int64_t read, int64_t written, int threads) {
  doppio::SetNumThreads(threads);
  const int64_t blocks = std::max<int64_t>(1, std::max(read, written) / kBlock);
  const int64_t in = read / blocks / 64 * 64;
  const int64_t out = written / blocks / 64 * 64;
  DOPPIO_ASSIGN_OR_RETURN(const doppio::Tensor from, Bytes(blocks * in));
  DOPPIO_ASSIGN_OR_RETURN(doppio::Tensor to, Bytes(blocks * out));
  const std::vector<uint8_t> block(static_cast<size_t>(kBlock) + 64, 1);
  const uint8_t* const x = from.data<uint8_t>();
  uint8_t* const y = to.mutable_data<uint8_t>();
  const doppio::Stores stores = doppio::StoresFor(written);
  return doppio::AnswerLines([&] {
    doppio::ParallelFor(blocks, 64, [&](int64_t begin, int64_t end) {
      volatile uint64_t sink = 0;
      for (int64_t i = begin; i < end; ++i) {
        sink = Read(x + i * in, in);
        doppio::CopyBytes(block.data(), y + i * out, out, stores);
      }
      static_cast<void>(sink);
      doppio::FlushStores(stores);
    });
    return absl::OkStatus();
  });
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 4) {
    std::cerr << "bench_peer_traffic: three arguments: bytes read, bytes written, threads\n";
    return 2;
  }
  const absl::Status status = Serve(std::atoll(argv[1]), std::atoll(argv[2]), std::atoi(argv[3]));
  if (!status.ok()) std::cerr << "bench_peer_traffic: " << status << "\n";
  return status.ok() ? 0 : 1;
}
