#include "doppio/serialize.h"

#include <algorithm>
#include <numeric>

#include "doppio/proto_io.h"
#include "tests/io/test_files.h"

namespace doppio {
namespace {

using absl::StatusCode;
using testing::ElementsAre;

struct Counter {
  int64_t value = 0;
};

std::vector<std::pair<std::string, BlobProto>> Serialize(const Blob& blob, const std::string& name,
                                                         int64_t chunk_size) {
  std::vector<std::pair<std::string, BlobProto>> messages;
  SerializeOptions options;
  options.chunk_size = chunk_size;
  const absl::Status status =
      SerializeBlob(blob, name, options, [&](const std::string& key, BlobProto proto) {
        messages.emplace_back(key, std::move(proto));
        return absl::OkStatus();
      });
  EXPECT_TRUE(status.ok()) << status;
  return messages;
}

void FillWithRange(Blob* blob, int64_t count) {
  Tensor* tensor = blob->GetMutable<Tensor>();
  ASSERT_TRUE(tensor->Resize(DataType::kInt32, {count}).ok());
  std::iota(tensor->mutable_data<int32_t>(), tensor->mutable_data<int32_t>() + count, 0);
}

BlobProto Chunk(int64_t size, int64_t begin, int64_t end) {
  BlobProto proto;
  proto.set_name("X");
  proto.set_type("Tensor");
  proto.mutable_tensor()->add_dims(size);
  proto.mutable_tensor()->mutable_segment()->set_begin(begin);
  proto.mutable_tensor()->mutable_segment()->set_end(end);
  for (int64_t i = begin; i < end; ++i) proto.mutable_tensor()->add_float_data(1.0f * i);
  return proto;
}

BlobProto Content(const std::string& content, int32_t id, int32_t count) {
  BlobProto proto;
  proto.set_name("s");
  proto.set_type("std::string");
  proto.set_content(content);
  proto.set_content_chunk_id(id);
  proto.set_content_num_chunks(count);
  return proto;
}

TEST(SerializeTest, CutsATensorIntoChunksWithNumberedKeys) {
  Blob blob;
  FillWithRange(&blob, 10);
  const auto messages = Serialize(blob, "X", 4);
  ASSERT_EQ(messages.size(), 3u);
  EXPECT_EQ(messages[0].first, "X#%0");
  EXPECT_EQ(messages[2].first, "X#%2");
  EXPECT_EQ(messages[2].second.name(), "X");
  EXPECT_EQ(messages[2].second.type(), "Tensor");
  EXPECT_EQ(messages[2].second.tensor().dims(0), 10);
  EXPECT_EQ(messages[2].second.tensor().segment().begin(), 8);
  EXPECT_EQ(messages[2].second.tensor().segment().end(), 10);
  EXPECT_THAT(messages[2].second.tensor().int32_data(), ElementsAre(8, 9));
}

TEST(SerializeTest, ChunksHoldAMillionElementsUnlessToldOtherwise) {
  Blob blob;
  FillWithRange(&blob, 1'000'001);
  EXPECT_EQ(Serialize(blob, "X", 0).size(), 2u);
  EXPECT_EQ(Serialize(blob, "X", SerializeOptions::kNoChunks).size(), 1u);
  FillWithRange(&blob, 1'000'000);
  EXPECT_EQ(Serialize(blob, "X", 0).size(), 1u);
}

TEST(SerializeTest, AnEmptyTensorIsOneChunk) {
  Blob blob;
  FillWithRange(&blob, 0);
  const auto messages = Serialize(blob, "X", 0);
  ASSERT_EQ(messages.size(), 1u);
  EXPECT_EQ(messages[0].first, "X#%0");
  Blob copy;
  ASSERT_TRUE(BlobFromProto(messages[0].second, &copy).ok());
  EXPECT_EQ(copy.Get<Tensor>()->TypeAndShape(), "int32[0]");
}

TEST(SerializeTest, ChunksComeTogetherInAnyOrder) {
  Blob blob;
  FillWithRange(&blob, 10);
  auto messages = Serialize(blob, "X", 3);
  ASSERT_EQ(messages.size(), 4u);
  std::vector<int> order = {0, 1, 2, 3};
  do {
    BlobAssembler assembler;
    for (int i : order) {
      EXPECT_FALSE(assembler.IsComplete());
      ASSERT_TRUE(assembler.Add(messages[i].second).ok());
    }
    EXPECT_TRUE(assembler.IsComplete());
    Blob copy;
    ASSERT_TRUE(assembler.Finish(&copy).ok());
    EXPECT_EQ(copy.Get<Tensor>()->span<int32_t>(), blob.Get<Tensor>()->span<int32_t>());
  } while (std::next_permutation(order.begin(), order.end()));
}

TEST(SerializeTest, StringBlobsAreContentUnderTheirPlainName) {
  Blob blob;
  *blob.GetMutable<std::string>() = std::string("a\0b", 3);
  const auto messages = Serialize(blob, "s", 0);
  ASSERT_EQ(messages.size(), 1u);
  EXPECT_EQ(messages[0].first, "s");
  EXPECT_EQ(messages[0].second.type(), "std::string");
  Blob copy;
  ASSERT_TRUE(BlobFromProto(messages[0].second, &copy).ok());
  EXPECT_EQ(*copy.Get<std::string>(), std::string("a\0b", 3));
}

TEST(SerializeTest, ContentMayComeInChunks) {
  BlobAssembler assembler;
  ASSERT_TRUE(assembler.Add(Content("c", 2, 3)).ok());
  ASSERT_TRUE(assembler.Add(Content("a", 0, 3)).ok());
  ASSERT_TRUE(assembler.Add(Content("b", 1, 3)).ok());
  Blob blob;
  ASSERT_TRUE(assembler.Finish(&blob).ok());
  EXPECT_EQ(*blob.Get<std::string>(), "abc");
}

TEST(SerializeTest, OtherTypesAreWrittenByTheirSerializer) {
  Blob blob;
  blob.GetMutable<Counter>()->value = 42;
  EXPECT_THAT(BlobToProto(blob, "c").status(),
              FailsWith(StatusCode::kNotFound, "which cannot be written; what can: Tensor, std::st"));
  BlobSerializer serializer;
  serializer.type = "Counter";
  serializer.serialize = [](const Blob& from, absl::string_view name, const SerializeOptions&,
                            const BlobSink& sink) {
    BlobProto proto;
    proto.set_name(std::string(name));
    proto.set_type("Counter");
    proto.set_content(std::to_string(from.Get<Counter>()->value));
    return sink(std::string(name), proto);
  };
  serializer.deserialize = [](absl::Span<const BlobProto> chunks, const Limits&, Blob* to) {
    to->GetMutable<Counter>()->value = std::stoll(chunks[0].content());
    return absl::OkStatus();
  };
  ASSERT_TRUE(RegisterBlobSerializer(typeid(Counter), serializer).ok());
  EXPECT_THAT(RegisterBlobSerializer(typeid(Counter), serializer),
              FailsWith(StatusCode::kAlreadyExists, "Counter"));
  Blob copy;
  ASSERT_TRUE(BlobFromProto(*BlobToProto(blob, "c"), &copy).ok());
  EXPECT_EQ(copy.Get<Counter>()->value, 42);
}

TEST(SerializeTest, KeysTellNamesAndChunks) {
  EXPECT_EQ(ChunkKey("W", 3), "W#%3");
  EXPECT_EQ(NameOfChunkKey("W#%3"), "W");
  EXPECT_EQ(NameOfChunkKey("a#%b#%12"), "a#%b");
  EXPECT_EQ(NameOfChunkKey("W"), "W");
  EXPECT_EQ(NameOfChunkKey("W#%"), "W#%");
  EXPECT_EQ(NameOfChunkKey("W#%x"), "W#%x");
}

TEST(SerializeTest, TypesWithADeviceAreTensors) {
  for (const char* type : {"", "TensorCPU", "TensorCUDA"}) {
    BlobProto proto = Chunk(2, 0, 2);
    proto.set_type(type);
    Blob blob;
    EXPECT_TRUE(BlobFromProto(proto, &blob).ok()) << type;
  }
}

TEST(SerializeTest, MissingChunksAreNamed) {
  BlobAssembler assembler;
  ASSERT_TRUE(assembler.Add(Chunk(10, 0, 3)).ok());
  ASSERT_TRUE(assembler.Add(Chunk(10, 6, 8)).ok());
  EXPECT_FALSE(assembler.IsComplete());
  Blob blob;
  *blob.GetMutable<std::string>() = "before";
  EXPECT_THAT(assembler.Finish(&blob),
              FailsWith(StatusCode::kInvalidArgument,
                        "blob \"X\": elements [3,6) of 10 are missing, in all 5"));
  EXPECT_EQ(*blob.Get<std::string>(), "before");
  EXPECT_THAT(BlobAssembler().Finish(&blob), FailsWith(StatusCode::kInvalidArgument, "no message"));
  ASSERT_TRUE(assembler.Add(Content("b", 1, 3)).ok());
  EXPECT_THAT(assembler.Finish(&blob), FailsWith(StatusCode::kInvalidArgument,
                                                 "chunks [0,1) of 3 are missing, in all 2"));
}

TEST(SerializeTest, ChunksThatOverlapAreRefused) {
  for (auto [begin, end] : {std::pair<int, int>{4, 6}, {3, 5}, {5, 8}, {0, 10}, {4, 5}}) {
    BlobAssembler assembler;
    ASSERT_TRUE(assembler.Add(Chunk(10, 4, 6)).ok());
    EXPECT_THAT(assembler.Add(Chunk(10, begin, end)),
                FailsWith(StatusCode::kInvalidArgument, "two messages hold elements of [4,6)"));
    EXPECT_TRUE(assembler.Add(Chunk(10, 0, 4)).ok()) << "the assembler should still be usable";
  }
}

TEST(SerializeTest, ChunksThatDoNotGoTogetherAreRefused) {
  BlobAssembler assembler;
  ASSERT_TRUE(assembler.Add(Chunk(10, 0, 4)).ok());
  EXPECT_THAT(assembler.Add(Chunk(11, 4, 11)),
              FailsWith(StatusCode::kInvalidArgument, "differ in type or shape"));
  EXPECT_THAT(assembler.Add(Content("a", 0, 1)),
              FailsWith(StatusCode::kInvalidArgument, "do not go together"));
  BlobProto other = Chunk(10, 4, 10);
  other.set_name("Y");
  EXPECT_THAT(assembler.Add(other), FailsWith(StatusCode::kInvalidArgument, "do not go together"));
}

TEST(SerializeTest, ContentChunksAreChecked) {
  BlobAssembler assembler;
  EXPECT_THAT(assembler.Add(Content("a", 3, 3)), FailsWith(StatusCode::kInvalidArgument, "chunk 3"));
  EXPECT_THAT(assembler.Add(Content("a", -1, 3)), FailsWith(StatusCode::kInvalidArgument, "-1"));
  EXPECT_THAT(assembler.Add(Content("a", 0, -3)), FailsWith(StatusCode::kInvalidArgument, "-3"));
  ASSERT_TRUE(assembler.Add(Content("a", 0, 3)).ok());
  EXPECT_THAT(assembler.Add(Content("a", 0, 3)), FailsWith(StatusCode::kInvalidArgument, "twice"));
  EXPECT_THAT(assembler.Add(Content("a", 1, 4)),
              FailsWith(StatusCode::kInvalidArgument, "there are 4 chunks, another 3"));
}

TEST(SerializeTest, ASmallMessageThatClaimsAHugeTensorAllocatesNothing) {
  BlobProto proto = Chunk(10, 0, 2);
  proto.mutable_tensor()->set_dims(0, int64_t{1} << 35);
  BlobAssembler assembler;
  ASSERT_TRUE(assembler.Add(proto).ok());
  Blob blob;
  EXPECT_THAT(assembler.Finish(&blob), FailsWith(StatusCode::kInvalidArgument, "are missing"));
  EXPECT_TRUE(blob.IsEmpty());
}

TEST(SerializeTest, WhatIsNoBlobIsRefused) {
  Blob blob;
  BlobProto unknown;
  unknown.set_name("q");
  unknown.set_type("QTensor");
  EXPECT_THAT(BlobFromProto(unknown, &blob),
              FailsWith(StatusCode::kNotFound, "blob \"q\": is of type \"QTensor\""));
  BlobProto no_tensor;
  no_tensor.set_type("Tensor");
  EXPECT_FALSE(BlobFromProto(no_tensor, &blob).ok());
  EXPECT_THAT(BlobFromProto(Chunk(10, 0, 4), &blob), FailsWith(StatusCode::kInvalidArgument, "X"));
  EXPECT_TRUE(blob.IsEmpty());
  EXPECT_FALSE(BlobToProto(blob, "nothing").ok());
}

TEST(SerializeTest, ChunkSizesBelowMinusOneAreRefused) {
  Blob blob;
  FillWithRange(&blob, 3);
  SerializeOptions options;
  options.chunk_size = -2;
  const auto ignore = [](const std::string&, const BlobProto&) { return absl::OkStatus(); };
  EXPECT_THAT(SerializeBlob(blob, "X", options, ignore),
              FailsWith(StatusCode::kInvalidArgument, "chunk_size is -2"));
}

TEST(SerializeTest, TheSinkCanStopTheWriting) {
  Blob blob;
  FillWithRange(&blob, 10);
  SerializeOptions options;
  options.chunk_size = 1;
  int calls = 0;
  EXPECT_THAT(SerializeBlob(blob, "X", options,
                            [&](const std::string&, const BlobProto&) {
                              return ++calls < 3 ? absl::OkStatus()
                                                 : absl::ResourceExhaustedError("disk full");
                            }),
              FailsWith(StatusCode::kResourceExhausted, "blob \"X\": disk full"));
  EXPECT_EQ(calls, 3);
}

TEST(SerializeTest, DamagedBlobsAreStatusesOrBlobs) {
  Blob blob;
  FillWithRange(&blob, 20);
  const BlobProto proto = Serialize(blob, "X", 0)[0].second;
  ForEachDamage(proto.SerializeAsString(), 1000, 3000, [](const std::string& bytes) {
    BlobProto damaged;
    Blob copy;
    if (!ParseProto(bytes, &damaged).ok()) return;
    BlobAssembler assembler;
    if (!BlobFromProto(damaged, &copy).ok() && assembler.Add(damaged).ok()) {
      assembler.Finish(&copy).IgnoreError();
    }
  });
}

}  // namespace
}  // namespace doppio
