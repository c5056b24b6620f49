#include "doppio/serialize.h"
#include "tests/support/state_test.h"

namespace doppio {
namespace {

using MapTest = StateTest;

TEST_F(MapTest, GivesKeysInOrderWithTheirFirstValues) {
  Feed("keys", Tensor::Of<int64_t>({3}, {3, 1, 3}));
  Feed("values", Tensor::Of<int32_t>({3}, {10, 20, 30}));
  MustRun("KeyValueToMap", {"keys", "values"}, {"map"});
  MustRun("MapToKeyValue", {"map"}, {"k", "v"});
  ExpectBlob("k", Tensor::Of<int64_t>({2}, {1, 3}));
  ExpectBlob("v", Tensor::Of<int32_t>({2}, {20, 10}));
}

TEST_F(MapTest, KeepsWhatIsThereUntilItIsCreatedAgain) {
  Feed("keys", Tensor::Of<int32_t>({1}, {1}));
  Feed("values", Tensor::Of<int32_t>({1}, {2}));
  MustRun("KeyValueToMap", {"keys", "values"}, {"map"});
  Feed("keys", Tensor::Of<int32_t>({1}, {3}));
  MustRun("KeyValueToMap", {"keys", "values"}, {"map"});
  MustRun("MapToKeyValue", {"map"}, {"k", "v"});
  ExpectBlob("k", Tensor::Of<int32_t>({2}, {1, 3}));
  MustRun("CreateMap", {}, {"map"});
  MustRun("MapToKeyValue", {"map"}, {"k", "v"});
  ExpectBlob("k", Tensor::Of<int32_t>({0}, {}));
}

TEST_F(MapTest, HasInt32AndInt64AsKeysAndValues) {
  for (const DataType key : {DataType::kInt32, DataType::kInt64}) {
    for (const DataType value : {DataType::kInt32, DataType::kInt64}) {
      MustRun(
          "CreateMap", {}, {"map"},
          {Arg("key_dtype", static_cast<int>(key)), Arg("value_dtype", static_cast<int>(value))});
      MustRun("MapToKeyValue", {"map"}, {"k", "v"});
      ExpectBlob("k", Tensor::Create(key, {0}));
      ExpectBlob("v", Tensor::Create(value, {0}));
    }
  }
}

TEST_F(MapTest, IsWrittenAndReadAsCaffe2Does) {
  Feed("keys", Tensor::Of<int32_t>({2}, {3, 1}));
  Feed("values", Tensor::Of<int64_t>({2}, {10, 20}));
  MustRun("KeyValueToMap", {"keys", "values"}, {"map"});
  const absl::StatusOr<BlobProto> proto = BlobToProto(*workspace_.FindBlob("map"), "map");
  ASSERT_TRUE(proto.ok()) << proto.status();
  EXPECT_EQ(proto->type(), "(std::unordered_map<int32_t, int64_t>)");
  const absl::Status status = BlobFromProto(*proto, workspace_.CreateBlob("read").get());
  ASSERT_TRUE(status.ok()) << status;
  MustRun("MapToKeyValue", {"read"}, {"k", "v"});
  ExpectBlob("k", Tensor::Of<int32_t>({2}, {1, 3}));
  ExpectBlob("v", Tensor::Of<int64_t>({2}, {20, 10}));
}

TEST_F(MapTest, RejectsFilesThatHoldNoMap) {
  Feed("keys", Tensor::Of<int32_t>({2}, {3, 1}));
  Feed("values", Tensor::Of<int64_t>({2}, {10, 20}));
  MustRun("KeyValueToMap", {"keys", "values"}, {"map"});
  absl::StatusOr<BlobProto> proto = BlobToProto(*workspace_.FindBlob("map"), "map");
  ASSERT_TRUE(proto.ok()) << proto.status();
  TensorProtos both;
  ASSERT_TRUE(both.ParseFromString(proto->content()));
  Blob blob;
  proto->set_content("\x07");
  EXPECT_FALSE(BlobFromProto(*proto, &blob).ok());
  TensorProtos one = both;
  one.mutable_protos()->RemoveLast();
  proto->set_content(one.SerializeAsString());
  EXPECT_FALSE(BlobFromProto(*proto, &blob).ok());
  TensorProtos swapped;
  *swapped.add_protos() = both.protos(1);
  *swapped.add_protos() = both.protos(0);
  proto->set_content(swapped.SerializeAsString());
  EXPECT_FALSE(BlobFromProto(*proto, &blob).ok());
  both.mutable_protos(1)->set_dims(0, 1);
  both.mutable_protos(1)->mutable_int64_data()->RemoveLast();
  proto->set_content(both.SerializeAsString());
  EXPECT_FALSE(BlobFromProto(*proto, &blob).ok());
  EXPECT_TRUE(blob.IsEmpty());
}

TEST_F(MapTest, RejectsKeysWithoutValues) {
  Feed("keys", Tensor::Of<int32_t>({2}, {3, 1}));
  Feed("values", Tensor::Of<int64_t>({1}, {10}));
  ExpectFailure(Def("KeyValueToMap", {"keys", "values"}, {"map"}),
                "keys are int32[2] and values int64[1]");
}

TEST_F(MapTest, RejectsOtherTypes) {
  Feed("keys", Tensor::Of<float>({1}, {3}));
  Feed("values", Tensor::Of<int64_t>({1}, {10}));
  ExpectFailure(Def("KeyValueToMap", {"keys", "values"}, {"map"}), "float");
  ExpectFailure(Def("KeyValueToMap", {"values", "keys"}, {"map"}), "float");
  ExpectFailure(
      Def("CreateMap", {}, {"map"}, {Arg("key_dtype", static_cast<int>(DataType::kFloat))}),
      "float");
  ExpectFailure(
      Def("MapToKeyValue", {"keys"}, {"k", "v"}),
      "map \"keys\" must be a map that CreateMap or KeyValueToMap made, but holds Tensor");
}

}  // namespace
}  // namespace doppio
