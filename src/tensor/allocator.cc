#include "doppio/allocator.h"

#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstdlib>

#include "src/base/huge_pages.h"
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
std::atomic<int64_t> live_bytes{0};
std::atomic<int64_t> peak_bytes{0};
std::atomic<int64_t> allocations{0};
std::atomic<int64_t> memory_limit{INT64_MAX};

// Adds to the live bytes, unless that would be above the limit: two threads together do not get
// there either.
bool Reserve(size_t size) {
  if (size > static_cast<size_t>(INT64_MAX)) return false;
  const int64_t bytes = static_cast<int64_t>(size);
  int64_t live = live_bytes.load(std::memory_order_relaxed);
  do {
    if (bytes > memory_limit.load(std::memory_order_relaxed) - live) return false;
  } while (!live_bytes.compare_exchange_weak(live, live + bytes, std::memory_order_relaxed));
  return true;
}

void GiveBack(int64_t bytes) { live_bytes.fetch_sub(bytes, std::memory_order_relaxed); }

void CountAllocation() {
  allocations.fetch_add(1, std::memory_order_relaxed);
  const int64_t live = live_bytes.load(std::memory_order_relaxed);
  int64_t peak = peak_bytes.load(std::memory_order_relaxed);
  while (live > peak && !peak_bytes.compare_exchange_weak(peak, live, std::memory_order_relaxed)) {
  }
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

void SetMemoryLimit(int64_t bytes) { memory_limit.store(bytes, std::memory_order_relaxed); }
int64_t MemoryLimit() { return memory_limit.load(std::memory_order_relaxed); }

MemoryStats GetMemoryStats() {
  MemoryStats stats;
  stats.live_bytes = live_bytes.load(std::memory_order_relaxed);
  stats.peak_bytes = peak_bytes.load(std::memory_order_relaxed);
  stats.allocations = allocations.load(std::memory_order_relaxed);
  return stats;
}

void ResetPeakMemory() {
  peak_bytes.store(live_bytes.load(std::memory_order_relaxed), std::memory_order_relaxed);
}

namespace internal {

absl::StatusOr<std::shared_ptr<Storage>> Storage::Allocate(size_t bytes) {
  if (!Reserve(bytes)) {
    return absl::ResourceExhaustedError(
        absl::StrCat("no memory for a tensor of ", bytes, " bytes: tensors hold ",
                     GetMemoryStats().live_bytes, " and may hold ", MemoryLimit()));
  }
  Allocator* allocator = GetAllocator();
  void* data = allocator->Allocate(bytes);
  if (data == nullptr) {
    GiveBack(static_cast<int64_t>(bytes));
    return absl::ResourceExhaustedError(
        absl::StrCat("no memory for a tensor of ", bytes, " bytes"));
  }
  CountAllocation();
  return std::shared_ptr<Storage>(new Storage(data, bytes, allocator));
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
  allocator_->Free(data_, capacity_);
  GiveBack(static_cast<int64_t>(capacity_));
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
