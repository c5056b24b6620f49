#include "doppio/allocator.h"

#include <thread>
#include <vector>

#include "gtest/gtest.h"
#include "tests/support/tensor_match.h"

namespace doppio {
namespace {

// Has memory for so many tensors, and counts what is not freed.
class ScarceAllocator final : public Allocator {
 public:
  explicit ScarceAllocator(int left) : left_(left) {}
  void* Allocate(size_t bytes) override {
    if (left_ == 0) return nullptr;
    --left_;
    ++live_;
    return usual_->Allocate(bytes);
  }
  void Free(void* pointer, size_t bytes) override {
    --live_;
    usual_->Free(pointer, bytes);
  }
  int live() const { return live_; }

 private:
  Allocator* usual_ = GetAllocator();
  int left_;
  int live_ = 0;
};

class AllocatorTest : public testing::Test {
 protected:
  ~AllocatorTest() override { SetAllocator(nullptr); }
};

TEST_F(AllocatorTest, WithoutMemoryATensorIsAnError) {
  ScarceAllocator none(0);
  SetAllocator(&none);
  const absl::Status status = Tensor::Create(DataType::kFloat, {2, 3}).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(status.message(), "no memory for a tensor of 24 bytes");
}

TEST_F(AllocatorTest, WithoutMemoryATensorStaysWhatItWas) {
  Tensor tensor = *Tensor::Of<float>({2}, {1, 2});
  Tensor shared = tensor;
  Tensor words = *Tensor::Of<std::string>({1}, {"a word longer than any buffer"});
  const MemoryStats before = GetMemoryStats();
  ScarceAllocator none(0);
  SetAllocator(&none);
  EXPECT_FALSE(tensor.Resize(DataType::kFloat, {100}).ok());
  EXPECT_FALSE(shared.MakeUnique().ok());
  EXPECT_FALSE(shared.Resize(DataType::kFloat, {2}).ok());
  EXPECT_FALSE(words.Resize(DataType::kString, {100}).ok());
  SetAllocator(nullptr);
  EXPECT_TRUE(TensorEquals(tensor, Tensor::Of<float>({2}, {1, 2})));
  EXPECT_TRUE(TensorEquals(shared, Tensor::Of<float>({2}, {1, 2})));
  EXPECT_EQ(words.data<std::string>()[0], "a word longer than any buffer");
  EXPECT_EQ(GetMemoryStats().live_bytes, before.live_bytes);
}

TEST_F(AllocatorTest, MemoryGoesBackToTheAllocatorThatGaveIt) {
  ScarceAllocator scarce(5);
  SetAllocator(&scarce);
  Tensor tensor = *Tensor::Create(DataType::kFloat, {10});
  EXPECT_EQ(scarce.live(), 1);
  SetAllocator(nullptr);
  tensor.Reset();
  EXPECT_EQ(scarce.live(), 0);
}

TEST_F(AllocatorTest, CountsLiveAndPeakBytes) {
  const MemoryStats before = GetMemoryStats();
  ResetPeakMemory();
  {
    const Tensor tensor = *Tensor::Create(DataType::kUInt8, {1000});
    const Tensor shared = tensor;
    EXPECT_EQ(GetMemoryStats().live_bytes, before.live_bytes + 1000);
    EXPECT_EQ(GetMemoryStats().allocations, before.allocations + 1);
  }
  EXPECT_EQ(GetMemoryStats().live_bytes, before.live_bytes);
  EXPECT_EQ(GetMemoryStats().peak_bytes, before.live_bytes + 1000);
  ResetPeakMemory();
  EXPECT_EQ(GetMemoryStats().peak_bytes, before.live_bytes);
}

TEST_F(AllocatorTest, MemoryFromOutsideIsNotCounted) {
  const MemoryStats before = GetMemoryStats();
  const float memory[4] = {};
  const Tensor tensor = *Tensor::FromExternal(DataType::kFloat, {4}, memory, nullptr);
  EXPECT_EQ(GetMemoryStats().live_bytes, before.live_bytes);
  EXPECT_EQ(GetMemoryStats().allocations, before.allocations);
}

class MemoryLimitTest : public testing::Test {
 protected:
  ~MemoryLimitTest() override { SetMemoryLimit(INT64_MAX); }
};

TEST_F(MemoryLimitTest, RefusesWhatIsMoreAndSaysHowMuchThereIs) {
  const int64_t live = GetMemoryStats().live_bytes;
  SetMemoryLimit(live + 100);
  absl::StatusOr<Tensor> first = Tensor::Create(DataType::kFloat, {20});
  ASSERT_TRUE(first.ok()) << first.status();
  const absl::Status second = Tensor::Create(DataType::kFloat, {6}).status();
  EXPECT_EQ(second.code(), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(second.message(), absl::StrCat("no memory for a tensor of 24 bytes: tensors hold ",
                                           live + 80, " and may hold ", live + 100));
  EXPECT_EQ(GetMemoryStats().live_bytes, live + 80) << "what was refused does not count";
  *first = Tensor();
  EXPECT_TRUE(Tensor::Create(DataType::kFloat, {25}).ok());
}

TEST_F(MemoryLimitTest, BelowWhatIsHeldLeavesTensorsAndAllowsNoMore) {
  const Tensor tensor = *Tensor::Of<float>({2}, {1, 2});
  SetMemoryLimit(0);
  EXPECT_FALSE(Tensor::Create(DataType::kBool, {1}).ok());
  SetMemoryLimit(INT64_MAX);
  EXPECT_TRUE(TensorEquals(tensor, Tensor::Of<float>({2}, {1, 2})));
}

TEST_F(MemoryLimitTest, ThreadsTogetherDoNotGetAboveIt) {
  constexpr int64_t kBytes = 1 << 12;
  SetMemoryLimit(GetMemoryStats().live_bytes + 3 * kBytes);
  ResetPeakMemory();
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([] {
      for (int k = 0; k < 500; ++k) (void)Tensor::Create(DataType::kUInt8, {kBytes});
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_LE(GetMemoryStats().peak_bytes, MemoryLimit());
}

}  // namespace
}  // namespace doppio
