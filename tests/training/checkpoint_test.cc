#include "src/training/checkpoint.h"

#include <unistd.h>
#include <zlib.h>

#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_format.h"
#include "absl/strings/str_replace.h"
#include "doppio/limits.h"
#include "doppio/serialize.h"
#include "doppio/workspace.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "src/io/file.h"
#include "src/io/minidb.h"
#include "tests/training/small_training.h"

namespace doppio {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;
using training::Checkpoint;
using training::ReadCheckpoint;
using training::WriteCheckpoint;

using Records = std::vector<std::pair<std::string, std::string>>;

class CheckpointTest : public testing::Test {
 protected:
  CheckpointTest() {
    std::string path = testing::TempDir() + "/checkpoint_XXXXXX";
    folder_ = mkdtemp(path.data());
  }
  ~CheckpointTest() override {
    std::error_code error;
    fs::remove_all(folder_, error);
  }

  std::string Path(int64_t iteration) const { return training::CheckpointPath(folder_, iteration); }

  Records Read(const std::string& path) const {
    Records records;
    absl::StatusOr<io::MiniDbReader> reader = io::MiniDbReader::Open(path, Limits());
    EXPECT_TRUE(reader.ok()) << reader.status();
    std::string key, value;
    while (*reader->Next(&key, &value)) records.emplace_back(key, value);
    return records;
  }

  void Write(const Records& records, const std::string& path) const {
    const absl::Status status =
        io::WriteFile(path, [&](google::protobuf::io::ZeroCopyOutputStream* out) -> absl::Status {
          for (const auto& [key, value] : records) {
            DOPPIO_RETURN_IF_ERROR(io::WriteMiniDbRecord(key, value, out));
          }
          return absl::OkStatus();
        });
    ASSERT_TRUE(status.ok()) << status;
  }

  std::string folder_;
};

constexpr char kMeta[] = "doppio_checkpoint";

// Of all records, as a checkpoint has it: over lengths, keys and values.
uint32_t Checksum(const Records& records) {
  uint32_t checksum = 0;
  for (const auto& [key, value] : records) {
    for (const std::string& part : {key, value}) {
      std::string length;
      for (size_t i = 0; i < 8; ++i) length += static_cast<char>(part.size() >> 8 * i);
      for (const std::string& bytes : {length, part}) {
        checksum = static_cast<uint32_t>(
            crc32_z(checksum, reinterpret_cast<const Bytef*>(bytes.data()), bytes.size()));
      }
    }
  }
  return checksum;
}

// Changes the text of the last record as another version would have written it: with the checksum
// that belongs to it.
void ChangeMeta(const std::string& from, const std::string& to, Records* records) {
  ASSERT_EQ(records->back().first, kMeta);
  BlobProto proto;
  ASSERT_TRUE(proto.ParseFromString(records->back().second));
  std::string text = proto.content();
  text.resize(text.rfind("checksum "));
  ASSERT_THAT(text, HasSubstr(from));
  text = absl::StrReplaceAll(text, {{from, to}});
  records->back().second = text;
  proto.set_content(absl::StrFormat("%schecksum %08x\n", text, Checksum(*records)));
  records->back().second = proto.SerializeAsString();
}

Checkpoint SmallCheckpoint() {
  Checkpoint checkpoint;
  checkpoint.progress.iteration = 7;
  checkpoint.progress.training["batch"] = "16";
  auto blob = std::make_shared<Blob>();
  *blob->GetMutable<Tensor>() = *Tensor::Of<float>({2}, {1, 2});
  checkpoint.blobs["w"] = std::move(blob);
  return checkpoint;
}

TEST_F(CheckpointTest, IsReadAsItWasWritten) {
  ASSERT_TRUE(WriteCheckpoint(SmallCheckpoint(), Path(7)).ok());
  const absl::StatusOr<Checkpoint> read = ReadCheckpoint(Path(7));
  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_EQ(read->progress.iteration, 7);
  EXPECT_EQ(read->progress.training.at("batch"), "16");
  EXPECT_EQ(read->blobs.at("w")->Get<Tensor>()->span<float>()[1], 2);
}

TEST_F(CheckpointTest, OfAnotherFormatIsRefused) {
  ASSERT_TRUE(WriteCheckpoint(SmallCheckpoint(), Path(7)).ok());
  Records records = Read(Path(7));
  ChangeMeta("format 1\n", "format 1\n", &records);
  EXPECT_EQ(records, Read(Path(7))) << "what this test takes for the checksum is none";
  for (const std::string format : {"2", "0", "11", "1.1", "one", ""}) {
    Records other = records;
    ChangeMeta("format 1\n", absl::StrCat("format ", format, "\n"), &other);
    Write(other, Path(8));
    const absl::Status status = ReadCheckpoint(Path(8)).status();
    EXPECT_EQ(status.code(), absl::StatusCode::kUnimplemented) << status;
    EXPECT_THAT(std::string(status.message()),
                HasSubstr(absl::StrCat("iteration_00000008.minidb: a checkpoint of format ", format,
                                       "; this version knows 1")));
  }
}

TEST_F(CheckpointTest, WithoutAFormatOrAnIterationIsDamaged) {
  ASSERT_TRUE(WriteCheckpoint(SmallCheckpoint(), Path(7)).ok());
  const Records records = Read(Path(7));
  for (const auto& [from, to] : std::vector<std::pair<std::string, std::string>>{
           {"format 1\n", ""},
           {"iteration 7\n", ""},
           {"iteration 7\n", "iteration -1\n"},
           {"iteration 7\n", "iteration seven\n"},
           {"iteration 7\n", "iteration 7\nbest 1.5\n"},
           {"iteration 7\n", "iteration 7\nsince_best often\n"}}) {
    Records other = records;
    ChangeMeta(from, to, &other);
    Write(other, Path(8));
    const absl::Status status = ReadCheckpoint(Path(8)).status();
    EXPECT_EQ(status.code(), absl::StatusCode::kDataLoss) << to << ": " << status;
    EXPECT_THAT(std::string(status.message()), HasSubstr("last record of a checkpoint"));
  }
}

// Nothing is damaged: the older one that this version knows is not taken instead, which would throw
// away what the newer version learnt.
TEST_F(CheckpointTest, OfAnotherFormatKeepsATrainingFromResuming) {
  TrainerOptions options = Options();
  options.checkpoints = folder_;
  options.checkpoint_every = 20;
  {
    Workspace workspace;
    ASSERT_TRUE((*Trainer::Create(options, &workspace))->Run().ok());
  }
  Records records = Read(Path(24));
  ChangeMeta("format 1\n", "format 2\n", &records);
  Write(records, Path(24));
  Workspace workspace;
  const auto trainer = Trainer::Create(options, &workspace);
  ASSERT_TRUE(trainer.ok()) << trainer.status();
  std::vector<std::string> damaged;
  const absl::Status status = (*trainer)->Resume(&damaged);
  EXPECT_EQ(status.code(), absl::StatusCode::kUnimplemented) << status;
  EXPECT_THAT(damaged, testing::IsEmpty());
  EXPECT_EQ((*trainer)->iteration(), 0);
  EXPECT_TRUE(fs::exists(Path(24)) && fs::exists(Path(20)));
}

}  // namespace
}  // namespace doppio
