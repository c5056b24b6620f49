#include <utility>

#include "doppio/blob.h"
#include "doppio/database.h"
#include "doppio/serialize.h"
#include "src/io/blob_serializers.h"

namespace doppio {

namespace {

absl::Status NotOpen() {
  return absl::FailedPreconditionError("the reader of a database is not open");
}

}  // namespace

absl::StatusOr<DatabaseReader::Place> DatabaseReader::FirstPlace(std::shared_ptr<Database> database,
                                                                 const std::string& type,
                                                                 const std::string& path,
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
                          FirstPlace(std::move(database), type, path, num_shards, shard_id));
  absl::MutexLock lock(&mutex_);
  place_ = std::move(place);
  return absl::OkStatus();
}

absl::Status DatabaseReader::Open(const std::string& type, const std::string& path, int num_shards,
                                  int shard_id, const Limits& limits) {
  DOPPIO_ASSIGN_OR_RETURN(std::shared_ptr<Database> database,
                          OpenDatabase(type, path, DatabaseMode::kRead, limits));
  return Open(std::move(database), type, path, num_shards, shard_id);
}

absl::Status DatabaseReader::Open(const DBReaderProto& proto, const Limits& limits) {
  DOPPIO_ASSIGN_OR_RETURN(
      std::shared_ptr<Database> database,
      OpenDatabase(proto.db_type(), proto.source(), DatabaseMode::kRead, limits));
  DOPPIO_ASSIGN_OR_RETURN(Place place,
                          FirstPlace(std::move(database), proto.db_type(), proto.source(), 1, 0));
  if (proto.has_key()) {
    DOPPIO_RETURN_IF_ERROR(place.cursor->Seek(proto.key()));
    // Records from that key on may be gone meanwhile.
    if (!place.cursor->Valid()) DOPPIO_RETURN_IF_ERROR(place.GoToFirst());
  }
  absl::MutexLock lock(&mutex_);
  place_ = std::move(place);
  return absl::OkStatus();
}

void DatabaseReader::Swap(DatabaseReader* other) {
  Place place;
  {
    absl::MutexLock lock(&mutex_);
    place = std::move(place_);
    place_ = Place();
  }
  {
    absl::MutexLock lock(&other->mutex_);
    std::swap(place, other->place_);
  }
  absl::MutexLock lock(&mutex_);
  place_ = std::move(place);
}

bool DatabaseReader::IsOpen() const {
  absl::MutexLock lock(&mutex_);
  return place_.cursor != nullptr;
}

absl::Status DatabaseReader::Read(std::string* key, std::string* value) const {
  absl::MutexLock lock(&mutex_);
  if (place_.cursor == nullptr) return NotOpen();
  DOPPIO_RETURN_IF_ERROR(place_.moved);
  const DatabaseCursor& cursor = *place_.cursor;
  if (!cursor.Valid()) return absl::OutOfRangeError(absl::StrCat(place_.path, ": has no records"));
  key->assign(cursor.Key().data(), cursor.Key().size());
  value->assign(cursor.Value().data(), cursor.Value().size());
  place_.moved = place_.Advance();
  return absl::OkStatus();
}

absl::Status DatabaseReader::SeekToFirst() const {
  absl::MutexLock lock(&mutex_);
  if (place_.cursor == nullptr) return NotOpen();
  place_.moved = place_.GoToFirst();
  return place_.moved;
}

absl::StatusOr<std::unique_ptr<DatabaseCursor>> DatabaseReader::NewCursor() const {
  absl::MutexLock lock(&mutex_);
  if (place_.cursor == nullptr) return NotOpen();
  return place_.database->NewCursor();
}

absl::StatusOr<DBReaderProto> DatabaseReader::ToProto(absl::string_view name) const {
  absl::MutexLock lock(&mutex_);
  if (place_.cursor == nullptr) return NotOpen();
  DBReaderProto proto;
  proto.set_name(std::string(name));
  proto.set_source(place_.path);
  proto.set_db_type(place_.type);
  const DatabaseCursor& cursor = *place_.cursor;
  if (cursor.SupportsSeek() && cursor.Valid()) proto.set_key(std::string(cursor.Key()));
  return proto;
}

std::string DatabaseReader::Description() const {
  absl::MutexLock lock(&mutex_);
  return place_.cursor == nullptr ? "a reader that is not open"
                                  : absl::StrCat(place_.type, " \"", place_.path, "\"");
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
