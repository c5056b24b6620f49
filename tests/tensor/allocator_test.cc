#include "doppio/allocator.h"

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

}  // namespace
}  // namespace doppio
