// Databases of the type protodb: one TensorProtos message in a file. A record is one of its
// tensors: the key is the tensor's name, the value the serialized TensorProto.

#include <filesystem>
#include <set>
#include <system_error>
#include <utility>

#include "doppio/database.h"
#include "doppio/proto_io.h"
#include "src/io/file.h"

namespace doppio {
namespace io {
namespace {

class ProtoDbCursor final : public DatabaseCursor {
 public:
  explicit ProtoDbCursor(std::shared_ptr<const TensorProtos> tensors)
      : tensors_(std::move(tensors)) {}

  bool Valid() const override { return at_ < tensors_->protos_size(); }
  absl::string_view Key() const override {
    return Valid() ? absl::string_view(tensors_->protos(at_).name()) : absl::string_view();
  }
  absl::string_view Value() const override { return value_; }
  bool SupportsSeek() const override { return false; }

  absl::Status SeekToFirst() override {
    at_ = 0;
    return Read();
  }
  absl::Status Next() override {
    if (Valid()) ++at_;
    return Read();
  }
  absl::Status Seek(absl::string_view key) override {
    return absl::UnimplementedError(absl::StrCat(
        "the records of a protodb are not sorted, so none can be looked for (\"", key, "\")"));
  }

 private:
  absl::Status Read() {
    value_.clear();
    if (Valid()) tensors_->protos(at_).SerializeToString(&value_);
    return absl::OkStatus();
  }

  const std::shared_ptr<const TensorProtos> tensors_;
  int at_ = 0;
  std::string value_;
};

class ReadableProtoDb final : public Database {
 public:
  ReadableProtoDb(std::string path, std::shared_ptr<const TensorProtos> tensors)
      : path_(std::move(path)), tensors_(std::move(tensors)) {}

  absl::StatusOr<std::unique_ptr<DatabaseCursor>> NewCursor() override {
    auto cursor = std::make_unique<ProtoDbCursor>(tensors_);
    DOPPIO_RETURN_IF_ERROR(cursor->SeekToFirst());
    return cursor;
  }
  absl::Status Write(absl::Span<const DatabaseRecord>) override {
    return absl::FailedPreconditionError(absl::StrCat(path_, ": is open for reading"));
  }
  absl::Status Close() override { return absl::OkStatus(); }

 private:
  const std::string path_;
  const std::shared_ptr<const TensorProtos> tensors_;
};

class WritableProtoDb final : public Database {
 public:
  // `tensors`: what is there already.
  WritableProtoDb(std::string path, std::unique_ptr<HeldFile> held, std::unique_ptr<NewFile> file,
                  TensorProtos tensors)
      : path_(std::move(path)),
        held_(std::move(held)),
        file_(std::move(file)),
        tensors_(std::move(tensors)) {
    for (const TensorProto& tensor : tensors_.protos()) names_.insert(tensor.name());
  }

  absl::StatusOr<std::unique_ptr<DatabaseCursor>> NewCursor() override {
    return absl::FailedPreconditionError(absl::StrCat(path_, ": is open for writing"));
  }

  absl::Status Write(absl::Span<const DatabaseRecord> records) override {
    absl::MutexLock lock(&mutex_);
    if (file_ == nullptr) {
      return absl::FailedPreconditionError(absl::StrCat(path_, ": the database is closed"));
    }
    TensorProtos added;
    std::set<std::string> names = names_;
    for (const DatabaseRecord& record : records) {
      const absl::Status status = Add(record, &added, &names);
      if (!status.ok()) return Annotate(status, absl::StrCat(path_, ": \"", record.key, "\""));
    }
    tensors_.MergeFrom(added);
    names_ = std::move(names);
    return absl::OkStatus();
  }

  absl::Status Close() override {
    absl::MutexLock lock(&mutex_);
    const std::unique_ptr<NewFile> file = std::exchange(file_, nullptr);
    const std::unique_ptr<HeldFile> held = std::exchange(held_, nullptr);
    if (file == nullptr) return absl::OkStatus();
    std::string bytes;
    if (!tensors_.SerializeToString(&bytes)) {
      return absl::ResourceExhaustedError(
          absl::StrCat(path_, ": is too large for the one message that a protodb is"));
    }
    DOPPIO_RETURN_IF_ERROR(file->Write(
        [&](google::protobuf::io::ZeroCopyOutputStream* out) { return WriteBytes(bytes, out); }));
    return file->Publish();
  }

 private:
  static absl::Status Add(const DatabaseRecord& record, TensorProtos* added,
                          std::set<std::string>* names) {
    TensorProto* tensor = added->add_protos();
    if (!tensor->ParseFromString(record.value) || tensor->name() != record.key) {
      return absl::InvalidArgumentError(
          "the values of a protodb are TensorProtos, whose names are the keys");
    }
    if (!names->insert(record.key).second) {
      return absl::AlreadyExistsError("there is a record of this key already");
    }
    return absl::OkStatus();
  }

  const std::string path_;
  absl::Mutex mutex_;
  std::unique_ptr<HeldFile> held_ ABSL_GUARDED_BY(mutex_);
  std::unique_ptr<NewFile> file_ ABSL_GUARDED_BY(mutex_);
  TensorProtos tensors_ ABSL_GUARDED_BY(mutex_);
  std::set<std::string> names_ ABSL_GUARDED_BY(mutex_);
};

absl::StatusOr<TensorProtos> ReadTensors(const std::string& path, const Limits& limits) {
  std::error_code error;
  if (std::filesystem::is_directory(path, error)) {
    return absl::InvalidArgumentError(
        absl::StrCat(path, ": is a folder, and no protodb, which is a file"));
  }
  DOPPIO_ASSIGN_OR_RETURN(const FileBytes bytes, ReadFile(path, limits));
  TensorProtos tensors;
  if (bytes.size == 0) return tensors;  // that is what a message without tensors looks like
  const absl::Status status = ParseProto(bytes.view(), &tensors, limits, path);
  if (!status.ok()) return absl::DataLossError(status.message());
  return tensors;
}

absl::StatusOr<std::shared_ptr<Database>> Open(const std::string& path, DatabaseMode mode,
                                               const Limits& limits) {
  if (mode == DatabaseMode::kRead) {
    DOPPIO_ASSIGN_OR_RETURN(TensorProtos tensors, ReadTensors(path, limits));
    return std::make_shared<ReadableProtoDb>(
        path, std::make_shared<const TensorProtos>(std::move(tensors)));
  }
  DOPPIO_ASSIGN_OR_RETURN(std::unique_ptr<HeldFile> held, HeldFile::Hold(path));
  DOPPIO_ASSIGN_OR_RETURN(std::unique_ptr<NewFile> file, NewFile::Create(path));
  TensorProtos tensors;
  if (mode == DatabaseMode::kWrite && held != nullptr) {
    DOPPIO_ASSIGN_OR_RETURN(tensors, ReadTensors(path, limits));
  }
  return std::make_shared<WritableProtoDb>(path, std::move(held), std::move(file),
                                           std::move(tensors));
}

// Any short text may be the beginning of such a message, so none is recognised by its look.
DOPPIO_REGISTER_DATABASE(protodb, {{"protodb", "ProtoDB"}, Open, nullptr});

}  // namespace
}  // namespace io
}  // namespace doppio
