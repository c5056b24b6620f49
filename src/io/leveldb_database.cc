// Databases of the type leveldb, by LevelDB's own library: a folder that one process opens at a
// time.

#include <leveldb/db.h>
#include <leveldb/env.h>
#include <leveldb/write_batch.h>
#include <sys/stat.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <utility>

#include "absl/strings/match.h"
#include "doppio/database.h"
#include "src/io/file.h"
#include "src/io/shared_handles.h"

namespace doppio {
namespace io {
namespace {

// What Caffe2 wrote with.
constexpr size_t kBlockBytes = 65536;
constexpr size_t kWriteBufferBytes = 64 << 20;
constexpr int kOpenFiles = 100;
// LevelDB keeps 32 bits of a length.
constexpr size_t kLongest = 1 << 31;

absl::Status StatusOf(const leveldb::Status& status, const std::string& path) {
  if (status.ok()) return absl::OkStatus();
  const std::string message = absl::StrCat(path, ": ", status.ToString());
  if (status.IsCorruption()) return absl::DataLossError(message);
  if (status.IsNotFound()) return absl::NotFoundError(message);
  if (absl::StrContains(message, std::strerror(ENOSPC))) {
    return absl::ResourceExhaustedError(message);
  }
  return absl::UnknownError(message);
}

absl::Status StatusOfOpening(const leveldb::Status& status, const std::string& path) {
  // LevelDB has no code for it. "already held": by this process.
  if (status.IsIOError() && absl::StartsWith(status.ToString(), "IO error: lock ")) {
    return absl::UnavailableError(
        absl::StrCat(path, ": somebody has this leveldb open, and only one may (",
                     absl::StrContains(status.ToString(), "already held by process")
                         ? "it is this process, or the one that this was forked from"
                         : "it is another process",
                     ")"));
  }
  return StatusOf(status, path);
}

// LevelDB's own environment has one thread for the work behind the scenes, which a process that was
// forked believes that it has too, and waits for.
class Environment final : public leveldb::EnvWrapper {
 public:
  Environment() : EnvWrapper(leveldb::Env::Default()) {}
  void Schedule(void (*work)(void*), void* database) override { StartThread(work, database); }
};

leveldb::Env* TheEnvironment() {
  static leveldb::Env* const environment = new Environment;
  return environment;
}

absl::StatusOr<std::shared_ptr<leveldb::DB>> OpenHandle(const std::string& folder, bool create,
                                                        const std::string& path) {
  leveldb::Options options;
  options.env = TheEnvironment();
  options.block_size = kBlockBytes;
  options.write_buffer_size = kWriteBufferBytes;
  options.max_open_files = kOpenFiles;
  options.create_if_missing = create;
  options.paranoid_checks = true;
  leveldb::DB* handle = nullptr;
  const leveldb::Status status = leveldb::DB::Open(options, folder, &handle);
  if (!status.ok()) return StatusOfOpening(status, path);
  return std::shared_ptr<leveldb::DB>(handle);
}

class LevelDbCursor final : public DatabaseCursor {
 public:
  LevelDbCursor(std::shared_ptr<leveldb::DB> handle, const std::string& path, const Limits& limits)
      : handle_(std::move(handle)), path_(path), limits_(limits) {
    leveldb::ReadOptions options;
    options.verify_checksums = true;
    iterator_.reset(handle_->NewIterator(options));
  }

  bool Valid() const override { return is_valid_; }
  absl::string_view Key() const override { return ViewOf(&leveldb::Iterator::key); }
  absl::string_view Value() const override { return ViewOf(&leveldb::Iterator::value); }
  bool SupportsSeek() const override { return true; }

  absl::Status SeekToFirst() override {
    iterator_->SeekToFirst();
    record_ = 0;
    return Check();
  }
  absl::Status Next() override {
    if (!is_valid_) return absl::OkStatus();
    iterator_->Next();
    ++record_;
    return Check();
  }
  absl::Status Seek(absl::string_view key) override {
    iterator_->Seek({key.data(), key.size()});
    record_ = 0;
    return Check();
  }

 private:
  absl::string_view ViewOf(leveldb::Slice (leveldb::Iterator::*field)() const) const {
    if (!is_valid_) return {};
    const leveldb::Slice slice = (iterator_.get()->*field)();
    return {slice.data(), slice.size()};
  }

  absl::Status Check() {
    is_valid_ = false;
    if (!iterator_->status().ok()) {
      return StatusOf(iterator_->status(), absl::StrCat(path_, ": record ", record_));
    }
    is_valid_ = iterator_->Valid();
    if (static_cast<int64_t>(Value().size()) <= limits_.max_file_bytes) return absl::OkStatus();
    absl::Status too_large = absl::ResourceExhaustedError(
        absl::StrCat(path_, ": record ", record_, ": ", Value().size(),
                     " bytes, more than the limit of ", limits_.max_file_bytes));
    is_valid_ = false;
    return too_large;
  }

  std::shared_ptr<leveldb::DB> handle_;
  const std::string path_;
  const Limits limits_;
  std::unique_ptr<leveldb::Iterator> iterator_;  // goes before the handle
  bool is_valid_ = false;
  int64_t record_ = 0;  // since the last time that the cursor was placed
};

class ReadableLevelDb final : public Database {
 public:
  ReadableLevelDb(std::shared_ptr<leveldb::DB> handle, std::string path, const Limits& limits)
      : path_(std::move(path)), limits_(limits), handle_(std::move(handle)) {}

  absl::StatusOr<std::unique_ptr<DatabaseCursor>> NewCursor() override {
    absl::MutexLock lock(&mutex_);
    if (handle_ == nullptr) {
      return absl::FailedPreconditionError(absl::StrCat(path_, ": the database is closed"));
    }
    auto cursor = std::make_unique<LevelDbCursor>(handle_, path_, limits_);
    DOPPIO_RETURN_IF_ERROR(cursor->SeekToFirst());
    return cursor;
  }
  absl::Status Write(absl::Span<const DatabaseRecord>) override {
    return absl::FailedPreconditionError(absl::StrCat(path_, ": is open for reading"));
  }
  absl::Status Close() override {
    absl::MutexLock lock(&mutex_);
    handle_.reset();
    return absl::OkStatus();
  }

 private:
  const std::string path_;
  const Limits limits_;
  absl::Mutex mutex_;
  std::shared_ptr<leveldb::DB> handle_ ABSL_GUARDED_BY(mutex_);
};

// Holds LevelDB's lock of a database that is about to be replaced.
class Lock {
 public:
  static absl::StatusOr<std::unique_ptr<Lock>> Take(const std::string& path) {
    leveldb::FileLock* lock = nullptr;
    const leveldb::Status status = leveldb::Env::Default()->LockFile(path + "/LOCK", &lock);
    if (!status.ok()) return StatusOfOpening(status, path);
    return std::unique_ptr<Lock>(new Lock(lock));
  }
  ~Lock() { leveldb::Env::Default()->UnlockFile(lock_); }
  Lock(const Lock&) = delete;
  Lock& operator=(const Lock&) = delete;

 private:
  explicit Lock(leveldb::FileLock* lock) : lock_(lock) {}

  leveldb::FileLock* lock_;
};

class WritableLevelDb final : public Database {
 public:
  // `folder`: where the new database is made; null where one that is there is added to.
  WritableLevelDb(std::string path, std::shared_ptr<leveldb::DB> handle,
                  std::unique_ptr<NewFolder> folder, std::unique_ptr<Lock> replaced)
      : path_(std::move(path)),
        replaced_(std::move(replaced)),
        folder_(std::move(folder)),
        handle_(std::move(handle)) {}

  absl::StatusOr<std::unique_ptr<DatabaseCursor>> NewCursor() override {
    return absl::FailedPreconditionError(absl::StrCat(path_, ": is open for writing"));
  }

  absl::Status Write(absl::Span<const DatabaseRecord> records) override {
    absl::MutexLock lock(&mutex_);
    if (handle_ == nullptr) {
      return absl::FailedPreconditionError(absl::StrCat(path_, ": the database is closed"));
    }
    leveldb::WriteBatch batch;
    for (const DatabaseRecord& record : records) {
      if (record.key.size() >= kLongest || record.value.size() >= kLongest) {
        return absl::InvalidArgumentError(absl::StrCat(
            path_, ": a record with a key of ", record.key.size(), " bytes and a value of ",
            record.value.size(), " bytes; both must be less than ", kLongest));
      }
      batch.Put(record.key, record.value);
    }
    leveldb::WriteOptions options;
    options.sync = folder_ == nullptr;  // a new database is brought to disk once
    return StatusOf(handle_->Write(options, &batch), path_);
  }

  absl::Status Close() override {
    absl::MutexLock lock(&mutex_);
    if (handle_ == nullptr) return absl::OkStatus();
    handle_.reset();
    const std::unique_ptr<NewFolder> folder = std::exchange(folder_, nullptr);
    const std::unique_ptr<Lock> replaced = std::exchange(replaced_, nullptr);
    if (folder == nullptr) return absl::OkStatus();
    // Whoever opens it finds the last records in the log, and brings them into a table: with
    // checksums, on disk.
    DOPPIO_RETURN_IF_ERROR(OpenHandle(folder->temporary(), false, path_).status());
    return folder->Publish();
  }

 private:
  const std::string path_;
  absl::Mutex mutex_;
  std::unique_ptr<Lock> replaced_ ABSL_GUARDED_BY(mutex_);
  std::unique_ptr<NewFolder> folder_ ABSL_GUARDED_BY(mutex_);
  std::shared_ptr<leveldb::DB> handle_ ABSL_GUARDED_BY(mutex_);
};

bool IsFile(const std::string& path) {
  struct stat info;
  return stat(path.c_str(), &info) == 0 && S_ISREG(info.st_mode);
}

bool Recognises(const std::string& path) {
  return IsFile(path + "/CURRENT") && !IsFile(path + "/IDENTITY");  // RocksDB has both
}

// What else is at the path is not touched.
absl::Status CheckPlace(const std::string& path) {
  std::error_code error;
  if (!std::filesystem::exists(path, error) || Recognises(path)) return absl::OkStatus();
  if (std::filesystem::is_directory(path, error) && std::filesystem::is_empty(path, error)) {
    return absl::OkStatus();
  }
  return absl::InvalidArgumentError(
      absl::StrCat(path, ": is there, and no leveldb (which is a folder with a file CURRENT)"));
}

// Of a database that is there.
absl::StatusOr<std::shared_ptr<leveldb::DB>> SharedHandle(const std::string& path) {
  static SharedHandles<leveldb::DB>* const handles = new SharedHandles<leveldb::DB>;
  return handles->Get(path + "/LOCK", [&] { return OpenHandle(path, false, path); });
}

absl::StatusOr<std::shared_ptr<Database>> OpenToRead(const std::string& path,
                                                     const Limits& limits) {
  struct stat info;
  if (stat(path.c_str(), &info) != 0) {
    return absl::ErrnoToStatus(errno, absl::StrCat(path, ": cannot open"));
  }
  // LevelDB would make a folder and files where there are none.
  if (!Recognises(path)) {
    return absl::InvalidArgumentError(
        absl::StrCat(path, ": is no leveldb, which is a folder with a file CURRENT"));
  }
  DOPPIO_ASSIGN_OR_RETURN(std::shared_ptr<leveldb::DB> handle, SharedHandle(path));
  return std::make_shared<ReadableLevelDb>(std::move(handle), path, limits);
}

absl::StatusOr<std::shared_ptr<Database>> Open(const std::string& path, DatabaseMode mode,
                                               const Limits& limits) {
  if (mode == DatabaseMode::kRead) return OpenToRead(path, limits);
  DOPPIO_RETURN_IF_ERROR(CheckPlace(path));
  const bool is_there = Recognises(path);
  if (is_there && mode == DatabaseMode::kWrite) {
    DOPPIO_ASSIGN_OR_RETURN(std::shared_ptr<leveldb::DB> handle, SharedHandle(path));
    return std::make_shared<WritableLevelDb>(path, std::move(handle), nullptr, nullptr);
  }
  std::unique_ptr<Lock> replaced;
  if (is_there) {
    DOPPIO_ASSIGN_OR_RETURN(replaced, Lock::Take(path));
  }
  DOPPIO_ASSIGN_OR_RETURN(std::unique_ptr<NewFolder> folder, NewFolder::Create(path));
  DOPPIO_ASSIGN_OR_RETURN(std::shared_ptr<leveldb::DB> handle,
                          OpenHandle(folder->temporary(), true, path));
  return std::make_shared<WritableLevelDb>(path, std::move(handle), std::move(folder),
                                           std::move(replaced));
}

DOPPIO_REGISTER_DATABASE(leveldb, {{"leveldb", "LevelDB"}, Open, Recognises});

}  // namespace
}  // namespace io
}  // namespace doppio
