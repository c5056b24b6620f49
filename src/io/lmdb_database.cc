// Databases of the type lmdb, by LMDB's own library: a folder with a file that is mapped into
// memory, for many readers and one writer at a time.

#include <lmdb.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <utility>

#include "doppio/database.h"
#include "src/io/file.h"
#include "src/io/lmdb_check.h"
#include "src/io/shared_handles.h"

namespace doppio {
namespace io {
namespace {

// Address space, not memory nor disk: what a database may grow to. As Caffe2's, where the process
// may have that much.
constexpr size_t kMapBytes = size_t{1} << 40;
constexpr size_t kLeastMapBytes = size_t{1} << 30;

std::string DataFile(const std::string& folder) { return folder + "/data.mdb"; }

absl::Status StatusOf(int error, absl::string_view what, const std::string& path) {
  if (error == MDB_SUCCESS) return absl::OkStatus();
  const std::string message = absl::StrCat(path, ": ", what, ": ", mdb_strerror(error));
  switch (error) {
    case MDB_CORRUPTED:
    case MDB_PAGE_NOTFOUND:
    case MDB_PANIC:
    case MDB_INVALID:
      return absl::DataLossError(message);
    case MDB_VERSION_MISMATCH:
    case MDB_INCOMPATIBLE:
      return absl::InvalidArgumentError(message);
    case MDB_MAP_FULL:
    case MDB_READERS_FULL:
    case MDB_TXN_FULL:
      return absl::ResourceExhaustedError(message);
    default:
      return error > 0 ? absl::ErrnoToStatus(error, absl::StrCat(path, ": ", what))
                       : absl::UnknownError(message);
  }
}

struct CloseEnvironment {
  void operator()(MDB_env* environment) const { mdb_env_close(environment); }
};
using Environment = std::unique_ptr<MDB_env, CloseEnvironment>;

// `map_bytes` 0: as much as the database has.
int TryToOpen(const std::string& folder, unsigned flags, size_t map_bytes, Environment* out) {
  MDB_env* environment = nullptr;
  int error = mdb_env_create(&environment);
  if (error != MDB_SUCCESS) return error;
  out->reset(environment);
  if (map_bytes > 0) error = mdb_env_set_mapsize(environment, map_bytes);
  if (error == MDB_SUCCESS) {
    error = mdb_env_open(environment, folder.c_str(), flags | MDB_NOTLS, 0666);
  }
  if (error != MDB_SUCCESS) out->reset();
  return error;
}

// With less where the process may not have as much; LMDB takes what the records need at least.
int OpenWithin(size_t map_bytes, const std::string& folder, unsigned flags, Environment* out) {
  int error = TryToOpen(folder, flags, map_bytes, out);
  for (size_t less = kMapBytes / 4; error == ENOMEM && less >= kLeastMapBytes; less /= 4) {
    error = TryToOpen(folder, flags, less, out);
  }
  return error;
}

absl::StatusOr<std::shared_ptr<MDB_env>> OpenToWrite(const std::string& folder, unsigned flags,
                                                     const std::string& path) {
  Environment environment;
  const int error = OpenWithin(kMapBytes, folder, flags, &environment);
  DOPPIO_RETURN_IF_ERROR(StatusOf(error, "cannot open this lmdb", path));
  return std::shared_ptr<MDB_env>(std::move(environment));
}

absl::StatusOr<std::shared_ptr<MDB_env>> OpenToShare(const std::string& path) {
  Environment environment;
  int error = OpenWithin(0, path, MDB_RDONLY, &environment);
  // Readers note themselves in a file. Where they may not, nobody here writes.
  if (error == EACCES || error == EROFS) {
    error = OpenWithin(0, path, MDB_RDONLY | MDB_NOLOCK, &environment);
  }
  DOPPIO_RETURN_IF_ERROR(StatusOf(error, "cannot open this lmdb", path));
  return std::shared_ptr<MDB_env>(std::move(environment));
}

class LmdbCursor final : public DatabaseCursor {
 public:
  LmdbCursor(std::shared_ptr<MDB_env> environment, std::string path, const Limits& limits)
      : environment_(std::move(environment)), path_(std::move(path)), limits_(limits) {}
  ~LmdbCursor() override {
    if (cursor_ != nullptr) mdb_cursor_close(cursor_);
    if (transaction_ != nullptr) mdb_txn_abort(transaction_);
  }

  absl::Status Begin() {
    DOPPIO_RETURN_IF_ERROR(
        StatusOf(mdb_txn_begin(environment_.get(), nullptr, MDB_RDONLY, &transaction_),
                 "cannot begin to read", path_));
    DOPPIO_RETURN_IF_ERROR(CheckLmdbPages(DataFile(path_), mdb_txn_id(transaction_), path_));
    MDB_dbi database;
    DOPPIO_RETURN_IF_ERROR(
        StatusOf(mdb_dbi_open(transaction_, nullptr, 0, &database), "cannot read", path_));
    DOPPIO_RETURN_IF_ERROR(
        StatusOf(mdb_cursor_open(transaction_, database, &cursor_), "cannot read", path_));
    return SeekToFirst();
  }

  bool Valid() const override { return is_valid_; }
  absl::string_view Key() const override { return ViewOf(key_); }
  absl::string_view Value() const override { return ViewOf(value_); }
  bool SupportsSeek() const override { return true; }

  absl::Status SeekToFirst() override {
    record_ = 0;
    return Go(MDB_FIRST);
  }
  absl::Status Next() override {
    if (!is_valid_) return absl::OkStatus();
    ++record_;
    return Go(MDB_NEXT);
  }
  absl::Status Seek(absl::string_view key) override {
    if (key.empty()) return SeekToFirst();
    record_ = 0;
    sought_ = std::string(key);
    key_ = {sought_.size(), &sought_[0]};
    return Go(MDB_SET_RANGE);
  }

 private:
  absl::string_view ViewOf(const MDB_val& value) const {
    if (!is_valid_) return {};
    return {static_cast<const char*>(value.mv_data), value.mv_size};
  }

  absl::Status Go(MDB_cursor_op op) {
    is_valid_ = false;
    const int error = mdb_cursor_get(cursor_, &key_, &value_, op);
    if (error == MDB_NOTFOUND) return absl::OkStatus();
    DOPPIO_RETURN_IF_ERROR(StatusOf(error, absl::StrCat("record ", record_), path_));
    if (static_cast<int64_t>(value_.mv_size) > limits_.max_file_bytes) {
      return absl::ResourceExhaustedError(
          absl::StrCat(path_, ": record ", record_, ": ", value_.mv_size,
                       " bytes, more than the limit of ", limits_.max_file_bytes));
    }
    is_valid_ = true;
    return absl::OkStatus();
  }

  std::shared_ptr<MDB_env> environment_;
  const std::string path_;
  const Limits limits_;
  MDB_txn* transaction_ = nullptr;
  MDB_cursor* cursor_ = nullptr;
  bool is_valid_ = false;
  int64_t record_ = 0;  // since the last time that the cursor was placed
  std::string sought_;
  MDB_val key_ = {};
  MDB_val value_ = {};
};

class ReadableLmdb final : public Database {
 public:
  ReadableLmdb(std::shared_ptr<MDB_env> environment, std::string path, const Limits& limits)
      : path_(std::move(path)), limits_(limits), environment_(std::move(environment)) {}

  absl::StatusOr<std::unique_ptr<DatabaseCursor>> NewCursor() override {
    absl::MutexLock lock(&mutex_);
    if (environment_ == nullptr) {
      return absl::FailedPreconditionError(absl::StrCat(path_, ": the database is closed"));
    }
    auto cursor = std::make_unique<LmdbCursor>(environment_, path_, limits_);
    DOPPIO_RETURN_IF_ERROR(cursor->Begin());
    return cursor;
  }
  absl::Status Write(absl::Span<const DatabaseRecord>) override {
    return absl::FailedPreconditionError(absl::StrCat(path_, ": is open for reading"));
  }
  absl::Status Close() override {
    absl::MutexLock lock(&mutex_);
    environment_.reset();
    return absl::OkStatus();
  }

 private:
  const std::string path_;
  const Limits limits_;
  absl::Mutex mutex_;
  std::shared_ptr<MDB_env> environment_ ABSL_GUARDED_BY(mutex_);
};

class WritableLmdb final : public Database {
 public:
  // `folder`: where the new database is made; null where one that is there is added to.
  WritableLmdb(std::string path, std::shared_ptr<MDB_env> environment,
               std::unique_ptr<NewFolder> folder, std::unique_ptr<HeldFile> held)
      : path_(std::move(path)),
        held_(std::move(held)),
        folder_(std::move(folder)),
        environment_(std::move(environment)) {}

  absl::StatusOr<std::unique_ptr<DatabaseCursor>> NewCursor() override {
    return absl::FailedPreconditionError(absl::StrCat(path_, ": is open for writing"));
  }

  // LMDB ties what writes to a thread, from the beginning to the end: this one. It waits for other
  // programs that write at the same time, since LMDB can not be asked whether there are some.
  absl::Status Write(absl::Span<const DatabaseRecord> records) override {
    absl::MutexLock lock(&mutex_);
    if (environment_ == nullptr) {
      return absl::FailedPreconditionError(absl::StrCat(path_, ": the database is closed"));
    }
    MDB_txn* transaction = nullptr;
    DOPPIO_RETURN_IF_ERROR(StatusOf(mdb_txn_begin(environment_.get(), nullptr, 0, &transaction),
                                    "cannot begin to write", path_));
    const absl::Status status = Put(records, transaction);
    if (!status.ok()) {
      mdb_txn_abort(transaction);
      return status;
    }
    const int error = mdb_txn_commit(transaction);
    return StatusOf(error, error == EIO ? "cannot write (also for a full disk)" : "cannot write",
                    path_);
  }

  absl::Status Close() override {
    absl::MutexLock lock(&mutex_);
    const std::shared_ptr<MDB_env> environment = std::exchange(environment_, nullptr);
    const std::unique_ptr<HeldFile> held = std::exchange(held_, nullptr);
    const std::unique_ptr<NewFolder> folder = std::exchange(folder_, nullptr);
    if (folder == nullptr) return absl::OkStatus();
    constexpr int kWait = 1;
    DOPPIO_RETURN_IF_ERROR(
        StatusOf(mdb_env_sync(environment.get(), kWait), "cannot bring to disk", path_));
    return folder->Publish();
  }

 private:
  absl::Status Put(absl::Span<const DatabaseRecord> records, MDB_txn* transaction)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    MDB_dbi database;
    DOPPIO_RETURN_IF_ERROR(
        StatusOf(mdb_dbi_open(transaction, nullptr, 0, &database), "cannot write", path_));
    const size_t longest_key = static_cast<size_t>(mdb_env_get_maxkeysize(environment_.get()));
    constexpr size_t kLongestValue = UINT32_MAX;
    for (const DatabaseRecord& record : records) {
      if (record.key.empty() || record.key.size() > longest_key ||
          record.value.size() > kLongestValue) {
        return absl::InvalidArgumentError(absl::StrCat(
            path_, ": a record with a key of ", record.key.size(), " bytes and a value of ",
            record.value.size(), " bytes; an lmdb takes keys of 1 to ", longest_key,
            " bytes and values of up to ", kLongestValue, ": \"", record.key.substr(0, 80), "\""));
      }
      MDB_val key = {record.key.size(), const_cast<char*>(record.key.data())};
      MDB_val value = {record.value.size(), const_cast<char*>(record.value.data())};
      DOPPIO_RETURN_IF_ERROR(StatusOf(mdb_put(transaction, database, &key, &value, 0),
                                      absl::StrCat("cannot write \"", record.key, "\""), path_));
    }
    return absl::OkStatus();
  }

  const std::string path_;
  absl::Mutex mutex_;
  std::unique_ptr<HeldFile> held_ ABSL_GUARDED_BY(mutex_);
  std::unique_ptr<NewFolder> folder_ ABSL_GUARDED_BY(mutex_);
  std::shared_ptr<MDB_env> environment_ ABSL_GUARDED_BY(mutex_);
};

// LMDB may have a file open once in a process.
SharedHandles<MDB_env>& Handles() {
  static SharedHandles<MDB_env>* const handles = new SharedHandles<MDB_env>;
  return *handles;
}

absl::StatusOr<std::shared_ptr<Database>> OpenToRead(const std::string& path,
                                                     const Limits& limits) {
  DOPPIO_RETURN_IF_ERROR(CheckLmdbFile(DataFile(path), path));
  DOPPIO_ASSIGN_OR_RETURN(std::shared_ptr<MDB_env> environment,
                          Handles().Get(DataFile(path), [&] { return OpenToShare(path); }));
  return std::make_shared<ReadableLmdb>(std::move(environment), path, limits);
}

absl::StatusOr<std::shared_ptr<Database>> OpenToAdd(const std::string& path,
                                                    std::unique_ptr<HeldFile> held) {
  DOPPIO_RETURN_IF_ERROR(CheckLmdbFile(DataFile(path), path));
  DOPPIO_ASSIGN_OR_RETURN(std::shared_ptr<MDB_env> environment, Handles().Get(DataFile(path), [&] {
    return OpenToWrite(path, 0, path);
  }));
  unsigned flags = 0;
  mdb_env_get_flags(environment.get(), &flags);
  if ((flags & MDB_RDONLY) != 0) {
    return absl::UnavailableError(absl::StrCat(
        path, ": this process reads this lmdb, and may not have it open a second time"));
  }
  return std::make_shared<WritableLmdb>(path, std::move(environment), nullptr, std::move(held));
}

absl::StatusOr<std::shared_ptr<Database>> Open(const std::string& path, DatabaseMode mode,
                                               const Limits& limits) {
  if (mode == DatabaseMode::kRead) return OpenToRead(path, limits);
  std::error_code error;
  const bool is_there = IsLmdbFile(DataFile(path));
  const bool is_free =
      !std::filesystem::exists(path, error) ||
      (std::filesystem::is_directory(path, error) && std::filesystem::is_empty(path, error));
  if (!is_there && !is_free) {
    return absl::InvalidArgumentError(
        absl::StrCat(path, ": is there, and no lmdb (which is a folder with a file data.mdb)"));
  }
  std::unique_ptr<HeldFile> held;
  if (is_there) {
    DOPPIO_ASSIGN_OR_RETURN(held, HeldFile::Hold(path));
    if (mode == DatabaseMode::kWrite) return OpenToAdd(path, std::move(held));
  }
  DOPPIO_ASSIGN_OR_RETURN(std::unique_ptr<NewFolder> folder, NewFolder::Create(path));
  // Nobody else knows of it, and it is brought to disk once.
  DOPPIO_ASSIGN_OR_RETURN(std::shared_ptr<MDB_env> environment,
                          OpenToWrite(folder->temporary(), MDB_NOLOCK | MDB_NOSYNC, path));
  return std::make_shared<WritableLmdb>(path, std::move(environment), std::move(folder),
                                        std::move(held));
}

bool Recognises(const std::string& path) { return IsLmdbFile(DataFile(path)); }

DOPPIO_REGISTER_DATABASE(lmdb, {{"lmdb", "LMDB"}, Open, Recognises});

}  // namespace
}  // namespace io
}  // namespace doppio
