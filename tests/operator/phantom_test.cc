#include <atomic>
#include <thread>

#include "doppio/allocator.h"
#include "doppio/blob.h"
#include "gtest/gtest.h"
#include "tests/support/allocation_counter.h"
#include "tests/support/tensor_match.h"

namespace doppio {
namespace {

Tensor Column() { return *Tensor::Of<float>({3, 1}, {1, 2, 3}); }
Tensor ColumnWritten() { return *Tensor::Of<float>({3, 2}, {1, 1, 2, 2, 3, 3}); }

TEST(PhantomTest, IsATensorForWhoeverAsks) {
  Blob blob;
  ASSERT_TRUE(blob.SetPhantom(Column(), {3, 2}).ok());
  ASSERT_NE(blob.phantom(), nullptr);
  EXPECT_EQ(blob.TensorAtHand(), nullptr);
  EXPECT_FALSE(blob.IsEmpty());
  EXPECT_TRUE(blob.Is<Tensor>());
  EXPECT_EQ(blob.TypeName(), "Tensor");
  EXPECT_NE(blob.phantom(), nullptr) << "nobody asked for the elements yet";
  ASSERT_NE(blob.Get<Tensor>(), nullptr);
  EXPECT_TRUE(TensorEquals(*blob.Get<Tensor>(), ColumnWritten()));
  EXPECT_EQ(blob.phantom(), nullptr);
  EXPECT_TRUE(blob.IsTensor());
}

TEST(PhantomTest, RepeatsByTheRulesOfNumPy) {
  Blob blob;
  ASSERT_TRUE(blob.SetPhantom(*Tensor::Of<int32_t>({2}, {1, 2}), {2, 1, 2}).ok());
  EXPECT_EQ(blob.phantom()->elements().dims(), DimsView({1, 1, 2}));
  EXPECT_EQ(blob.phantom()->unwritten_bytes(), 8);
  EXPECT_TRUE(TensorEquals(*blob.Get<Tensor>(), Tensor::Of<int32_t>({2, 1, 2}, {1, 2, 1, 2})));
  ASSERT_TRUE(blob.SetPhantom(*Tensor::Scalar<double>(7), {2}).ok());
  EXPECT_TRUE(TensorEquals(*blob.Get<Tensor>(), Tensor::Of<double>({2}, {7, 7})));
}

TEST(PhantomTest, RefusesWhatIsNone) {
  Blob blob;
  *blob.GetMutable<Tensor>() = Column();
  EXPECT_EQ(blob.SetPhantom(Column(), {2, 2}).code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(blob.SetPhantom(Column(), {2}).code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(blob.SetPhantom(*Tensor::Scalar<float>(1), {0}).code(),
            absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(blob.SetPhantom(*Tensor::Scalar<std::string>("x"), {2}).code(),
            absl::StatusCode::kInvalidArgument);
  EXPECT_TRUE(TensorEquals(*blob.Get<Tensor>(), Column())) << "the blob is what it was";
}

TEST(PhantomTest, StaysWhatItIsWhenTheSmallTensorIsOverwritten) {
  Tensor small = Column();
  Blob blob;
  ASSERT_TRUE(blob.SetPhantom(small, {3, 2}).ok());
  small.mutable_data<float>()[0] = 100;
  EXPECT_TRUE(TensorEquals(*blob.Get<Tensor>(), ColumnWritten()));
}

TEST(PhantomTest, WhatWasFetchedStaysWhenTheBlobIsAnotherPhantom) {
  Blob blob;
  ASSERT_TRUE(blob.SetPhantom(Column(), {3, 2}).ok());
  const Tensor fetched = *blob.Get<Tensor>();
  ASSERT_TRUE(blob.SetPhantom(*Tensor::Of<float>({3, 1}, {4, 5, 6}), {3, 2}).ok());
  EXPECT_TRUE(TensorEquals(*blob.Get<Tensor>(), Tensor::Of<float>({3, 2}, {4, 4, 5, 5, 6, 6})));
  EXPECT_TRUE(TensorEquals(fetched, ColumnWritten()));
}

TEST(PhantomTest, IsWrittenOutForAWriterInPlace) {
  Blob blob;
  ASSERT_TRUE(blob.SetPhantom(Column(), {3, 2}).ok());
  blob.GetMutable<Tensor>()->mutable_data<float>()[0] = 9;
  EXPECT_EQ(blob.phantom(), nullptr);
  EXPECT_TRUE(TensorEquals(*blob.Get<Tensor>(), Tensor::Of<float>({3, 2}, {9, 1, 2, 2, 3, 3})));
}

TEST(PhantomTest, CanBeReadWhileItsTensorIsOverwritten) {
  Blob blob;
  ASSERT_TRUE(blob.SetPhantom(Column(), {3, 2}).ok());
  const Tensor& elements = blob.phantom()->elements();
  Tensor* tensor = blob.Overwrite();
  ASSERT_TRUE(tensor->Resize(DataType::kFloat, {3, 2}).ok());
  for (int i = 0; i < 6; ++i) tensor->mutable_data<float>()[i] = elements.data<float>()[i / 2] + 1;
  EXPECT_TRUE(TensorEquals(*blob.Get<Tensor>(), Tensor::Of<float>({3, 2}, {2, 2, 3, 3, 4, 4})));
}

TEST(PhantomTest, GivesWayToOtherValues) {
  Blob blob;
  ASSERT_TRUE(blob.SetPhantom(Column(), {3, 2}).ok());
  *blob.GetMutable<std::string>() = "word";
  EXPECT_EQ(blob.phantom(), nullptr);
  EXPECT_EQ(blob.Get<Tensor>(), nullptr);
  ASSERT_TRUE(blob.SetPhantom(Column(), {3, 2}).ok());
  EXPECT_EQ(blob.Get<std::string>(), nullptr);
  EXPECT_TRUE(TensorEquals(*blob.Get<Tensor>(), ColumnWritten()));
  ASSERT_TRUE(blob.SetPhantom(Column(), {3, 2}).ok());
  blob.Reset();
  EXPECT_TRUE(blob.IsEmpty());
  EXPECT_EQ(blob.phantom(), nullptr);
}

TEST(PhantomTest, IsWrittenOutOnceForManyThreads) {
  constexpr int64_t kRows = 512;
  Tensor small = *Tensor::Create(DataType::kInt32, {kRows, 1});
  for (int32_t i = 0; i < kRows; ++i) small.mutable_data<int32_t>()[i] = i;
  for (int round = 0; round < 20; ++round) {
    Blob blob;
    ASSERT_TRUE(blob.SetPhantom(small, {kRows, 64}).ok());
    const int64_t before = GetMemoryStats().allocations;
    std::atomic<int> wrong{0};
    std::vector<std::thread> readers;
    for (int t = 0; t < 4; ++t) {
      readers.emplace_back([&blob, &wrong, t] {
        // Those who take phantoms read beside those who do not.
        const Phantom* phantom = t % 2 == 0 ? blob.phantom() : nullptr;
        if (phantom != nullptr) {
          for (int32_t i = 0; i < kRows; ++i) {
            if (phantom->elements().data<int32_t>()[i] != i) ++wrong;
          }
          return;
        }
        const absl::Span<const int32_t> seen = blob.Get<Tensor>()->span<int32_t>();
        for (int32_t i = 0; i < kRows * 64; ++i) {
          if (seen[static_cast<size_t>(i)] != i / 64) ++wrong;
        }
      });
    }
    for (std::thread& reader : readers) reader.join();
    EXPECT_EQ(wrong, 0);
    EXPECT_EQ(GetMemoryStats().allocations, before + 1);
  }
}

TEST(PhantomTest, AllocatesNothingTheSecondTime) {
  const Tensor small = Column();
  Blob blob;
  for (int round = 0; round < 3; ++round) {
    AllocationCounter counter;
    const bool is_set = blob.SetPhantom(small, {3, 2}).ok();
    const bool is_written = blob.WriteOut().ok();
    const int64_t allocations = counter.count();
    EXPECT_TRUE(is_set && is_written);
    EXPECT_TRUE(round == 0 || allocations == 0) << allocations;
  }
}

class NoMemory final : public Allocator {
 public:
  void* Allocate(size_t) override { return nullptr; }
  void Free(void*, size_t) override {}
};

TEST(PhantomTest, SaysThatThereIsNoMemoryToWriteItOut) {
  static NoMemory& none = *new NoMemory;
  Blob blob;
  ASSERT_TRUE(blob.SetPhantom(Column(), {3, 2}).ok());
  SetAllocator(&none);
  const absl::Status status = blob.WriteOut();
  const Tensor* tensor = blob.Get<Tensor>();
  const bool is_tensor = blob.IsTensor();
  SetAllocator(nullptr);
  EXPECT_EQ(status.code(), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(tensor, nullptr);
  EXPECT_FALSE(is_tensor);
  EXPECT_TRUE(TensorEquals(*blob.Get<Tensor>(), ColumnWritten())) << "once there is memory again";
}

TEST(PhantomTest, KeepsItsElementsInShapesThatItsRunsFit) {
  const auto reshaped = [](Dims elements, Dims from, Dims to) -> std::string {
    Blob blob;
    const absl::StatusOr<Tensor> small = Tensor::Create(DataType::kFloat, elements);
    EXPECT_TRUE(blob.SetPhantom(*small, from).ok());
    const std::optional<Dims> dims = blob.phantom()->ElementsReshaped(to);
    return dims ? ShapeToString(*dims) : "none";
  };
  EXPECT_EQ(reshaped({3, 1}, {3, 4}, {3, 2, 2}), "[3,1,1]");
  EXPECT_EQ(reshaped({3, 1}, {3, 4}, {1, 3, 4, 1}), "[1,3,1,1]");
  EXPECT_EQ(reshaped({3, 1}, {3, 4}, {12}), "none");
  EXPECT_EQ(reshaped({3, 1}, {3, 4}, {6, 2}), "none");
  EXPECT_EQ(reshaped({3, 1}, {3, 4}, {3, 4}), "[3,1]");
  EXPECT_EQ(reshaped({6, 1}, {6, 4}, {2, 3, 4}), "[2,3,1]");
  EXPECT_EQ(reshaped({1, 1}, {3, 4}, {12}), "[1]");
  EXPECT_EQ(reshaped({1, 1}, {3, 4}, {2, 6}), "[1,1]");
  EXPECT_EQ(reshaped({1, 2, 1, 3}, {5, 2, 1, 3}, {5, 6}), "[1,6]");
  EXPECT_EQ(reshaped({2, 1, 3, 1}, {2, 4, 3, 5}, {2, 2, 2, 3, 5}), "[2,1,1,3,1]");
  EXPECT_EQ(reshaped({2, 1, 3, 1}, {2, 4, 3, 5}, {2, 12, 5}), "none");
  EXPECT_EQ(reshaped({1}, {1}, {}), "[]");
  EXPECT_EQ(reshaped({3, 1}, {3, 4}, {3, 5}), "none");
}

}  // namespace
}  // namespace doppio
