#include "doppio/memory_budget.h"

#include <thread>
#include <utility>
#include <vector>

#include "doppio/allocator.h"
#include "doppio/tensor.h"
#include "gtest/gtest.h"
#include "tests/support/tensor_match.h"

namespace doppio {
namespace {

absl::StatusOr<Tensor> Floats(int64_t count) { return Tensor::Create(DataType::kFloat, {count}); }

TEST(MemoryBudgetTest, RefusesWhatIsMoreBeforeItIsAllocated) {
  const MemoryBudget budget(100);
  const MemoryScope scope(budget);
  const absl::StatusOr<Tensor> first = Floats(20);
  ASSERT_TRUE(first.ok()) << first.status();
  const int64_t allocations = GetMemoryStats().allocations;
  const int64_t live = GetMemoryStats().live_bytes;
  const absl::Status second = Floats(6).status();
  EXPECT_EQ(second.code(), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(second.message(),
            "no memory for a tensor of 24 bytes: those of this budget hold 80 and may hold 100");
  EXPECT_EQ(GetMemoryStats().allocations, allocations);
  EXPECT_EQ(GetMemoryStats().live_bytes, live) << "what was refused does not count";
  EXPECT_EQ(budget.live_bytes(), 80);
  EXPECT_TRUE(Floats(5).ok());
}

TEST(MemoryBudgetTest, RefusesASingleTensorThatIsTooLarge) {
  const MemoryScope scope(MemoryBudget(1000, /*largest_tensor=*/40));
  EXPECT_TRUE(Floats(10).ok());
  const absl::Status status = Floats(11).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(status.message(), "no memory for a tensor of 44 bytes: a single one may have 40");
}

TEST(MemoryBudgetTest, KeepsStorageUntilItIsFreedWhereverThatIs) {
  const MemoryBudget budget(100);
  Tensor kept;
  {
    const MemoryScope scope(budget);
    kept = *Floats(20);
  }
  EXPECT_EQ(budget.live_bytes(), 80);
  EXPECT_TRUE(Floats(1000).ok()) << "outside of the scope";
  std::thread([tensor = std::move(kept)] {}).join();
  EXPECT_EQ(budget.live_bytes(), 0);
  EXPECT_EQ(budget.peak_bytes(), 80);
}

TEST(MemoryBudgetTest, StorageMayOutliveTheBudget) {
  Tensor tensor;
  {
    const MemoryScope scope(MemoryBudget(100));
    tensor = *Tensor::Of<float>({2}, {1, 2});
  }
  EXPECT_TRUE(TensorEquals(tensor, Tensor::Of<float>({2}, {1, 2})));
}

TEST(MemoryBudgetTest, ScopesInsideOfOthersCountForAll) {
  const MemoryBudget outer(100);
  const MemoryBudget inner(1000);
  const MemoryScope around(outer);
  const MemoryScope within(inner);
  const MemoryScope again(outer);
  const absl::StatusOr<Tensor> tensor = Floats(20);
  ASSERT_TRUE(tensor.ok()) << tensor.status();
  EXPECT_EQ(outer.live_bytes(), 80) << "once, though two scopes have it";
  EXPECT_EQ(inner.live_bytes(), 80);
  EXPECT_FALSE(Floats(10).ok());
  EXPECT_EQ(inner.live_bytes(), 80) << "what the other refused does not count";
}

TEST(MemoryBudgetTest, TellsOfTheProcessWhereThatHasLess) {
  const MemoryScope scope(MemoryBudget(1000));
  const int64_t live = GetMemoryStats().live_bytes;
  SetMemoryLimit(live + 10);
  const absl::Status status = Floats(10).status();
  SetMemoryLimit(INT64_MAX);
  EXPECT_EQ(status.message(), absl::StrCat("no memory for a tensor of 40 bytes: tensors hold ",
                                           live, " and may hold ", live + 10));
}

TEST(MemoryBudgetTest, IsChangedWhileItIsInUse) {
  const MemoryBudget budget(100);
  const MemoryScope scope(budget);
  const absl::StatusOr<Tensor> tensor = Floats(20);
  budget.set_bytes(50);
  EXPECT_FALSE(Floats(1).ok());
  EXPECT_EQ(budget.live_bytes(), 80);
  budget.set_bytes(84);
  EXPECT_TRUE(Floats(1).ok());
  budget.set_bytes(-1);
  EXPECT_EQ(budget.bytes(), 0);
}

TEST(MemoryBudgetTest, ThreadsTogetherDoNotGetAboveIt) {
  const MemoryBudget budget(3 * 4000);
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&budget] {
      const MemoryScope scope(budget);
      for (int k = 0; k < 500; ++k) (void)Floats(1000);
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_LE(budget.peak_bytes(), budget.bytes());
  EXPECT_EQ(budget.live_bytes(), 0);
}

}  // namespace
}  // namespace doppio
