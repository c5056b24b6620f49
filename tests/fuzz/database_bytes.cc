#include "tests/fuzz/database_bytes.h"

#include <algorithm>
#include <filesystem>

#include "absl/strings/ascii.h"
#include "doppio/blob.h"
#include "doppio/database.h"
#include "doppio/model_io.h"
#include "doppio/net_builder.h"
#include "doppio/serialize.h"
#include "doppio/tensor_io.h"
#include "gtest/gtest.h"
#include "tests/fuzz/fuzz_target.h"
#include "tests/fuzz/seed_tensors.h"
#include "tests/io/test_files.h"
#include "tests/support/tight_limits.h"

namespace doppio {
namespace {

namespace fs = std::filesystem;

constexpr int kMostRecords = 1000;

std::vector<DatabaseRecord> Checkpoint() {
  std::vector<DatabaseRecord> records;
  SerializeOptions options;
  options.chunk_size = 4;
  for (const Tensor& tensor : SeedTensors()) {
    Blob blob;
    *blob.GetMutable<Tensor>() = tensor;
    const absl::Status status = SerializeBlob(blob, absl::StrCat("blob", records.size()), options,
                                              [&](const std::string& key, const BlobProto& proto) {
                                                records.push_back({key, proto.SerializeAsString()});
                                                return absl::OkStatus();
                                              });
    EXPECT_TRUE(status.ok()) << status;
  }
  return records;
}

std::vector<DatabaseRecord> RecordsOf(const std::string& minidb) {
  std::vector<DatabaseRecord> records;
  const auto database = *OpenDatabase("minidb", minidb, DatabaseMode::kRead);
  const auto cursor = *database->NewCursor();
  while (cursor->Valid()) {
    records.push_back({std::string(cursor->Key()), std::string(cursor->Value())});
    EXPECT_TRUE(cursor->Next().ok());
  }
  return records;
}

std::vector<DatabaseRecord> SmallPredictor() {
  NetBuilder net("small");
  net.Op("FC", {"x", "w", "b"}, {"fc"}).Op("Softmax", {"fc"}, {"y"});
  Model model;
  model.predict = net.def();
  model.weights["w"] = *Tensor::Of<float>({2, 3}, {1, 2, 3, 4, 5, 6});
  model.weights["b"] = *Tensor::Of<float>({2}, {1, 2});
  model.inputs = {"x"};
  model.outputs = {"y"};
  const std::string path = TemporaryPath("predictor");
  const absl::Status status = SaveModel(model, path);
  EXPECT_TRUE(status.ok()) << status;
  return RecordsOf(path);
}

std::vector<DatabaseRecord> AnyBytes() {
  std::vector<DatabaseRecord> records;
  for (const size_t size : {1, 100, 5000}) {
    records.push_back({absl::StrCat("key", size), std::string(size, 'v')});
  }
  return records;
}

std::string BytesAt(const std::string& path) {
  return fs::is_directory(path) ? PackFolder(path) : ReadWholeFile(path);
}

void Write(const std::string& type, const std::string& path, DatabaseMode mode,
           const std::vector<DatabaseRecord>& records) {
  const auto database = *OpenDatabase(type, path, mode);
  EXPECT_TRUE(database->Write(records).ok());
  EXPECT_TRUE(database->Close().ok());
}

}  // namespace

void TryDatabase(const std::string& path) {
  const Limits limits = SmallLimits();
  const absl::StatusOr<std::string> type = DetectDatabaseType(path);
  if (type.ok()) {
    const auto database = OpenDatabase(*type, path, DatabaseMode::kRead, limits);
    if (database.ok()) {
      const auto cursor = (*database)->NewCursor();
      for (int i = 0; cursor.ok() && (*cursor)->Valid() && i < kMostRecords; ++i) {
        (void)std::string((*cursor)->Key());  // whether all of both is there
        (void)std::string((*cursor)->Value());
        if (!(*cursor)->Next().ok()) break;
      }
    }
  }
  const absl::StatusOr<std::vector<NamedTensor>> tensors = LoadTensors(path, limits);
  if (tensors.ok()) {
    for (const NamedTensor& tensor : *tensors) Touch(tensor.tensor);
  }
  (void)LoadModel(path, "", limits);
}

std::vector<std::string> DatabaseSeeds(const std::string& type) {
  std::vector<std::string> seeds;
  for (const std::vector<DatabaseRecord>& records :
       {Checkpoint(), SmallPredictor(), AnyBytes(), std::vector<DatabaseRecord>()}) {
    std::vector<DatabaseRecord> sorted = records;
    const auto no_key = [](const DatabaseRecord& record) { return record.key.empty(); };
    sorted.erase(std::remove_if(sorted.begin(), sorted.end(), no_key), sorted.end());
    const std::string path = TemporaryPath("seed");
    Write(type, path, DatabaseMode::kNew, sorted);
    seeds.push_back(BytesAt(path));
    // Added to: LevelDB sorts what its log had into a table then.
    Write(type, path, DatabaseMode::kWrite, {{"last", "one"}});
    seeds.push_back(BytesAt(path));
  }
  return seeds;
}

std::string PackFolder(const std::string& folder) {
  std::string bytes;
  for (const std::string& path : FilesBelow(folder, "")) {
    const std::string name = fs::path(path).filename();
    const std::string content = ReadWholeFile(path);
    bytes += static_cast<char>(name.size());
    bytes += name;
    for (int shift = 0; shift < 24; shift += 8) bytes += static_cast<char>(content.size() >> shift);
    bytes += content;
  }
  return bytes;
}

void UnpackFolder(absl::string_view bytes, const std::string& folder) {
  fs::remove_all(folder);
  fs::create_directory(folder);
  const auto take = [&](size_t size) {
    const absl::string_view part = bytes.substr(0, size);
    bytes.remove_prefix(part.size());
    return part;
  };
  while (!bytes.empty()) {
    const std::string name(take(static_cast<unsigned char>(take(1)[0]) % 32));
    size_t size = 0;
    int shift = 0;
    for (const char byte : take(3)) {
      size |= static_cast<size_t>(static_cast<unsigned char>(byte)) << shift;
      shift += 8;
    }
    const std::string content(take(size));
    const bool is_name = !name.empty() && std::all_of(name.begin(), name.end(), [](char c) {
      return absl::ascii_isalnum(static_cast<unsigned char>(c)) || c == '-' || c == '.';
    });
    if (is_name && name != "." && name != "..") WriteWholeFile(folder + "/" + name, content);
  }
}

}  // namespace doppio
