#ifndef DOPPIO_DATABASE_H_
#define DOPPIO_DATABASE_H_

// Databases of keys and values, as Caffe2 kept its checkpoints and its examples in: minidb,
// leveldb, lmdb.
//
// Reading:
//
//   DOPPIO_ASSIGN_OR_RETURN(auto database,
//                           OpenDatabase("lmdb", "train_lmdb", DatabaseMode::kRead));
//   DOPPIO_ASSIGN_OR_RETURN(auto cursor, database->NewCursor());  // at the first record
//   while (cursor->Valid()) {
//     Use(cursor->Key(), cursor->Value());
//     DOPPIO_RETURN_IF_ERROR(cursor->Next());
//   }
//
// Writing:
//
//   DOPPIO_ASSIGN_OR_RETURN(auto database,
//                           OpenDatabase("minidb", "model.minidb", DatabaseMode::kNew));
//   DatabaseTransaction transaction(database);
//   transaction.Put("key", "value");
//   DOPPIO_RETURN_IF_ERROR(transaction.Commit());
//   DOPPIO_RETURN_IF_ERROR(database->Close());  // now it is there
//
// What is written is there as a whole or not at all. A new database is made beside its path, and
// takes its place (the place of an old one too) when Close() succeeds; whoever reads the old one
// reads on in it. A database that is dropped without Close() leaves the path as it was.
//
// Ownership: cursors, transactions and readers keep what they need of a database alive.
// Threads: a Database may be used by many at once; a cursor or a transaction by one at a time.
// Errors: files are not trusted. A damaged one is DataLoss, with its path and, where there is one,
// the number of the record; a path where there is nothing NotFound; a database that somebody else
// holds Unavailable, at once.
// Processes: what was opened before a fork is FailedPrecondition in the child, which opens it
// again. How LevelDB and LMDB share a database among processes is their own rule: LevelDB gives it
// to one process at a time, LMDB to many readers and one writer.

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "doppio/limits.h"
#include "doppio/net.pb.h"
#include "doppio/status.h"

namespace doppio {

enum class DatabaseMode {
  kRead,
  kWrite,  // adds to a database, which is made where there is none
  kNew,    // replaces the database at the path, if there is one
};

// Goes through the records: in the order of their keys in leveldb and lmdb, in the order in which
// they were written in a minidb. It sees the database as it was when the cursor was made.
class DatabaseCursor {
 public:
  virtual ~DatabaseCursor() = default;

  // Whether the cursor stands at a record. If not, Key() and Value() are empty.
  virtual bool Valid() const = 0;
  // Both stay as they are until the cursor moves.
  virtual absl::string_view Key() const = 0;
  virtual absl::string_view Value() const = 0;

  // After an error of these the cursor is not valid.
  virtual absl::Status SeekToFirst() = 0;
  virtual absl::Status Next() = 0;
  // The first record whose key is `key` or follows it. Unimplemented for a minidb, which has no
  // order.
  virtual absl::Status Seek(absl::string_view key) = 0;
  virtual bool SupportsSeek() const = 0;
};

struct DatabaseRecord {
  std::string key;
  std::string value;
};

class Database {
 public:
  virtual ~Database() = default;

  // FailedPrecondition where the database is not open for reading, or closed.
  virtual absl::StatusOr<std::unique_ptr<DatabaseCursor>> NewCursor() = 0;
  // All of these records or none of them; transactions call it. FailedPrecondition where the
  // database is not open for writing, or closed.
  virtual absl::Status Write(absl::Span<const DatabaseRecord> records) = 0;
  // Brings what was written to its path. A second call does nothing.
  virtual absl::Status Close() = 0;
};

// Records that are written together. What was not committed when the transaction goes is dropped.
class DatabaseTransaction {
 public:
  explicit DatabaseTransaction(std::shared_ptr<Database> database)
      : database_(std::move(database)) {}

  void Put(std::string key, std::string value) {
    records_.push_back({std::move(key), std::move(value)});
  }
  // Writes what was put since the last Commit(). After an error nothing of it is written, and all
  // of it is forgotten.
  absl::Status Commit() {
    const std::vector<DatabaseRecord> records = std::exchange(records_, {});
    return records.empty() ? absl::OkStatus() : database_->Write(records);
  }

 private:
  std::shared_ptr<Database> database_;
  std::vector<DatabaseRecord> records_;
};

// Errors name the types that there are when `type` is none of them. A record of more than
// limits.max_file_bytes is ResourceExhausted when a cursor comes to it.
absl::StatusOr<std::shared_ptr<Database>> OpenDatabase(absl::string_view type,
                                                       const std::string& path, DatabaseMode mode,
                                                       const Limits& limits = {});

// The names that OpenDatabase knows, sorted: also those that Caffe2 had for the same type.
std::vector<std::string> DatabaseTypes();

// The type of what is at that path. NotFound when there is nothing, InvalidArgument when it is no
// database of a type that is known.
absl::StatusOr<std::string> DetectDatabaseType(const std::string& path);

// A type of databases. A new one is a file like src/io/leveldb_database.cc:
//
//   DOPPIO_REGISTER_DATABASE(leveldb, {{"leveldb", "LevelDB"}, Open, IsLevelDb});
struct DatabaseFormat {
  std::vector<std::string> names;  // the first is what DetectDatabaseType says
  std::function<absl::StatusOr<std::shared_ptr<Database>>(const std::string& path,
                                                          DatabaseMode mode, const Limits& limits)>
      open;
  // Whether what is at the path looks like one. Null for what is not found at a path.
  std::function<bool(const std::string& path)> recognises;
};

// AlreadyExists when there is a type of one of these names.
absl::Status RegisterDatabaseFormat(DatabaseFormat format);

#define DOPPIO_REGISTER_DATABASE(id, ...)                           \
  [[maybe_unused]] static const absl::Status doppio_database_##id = \
      ::doppio::RegisterDatabaseFormat(__VA_ARGS__)

// Records that come one after the other from elsewhere than a database: from a queue, say. It may
// be used by many threads at once.
class RecordSource {
 public:
  virtual ~RecordSource() = default;
  // Waits for the next record.
  virtual absl::Status Read(std::string* key, std::string* value) = 0;
  // For messages.
  virtual std::string Description() const = 0;
};

// One place in a database from which many threads read, each record going to one of them; behind
// the last record comes the first again. As a blob it is what CreateDB makes and what input
// operators read from, and is written to files as Caffe2's DBReader.
class DatabaseReader {
 public:
  DatabaseReader();
  DatabaseReader(const DatabaseReader&) = delete;
  DatabaseReader& operator=(const DatabaseReader&) = delete;

  // Reads every num_shards-th record, from the one of number shard_id on. After an error the reader
  // is as before. The second form is for databases that have no path; `type` and `path` are then
  // what messages and files call them.
  absl::Status Open(const std::string& type, const std::string& path, int num_shards = 1,
                    int shard_id = 0, const Limits& limits = {});
  absl::Status Open(std::shared_ptr<Database> database, const std::string& type,
                    const std::string& path, int num_shards = 1, int shard_id = 0);
  // Continues where the reader that wrote the message stood, or, in a minidb, from the beginning.
  // PermissionDenied where limits.file_access does not let the message name that path.
  absl::Status Open(const DBReaderProto& proto, const Limits& limits = {});
  // Reads what the source gives. There is no beginning to go back to, no other way through its
  // records, and no message for it (Unimplemented).
  void Open(std::shared_ptr<RecordSource> source);
  // A reader at the same place, which moves for both. It lives on where this one's blob is removed,
  // as readers that run ahead need.
  std::shared_ptr<const DatabaseReader> Share() const;
  void Swap(DatabaseReader* other);

  bool IsOpen() const;

  // The next record. FailedPrecondition when the reader is not open, OutOfRange when there is no
  // record for it. After an error in a record the reader says so until SeekToFirst().
  absl::Status Read(std::string* key, std::string* value) const;
  absl::Status SeekToFirst() const;

  // Another way through all records of the same database, which leaves the reader where it is.
  absl::StatusOr<std::unique_ptr<DatabaseCursor>> NewCursor() const;

  absl::StatusOr<DBReaderProto> ToProto(absl::string_view name) const;
  // `lmdb "train_lmdb"`, for messages.
  std::string Description() const;

 private:
  struct Place;
  struct State;

  explicit DatabaseReader(std::shared_ptr<State> state) : state_(std::move(state)) {}
  Place GoTo(Place place);  // where it was before

  std::shared_ptr<State> state_;
};

}  // namespace doppio

#endif  // DOPPIO_DATABASE_H_
