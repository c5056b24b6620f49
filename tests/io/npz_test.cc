#include <zlib.h>

#include "doppio/npy.h"
#include "tests/io/test_files.h"

namespace doppio {
namespace {

using absl::StatusCode;

void Put(std::string* bytes, uint64_t value, int size) {
  for (int i = 0; i < size; ++i, value >>= 8) bytes->push_back(static_cast<char>(value & 0xff));
}

std::string Deflate(const std::string& content) {
  z_stream stream = {};
  deflateInit2(&stream, 9, Z_DEFLATED, -MAX_WBITS, 8, Z_DEFAULT_STRATEGY);
  std::string packed(deflateBound(&stream, content.size()), '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(content.data()));
  stream.avail_in = static_cast<uInt>(content.size());
  stream.next_out = reinterpret_cast<Bytef*>(&packed[0]);
  stream.avail_out = static_cast<uInt>(packed.size());
  EXPECT_EQ(deflate(&stream, Z_FINISH), Z_STREAM_END);
  packed.resize(stream.total_out);
  deflateEnd(&stream);
  return packed;
}

// A zip archive with one member, every part of which can be told a lie.
struct Archive {
  std::string name = "a.npy";
  std::string data;  // packed
  uint64_t size = 0;
  uint32_t crc = 0;
  int method = 8;
  int flags = 0;
  bool sizes_behind = false;  // in a data descriptor, as writers to a pipe do
  bool zip64 = false;
  int copies = 1;  // directory entries of the same data

  static Archive Of(const std::string& content) {
    Archive archive;
    archive.data = Deflate(content);
    archive.size = content.size();
    archive.crc = static_cast<uint32_t>(crc32(0, reinterpret_cast<const Bytef*>(content.data()),
                                              static_cast<uInt>(content.size())));
    return archive;
  }

  std::string Bytes() const {
    std::string bytes = "PK\x03\x04";
    Put(&bytes, 20, 2);
    Put(&bytes, sizes_behind ? flags | 8 : flags, 2);
    Put(&bytes, method, 2);
    Put(&bytes, 0, 4);
    Put(&bytes, sizes_behind ? 0 : crc, 4);
    Put(&bytes, sizes_behind ? 0 : data.size(), 4);
    Put(&bytes, sizes_behind ? 0 : size, 4);
    Put(&bytes, name.size(), 2);
    Put(&bytes, 3, 2);
    bytes += name + "abc" + data;
    if (sizes_behind) bytes += "PK\x07\x08 and 12 bytes";
    const size_t directory = bytes.size();
    for (int i = 0; i < copies; ++i) {
      bytes += "PK\x01\x02";
      Put(&bytes, 20, 2);
      Put(&bytes, 20, 2);
      Put(&bytes, flags, 2);
      Put(&bytes, method, 2);
      Put(&bytes, 0, 4);
      Put(&bytes, crc, 4);
      Put(&bytes, zip64 ? 0xffffffff : data.size(), 4);
      Put(&bytes, zip64 ? 0xffffffff : size, 4);
      Put(&bytes, name.size(), 2);
      Put(&bytes, zip64 ? 28 : 0, 2);
      Put(&bytes, 0, 10);
      Put(&bytes, zip64 ? 0xffffffff : 0, 4);
      bytes += name;
      if (!zip64) continue;
      Put(&bytes, 1, 2);
      Put(&bytes, 24, 2);
      Put(&bytes, size, 8);
      Put(&bytes, data.size(), 8);
      Put(&bytes, 0, 8);
    }
    const size_t end = bytes.size();
    if (zip64) {
      bytes += "PK\x06\x06";
      Put(&bytes, 44, 8);
      Put(&bytes, 0, 12);
      Put(&bytes, copies, 8);
      Put(&bytes, copies, 8);
      Put(&bytes, end - directory, 8);
      Put(&bytes, directory, 8);
      bytes += "PK\x06\x07";
      Put(&bytes, 0, 4);
      Put(&bytes, end, 8);
      Put(&bytes, 1, 4);
    }
    bytes += "PK\x05\x06";
    Put(&bytes, 0, 4);
    Put(&bytes, zip64 ? 0xffff : copies, 2);
    Put(&bytes, zip64 ? 0xffff : copies, 2);
    Put(&bytes, end - directory, 4);
    Put(&bytes, zip64 ? 0xffffffff : directory, 4);
    Put(&bytes, 7, 2);
    return bytes + "comment";
  }
};

std::string SomeNpy() { return *FormatNpy(*Tensor::Of<float>({2}, {1.5f, -2})); }

TEST(NpzTest, ArraysComeBackInTheirOrder) {
  const std::vector<NamedTensor> tensors = {{"y", *Tensor::Of<float>({2, 1}, {1, 2})},
                                            {"x/1", *Tensor::Scalar<int64_t>(7)},
                                            {"empty", *Tensor::Of<bool>({0}, {})},
                                            {"s", *Tensor::Of<std::string>({2}, {"a", "bc"})}};
  absl::StatusOr<std::string> bytes = FormatNpz(tensors);
  ASSERT_TRUE(bytes.ok()) << bytes.status();
  absl::StatusOr<std::vector<NamedTensor>> copies = ParseNpz(*bytes);
  ASSERT_TRUE(copies.ok()) << copies.status();
  ASSERT_EQ(copies->size(), tensors.size());
  for (size_t i = 0; i < tensors.size(); ++i) {
    EXPECT_EQ((*copies)[i].name, tensors[i].name);
    EXPECT_EQ(*FormatNpy((*copies)[i].tensor), *FormatNpy(tensors[i].tensor));
  }
}

TEST(NpzTest, AnArchiveWithoutMembersHasNoArrays) {
  EXPECT_TRUE(ParseNpz(*FormatNpz({}))->empty());
}

TEST(NpzTest, DeflatedStreamedAndLargeArchivesAreRead) {
  for (bool sizes_behind : {false, true}) {
    for (bool zip64 : {false, true}) {
      Archive archive = Archive::Of(SomeNpy());
      archive.sizes_behind = sizes_behind;
      archive.zip64 = zip64;
      absl::StatusOr<std::vector<NamedTensor>> tensors = ParseNpz(archive.Bytes());
      ASSERT_TRUE(tensors.ok()) << tensors.status();
      ASSERT_EQ(tensors->size(), 1u);
      EXPECT_EQ((*tensors)[0].name, "a");
      EXPECT_EQ((*tensors)[0].tensor.data<float>()[1], -2);
    }
  }
}

TEST(NpzTest, OtherMembersAreSkipped) {
  Archive archive = Archive::Of("no array");
  archive.name = "README";
  EXPECT_TRUE(ParseNpz(archive.Bytes())->empty());
}

TEST(NpzTest, AWrongCrcIsNoticed) {
  Archive archive = Archive::Of(SomeNpy());
  archive.crc ^= 1;
  EXPECT_THAT(ParseNpz(archive.Bytes()).status(),
              FailsWith(StatusCode::kDataLoss, "a.npy is damaged: its CRC differs"));
}

TEST(NpzTest, AWrongSizeIsNoticed) {
  for (int difference : {-1, 1, 1000}) {
    Archive archive = Archive::Of(SomeNpy());
    archive.size += difference;
    EXPECT_THAT(ParseNpz(archive.Bytes()).status(),
                FailsWith(StatusCode::kDataLoss, "does not unpack to"));
  }
  Archive stored = Archive::Of(SomeNpy());
  stored.method = 0;
  EXPECT_THAT(ParseNpz(stored.Bytes()).status(), FailsWith(StatusCode::kDataLoss, "a.npy claims"));
}

TEST(NpzTest, AZipBombDoesNotExplode) {
  Archive archive = Archive::Of(std::string(10'000'000, '\0'));
  EXPECT_LT(archive.data.size(), 20'000u);
  Limits limits;
  limits.max_file_bytes = 1'000'000;
  EXPECT_THAT(ParseNpz(archive.Bytes(), limits).status(),
              FailsWith(StatusCode::kResourceExhausted, "more than the limit of 1000000 bytes"));
  limits.max_file_bytes = 15'000'000;
  archive.copies = 2;
  EXPECT_THAT(ParseNpz(archive.Bytes(), limits).status(),
              FailsWith(StatusCode::kResourceExhausted, "more than the limit"));
  Archive liar = Archive::Of(SomeNpy());
  liar.size = 2'000'000'000;
  EXPECT_THAT(ParseNpz(liar.Bytes()).status(),
              FailsWith(StatusCode::kDataLoss, "claims to unpack to 2000000000 bytes"));
}

TEST(NpzTest, EncryptedAndOtherwiseCompressedMembersAreRefused) {
  Archive archive = Archive::Of(SomeNpy());
  archive.flags = 1;
  EXPECT_THAT(ParseNpz(archive.Bytes()).status(),
              FailsWith(StatusCode::kUnimplemented, "a.npy is encrypted"));
  archive = Archive::Of(SomeNpy());
  archive.method = 12;
  EXPECT_THAT(ParseNpz(archive.Bytes()).status(),
              FailsWith(StatusCode::kUnimplemented, "method 12"));
}

TEST(NpzTest, TheSameNameTwiceIsRefused) {
  Archive archive = Archive::Of(SomeNpy());
  archive.copies = 2;
  EXPECT_THAT(ParseNpz(archive.Bytes()).status(),
              FailsWith(StatusCode::kInvalidArgument, "a.npy is there twice"));
}

TEST(NpzTest, ErrorsNameTheArray) {
  EXPECT_THAT(ParseNpz(Archive::Of("no array").Bytes()).status(),
              FailsWith(StatusCode::kInvalidArgument, "a.npy: not an npy file"));
}

TEST(NpzTest, WhatIsNoArchiveIsRefused) {
  EXPECT_THAT(ParseNpz("PK\x03\x04").status(), FailsWith(StatusCode::kDataLoss, "too short"));
  EXPECT_THAT(ParseNpz(std::string(100'000, 'P')).status(),
              FailsWith(StatusCode::kDataLoss, "no directory"));
}

TEST(NpzTest, DamagedArchivesAreStatusesOrTensors) {
  for (bool zip64 : {false, true}) {
    Archive archive = Archive::Of(SomeNpy());
    archive.zip64 = zip64;
    ForEachDamage(archive.Bytes(), 1000, 4000,
                  [](const std::string& bytes) { ParseNpz(bytes).status().IgnoreError(); });
  }
}

TEST(NpzTest, ReadsWhatNumpyWrote) {
  DOPPIO_SKIP_WITHOUT_SHARED();
  for (const std::string& path : FilesBelow(SharedDir() + "/models", ".npz")) {
    absl::StatusOr<std::vector<NamedTensor>> tensors = ParseNpz(ReadWholeFile(path));
    ASSERT_TRUE(tensors.ok()) << path << ": " << tensors.status();
    EXPECT_FALSE(tensors->empty()) << path;
  }
  EXPECT_TRUE(ParseNpz(ReadWholeFile(SharedDir() + "/conformance/expand_cases.npz")).ok());
}

}  // namespace
}  // namespace doppio
