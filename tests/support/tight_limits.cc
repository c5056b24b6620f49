#include "tests/support/tight_limits.h"

#include <unistd.h>

#include <atomic>
#include <fstream>

#include "doppio/allocator.h"
#include "doppio/dtype.h"
#include "doppio/interrupt.h"
#include "doppio/parallel.h"

namespace doppio {
namespace {

constexpr size_t kMemory = size_t{8} << 20;  // of a tensor
constexpr int kMostOperators = 1000;
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
// A sanitizer reserves more than there is (and has max_allocation_size_mb).
constexpr bool kMayLimitProcess = false;
#else
constexpr bool kMayLimitProcess = true;
#endif

class SmallAllocator final : public Allocator {
 public:
  void* Allocate(size_t bytes) override {
    return bytes <= kMemory ? usual_->Allocate(bytes) : nullptr;
  }
  void Free(void* pointer, size_t bytes) override { usual_->Free(pointer, bytes); }

 private:
  Allocator* usual_ = GetAllocator();
};

// Loops whose condition stays true end.
std::atomic<int> operators_left{0};
bool HasRunEnough() { return operators_left.fetch_sub(1, std::memory_order_relaxed) <= 0; }

}  // namespace

TightLimits::TightLimits() : threads_before_(NumThreads()) {
  getrlimit(RLIMIT_AS, &memory_before_);
  if (kMayLimitProcess) {
    rlimit limit = memory_before_;
    size_t pages = 0;
    std::ifstream("/proc/self/statm") >> pages;
    limit.rlim_cur = pages * static_cast<size_t>(getpagesize()) + (size_t{2} << 30);
    setrlimit(RLIMIT_AS, &limit);
  }
  static SmallAllocator& small = *new SmallAllocator;
  SetNumThreads(1);
  SetAllocator(&small);
  AllowOperators(kMostOperators);
  SetInterruptPoll(HasRunEnough);
}

TightLimits::~TightLimits() {
  SetInterruptPoll(nullptr);
  SetAllocator(nullptr);
  SetNumThreads(threads_before_);
  if (kMayLimitProcess) setrlimit(RLIMIT_AS, &memory_before_);
}

void TightLimits::AllowOperators(int count) { operators_left = count; }

void Touch(const Tensor& tensor) {
  if (tensor.dtype() == DataType::kUndefined || tensor.Is<std::string>()) return;
  const auto* bytes = static_cast<const volatile unsigned char*>(tensor.raw_data());
  const size_t count = static_cast<size_t>(tensor.numel()) * DataTypeSize(tensor.dtype());
  for (size_t i = 0; i < count; ++i) (void)bytes[i];
}

}  // namespace doppio
