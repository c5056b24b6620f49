#include "src/io/database_blobs.h"

#include <sys/stat.h>

#include <map>
#include <utility>

#include "doppio/cancellation.h"
#include "doppio/proto_io.h"
#include "doppio/serialize.h"
#include "src/io/blob_serializers.h"
#include "src/io/minidb.h"
#include "src/io/tensor_proto.h"

namespace doppio {
namespace io {

bool IsBlobDatabase(const std::string& path) {
  struct stat info;
  const bool is_folder = stat(path.c_str(), &info) == 0 && S_ISDIR(info.st_mode);
  return is_folder ? DetectDatabaseType(path).ok() : IsMiniDbFile(path);
}

absl::StatusOr<std::unique_ptr<DatabaseCursor>> OpenRecords(const std::string& path,
                                                            const Limits& limits) {
  DOPPIO_ASSIGN_OR_RETURN(const std::string type, DetectDatabaseType(path));
  DOPPIO_ASSIGN_OR_RETURN(const std::shared_ptr<Database> database,
                          OpenDatabase(type, path, DatabaseMode::kRead, limits));
  return database->NewCursor();
}

namespace {

using Incomplete = std::map<std::string, BlobAssembler>;

absl::Status ReadRecord(const DatabaseCursor& cursor, const std::string& path, const Limits& limits,
                        const BlobVisitor& visit, Incomplete* incomplete) {
  BlobProto proto;
  DOPPIO_RETURN_IF_ERROR(
      ParseProto(cursor.Value(), &proto, limits, absl::StrCat(path, ": \"", cursor.Key(), "\"")));
  const std::string name(NameOfChunkKey(cursor.Key()));
  const std::string type = proto.type();
  if (!IsTensorBlob(proto) && FindBlobSerializer(type) == nullptr) {
    return visit(name, type, nullptr);
  }
  BlobAssembler& assembler = incomplete->try_emplace(name, limits).first->second;
  DOPPIO_RETURN_IF_ERROR(Annotate(assembler.Add(std::move(proto)), path));
  if (!assembler.IsComplete()) return absl::OkStatus();
  Blob blob;
  DOPPIO_RETURN_IF_ERROR(Annotate(assembler.Finish(&blob), path));
  incomplete->erase(name);
  return visit(name, type, &blob);
}

}  // namespace

absl::Status ReadDatabaseBlobs(const std::string& path, const Limits& limits,
                               const BlobVisitor& visit) {
  DOPPIO_ASSIGN_OR_RETURN(const std::unique_ptr<DatabaseCursor> cursor, OpenRecords(path, limits));
  Incomplete incomplete;
  while (cursor->Valid()) {
    DOPPIO_RETURN_IF_ERROR(Annotate(CancellationStatus(), path));
    DOPPIO_RETURN_IF_ERROR(ReadRecord(*cursor, path, limits, visit, &incomplete));
    DOPPIO_RETURN_IF_ERROR(cursor->Next());
  }
  for (auto& [name, assembler] : incomplete) {
    Blob blob;
    DOPPIO_RETURN_IF_ERROR(Annotate(assembler.Finish(&blob), path));  // says what is missing
  }
  return absl::OkStatus();
}

}  // namespace io
}  // namespace doppio
