#include "doppio/allocator.h"

#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <utility>
#include <vector>

#include "src/base/huge_pages.h"
#include "src/base/run_scope.h"
#include "src/tensor/memory_account.h"
#include "src/tensor/storage.h"

namespace doppio {
namespace {

constexpr size_t kAlignment = 64;
constexpr size_t kHugePage = size_t{2} << 20;

size_t RoundUp(size_t bytes, size_t unit) { return (bytes + unit - 1) / unit * unit; }

class DefaultAllocator final : public Allocator {
 public:
  DefaultAllocator()
      : memory_(static_cast<size_t>(sysconf(_SC_PHYS_PAGES)) *
                static_cast<size_t>(sysconf(_SC_PAGE_SIZE))) {}

  void* Allocate(size_t bytes) override {
    if (bytes > memory_) return nullptr;
    bytes = std::max<size_t>(bytes, 1);
    if (bytes < kHugePage) return std::aligned_alloc(kAlignment, RoundUp(bytes, kAlignment));
    void* pointer = std::aligned_alloc(kHugePage, RoundUp(bytes, kHugePage));
    if (pointer != nullptr) AskForHugePages(pointer, RoundUp(bytes, kHugePage));
    return pointer;
  }

  void Free(void* pointer, size_t) override { std::free(pointer); }

 private:
  size_t memory_;
};

std::atomic<Allocator*> chosen_allocator{nullptr};
std::atomic<int64_t> allocations{0};

internal::ByteCount process;

absl::Status TooLarge(size_t bytes, absl::string_view why) {
  return absl::ResourceExhaustedError(
      absl::StrCat("no memory for a tensor of ", bytes, " bytes", why));
}

}  // namespace

Allocator* GetAllocator() {
  // Never destroyed: tensors in static objects are freed after main.
  static Allocator* const default_allocator = new DefaultAllocator;
  Allocator* chosen = chosen_allocator.load(std::memory_order_acquire);
  return chosen != nullptr ? chosen : default_allocator;
}

void SetAllocator(Allocator* allocator) {
  chosen_allocator.store(allocator, std::memory_order_release);
}

void SetMemoryLimit(int64_t bytes) { process.set_limit(bytes); }
int64_t MemoryLimit() { return process.limit(); }

MemoryStats GetMemoryStats() {
  MemoryStats stats;
  stats.live_bytes = process.live();
  stats.peak_bytes = process.peak();
  stats.allocations = allocations.load(std::memory_order_relaxed);
  return stats;
}

void ResetPeakMemory() { process.ResetPeak(); }

namespace internal {

std::vector<std::shared_ptr<MemoryAccount>> AccountsOfThread() {
  std::vector<std::shared_ptr<MemoryAccount>> accounts;
  const RunScope* scope = RunScope::current;
  for (; scope != nullptr && scope->has_accounts(); scope = scope->outer()) {
    if (scope->account() == nullptr) continue;
    std::shared_ptr<MemoryAccount> account = scope->account()->shared_from_this();
    if (std::find(accounts.begin(), accounts.end(), account) == accounts.end()) {
      accounts.push_back(std::move(account));
    }
  }
  return accounts;
}

absl::StatusOr<std::shared_ptr<Storage>> Storage::Allocate(size_t bytes) {
  // From here on it belongs to the accounts that it was reserved in, and its destructor gives back.
  std::shared_ptr<Storage> storage(new Storage(nullptr, bytes, nullptr));
  if (bytes > static_cast<size_t>(ByteCount::kUnlimited)) return TooLarge(bytes, "");
  const int64_t size = static_cast<int64_t>(bytes);
  if (!process.Reserve(size)) {
    return TooLarge(
        bytes, absl::StrCat(": tensors hold ", process.live(), " and may hold ", process.limit()));
  }
  Allocator* const allocator = GetAllocator();
  storage->allocator_ = allocator;
  for (std::shared_ptr<MemoryAccount>& account : AccountsOfThread()) {
    if (size > account->largest()) {
      return TooLarge(bytes, absl::StrCat(": a single one may have ", account->largest()));
    }
    if (!account->Reserve(size)) {
      return TooLarge(bytes, absl::StrCat(": those of this budget hold ", account->live(),
                                          " and may hold ", account->limit()));
    }
    storage->accounts_.push_back(std::move(account));
  }
  storage->data_ = allocator->Allocate(bytes);
  if (storage->data_ == nullptr) return TooLarge(bytes, "");
  allocations.fetch_add(1, std::memory_order_relaxed);
  process.NotePeak();
  for (const std::shared_ptr<MemoryAccount>& account : storage->accounts_) account->NotePeak();
  return storage;
}

std::shared_ptr<Storage> Storage::External(const void* data, size_t bytes,
                                           std::shared_ptr<const void> owner) {
  // Tensors that were made of it (Tensor::FromExternal) do not write to it.
  std::shared_ptr<Storage> storage(new Storage(const_cast<void*>(data), bytes, nullptr));
  storage->owner_ = std::move(owner);
  return storage;
}

Storage::~Storage() {
  DestroyStrings();
  if (allocator_ == nullptr) return;
  if (data_ != nullptr) allocator_->Free(data_, capacity_);
  process.GiveBack(static_cast<int64_t>(capacity_));
  for (const std::shared_ptr<MemoryAccount>& account : accounts_) {
    account->GiveBack(static_cast<int64_t>(capacity_));
  }
}

void Storage::ConstructStrings(int64_t count) {
  DestroyStrings();
  std::string* strings = static_cast<std::string*>(data_);
  for (int64_t i = 0; i < count; ++i) new (strings + i) std::string();
  strings_ = count;
}

void Storage::DestroyStrings() {
  std::string* strings = static_cast<std::string*>(data_);
  for (int64_t i = 0; i < strings_; ++i) strings[i].~basic_string();
  strings_ = 0;
}

}  // namespace internal
}  // namespace doppio
