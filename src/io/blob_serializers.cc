#include "src/io/blob_serializers.h"

#include <memory>
#include <utility>
#include <vector>

#include "absl/strings/str_join.h"
#include "absl/synchronization/mutex.h"
#include "doppio/database.h"
#include "doppio/int8_tensor.h"

namespace doppio {
namespace {

absl::Status SerializeString(const Blob& blob, absl::string_view name, const SerializeOptions&,
                             const BlobSink& sink) {
  BlobProto proto;
  proto.set_name(std::string(name));
  proto.set_type("std::string");
  proto.set_content(*blob.Get<std::string>());
  return sink(std::string(name), std::move(proto));
}

absl::Status DeserializeString(absl::Span<const BlobProto> chunks, const Limits&, Blob* blob) {
  std::string value;
  for (const BlobProto& chunk : chunks) value += chunk.content();
  *blob->GetMutable<std::string>() = std::move(value);
  return absl::OkStatus();
}

struct Entry {
  std::type_index type;
  BlobSerializer serializer;
};

struct Table {
  absl::Mutex mutex;
  std::vector<std::unique_ptr<Entry>> entries ABSL_GUARDED_BY(mutex);

  Table() {
    entries.push_back(std::make_unique<Entry>(
        Entry{typeid(std::string), {"std::string", SerializeString, DeserializeString}}));
    entries.push_back(
        std::make_unique<Entry>(Entry{typeid(Int8Tensor), io::Int8TensorSerializer()}));
    RegisterBlobTypeName(typeid(Int8Tensor), io::kInt8TensorType);
    entries.push_back(
        std::make_unique<Entry>(Entry{typeid(DatabaseReader), io::DatabaseReaderSerializer()}));
    RegisterBlobTypeName(typeid(DatabaseReader), io::kDatabaseReaderType);
  }
};

Table& TheTable() {
  static Table* const table = new Table;
  return *table;
}

template <typename Predicate>
const BlobSerializer* Find(Predicate predicate) {
  Table& table = TheTable();
  absl::MutexLock lock(&table.mutex);
  for (const auto& entry : table.entries) {
    if (predicate(*entry)) return &entry->serializer;
  }
  return nullptr;
}

}  // namespace

absl::Status RegisterBlobSerializer(std::type_index type, BlobSerializer serializer) {
  Table& table = TheTable();
  absl::MutexLock lock(&table.mutex);
  for (const auto& entry : table.entries) {
    if (entry->type == type || entry->serializer.type == serializer.type) {
      return absl::AlreadyExistsError(
          absl::StrCat("blobs of type ", serializer.type, " have a serializer already"));
    }
  }
  table.entries.push_back(std::make_unique<Entry>(Entry{type, std::move(serializer)}));
  return absl::OkStatus();
}

const BlobSerializer* io::FindBlobSerializer(std::type_index type) {
  return Find([&](const Entry& entry) { return entry.type == type; });
}

const BlobSerializer* io::FindBlobSerializer(absl::string_view type) {
  return Find([&](const Entry& entry) { return entry.serializer.type == type; });
}

std::string io::SerializableTypes() {
  std::vector<std::string> names = {"Tensor"};
  Find([&](const Entry& entry) {
    names.push_back(entry.serializer.type);
    return false;
  });
  return absl::StrJoin(names, ", ");
}

}  // namespace doppio
