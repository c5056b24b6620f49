#include "doppio/tensor_io.h"

#include "doppio/proto_io.h"
#include "doppio/serialize.h"
#include "tests/io/test_files.h"

namespace doppio {
namespace {

using absl::StatusCode;

Tensor SomeTensor() { return *Tensor::Of<float>({2, 2}, {1, 2, 3, 4}); }

TEST(TensorIoTest, WhatIsSavedLoadsInEveryFormat) {
  for (const char* name : {"x.npy", "x.npz", "x.pb", "x.pbtxt", "x.json", "x"}) {
    const std::string path = TemporaryPath(name);
    const absl::Status saved = SaveTensor(SomeTensor(), path, "X");
    ASSERT_TRUE(saved.ok()) << saved;
    absl::StatusOr<Tensor> tensor = LoadTensor(path);
    ASSERT_TRUE(tensor.ok()) << name << ": " << tensor.status();
    EXPECT_EQ(tensor->TypeAndShape(), "float[2,2]");
    EXPECT_EQ(tensor->span<float>(), SomeTensor().span<float>());
  }
}

TEST(TensorIoTest, TheEndingDecidesHowATensorIsSaved) {
  const auto kind_of = [](const std::string& name) {
    const std::string path = TemporaryPath(name);
    EXPECT_TRUE(SaveTensor(SomeTensor(), path).ok());
    return DescribeFile(path)->kind;
  };
  EXPECT_EQ(kind_of("x.npy"), FileKind::kNpy);
  EXPECT_EQ(kind_of("x.npz"), FileKind::kNpz);
  EXPECT_EQ(kind_of("x.pb"), FileKind::kBlobProto);
  EXPECT_EQ(kind_of("x.pbtxt"), FileKind::kBlobProto);
}

TEST(TensorIoTest, TheContentDecidesHowATensorIsLoaded) {
  const std::string path = TemporaryPath("x.npy");
  ASSERT_TRUE(SaveProto(*TensorToProto(SomeTensor(), "X"), path, Encoding::kText).ok());
  EXPECT_EQ(LoadTensor(path)->TypeAndShape(), "float[2,2]");
  ASSERT_TRUE(SaveProto(*TensorToProto(SomeTensor(), "X"), path, Encoding::kBinary).ok());
  absl::StatusOr<std::vector<NamedTensor>> tensors = LoadTensors(path);
  ASSERT_TRUE(tensors.ok()) << tensors.status();
  EXPECT_EQ((*tensors)[0].name, "X");
}

TEST(TensorIoTest, AnArchiveWithSeveralArraysNeedsAName) {
  const std::string path = TemporaryPath("x.npz");
  WriteWholeFile(path, *FormatNpz({{"a", SomeTensor()}, {"b", *Tensor::Scalar<int32_t>(1)}}));
  EXPECT_EQ(LoadTensor(path, "b")->TypeAndShape(), "int32[]");
  EXPECT_THAT(LoadTensor(path).status(), FailsWith(StatusCode::kInvalidArgument,
                                                   "holds 2 tensors, and one must be named: \"a"));
  EXPECT_THAT(LoadTensor(path, "c").status(),
              FailsWith(StatusCode::kNotFound, "no array \"c\"; there are: \"a\", \"b\""));
}

TEST(TensorIoTest, ANamedArrayLoadsBesideOthersThatCannotBeRead) {
  const std::string path = TemporaryPath("x.npz");
  std::string bytes = *FormatNpz({{"a", SomeTensor()}, {"b", *Tensor::Scalar<int32_t>(1)}});
  bytes[bytes.find("\x93NUMPY")] = 'x';
  WriteWholeFile(path, bytes);
  EXPECT_EQ(LoadTensor(path, "b")->TypeAndShape(), "int32[]");
  EXPECT_THAT(LoadTensor(path, "a").status(), FailsWith(StatusCode::kDataLoss, "a.npy is damaged"));
  EXPECT_FALSE(LoadTensors(path).ok());
}

TEST(TensorIoTest, ANameThatIsNotTheFilesIsNotFound) {
  const std::string path = TemporaryPath("x.pb");
  ASSERT_TRUE(SaveTensor(SomeTensor(), path, "X").ok());
  EXPECT_TRUE(LoadTensor(path, "X").ok());
  EXPECT_THAT(LoadTensor(path, "Y").status(),
              FailsWith(StatusCode::kNotFound, "no tensor \"Y\"; there is: \"X\""));
}

TEST(TensorIoTest, FilesWithoutTensorsAreRefused) {
  const std::string net = TemporaryPath("net.pbtxt");
  WriteWholeFile(net, "op { type: 'Relu' }");
  EXPECT_THAT(LoadTensor(net).status(), FailsWith(StatusCode::kInvalidArgument,
                                                  net + ": no tensor in this file (kind: NetDef)"));
  const std::string blob = TemporaryPath("blob.pbtxt");
  WriteWholeFile(blob, "name: 's' type: 'std::string' content: 'hello'");
  EXPECT_THAT(LoadTensor(blob).status(),
              FailsWith(StatusCode::kInvalidArgument, "of type \"std::string\", not a tensor"));
  const std::string empty = TemporaryPath("empty.npy");
  WriteWholeFile(empty, "");
  EXPECT_THAT(LoadTensor(empty).status(), FailsWith(StatusCode::kInvalidArgument, "empty file"));
  EXPECT_THAT(LoadTensor(empty + "x").status(), FailsWith(StatusCode::kNotFound, "empty.npyx"));
}

TEST(TensorIoTest, SeveralTensorsGoIntoAnArchive) {
  const std::string path = TemporaryPath("both.npz");
  ASSERT_TRUE(SaveTensors({{"a", SomeTensor()}, {"b", *Tensor::Of<int8_t>({1}, {3})}}, path).ok());
  EXPECT_EQ(LoadTensor(path, "b")->data<int8_t>()[0], 3);
  EXPECT_EQ(LoadTensors(path)->size(), 2u);
  EXPECT_THAT(SaveTensors({}, TemporaryPath("none.npy")),
              FailsWith(StatusCode::kInvalidArgument, "ends in .npz"));
}

TEST(TensorIoTest, ErrorsNameTheFile) {
  const std::string path = TemporaryPath("x.npy");
  WriteWholeFile(path, FormatNpy(SomeTensor())->substr(0, 130));
  EXPECT_THAT(LoadTensor(path).status(), FailsWith(StatusCode::kDataLoss, path + ": npy array"));
  EXPECT_THAT(SaveTensor(*Tensor::Of<std::string>({1}, {std::string(1, '\0')}), path),
              FailsWith(StatusCode::kInvalidArgument, path + ": string 0"));
  EXPECT_EQ(ReadWholeFile(path).size(), 130u) << "a failed save changed the file";
  EXPECT_THAT(SaveTensor(SomeTensor(), "/nowhere/x.npy"),
              FailsWith(StatusCode::kNotFound, "/nowhere"));
}

}  // namespace
}  // namespace doppio
