#ifndef DOPPIO_CONTEXT_H_
#define DOPPIO_CONTEXT_H_

#include <cstdint>
#include <memory>

namespace doppio {

// Devices by the numbers of DeviceTypeProto.
enum class DeviceType : int { kCpu = 0, kCuda = 1 };

class RandomEngine;

// What an operator on the CPU carries from run to run besides its arguments: a random generator,
// seeded when it is first used (with the seed of the device option, if that has one). Kernels are
// overloaded on the context. One thread at a time uses it; new ones are made on any.
class CPUContext {
 public:
  static constexpr DeviceType kDeviceType = DeviceType::kCpu;

  CPUContext();
  explicit CPUContext(uint32_t seed);
  ~CPUContext();
  CPUContext(CPUContext&&) noexcept;
  CPUContext& operator=(CPUContext&&) noexcept;

  RandomEngine& RandomGenerator();  // random_engine.h

 private:
  uint32_t seed_;
  std::unique_ptr<RandomEngine> generator_;
};

}  // namespace doppio

#endif  // DOPPIO_CONTEXT_H_
