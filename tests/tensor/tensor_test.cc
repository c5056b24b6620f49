#include "doppio/tensor.h"

#include <algorithm>
#include <limits>
#include <numeric>
#include <optional>
#include <thread>

#include "doppio/allocator.h"
#include "gmock/gmock.h"
#include "tests/support/tensor_match.h"

namespace doppio {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

Tensor Numbers() { return *Tensor::Of<float>({2, 3}, {1, 2, 3, 4, 5, 6}); }

Tensor Words() { return *Tensor::Of<std::string>({2}, {"a word longer than any buffer", "b"}); }

// ThreadSanitizer tells whether what another thread read comes before what is written.
TEST(TensorThreadsTest, StorageThatAnotherThreadGaveUpIsWrittenToInPlace) {
  Tensor tensor = Numbers();
  const void* const storage = tensor.storage_id();
  std::optional<Tensor> shared = tensor;
  float sum = 0;
  std::thread reader([&] {
    for (const float number : shared->span<float>()) sum += number;
    shared.reset();
  });
  while (!tensor.IsUnique()) std::this_thread::yield();
  for (int i = 0; i < 6; ++i) tensor.mutable_data<float>()[i] = 0;
  reader.join();
  EXPECT_EQ(sum, 21);
  EXPECT_EQ(tensor.storage_id(), storage);
}

TEST(TensorTest, StartsWithoutTypeAndStorage) {
  const Tensor tensor;
  EXPECT_EQ(tensor.dtype(), DataType::kUndefined);
  EXPECT_THAT(tensor.dims(), ElementsAre(0));
  EXPECT_EQ(tensor.numel(), 0);
  EXPECT_EQ(tensor.raw_data(), nullptr);
  EXPECT_EQ(tensor.capacity(), 0u);
  EXPECT_EQ(tensor.storage_id(), nullptr);
  EXPECT_FALSE(tensor.SharesStorageWith(tensor));
  EXPECT_EQ(tensor.TypeAndShape(), "undefined[0]");
}

TEST(TensorTest, HoldsValuesInRowMajorOrder) {
  const Tensor tensor = Numbers();
  EXPECT_EQ(tensor.TypeAndShape(), "float[2,3]");
  EXPECT_THAT(tensor.span<float>(), ElementsAre(1, 2, 3, 4, 5, 6));
  EXPECT_EQ(tensor.bytes(), 24u);
  EXPECT_EQ(tensor.rank(), 2);
  EXPECT_EQ(tensor.dim(1), 3);
}

TEST(TensorTest, GivesNothingForAnotherType) {
  Tensor tensor = Numbers();
  EXPECT_EQ(tensor.data<double>(), nullptr);
  EXPECT_EQ(tensor.mutable_data<int32_t>(), nullptr);
  EXPECT_TRUE(tensor.span<std::string>().empty());
}

TEST(TensorTest, StorageIsAlignedFromOneByteOn) {
  for (int64_t size : {0, 1, 63, 1000, 3 << 20}) {
    const Tensor tensor = *Tensor::Create(DataType::kUInt8, {size});
    EXPECT_NE(tensor.raw_data(), nullptr) << size;
    EXPECT_EQ(reinterpret_cast<uintptr_t>(tensor.raw_data()) % 64, 0u) << size;
  }
}

TEST(TensorTest, RefusesAnotherNumberOfValues) {
  const absl::Status status = Tensor::Of<float>({2, 2}, {1, 2, 3}).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(status.message()),
              HasSubstr("[2,2] has 4 elements, but 3 values are given"));
}

TEST(TensorTest, RefusesShapesThatAreNone) {
  EXPECT_FALSE(Tensor::Create(DataType::kFloat, {2, -1}).ok());
  EXPECT_FALSE(Tensor::Create(DataType::kFloat, Dims(33, 1)).ok());
  EXPECT_FALSE(Tensor::Create(DataType::kUndefined, {2}).ok());
}

TEST(TensorTest, RefusesMoreBytesThanFit) {
  constexpr int64_t kHuge = int64_t{1} << 62;
  const absl::Status status = Tensor::Create(DataType::kDouble, {kHuge}).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(status.message()), HasSubstr("more bytes than fit into 64 bits"));
  // Strides of such a tensor in bytes would not fit either.
  EXPECT_FALSE(Tensor::Create(DataType::kDouble, {0, kHuge}).ok());
}

TEST(TensorTest, RefusesMoreMemoryThanTheMachineHas) {
  const absl::Status status = Tensor::Create(DataType::kUInt8, {int64_t{1} << 50}).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kResourceExhausted);
  EXPECT_THAT(std::string(status.message()), HasSubstr("1125899906842624 bytes"));
}

TEST(TensorTest, ACopySharesUntilOneIsWrittenTo) {
  Tensor a = Numbers();
  Tensor b = a;
  EXPECT_TRUE(a.SharesStorageWith(b));
  EXPECT_FALSE(a.IsUnique());
  ASSERT_TRUE(b.MakeUnique().ok());
  EXPECT_FALSE(a.SharesStorageWith(b));
  b.mutable_data<float>()[0] = 100;
  EXPECT_EQ(a.data<float>()[0], 1);
  EXPECT_TRUE(a.IsUnique());
}

TEST(TensorTest, ResizingASharedTensorLeavesTheOtherAlone) {
  const Tensor a = Numbers();
  Tensor b = a;
  ASSERT_TRUE(b.Resize(DataType::kFloat, {2, 3}).ok());
  std::fill_n(b.mutable_data<float>(), 6, 0.0f);
  EXPECT_TRUE(TensorEquals(a, Numbers()));
}

TEST(TensorTest, MakeUniqueOnceMoreKeepsTheStorage) {
  Tensor tensor = Numbers();
  const void* data = tensor.raw_data();
  ASSERT_TRUE(tensor.MakeUnique().ok());
  EXPECT_EQ(tensor.raw_data(), data);
  Tensor empty;
  EXPECT_TRUE(empty.MakeUnique().ok());
}

TEST(TensorTest, ResizingWithinCapacityAllocatesNothing) {
  Tensor tensor = *Tensor::Create(DataType::kFloat, {100});
  const int64_t allocations = GetMemoryStats().allocations;
  const void* data = tensor.raw_data();
  ASSERT_TRUE(tensor.Resize(DataType::kFloat, {3, 4}).ok());
  ASSERT_TRUE(tensor.Resize(DataType::kInt64, {50}).ok());
  ASSERT_TRUE(tensor.Resize(DataType::kFloat, {0}).ok());
  ASSERT_TRUE(tensor.Resize(DataType::kUInt8, {400}).ok());
  EXPECT_EQ(tensor.raw_data(), data);
  EXPECT_EQ(GetMemoryStats().allocations, allocations);
  ASSERT_TRUE(tensor.Resize(DataType::kUInt8, {401}).ok());
  EXPECT_EQ(GetMemoryStats().allocations, allocations + 1);
}

TEST(TensorTest, ResizingKeepsElementsWhereTypeAndNumberStay) {
  Tensor tensor = Numbers();
  ASSERT_TRUE(tensor.Resize(DataType::kFloat, {3, 2}).ok());
  EXPECT_TRUE(TensorEquals(tensor, Tensor::Of<float>({3, 2}, {1, 2, 3, 4, 5, 6})));
}

TEST(TensorTest, ResizesToItsOwnDims) {
  Tensor tensor = Numbers();
  ASSERT_TRUE(tensor.Resize(DataType::kDouble, tensor.dims()).ok());
  EXPECT_EQ(tensor.TypeAndShape(), "double[2,3]");
  ASSERT_TRUE(tensor.Resize(DataType::kDouble, tensor.dims().subspan(1)).ok());
  EXPECT_EQ(tensor.TypeAndShape(), "double[3]");
  Tensor many = *Tensor::Create(DataType::kUInt8, Dims(12, 1));
  ASSERT_TRUE(many.Reshape(many.dims().subspan(2)).ok());
  EXPECT_EQ(many.rank(), 10);
}

TEST(TensorTest, AFailedResizeChangesNothing) {
  Tensor tensor = Numbers();
  EXPECT_FALSE(tensor.Resize(DataType::kFloat, {-1}).ok());
  EXPECT_FALSE(tensor.Resize(DataType::kUInt8, {int64_t{1} << 50}).ok());
  EXPECT_TRUE(TensorEquals(tensor, Numbers()));
}

TEST(TensorTest, ReshapeSharesTheElements) {
  const Tensor a = Numbers();
  Tensor b = a;
  ASSERT_TRUE(b.Reshape({6}).ok());
  EXPECT_TRUE(b.SharesStorageWith(a));
  EXPECT_TRUE(TensorEquals(b, Tensor::Of<float>({6}, {1, 2, 3, 4, 5, 6})));
}

TEST(TensorTest, ReshapeRefusesAnotherNumberOfElements) {
  Tensor tensor = Numbers();
  const absl::Status status = tensor.Reshape({4});
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(status.message(), "cannot reshape [2,3] (6 elements) to [4] (4 elements)");
  EXPECT_FALSE(tensor.Reshape({-6}).ok());
  EXPECT_THAT(tensor.dims(), ElementsAre(2, 3));
}

TEST(TensorTest, CopyFromUsesTheStorageAtHand) {
  Tensor target = *Tensor::Create(DataType::kDouble, {100});
  const void* data = target.raw_data();
  ASSERT_TRUE(target.CopyFrom(Numbers()).ok());
  EXPECT_EQ(target.raw_data(), data);
  EXPECT_TRUE(TensorEquals(target, Numbers()));
}

TEST(TensorTest, CopyFromItselfOrWhatItSharesGivesAnOwnCopy) {
  Tensor a = Numbers();
  ASSERT_TRUE(a.CopyFrom(a).ok());
  EXPECT_TRUE(TensorEquals(a, Numbers()));
  Tensor b = a;
  ASSERT_TRUE(b.Reshape({6}).ok());
  ASSERT_TRUE(b.CopyFrom(a).ok());
  EXPECT_FALSE(b.SharesStorageWith(a));
  EXPECT_TRUE(TensorEquals(b, Numbers()));
  ASSERT_TRUE(b.CopyFrom(Tensor()).ok());
  EXPECT_EQ(b.dtype(), DataType::kUndefined);
}

TEST(TensorTest, MovingLeavesAnEmptyTensor) {
  Tensor a = Numbers();
  const Tensor b = std::move(a);
  EXPECT_TRUE(TensorEquals(b, Numbers()));
  EXPECT_EQ(a.TypeAndShape(), "undefined[0]");  // NOLINT(bugprone-use-after-move)
  EXPECT_EQ(a.raw_data(), nullptr);
}

TEST(TensorTest, AssigningToItselfChangesNothing) {
  Tensor tensor = Numbers();
  Tensor& same = tensor;
  tensor = same;
  tensor = std::move(same);
  EXPECT_TRUE(TensorEquals(tensor, Numbers()));
}

TEST(StringTensorTest, StartsWithEmptyStrings) {
  const Tensor tensor = *Tensor::Create(DataType::kString, {3});
  EXPECT_THAT(tensor.span<std::string>(), ElementsAre("", "", ""));
}

TEST(StringTensorTest, CopiesAreDeepWhenWrittenTo) {
  const Tensor a = Words();
  Tensor b = a;
  ASSERT_TRUE(b.MakeUnique().ok());
  b.mutable_data<std::string>()[0] = "changed";
  EXPECT_TRUE(TensorEquals(a, Words()));
}

TEST(StringTensorTest, ChangesToNumbersAndBackInOneStorage) {
  Tensor tensor = Words();
  const void* data = tensor.raw_data();
  ASSERT_TRUE(tensor.Resize(DataType::kUInt8, {8}).ok());
  std::fill_n(tensor.mutable_data<uint8_t>(), 8, uint8_t{255});
  ASSERT_TRUE(tensor.Resize(DataType::kString, {1}).ok());
  EXPECT_EQ(tensor.raw_data(), data);
  EXPECT_THAT(tensor.span<std::string>(), ElementsAre(""));
  ASSERT_TRUE(tensor.CopyFrom(Words()).ok());
  EXPECT_TRUE(TensorEquals(tensor, Words()));
}

TEST(StringTensorTest, ShrinksAndGrows) {
  Tensor tensor = Words();
  ASSERT_TRUE(tensor.Resize(DataType::kString, {1}).ok());
  ASSERT_TRUE(tensor.Resize(DataType::kString, {2}).ok());
  EXPECT_THAT(tensor.span<std::string>(), ElementsAre("", ""));
  ASSERT_TRUE(tensor.Resize(DataType::kString, {1000}).ok());
  EXPECT_EQ(tensor.data<std::string>()[999], "");
}

TEST(ExternalTensorTest, UsesTheMemoryAndKeepsTheOwner) {
  auto owner = std::make_shared<std::vector<float>>(std::vector<float>{1, 2, 3});
  std::weak_ptr<std::vector<float>> watch = owner;
  Tensor tensor = *Tensor::FromExternal(DataType::kFloat, {3}, owner->data(), owner);
  EXPECT_EQ(tensor.raw_data(), owner->data());
  owner.reset();
  EXPECT_FALSE(watch.expired());
  EXPECT_THAT(tensor.span<float>(), ElementsAre(1, 2, 3));
  tensor.Reset();
  EXPECT_TRUE(watch.expired());
}

TEST(ExternalTensorTest, AWriterGetsACopy) {
  const float memory[] = {1, 2, 3};
  Tensor tensor = *Tensor::FromExternal(DataType::kFloat, {3}, memory, nullptr);
  EXPECT_FALSE(tensor.IsUnique());
  ASSERT_TRUE(tensor.MakeUnique().ok());
  tensor.mutable_data<float>()[0] = 100;
  EXPECT_EQ(memory[0], 1);
  Tensor other = *Tensor::FromExternal(DataType::kFloat, {3}, memory, nullptr);
  ASSERT_TRUE(other.Resize(DataType::kFloat, {3}).ok());
  EXPECT_NE(other.raw_data(), memory);
}

TEST(ExternalTensorTest, StaysUnwrittenWhereItIsMovedAndCopiedTo) {
  const float memory[] = {1, 2, 3};
  Tensor moved = *Tensor::FromExternal(DataType::kFloat, {3}, memory, nullptr);
  Tensor target = *Tensor::Of<float>({3}, {4, 5, 6});
  target = std::move(moved);
  EXPECT_FALSE(target.IsUnique());
  ASSERT_TRUE(target.Resize(DataType::kFloat, {3}).ok());
  EXPECT_NE(target.raw_data(), memory);
  EXPECT_TRUE(target.IsUnique());
  moved = *Tensor::Of<float>({1}, {7});
  EXPECT_TRUE(moved.IsUnique());
}

TEST(ExternalTensorTest, RefusesStringsBadShapesAndNothing) {
  const std::string words[2];
  EXPECT_FALSE(Tensor::FromExternal(DataType::kString, {2}, words, nullptr).ok());
  const float memory[2] = {};
  EXPECT_FALSE(Tensor::FromExternal(DataType::kFloat, {-2}, memory, nullptr).ok());
  EXPECT_FALSE(Tensor::FromExternal(DataType::kUndefined, {2}, memory, nullptr).ok());
  EXPECT_FALSE(Tensor::FromExternal(DataType::kFloat, {int64_t{1} << 62}, memory, nullptr).ok());
  EXPECT_FALSE(Tensor::FromExternal(DataType::kFloat, {2}, nullptr, nullptr).ok());
  EXPECT_TRUE(Tensor::FromExternal(DataType::kFloat, {0}, nullptr, nullptr).ok());
}

}  // namespace
}  // namespace doppio
