#include "doppio/proto_io.h"
#include "tests/io/test_files.h"

namespace doppio {
namespace {

constexpr Encoding kEncodings[] = {Encoding::kBinary, Encoding::kText, Encoding::kJson};

void ExpectKindInEveryEncoding(const google::protobuf::Message& message, FileKind kind) {
  for (Encoding encoding : kEncodings) {
    const std::string bytes = *FormatProto(message, encoding);
    const FileDescription description = DescribeBytes(bytes);
    EXPECT_EQ(FileKindName(description.kind), FileKindName(kind)) << EncodingName(encoding);
    EXPECT_EQ(description.encoding, encoding);
    EXPECT_EQ(description.bytes, static_cast<int64_t>(bytes.size()));
  }
}

template <typename Message>
Message FromText(const std::string& text) {
  Message message;
  const absl::Status status = ParseProto(text, &message);
  EXPECT_TRUE(status.ok()) << status;
  return message;
}

TEST(DescribeTest, KnowsNets) {
  ExpectKindInEveryEncoding(
      FromText<NetDef>("name: 'n' op { input: 'X' output: 'Y' type: 'Relu' }"), FileKind::kNetDef);
  ExpectKindInEveryEncoding(FromText<NetDef>("op { type: 'Relu' } type: 'simple'"),
                            FileKind::kNetDef);
}

TEST(DescribeTest, KnowsInitNets) {
  ExpectKindInEveryEncoding(FromText<NetDef>("op { output: 'W' type: 'XavierFill' } "
                                             "op { input: 'W' output: 'V' type: 'ConstantFill' }"),
                            FileKind::kInitNet);
}

TEST(DescribeTest, ANetThatFillsByWhatItIsFedIsNoInitNet) {
  ExpectKindInEveryEncoding(FromText<NetDef>("op { input: 'X' output: 'Y' type: 'ConstantFill' }"),
                            FileKind::kNetDef);
}

TEST(DescribeTest, KnowsPlans) {
  ExpectKindInEveryEncoding(
      FromText<PlanDef>("name: 'p' network { name: 'n' op { input: 'X' type: 'Relu' } } "
                        "execution_step { network: 'n' num_iter: 3 }"),
      FileKind::kPlanDef);
  ExpectKindInEveryEncoding(FromText<PlanDef>("execution_step { name: 's' network: 'n' }"),
                            FileKind::kPlanDef);
}

TEST(DescribeTest, KnowsPredictorFiles) {
  ExpectKindInEveryEncoding(
      FromText<MetaNetDef>(
          "blobs { key: 'INPUTS_BLOB_TYPE' value: 'data' } "
          "nets { key: 'PREDICT_NET_TYPE' value { name: 'n' op { type: 'Relu' } } }"),
      FileKind::kMetaNetDef);
}

TEST(DescribeTest, KnowsBlobs) {
  ExpectKindInEveryEncoding(
      FromText<BlobProto>("name: 'X' type: 'Tensor' tensor { dims: 2 data_type: FLOAT "
                          "float_data: 1 float_data: 2 segment { begin: 0 end: 2 } }"),
      FileKind::kBlobProto);
  ExpectKindInEveryEncoding(FromText<BlobProto>("name: 'X' type: 'std::string' content: 'Relu'"),
                            FileKind::kBlobProto);
}

TEST(DescribeTest, ABlobOfATypeThatNobodyKnowsStillLoadsAsABlob) {
  const BlobProto blob = FromText<BlobProto>("name: 'c' type: 'Counter' content: 'x42'");
  for (Encoding encoding : kEncodings) {
    BlobProto copy;
    const absl::Status status = ParseProto(*FormatProto(blob, encoding), &copy);
    EXPECT_TRUE(status.ok()) << status;
    EXPECT_EQ(copy.content(), "x42");
  }
}

TEST(DescribeTest, KnowsTensors) {
  ExpectKindInEveryEncoding(
      FromText<TensorProto>("dims: 2 dims: 3 data_type: INT64 int64_data: [1, 2, 3, 4, 5, 6]"),
      FileKind::kTensorProto);
  ExpectKindInEveryEncoding(FromText<TensorProto>("data_type: STRING string_data: 'a' name: 'X'"),
                            FileKind::kTensorProto);
}

TEST(DescribeTest, KnowsOperators) {
  ExpectKindInEveryEncoding(FromText<OperatorDef>("input: 'X' output: 'Y' name: '' type: 'Expand'"),
                            FileKind::kOperatorDef);
  ExpectKindInEveryEncoding(
      FromText<OperatorDef>("input: 'X' output: 'Y' type: 'ArgMax' arg { name: 'axis' i: 1 }"),
      FileKind::kOperatorDef);
}

TEST(DescribeTest, KnowsRecordedOperators) {
  DOPPIO_SKIP_WITHOUT_SHARED();
  const std::string folder = SharedDir() + "/conformance/gradients";
  for (const std::string& path : FilesBelow(folder, ".pbtxt")) {
    EXPECT_EQ(DescribeFile(path)->kind, FileKind::kNetDef) << path;
  }
}

TEST(DescribeTest, KnowsOtherFilesByTheirFirstBytes) {
  EXPECT_EQ(DescribeBytes("\x93NUMPY\x01").kind, FileKind::kNpy);
  EXPECT_EQ(DescribeBytes("PK\x03\x04 and so on").kind, FileKind::kNpz);
  EXPECT_EQ(DescribeBytes("PK\x05\x06").kind, FileKind::kNpz);
  EXPECT_EQ(DescribeBytes("\x89PNG\r\n\x1a\n").kind, FileKind::kPng);
  EXPECT_EQ(DescribeBytes("\xff\xd8\xff\xe0").kind, FileKind::kJpeg);
}

// Two records of a database of examples: a key, and a TensorProtos.
std::string Examples() {
  std::string records;
  for (const char key : {'0', '1'}) {
    const std::string value =
        FromText<TensorProtos>("protos { dims: 2 data_type: FLOAT float_data: 1 float_data: 2 }")
            .SerializeAsString();
    records += std::string("\x01\0\0\0", 4) + static_cast<char>(value.size()) +
               std::string("\0\0\0", 3) + key + value;
  }
  return records;
}

TEST(DescribeTest, WhatStandsInThePlaceOfANetIsNamed) {
  const struct {
    std::string content;
    FileKind kind;
    const char* what;
  } cases[] = {
      {"version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 12345\n",
       FileKind::kGitLfsPointer, "a Git LFS pointer: the file itself was not fetched"},
      {"\n<!DOCTYPE html>\n<html><head><title>init_net.pb</title></head></html>\n",
       FileKind::kWebPage, "a web page"},
      {"<HTML><body>404</body></HTML>", FileKind::kWebPage, "a web page"},
      {Examples(), FileKind::kDataMiniDb, "a minidb of examples"},
      {"", FileKind::kEmpty, "empty"},
  };
  for (const auto& [content, kind, what] : cases) {
    EXPECT_EQ(DescribeBytes(content).kind, kind) << what;
    NetDef net;
    EXPECT_THAT(ParseProto(content, &net, {}, "net.pb"),
                FailsWith(absl::StatusCode::kInvalidArgument, what));
    const std::string path = TemporaryPath("net.pb");
    WriteWholeFile(path, content);
    EXPECT_EQ(DescribeFile(path)->kind, kind) << what;
    EXPECT_THAT(LoadNet(path).status(), FailsWith(absl::StatusCode::kInvalidArgument, what));
  }
}

TEST(DescribeTest, GoesByContentAndNotByName) {
  const std::string path = TemporaryPath("net.json");
  WriteWholeFile(path, "op { type: 'Relu' }");
  absl::StatusOr<FileDescription> description = DescribeFile(path);
  ASSERT_TRUE(description.ok()) << description.status();
  EXPECT_EQ(description->encoding, Encoding::kText);
  EXPECT_EQ(description->kind, FileKind::kNetDef);
}

TEST(DescribeTest, WhatNobodyKnowsIsUnknown) {
  for (const std::string& bytes :
       {std::string("hello, world"),
        std::string("\x7f"
                    "ELF\x02\x01\x01"),
        std::string("#!/bin/sh\necho hello"), std::string(100, '\0'),
        std::string("{\"a\": [1, 2]}"), std::string("GIF89a"), std::string("key: value\nother: 3"),
        std::string("\x93NUMP"), std::string("SQLite format 3\0", 16)}) {
    EXPECT_EQ(FileKindName(DescribeBytes(bytes).kind), "unknown") << bytes;
  }
}

TEST(DescribeTest, ReadingAFileOfAnotherKindSaysWhatItIs) {
  const std::string plan =
      FromText<PlanDef>("network { name: 'n' op { input: 'X' type: 'Relu' } }").SerializeAsString();
  NetDef net;
  EXPECT_THAT(ParseProto(plan, &net, {}, "p.pb"),
              FailsWith(absl::StatusCode::kInvalidArgument,
                        "p.pb: this is not a NetDef but looks like PlanDef"));
  EXPECT_THAT(ParseProto("\x93NUMPY\x01", &net, {}, "x.npy"),
              FailsWith(absl::StatusCode::kInvalidArgument, "looks like npy"));
  EXPECT_THAT(ParseProto("execution_step { num_iter: 1 }", &net),
              FailsWith(absl::StatusCode::kInvalidArgument, "looks like PlanDef"));
  PlanDef not_a_plan;
  EXPECT_THAT(ParseProto("{\"op\": [{\"type\": \"Relu\"}]}", &not_a_plan),
              FailsWith(absl::StatusCode::kInvalidArgument, "looks like NetDef"));
}

}  // namespace
}  // namespace doppio
