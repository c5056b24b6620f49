#include "ops/storage/blob_saver.h"

#include <memory>
#include <set>
#include <utility>

#include "doppio/database.h"
#include "doppio/serialize.h"

namespace doppio {
namespace {

constexpr char kNames[] = "blob_name_overrides";
constexpr char kChunkSize[] = "chunk_size";
// The argument is older than the messages, and had these two the other way round.
constexpr int kDefaultChunks = -1;
constexpr int kOneChunk = 0;

}  // namespace

void StateArgumentsOfSaver(OpSchema& schema) {
  schema.RequiredArg<std::string>(kDbType, kDbTypeDoc)
      .Arg<bool>(kAbsolutePath, kAbsolutePathDoc, false)
      .OptionalArg<int>(kChunkSize,
                        "elements in one record; 0: all of a tensor, -1: 1,000,000. For blobs that "
                        "`options` do not name")
      .Arg<std::string>(kBlobOptions, kBlobOptionsDoc, "")
      .Arg<std::string>(kStripPrefix,
                        "what blobs are called in the database begins behind the first of this in "
                        "their names",
                        "")
      .OptionalArg<std::vector<std::string>>(
          kNames, "what blobs are called in the database; not together with strip_prefix")
      .Arg<std::string>("db_options", "Caffe2 hands it to types of databases; none has any", "");
}

BlobSaver::BlobSaver(OperatorInit* init)
    : paths_(init),
      type_(init->GetSingleArgument<std::string>(kDbType)),
      db_(init->GetSingleArgument<std::string>(kDb)),
      names_(init->GetRepeatedArgument<std::string>(kNames)),
      options_(init) {
  if (init->HasArgument(kChunkSize)) {
    int chunk_size = init->GetSingleArgument<int>(kChunkSize);
    if (chunk_size < kDefaultChunks) {
      init->Fail(absl::InvalidArgumentError(
          absl::StrCat("chunk_size is ", chunk_size, "; it must be positive, 0 or -1")));
    }
    BlobSerializationOptions last;
    last.set_chunk_size(chunk_size == kOneChunk        ? SerializeOptions::kNoChunks
                        : chunk_size == kDefaultChunks ? 0
                                                       : chunk_size);
    options_.AddLast(last);
  }
  if (db_.empty()) init->Fail(absl::InvalidArgumentError("db, the database's path, is empty"));
  const std::string prefix = init->GetSingleArgument<std::string>(kStripPrefix);
  const auto& inputs = init->def().input();
  if (!names_.empty() && !prefix.empty()) {
    init->Fail(absl::InvalidArgumentError(
        "blob_name_overrides and strip_prefix are two ways to name the blobs; one may be given"));
  }
  if (!names_.empty() && names_.size() != static_cast<size_t>(inputs.size())) {
    init->Fail(absl::InvalidArgumentError(absl::StrCat("blob_name_overrides has ", names_.size(),
                                                       " names for ", inputs.size(), " blobs")));
  }
  if (names_.empty()) {
    for (const std::string& input : inputs) names_.push_back(StripPrefix(input, prefix));
  }
  std::set<std::string> seen;
  for (const std::string& name : names_) {
    if (!seen.insert(name).second) {
      init->Fail(absl::InvalidArgumentError(
          absl::StrCat("two blobs would be called \"", name, "\" in the database")));
    }
  }
}

absl::Status BlobSaver::Save(const OperatorBase& op, const std::string& db) const {
  DOPPIO_ASSIGN_OR_RETURN(const std::string path, paths_.PathOf(db));
  DOPPIO_ASSIGN_OR_RETURN(std::shared_ptr<Database> database,
                          OpenDatabase(type_, path, DatabaseMode::kNew));
  DatabaseTransaction transaction(database);
  for (size_t i = 0; i < names_.size(); ++i) {
    const BlobSerializationOptions& chosen = options_.Of(names_[i]);
    SerializeOptions options;
    options.chunk_size = chosen.chunk_size();
    options.floats_as_bfloat16 = chosen.float_format() == BlobSerializationOptions::FLOAT_BFLOAT16;
    DOPPIO_RETURN_IF_ERROR(SerializeBlob(
        op.InputBlob(static_cast<int>(i)), names_[i], options,
        [&](const std::string& key, const BlobProto& proto) {
          std::string bytes;
          if (!proto.SerializeToString(&bytes)) {
            return absl::ResourceExhaustedError("too large for one message; chunk_size helps");
          }
          transaction.Put(key, std::move(bytes));
          return transaction.Commit();  // so that no more than one is in memory
        }));
  }
  return database->Close();
}

}  // namespace doppio
