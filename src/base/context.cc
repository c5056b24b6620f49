#include "doppio/context.h"

#include <atomic>

#include "doppio/random_engine.h"

namespace doppio {

CPUContext::CPUContext() {
  // Operators without a seed must differ from each other, in one process and from run to run.
  static const uint32_t process_seed = std::random_device()();
  static std::atomic<uint32_t> next{0};
  constexpr uint32_t kGoldenRatio = 0x9e3779b9u;
  seed_ = process_seed + kGoldenRatio * next.fetch_add(1, std::memory_order_relaxed);
}

CPUContext::CPUContext(uint32_t seed) : seed_(seed) {}
CPUContext::~CPUContext() = default;
CPUContext::CPUContext(CPUContext&&) noexcept = default;
CPUContext& CPUContext::operator=(CPUContext&&) noexcept = default;

RandomEngine& CPUContext::RandomGenerator() {
  if (generator_ == nullptr) generator_ = std::make_unique<RandomEngine>(seed_);
  return *generator_;
}

}  // namespace doppio
