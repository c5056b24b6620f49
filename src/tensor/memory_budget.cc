#include "doppio/memory_budget.h"

#include <algorithm>
#include <atomic>
#include <utility>

#include "src/base/run_scope.h"
#include "src/tensor/memory_account.h"

namespace doppio {
namespace {

// A scope of memory ends no run.
const std::atomic<bool> never_ended{false};

}  // namespace

MemoryBudget::MemoryBudget(int64_t bytes, int64_t largest_tensor)
    : account_(std::make_shared<internal::MemoryAccount>(std::max<int64_t>(bytes, 0),
                                                         std::max<int64_t>(largest_tensor, 0))) {}

int64_t MemoryBudget::bytes() const { return account_->limit(); }
void MemoryBudget::set_bytes(int64_t bytes) const {
  account_->set_limit(std::max<int64_t>(bytes, 0));
}
int64_t MemoryBudget::largest_tensor() const { return account_->largest(); }
int64_t MemoryBudget::live_bytes() const { return account_->live(); }
int64_t MemoryBudget::peak_bytes() const { return account_->peak(); }

MemoryScope::MemoryScope(MemoryBudget budget)
    : budget_(std::move(budget)),
      scope_(std::make_unique<internal::RunScope>(&never_ended, internal::kNoDeadline,
                                                  budget_.account().get())) {}

MemoryScope::~MemoryScope() = default;

}  // namespace doppio
