#include "doppio/blob.h"

#include <atomic>
#include <thread>
#include <utility>

#include "gtest/gtest.h"
#include "tests/support/tensor_match.h"

namespace doppio {

struct TestCounter {
  int count = 0;
};
DOPPIO_REGISTER_BLOB_TYPE(TestCounter);

namespace {

struct Unnamed {
  int value = 0;
};

TEST(BlobTest, StartsEmpty) {
  const Blob blob;
  EXPECT_TRUE(blob.IsEmpty());
  EXPECT_FALSE(blob.IsTensor());
  EXPECT_EQ(blob.TypeName(), "nothing");
  EXPECT_EQ(blob.Get<Tensor>(), nullptr);
  EXPECT_EQ(blob.Get<std::string>(), nullptr);
}

TEST(BlobTest, HoldsATensor) {
  Blob blob;
  *blob.GetMutable<Tensor>() = *Tensor::Scalar<float>(2);
  EXPECT_TRUE(blob.IsTensor());
  EXPECT_TRUE(blob.Is<Tensor>());
  EXPECT_EQ(blob.TypeName(), "Tensor");
  EXPECT_TRUE(TensorEquals(*blob.Get<Tensor>(), Tensor::Scalar<float>(2)));
  EXPECT_EQ(blob.Get<std::string>(), nullptr);
}

TEST(BlobTest, HoldsOtherTypes) {
  Blob blob;
  *blob.GetMutable<std::string>() = "word";
  EXPECT_EQ(*blob.Get<std::string>(), "word");
  EXPECT_EQ(blob.GetMutable<std::string>(), blob.Get<std::string>());
  EXPECT_FALSE(blob.IsTensor());
  EXPECT_EQ(blob.Get<Tensor>(), nullptr);
}

TEST(BlobTest, AnotherTypeReplacesTheValue) {
  Blob blob;
  *blob.GetMutable<Tensor>() = *Tensor::Scalar<float>(2);
  blob.GetMutable<TestCounter>()->count = 3;
  EXPECT_FALSE(blob.IsTensor());
  EXPECT_EQ(blob.GetMutable<Tensor>()->dtype(), DataType::kUndefined);
  EXPECT_EQ(blob.GetMutable<TestCounter>()->count, 0);
  blob.Reset();
  EXPECT_TRUE(blob.IsEmpty());
}

TEST(BlobTest, NamesTypesAsRegisteredOrAsTheCompilerDoes) {
  Blob blob;
  blob.GetMutable<TestCounter>();
  EXPECT_EQ(blob.TypeName(), "TestCounter");
  blob.GetMutable<Unnamed>();
  EXPECT_NE(blob.TypeName().find("Unnamed"), std::string::npos) << blob.TypeName();
  EXPECT_FALSE(RegisterBlobTypeName(typeid(TestCounter), "Other"));
  blob.GetMutable<TestCounter>();
  EXPECT_EQ(blob.TypeName(), "TestCounter");
}

// Numbers that are stored halved.
class Halves final : public TensorForm {
 public:
  absl::Status MakeTensor(Tensor* tensor) const override {
    ++made;
    if (fails) return absl::ResourceExhaustedError("no memory");
    DOPPIO_RETURN_IF_ERROR(tensor->CopyFrom(stored_));
    for (int64_t i = 0; i < tensor->numel(); ++i) tensor->mutable_data<float>()[i] *= 2;
    return absl::OkStatus();
  }
  const Tensor& stored() const override { return stored_; }
  void Set(float half) { stored_ = *Tensor::Of<float>({1}, {half}); }

  mutable int made = 0;
  bool fails = false;

 private:
  Tensor stored_;
};

TEST(BlobTest, AFormOfATensorIsATensorToWhoeverAsks) {
  Blob blob;
  auto* form = blob.GetMutable<Halves>();
  form->Set(1.5F);
  EXPECT_TRUE(blob.Is<Halves>());
  EXPECT_TRUE(blob.IsTensor());
  EXPECT_TRUE(blob.Is<Tensor>());
  EXPECT_EQ(blob.TypeName(), "Tensor");
  EXPECT_EQ(blob.Get<Tensor>()->data<float>()[0], 3);
  EXPECT_EQ(form->made, 1) << "made once for all who ask";
  EXPECT_EQ(blob.Get<Halves>(), form) << "and the form stays";
  ASSERT_EQ(blob.Storages().size(), 2u);
  EXPECT_EQ(blob.Storages()[0].storage_id(), blob.Get<Tensor>()->storage_id());
  EXPECT_EQ(blob.Storages()[1].storage_id(), form->stored().storage_id());
}

TEST(BlobTest, TheTensorOfAFormIsMadeAnewOnceThatIsWrittenTo) {
  Blob blob;
  blob.GetMutable<Halves>()->Set(1);
  const Tensor before = *blob.Get<Tensor>();
  blob.GetMutable<Halves>()->Set(2);
  EXPECT_EQ(std::as_const(blob).TensorAtHand(), nullptr);
  EXPECT_EQ(blob.Get<Tensor>()->data<float>()[0], 4);
  EXPECT_EQ(before.data<float>()[0], 2) << "what was taken out is a value";
}

TEST(BlobTest, WhoeverWritesToTheTensorHasItsElementsAndTheFormIsGone) {
  Blob blob;
  blob.GetMutable<Halves>()->Set(1);
  const Tensor* read = blob.Get<Tensor>();
  auto* written = blob.GetMutable<Tensor>();
  EXPECT_EQ(written, read);
  EXPECT_EQ(written->data<float>()[0], 2);
  EXPECT_FALSE(blob.Is<Halves>());
  blob.GetMutable<Halves>()->Set(5);
  EXPECT_EQ(blob.GetMutable<Tensor>()->data<float>()[0], 10) << "also where nobody read it before";
}

TEST(BlobTest, AFormOfWhichNoTensorCanBeMadeIsNone) {
  Blob blob;
  blob.GetMutable<Halves>()->Set(1);
  blob.GetMutable<Halves>()->fails = true;
  EXPECT_FALSE(blob.IsTensor());
  EXPECT_EQ(blob.Get<Tensor>(), nullptr);
  EXPECT_EQ(blob.GetMutable<Tensor>()->dtype(), DataType::kUndefined);
}

TEST(BlobTest, ManyMayAskForTheTensorOfAFormAtOnce) {
  for (int round = 0; round < 20; ++round) {
    Blob blob;
    blob.GetMutable<Halves>()->Set(1);
    std::vector<std::thread> readers;
    std::atomic<int> right = 0;
    for (int i = 0; i < 4; ++i) {
      readers.emplace_back([&] {
        if (blob.Get<Tensor>()->data<float>()[0] == 2) ++right;
      });
    }
    for (std::thread& reader : readers) reader.join();
    EXPECT_EQ(right, 4);
    EXPECT_EQ(blob.Get<Halves>()->made, 1);
  }
}

}  // namespace
}  // namespace doppio
