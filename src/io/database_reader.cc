#include <utility>

#include "absl/synchronization/mutex.h"
#include "doppio/blob.h"
#include "doppio/database.h"
#include "doppio/serialize.h"
#include "src/base/home_process.h"
#include "src/io/blob_serializers.h"
#include "src/io/home_database.h"

namespace doppio {

// Where the reader stands.
struct DatabaseReader::Place {
  static absl::StatusOr<Place> First(std::shared_ptr<Database> database, const std::string& type,
                                     const std::string& path, int num_shards, int shard_id);
  absl::Status GoToFirst();
  absl::Status Advance();
  // FailedPrecondition or Unimplemented where there is no cursor.
  absl::Status CheckHasCursor() const;

  std::string type;
  std::string path;
  std::shared_ptr<Database> database;
  std::unique_ptr<DatabaseCursor> cursor;
  std::shared_ptr<RecordSource> source;  // without database and cursor; none of them: not open
  int num_shards = 1;
  int shard_id = 0;
  absl::Status moved;  // why the cursor could not go to where the next Read() reads
};

struct DatabaseReader::State {
  // Threads that read ahead may have had the mutex when this process was forked.
  absl::Status CheckIsHere() const {
    return home.IsHere() ? absl::OkStatus() : io::NotAtHome("the reader of a database");
  }

  const HomeProcess home;
  absl::Mutex mutex;
  Place place ABSL_GUARDED_BY(mutex);
};

DatabaseReader::DatabaseReader() : state_(std::make_shared<State>()) {}

absl::Status DatabaseReader::Place::CheckHasCursor() const {
  if (cursor != nullptr) return absl::OkStatus();
  if (source == nullptr)
    return absl::FailedPreconditionError("the reader of a database is not open");
  return absl::UnimplementedError(
      absl::StrCat(source->Description(), " gives one record after the other, and has no places"));
}

absl::StatusOr<DatabaseReader::Place> DatabaseReader::Place::First(
    std::shared_ptr<Database> database, const std::string& type, const std::string& path,
    int num_shards, int shard_id) {
  if (num_shards < 1 || shard_id < 0 || shard_id >= num_shards) {
    return absl::InvalidArgumentError(absl::StrCat(path, ": there is no shard ", shard_id, " of ",
                                                   num_shards, "; shards are 0 to num_shards - 1"));
  }
  Place place;
  place.type = type;
  place.path = path;
  place.num_shards = num_shards;
  place.shard_id = shard_id;
  DOPPIO_ASSIGN_OR_RETURN(place.cursor, database->NewCursor());
  place.database = std::move(database);
  DOPPIO_RETURN_IF_ERROR(place.GoToFirst());
  return place;
}

absl::Status DatabaseReader::Place::GoToFirst() {
  DOPPIO_RETURN_IF_ERROR(cursor->SeekToFirst());
  for (int skipped = 0; skipped < shard_id; ++skipped) {
    if (cursor->Valid()) DOPPIO_RETURN_IF_ERROR(cursor->Next());
    if (!cursor->Valid()) {
      return absl::OutOfRangeError(absl::StrCat(path, ": no record of number ", shard_id,
                                                ", where shard ", shard_id, " of ", num_shards,
                                                " begins"));
    }
  }
  return absl::OkStatus();
}

absl::Status DatabaseReader::Place::Advance() {
  for (int skipped = 0; skipped < num_shards; ++skipped) {
    DOPPIO_RETURN_IF_ERROR(cursor->Next());
    if (!cursor->Valid()) return GoToFirst();
  }
  return absl::OkStatus();
}

absl::Status DatabaseReader::Open(std::shared_ptr<Database> database, const std::string& type,
                                  const std::string& path, int num_shards, int shard_id) {
  DOPPIO_ASSIGN_OR_RETURN(Place place,
                          Place::First(std::move(database), type, path, num_shards, shard_id));
  GoTo(std::move(place));
  return absl::OkStatus();
}

absl::Status DatabaseReader::Open(const std::string& type, const std::string& path, int num_shards,
                                  int shard_id, const Limits& limits) {
  DOPPIO_ASSIGN_OR_RETURN(std::shared_ptr<Database> database,
                          OpenDatabase(type, path, DatabaseMode::kRead, limits));
  return Open(std::move(database), type, path, num_shards, shard_id);
}

absl::Status DatabaseReader::Open(const DBReaderProto& proto, const Limits& limits) {
  DOPPIO_RETURN_IF_ERROR(limits.file_access.Check(proto.source()));
  DOPPIO_ASSIGN_OR_RETURN(
      std::shared_ptr<Database> database,
      OpenDatabase(proto.db_type(), proto.source(), DatabaseMode::kRead, limits));
  DOPPIO_ASSIGN_OR_RETURN(Place place,
                          Place::First(std::move(database), proto.db_type(), proto.source(), 1, 0));
  if (proto.has_key()) {
    DOPPIO_RETURN_IF_ERROR(place.cursor->Seek(proto.key()));
    // Records from that key on may be gone meanwhile.
    if (!place.cursor->Valid()) DOPPIO_RETURN_IF_ERROR(place.GoToFirst());
  }
  GoTo(std::move(place));
  return absl::OkStatus();
}

void DatabaseReader::Open(std::shared_ptr<RecordSource> source) {
  Place place;
  place.source = std::move(source);
  GoTo(std::move(place));
}

std::shared_ptr<const DatabaseReader> DatabaseReader::Share() const {
  return std::shared_ptr<const DatabaseReader>(new DatabaseReader(state_));
}

DatabaseReader::Place DatabaseReader::GoTo(Place place) {
  // One that was there before a fork is begun anew.
  if (!state_->home.IsHere()) state_ = std::make_shared<State>();
  absl::MutexLock lock(&state_->mutex);
  return std::exchange(state_->place, std::move(place));
}

void DatabaseReader::Swap(DatabaseReader* other) { GoTo(other->GoTo(GoTo(Place()))); }

bool DatabaseReader::IsOpen() const {
  if (!state_->home.IsHere()) return false;
  absl::MutexLock lock(&state_->mutex);
  return state_->place.cursor != nullptr || state_->place.source != nullptr;
}

absl::Status DatabaseReader::Read(std::string* key, std::string* value) const {
  DOPPIO_RETURN_IF_ERROR(state_->CheckIsHere());
  std::shared_ptr<RecordSource> source;
  {
    absl::MutexLock lock(&state_->mutex);
    source = state_->place.source;
  }
  if (source != nullptr) return source->Read(key, value);  // it may wait: without our lock
  absl::MutexLock lock(&state_->mutex);
  DOPPIO_RETURN_IF_ERROR(state_->place.CheckHasCursor());
  DOPPIO_RETURN_IF_ERROR(state_->place.moved);
  const DatabaseCursor& cursor = *state_->place.cursor;
  if (!cursor.Valid())
    return absl::OutOfRangeError(absl::StrCat(state_->place.path, ": has no records"));
  key->assign(cursor.Key().data(), cursor.Key().size());
  value->assign(cursor.Value().data(), cursor.Value().size());
  state_->place.moved = state_->place.Advance();
  return absl::OkStatus();
}

absl::Status DatabaseReader::SeekToFirst() const {
  DOPPIO_RETURN_IF_ERROR(state_->CheckIsHere());
  absl::MutexLock lock(&state_->mutex);
  DOPPIO_RETURN_IF_ERROR(state_->place.CheckHasCursor());
  state_->place.moved = state_->place.GoToFirst();
  return state_->place.moved;
}

absl::StatusOr<std::unique_ptr<DatabaseCursor>> DatabaseReader::NewCursor() const {
  DOPPIO_RETURN_IF_ERROR(state_->CheckIsHere());
  absl::MutexLock lock(&state_->mutex);
  DOPPIO_RETURN_IF_ERROR(state_->place.CheckHasCursor());
  return state_->place.database->NewCursor();
}

absl::StatusOr<DBReaderProto> DatabaseReader::ToProto(absl::string_view name) const {
  DOPPIO_RETURN_IF_ERROR(state_->CheckIsHere());
  absl::MutexLock lock(&state_->mutex);
  DOPPIO_RETURN_IF_ERROR(state_->place.CheckHasCursor());
  DBReaderProto proto;
  proto.set_name(std::string(name));
  proto.set_source(state_->place.path);
  proto.set_db_type(state_->place.type);
  const DatabaseCursor& cursor = *state_->place.cursor;
  if (cursor.SupportsSeek() && cursor.Valid()) proto.set_key(std::string(cursor.Key()));
  return proto;
}

std::string DatabaseReader::Description() const {
  if (!IsOpen()) return "a reader that is not open";
  absl::MutexLock lock(&state_->mutex);
  return state_->place.source != nullptr
             ? state_->place.source->Description()
             : absl::StrCat(state_->place.type, " \"", state_->place.path, "\"");
}

namespace {

absl::Status Serialize(const Blob& blob, absl::string_view name, const SerializeOptions&,
                       const BlobSink& sink) {
  DOPPIO_ASSIGN_OR_RETURN(const DBReaderProto reader, blob.Get<DatabaseReader>()->ToProto(name));
  BlobProto proto;
  proto.set_name(std::string(name));
  proto.set_type(io::kDatabaseReaderType);
  if (!reader.SerializeToString(proto.mutable_content())) {
    return absl::ResourceExhaustedError("the key of a reader is too large for a message");
  }
  return sink(std::string(name), std::move(proto));
}

absl::Status Deserialize(absl::Span<const BlobProto> chunks, const Limits& limits, Blob* blob) {
  DBReaderProto proto;
  if (chunks.size() != 1 || !proto.ParseFromString(chunks[0].content())) {
    return absl::InvalidArgumentError("a DBReader must be one message with a DBReaderProto");
  }
  DatabaseReader reader;
  DOPPIO_RETURN_IF_ERROR(reader.Open(proto, limits));
  blob->GetMutable<DatabaseReader>()->Swap(&reader);
  return absl::OkStatus();
}

}  // namespace

BlobSerializer io::DatabaseReaderSerializer() {
  return {kDatabaseReaderType, Serialize, Deserialize};
}

}  // namespace doppio
