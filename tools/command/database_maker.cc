#include "tools/command/database_maker.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <system_error>
#include <utility>

#include "absl/strings/str_format.h"
#include "doppio/database.h"
#include "doppio/image.h"
#include "doppio/serialize.h"
#include "doppio/tensor_io.h"
#include "tools/command/command.h"
#include "tools/command/progress.h"
#include "tools/command/table.h"

namespace doppio::tools {
namespace {

namespace fs = std::filesystem;

absl::StatusOr<std::string> Serialized(const TensorProtos& protos) {
  std::string value;
  if (protos.SerializeToString(&value)) return value;
  return absl::ResourceExhaustedError("a record is too large for a message");
}

// --- Arrays. ---

class RowMaker final : public RecordMaker {
 public:
  explicit RowMaker(std::vector<NamedTensor> arrays) : arrays_(std::move(arrays)) {}

  int64_t size() const override { return arrays_[0].tensor.dim(0); }
  std::string Name(int64_t) const override { return ""; }

  absl::StatusOr<std::string> Value(int64_t i) const override {
    SerializeOptions options;
    options.small_types_as_bytes = true;
    TensorProtos protos;
    for (const NamedTensor& array : arrays_) {
      const Dims dims(array.tensor.dims().begin() + 1, array.tensor.dims().end());
      DOPPIO_ASSIGN_OR_RETURN(const int64_t count, NumElements(dims));
      DOPPIO_ASSIGN_OR_RETURN(
          TensorProto proto,
          TensorSegmentToProto(array.tensor, array.name, i * count, (i + 1) * count, options));
      // The segment of a whole becomes a whole of its own.
      proto.clear_segment();
      proto.clear_dims();
      for (int64_t dim : dims) proto.add_dims(dim);
      *protos.add_protos() = std::move(proto);
    }
    return Serialized(protos);
  }

 private:
  std::vector<NamedTensor> arrays_;
};

absl::Status AddArrays(const std::string& text, std::vector<NamedTensor>* arrays) {
  // A file whose name has a '=' is meant where there is one.
  Assignment assignment = ParseAssignment(text);
  if (!assignment.has_value || fs::exists(text)) assignment = {"", text, false};
  DOPPIO_ASSIGN_OR_RETURN(std::vector<NamedTensor> found, LoadTensors(assignment.value));
  if (!assignment.key.empty() && found.size() != 1) {
    return UsageError(absl::StrCat("--from ", text, ": the file has ", found.size(),
                                   " arrays, which have names of their own; write --from ",
                                   assignment.value));
  }
  for (NamedTensor& array : found) {
    if (!assignment.key.empty()) array.name = assignment.key;
    if (array.name.empty()) array.name = fs::path(assignment.value).stem();
    for (const NamedTensor& other : *arrays) {
      if (other.name != array.name) continue;
      return absl::InvalidArgumentError(absl::StrCat(assignment.value, ": there is an array \"",
                                                     array.name,
                                                     "\" already; write --from NAME=FILE"));
    }
    if (array.tensor.rank() == 0 ||
        !(IsNumeric(array.tensor.dtype()) || array.tensor.dtype() == DataType::kString)) {
      return absl::InvalidArgumentError(absl::StrCat(assignment.value, ": array \"", array.name,
                                                     "\" is ", array.tensor.TypeAndShape(),
                                                     ", which has no rows"));
    }
    if (!arrays->empty() && arrays->front().tensor.dim(0) != array.tensor.dim(0)) {
      return absl::InvalidArgumentError(absl::StrCat(
          assignment.value, ": array \"", array.name, "\" is ", array.tensor.TypeAndShape(),
          ", but \"", arrays->front().name, "\" is ", arrays->front().tensor.TypeAndShape(),
          ": all must have as many rows, one for each record"));
    }
    arrays->push_back(std::move(array));
  }
  return absl::OkStatus();
}

// --- Pictures. ---

struct PictureFile {
  std::string path;
  std::string name;  // "cat/1.jpg"
  int32_t label;
};

class PictureMaker final : public RecordMaker {
 public:
  PictureMaker(std::vector<PictureFile> files, std::vector<std::string> classes, int64_t left_out)
      : files_(std::move(files)), classes_(std::move(classes)), left_out_(left_out) {}

  int64_t size() const override { return static_cast<int64_t>(files_.size()); }
  std::string Name(int64_t i) const override { return files_[static_cast<size_t>(i)].name; }
  std::vector<std::string> Classes() const override { return classes_; }
  std::string LeftOut() const override {
    if (left_out_ == 0) return "";
    return absl::StrCat(Counted(left_out_, "file"), " beside the folders of classes left out");
  }

  absl::StatusOr<std::string> Value(int64_t i) const override {
    const PictureFile& file = files_[static_cast<size_t>(i)];
    std::ifstream stream(file.path, std::ios::binary);
    std::string bytes((std::istreambuf_iterator<char>(stream)), std::istreambuf_iterator<char>());
    absl::Status status = absl::OkStatus();
    if (!stream) status = absl::UnavailableError("can not be read");
    if (status.ok()) status = ParseImage(bytes).status();
    if (!status.ok()) {
      return Annotate(
          status,
          absl::StrCat(file.path, " (", i + 1, " of ", Counted(size(), "picture"), ", class ",
                       file.label, " \"", classes_[static_cast<size_t>(file.label)], "\")"));
    }
    TensorProtos protos;
    TensorProto* picture = protos.add_protos();
    picture->set_name("data");
    picture->add_dims(1);
    picture->set_data_type(TensorProto::STRING);
    picture->add_string_data(std::move(bytes));
    TensorProto* label = protos.add_protos();
    label->set_name("label");
    label->set_data_type(TensorProto::INT32);
    label->add_int32_data(file.label);
    return Serialized(protos);
  }

 private:
  std::vector<PictureFile> files_;
  std::vector<std::string> classes_;
  int64_t left_out_;
};

bool IsHidden(const fs::path& path) {
  const std::string name = path.filename();
  return name.empty() || name[0] == '.';
}

// What is in a folder, in order, without what is hidden.
absl::StatusOr<std::vector<fs::path>> ListOf(const fs::path& folder) {
  std::error_code error;
  std::vector<fs::path> paths;
  fs::directory_iterator entry(folder, error);
  for (; !error && entry != fs::directory_iterator(); entry.increment(error)) {
    if (!IsHidden(entry->path())) paths.push_back(entry->path());
  }
  if (error) {
    return absl::UnavailableError(
        absl::StrCat(folder.string(), ": cannot be listed: ", error.message()));
  }
  std::sort(paths.begin(), paths.end());
  return paths;
}

// --- Writing. ---

constexpr size_t kBatchBytes = size_t{16} << 20;  // of one transaction
constexpr size_t kLongestKey = 500;               // LMDB's is 511

std::string Key(int64_t number, const std::string& name) {
  std::string key = absl::StrFormat("%08d", number);
  if (!name.empty()) absl::StrAppend(&key, "_", name);
  return key.substr(0, kLongestKey);
}

absl::Status WriteRecords(const RecordMaker& maker, const std::vector<int64_t>& records,
                          const std::shared_ptr<Database>& database, Progress* progress) {
  DatabaseTransaction transaction(database);
  size_t bytes = 0;
  int64_t number = 0;
  for (int64_t i : records) {
    DOPPIO_ASSIGN_OR_RETURN(std::string value, maker.Value(i));
    bytes += value.size();
    transaction.Put(Key(number++, maker.Name(i)), std::move(value));
    progress->Advance();
    if (bytes < kBatchBytes) continue;
    DOPPIO_RETURN_IF_ERROR(transaction.Commit());
    bytes = 0;
  }
  return transaction.Commit();
}

}  // namespace

absl::StatusOr<std::unique_ptr<RecordMaker>> RowsOfArrays(const std::vector<std::string>& files) {
  std::vector<NamedTensor> arrays;
  for (const std::string& file : files) DOPPIO_RETURN_IF_ERROR(AddArrays(file, &arrays));
  if (arrays.empty() || arrays[0].tensor.dim(0) == 0) {
    return absl::InvalidArgumentError("there are no rows, and so no records");
  }
  return std::unique_ptr<RecordMaker>(std::make_unique<RowMaker>(std::move(arrays)));
}

absl::StatusOr<std::unique_ptr<RecordMaker>> PicturesOfFolder(const std::string& folder) {
  std::vector<PictureFile> files;
  std::vector<std::string> classes;
  int64_t left_out = 0;
  DOPPIO_ASSIGN_OR_RETURN(const std::vector<fs::path> entries, ListOf(folder));
  for (const fs::path& entry : entries) {
    if (!fs::is_directory(entry)) {
      ++left_out;
      continue;
    }
    DOPPIO_ASSIGN_OR_RETURN(const std::vector<fs::path> pictures, ListOf(entry));
    const std::string name = entry.filename();
    for (const fs::path& picture : pictures) {
      files.push_back({picture, absl::StrCat(name, "/", picture.filename().string()),
                       static_cast<int32_t>(classes.size())});
    }
    classes.push_back(name);
  }
  if (files.empty()) {
    return absl::NotFoundError(absl::StrCat(
        folder, ": there are no pictures in folders of it, one folder for each class"));
  }
  return std::unique_ptr<RecordMaker>(
      std::make_unique<PictureMaker>(std::move(files), std::move(classes), left_out));
}

absl::Status MakeDatabases(const RecordMaker& maker, const std::vector<NewDatabase>& databases) {
  int64_t total = 0;
  for (const NewDatabase& database : databases) {
    total += static_cast<int64_t>(database.records.size());
  }
  Progress progress("writing records", total);
  std::vector<std::shared_ptr<Database>> opened;
  for (const NewDatabase& database : databases) {
    DOPPIO_ASSIGN_OR_RETURN(opened.emplace_back(),
                            OpenDatabase(database.type, database.path, DatabaseMode::kNew));
    DOPPIO_RETURN_IF_ERROR(WriteRecords(maker, database.records, opened.back(), &progress));
  }
  // Only now they take their places.
  for (const std::shared_ptr<Database>& database : opened) {
    DOPPIO_RETURN_IF_ERROR(database->Close());
  }
  return absl::OkStatus();
}

}  // namespace doppio::tools
