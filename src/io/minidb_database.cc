// Databases of the type minidb: records one after the other in a file, without an order.

#include <sys/stat.h>

#include <cstdio>
#include <filesystem>
#include <system_error>
#include <utility>

#include "doppio/database.h"
#include "src/io/file.h"
#include "src/io/minidb.h"

namespace doppio {
namespace io {
namespace {

class MiniDbCursor final : public DatabaseCursor {
 public:
  explicit MiniDbCursor(MiniDbReader reader) : reader_(std::move(reader)) {}

  bool Valid() const override { return is_valid_; }
  absl::string_view Key() const override { return key_; }
  absl::string_view Value() const override { return value_; }
  bool SupportsSeek() const override { return false; }

  absl::Status SeekToFirst() override {
    Clear();
    DOPPIO_RETURN_IF_ERROR(reader_.Rewind());
    return ReadRecord();
  }
  absl::Status Next() override {
    if (!is_valid_) return absl::OkStatus();
    Clear();
    return ReadRecord();
  }
  absl::Status Seek(absl::string_view key) override {
    return absl::UnimplementedError(absl::StrCat(
        "the records of a minidb are not sorted, so none can be looked for (\"", key, "\")"));
  }

 private:
  void Clear() {
    is_valid_ = false;
    key_.clear();
    value_.clear();
  }
  absl::Status ReadRecord() {
    const absl::StatusOr<bool> is_there = reader_.Next(&key_, &value_);
    if (is_there.ok() && *is_there) {
      is_valid_ = true;
      return absl::OkStatus();
    }
    Clear();
    return is_there.status();
  }

  MiniDbReader reader_;
  bool is_valid_ = false;
  std::string key_;
  std::string value_;
};

class ReadableMiniDb final : public Database {
 public:
  ReadableMiniDb(std::string path, const Limits& limits)
      : path_(std::move(path)), limits_(limits) {}

  absl::StatusOr<std::unique_ptr<DatabaseCursor>> NewCursor() override {
    DOPPIO_ASSIGN_OR_RETURN(MiniDbReader reader, MiniDbReader::Open(path_, limits_));
    auto cursor = std::make_unique<MiniDbCursor>(std::move(reader));
    DOPPIO_RETURN_IF_ERROR(cursor->SeekToFirst());
    return cursor;
  }
  absl::Status Write(absl::Span<const DatabaseRecord>) override {
    return absl::FailedPreconditionError(absl::StrCat(path_, ": is open for reading"));
  }
  absl::Status Close() override { return absl::OkStatus(); }

 private:
  const std::string path_;
  const Limits limits_;
};

class WritableMiniDb final : public Database {
 public:
  // `held`: what is to be replaced, if there is something.
  WritableMiniDb(std::string path, std::unique_ptr<NewFile> file, std::unique_ptr<HeldFile> held)
      : path_(std::move(path)), held_(std::move(held)), file_(std::move(file)) {}

  absl::StatusOr<std::unique_ptr<DatabaseCursor>> NewCursor() override {
    return absl::FailedPreconditionError(absl::StrCat(path_, ": is open for writing"));
  }
  absl::Status Write(absl::Span<const DatabaseRecord> records) override {
    absl::MutexLock lock(&mutex_);
    if (file_ == nullptr) {
      return absl::FailedPreconditionError(absl::StrCat(path_, ": the database is closed"));
    }
    return file_->Write([&](google::protobuf::io::ZeroCopyOutputStream* out) {
      for (const DatabaseRecord& record : records) {
        const absl::Status status = WriteMiniDbRecord(record.key, record.value, out);
        if (!status.ok()) return Annotate(status, absl::StrCat("\"", record.key, "\""));
      }
      return absl::OkStatus();
    });
  }
  absl::Status Close() override {
    absl::MutexLock lock(&mutex_);
    const std::unique_ptr<NewFile> file = std::exchange(file_, nullptr);
    const std::unique_ptr<HeldFile> held = std::exchange(held_, nullptr);
    return file == nullptr ? absl::OkStatus() : file->Publish();
  }

 private:
  const std::string path_;
  absl::Mutex mutex_;
  std::unique_ptr<HeldFile> held_ ABSL_GUARDED_BY(mutex_);
  std::unique_ptr<NewFile> file_ ABSL_GUARDED_BY(mutex_);
};

// All records, which are looked at on the way: nothing is added to a damaged database.
absl::Status CopyRecords(const std::string& path, const Limits& limits, NewFile* file) {
  DOPPIO_ASSIGN_OR_RETURN(MiniDbReader reader, MiniDbReader::Open(path, limits));
  return file->Write([&](google::protobuf::io::ZeroCopyOutputStream* out) -> absl::Status {
    std::string key, value;
    while (true) {
      DOPPIO_ASSIGN_OR_RETURN(const bool is_there, reader.Next(&key, &value));
      if (!is_there) return absl::OkStatus();
      DOPPIO_RETURN_IF_ERROR(WriteMiniDbRecord(key, value, out));
    }
  });
}

absl::StatusOr<std::shared_ptr<Database>> Open(const std::string& path, DatabaseMode mode,
                                               const Limits& limits) {
  if (mode == DatabaseMode::kRead) {
    std::error_code error;
    if (std::filesystem::is_directory(path, error)) {
      return absl::InvalidArgumentError(
          absl::StrCat(path, ": is a folder, and no minidb, which is a file"));
    }
    DOPPIO_RETURN_IF_ERROR(MiniDbReader::Open(path, limits).status());
    return std::make_shared<ReadableMiniDb>(path, limits);
  }
  DOPPIO_ASSIGN_OR_RETURN(std::unique_ptr<HeldFile> held, HeldFile::Hold(path));
  DOPPIO_ASSIGN_OR_RETURN(std::unique_ptr<NewFile> file, NewFile::Create(path));
  if (mode == DatabaseMode::kWrite && held != nullptr) {
    DOPPIO_RETURN_IF_ERROR(CopyRecords(path, limits, file.get()));
  }
  return std::make_shared<WritableMiniDb>(path, std::move(file), std::move(held));
}

bool Recognises(const std::string& path) {
  struct stat info;
  if (stat(path.c_str(), &info) != 0 || !S_ISREG(info.st_mode)) return false;
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> file(std::fopen(path.c_str(), "rbe"),
                                                             &std::fclose);
  if (file == nullptr) return false;
  char start[16];
  const size_t count = std::fread(start, 1, sizeof(start), file.get());
  return BeginsWithRecord({start, count}, info.st_size);
}

DOPPIO_REGISTER_DATABASE(minidb, {{"minidb", "MiniDB"}, Open, Recognises});

}  // namespace
}  // namespace io
}  // namespace doppio
