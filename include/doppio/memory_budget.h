#ifndef DOPPIO_MEMORY_BUDGET_H_
#define DOPPIO_MEMORY_BUDGET_H_

// Bounds the memory of one workspace, or of one request, where SetMemoryLimit (allocator.h) bounds
// that of the process.
//
//   workspace.SetMemoryBudget(MemoryBudget(256 << 20));
//   absl::Status status = workspace.RunNet("predict");  // ResourceExhausted where that is not
//   enough
//
// or
//
//   const MemoryScope scope(MemoryBudget(256 << 20, /*largest_tensor=*/64 << 20));
//   results = predictor->Run({image});
//
// A scope holds for whatever its thread allocates for tensors while it exists, and for the threads
// that run nets and plans for it; a workspace's budget for what its nets allocate while they are
// made and run. Storage belongs to the budget until it is freed, whoever holds it by then. What
// would be more than a budget has is refused before anything is allocated, as is a single tensor of
// more than `largest_tensor` bytes; the error names both, and the workspace is as usable as after
// any other. What does not count for the process (allocator.h) does not count here.
//
// Threads: a budget may be used by many at once, who have it together; a scope belongs to the
// thread that made it, and scopes end in the reverse of the order in which they began.

#include <cstdint>
#include <limits>
#include <memory>

namespace doppio {

namespace internal {
class MemoryAccount;
class RunScope;
}  // namespace internal

// Copies are the same budget.
class MemoryBudget {
 public:
  static constexpr int64_t kUnlimited = std::numeric_limits<int64_t>::max();

  // Sizes in bytes; below 0 is 0.
  explicit MemoryBudget(int64_t bytes, int64_t largest_tensor = kUnlimited);

  int64_t bytes() const;
  // What is held already stays, even where it is more. At any time.
  void set_bytes(int64_t bytes) const;
  int64_t largest_tensor() const;
  // What storage of this budget holds now, and held at most.
  int64_t live_bytes() const;
  int64_t peak_bytes() const;

  const std::shared_ptr<internal::MemoryAccount>& account() const { return account_; }

 private:
  std::shared_ptr<internal::MemoryAccount> account_;
};

// Scopes inside of others add to them: storage counts for all, and each may refuse.
class MemoryScope {
 public:
  explicit MemoryScope(MemoryBudget budget);
  ~MemoryScope();
  MemoryScope(const MemoryScope&) = delete;
  MemoryScope& operator=(const MemoryScope&) = delete;

 private:
  const MemoryBudget budget_;
  const std::unique_ptr<internal::RunScope> scope_;
};

}  // namespace doppio

#endif  // DOPPIO_MEMORY_BUDGET_H_
