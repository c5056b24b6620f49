#include "src/training/checkpoint.h"

#include <zlib.h>

#include <algorithm>
#include <cstring>
#include <filesystem>
#include <system_error>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_split.h"
#include "doppio/proto_io.h"
#include "doppio/serialize.h"
#include "src/io/file.h"
#include "src/io/minidb.h"

namespace doppio::training {
namespace {

namespace fs = std::filesystem;

constexpr char kMeta[] = "doppio_checkpoint";
constexpr char kRandom[] = "doppio_random_states";
constexpr char kPlaces[] = "doppio_input_places";
constexpr char kFormat[] = "1";
constexpr char kPrefix[] = "iteration_";
constexpr char kEnding[] = ".minidb";
constexpr size_t kKept = 2;
// Of "training KEY VALUE": what must be the same.
constexpr char kTraining[] = "training.";

// Over keys and values, and their lengths.
uint32_t AddToChecksum(uint32_t checksum, absl::string_view key, absl::string_view value) {
  for (const absl::string_view part : {key, value}) {
    const uint64_t size = part.size();
    unsigned char bytes[sizeof(size)];
    for (size_t i = 0; i < sizeof(size); ++i) bytes[i] = static_cast<unsigned char>(size >> 8 * i);
    checksum = static_cast<uint32_t>(crc32_z(checksum, bytes, sizeof(bytes)));
    checksum = static_cast<uint32_t>(
        crc32_z(checksum, reinterpret_cast<const Bytef*>(part.data()), part.size()));
  }
  return checksum;
}

std::string BitsOf(double number) {
  uint64_t bits;
  std::memcpy(&bits, &number, sizeof(bits));
  return absl::StrFormat("%016x", bits);
}

bool FromBits(const std::string& text, double* number) {
  uint64_t bits;
  if (text.size() != 16 || !absl::SimpleHexAtoi(text, &bits)) return false;
  std::memcpy(number, &bits, sizeof(bits));
  return true;
}

// Lines of "key value"; the checksum is over everything before, these lines included.
std::string MetaText(const Progress& progress) {
  std::string text = absl::StrCat("format ", kFormat, "\niteration ", progress.iteration, "\n");
  if (progress.has_best) {
    absl::StrAppend(&text, "best ", BitsOf(progress.best), "\nsince_best ", progress.since_best,
                    "\n");
  }
  for (const auto& [key, value] : progress.training) {
    absl::StrAppend(&text, kTraining, key, " ", value, "\n");
  }
  return text;
}

absl::StatusOr<Progress> ParseMeta(absl::string_view text) {
  Progress progress;
  const absl::Status bad = absl::DataLossError("the last record of a checkpoint can not be read");
  bool has_format = false, has_iteration = false;
  for (const absl::string_view line : absl::StrSplit(text, '\n', absl::SkipEmpty())) {
    const std::pair<std::string, std::string> field = absl::StrSplit(line, absl::MaxSplits(' ', 1));
    const auto& [key, value] = field;
    if (key == "format") {
      has_format = true;
      if (value != kFormat) {
        return absl::UnimplementedError(
            absl::StrCat("a checkpoint of format ", value, "; this version knows ", kFormat));
      }
    } else if (key == "iteration") {
      has_iteration = absl::SimpleAtoi(value, &progress.iteration) && progress.iteration >= 0;
    } else if (key == "best") {
      progress.has_best = FromBits(value, &progress.best);
      if (!progress.has_best) return bad;
    } else if (key == "since_best") {
      if (!absl::SimpleAtoi(value, &progress.since_best)) return bad;
    } else if (absl::StartsWith(key, kTraining)) {
      progress.training[key.substr(sizeof(kTraining) - 1)] = value;
    }
  }
  if (!has_format || !has_iteration) return bad;
  return progress;
}

absl::StatusOr<std::string> MetaValue(const std::string& text, uint32_t checksum) {
  checksum = AddToChecksum(checksum, kMeta, text);
  Blob blob;
  *blob.GetMutable<std::string>() = absl::StrFormat("%schecksum %08x\n", text, checksum);
  DOPPIO_ASSIGN_OR_RETURN(const BlobProto proto, BlobToProto(blob, kMeta));
  return proto.SerializeAsString();
}

// The text of the last record, if its checksum is that of the file.
absl::StatusOr<std::string> CheckMeta(const std::string& value, uint32_t checksum) {
  BlobProto proto;
  Blob blob;
  const absl::Status bad = absl::DataLossError("its checksum can not be read");
  if (!ParseProto(value, &proto).ok() || !BlobFromProto(proto, &blob).ok()) return bad;
  const std::string* text = blob.Get<std::string>();
  if (text == nullptr) return bad;
  const size_t place = text->rfind("checksum ");
  if (place == std::string::npos) return bad;
  const std::string content = text->substr(0, place);
  DOPPIO_ASSIGN_OR_RETURN(const std::string expected, MetaValue(content, checksum));
  if (value != expected) {
    return absl::DataLossError("its content is not what was written: the checksum differs");
  }
  return content;
}

// Takes blobs out of a file record by record.
class Reader {
 public:
  explicit Reader(const std::string& path) : path_(path) {}

  absl::StatusOr<Checkpoint> Read() {
    DOPPIO_ASSIGN_OR_RETURN(io::MiniDbReader reader, io::MiniDbReader::Open(path_, Limits()));
    std::map<std::string, BlobAssembler> assemblers;
    std::string key, value, meta;
    uint32_t checksum = 0;
    while (true) {
      DOPPIO_ASSIGN_OR_RETURN(const bool is_there, reader.Next(&key, &value));
      if (!is_there) break;
      if (!meta.empty()) return absl::DataLossError("there is something behind its end");
      if (key == kMeta) {
        DOPPIO_ASSIGN_OR_RETURN(meta, CheckMeta(value, checksum));
        continue;
      }
      checksum = AddToChecksum(checksum, key, value);
      BlobProto proto;
      DOPPIO_RETURN_IF_ERROR(ParseProto(value, &proto, Limits(), key));
      DOPPIO_RETURN_IF_ERROR(assemblers[std::string(NameOfChunkKey(key))].Add(std::move(proto)));
    }
    if (meta.empty()) {
      return absl::DataLossError(
          "it is cut off, or no checkpoint of a training: it has no last "
          "record doppio_checkpoint");
    }
    Checkpoint checkpoint;
    DOPPIO_ASSIGN_OR_RETURN(checkpoint.progress, ParseMeta(meta));
    for (auto& [name, assembler] : assemblers) {
      auto blob = std::make_shared<Blob>();
      DOPPIO_RETURN_IF_ERROR(assembler.Finish(blob.get()));
      if (name == kRandom) {
        DOPPIO_ASSIGN_OR_RETURN(checkpoint.random_states, Strings(name, *blob));
      } else if (name == kPlaces) {
        DOPPIO_ASSIGN_OR_RETURN(checkpoint.places, Strings(name, *blob));
      } else {
        checkpoint.blobs[name] = std::move(blob);
      }
    }
    return checkpoint;
  }

 private:
  static absl::StatusOr<std::vector<std::string>> Strings(const std::string& name,
                                                          const Blob& blob) {
    const Tensor* tensor = blob.Get<Tensor>();
    if (tensor == nullptr || !tensor->Is<std::string>()) {
      return absl::DataLossError(absl::StrCat("its ", name, " are no strings"));
    }
    const auto span = tensor->span<std::string>();
    return std::vector<std::string>(span.begin(), span.end());
  }

  const std::string& path_;
};

}  // namespace

absl::Status WriteCheckpoint(const Checkpoint& checkpoint, const std::string& path) {
  return io::WriteFile(path, [&](google::protobuf::io::ZeroCopyOutputStream* out) -> absl::Status {
    uint32_t checksum = 0;
    const auto write = [&](const std::string& key, const BlobProto& proto) {
      std::string value;
      if (!proto.SerializeToString(&value)) {
        return absl::ResourceExhaustedError(absl::StrCat("blob \"", key, "\" is too large"));
      }
      checksum = AddToChecksum(checksum, key, value);
      return io::WriteMiniDbRecord(key, value, out);
    };
    for (const auto& [name, blob] : checkpoint.blobs) {
      DOPPIO_RETURN_IF_ERROR(SerializeBlob(*blob, name, {}, write));
    }
    const auto write_strings = [&](const char* name,
                                   const std::vector<std::string>& strings) -> absl::Status {
      Blob blob;
      const int64_t count = static_cast<int64_t>(strings.size());
      DOPPIO_ASSIGN_OR_RETURN(*blob.GetMutable<Tensor>(),
                              Tensor::FromSpan<std::string>(Dims{count}, strings));
      return SerializeBlob(blob, name, {}, write);
    };
    DOPPIO_RETURN_IF_ERROR(write_strings(kRandom, checkpoint.random_states));
    DOPPIO_RETURN_IF_ERROR(write_strings(kPlaces, checkpoint.places));
    DOPPIO_ASSIGN_OR_RETURN(const std::string meta,
                            MetaValue(MetaText(checkpoint.progress), checksum));
    return io::WriteMiniDbRecord(kMeta, meta, out);
  });
}

absl::StatusOr<Checkpoint> ReadCheckpoint(const std::string& path) {
  absl::StatusOr<Checkpoint> checkpoint = Reader(path).Read();
  if (checkpoint.ok()) return checkpoint;
  const absl::Status status = absl::StartsWith(checkpoint.status().message(), path)
                                  ? checkpoint.status()
                                  : Annotate(checkpoint.status(), path);
  // A flipped bit may look like anything.
  const bool is_damage = status.code() == absl::StatusCode::kInvalidArgument ||
                         status.code() == absl::StatusCode::kResourceExhausted ||
                         status.code() == absl::StatusCode::kNotFound;
  std::error_code error;
  return is_damage && fs::exists(path, error) ? absl::DataLossError(status.message()) : status;
}

absl::Status CheckIsSerializable(const std::string& name, const Blob& blob) {
  if (blob.IsTensor()) return absl::OkStatus();
  const absl::Status status = SerializeBlob(
      blob, name, {}, [](const std::string&, const BlobProto&) { return absl::OkStatus(); });
  if (status.ok()) return status;
  return absl::FailedPreconditionError(
      absl::StrCat("the nets keep the blob \"", name, "\" of type ", blob.TypeName(),
                   " from step to step, which a checkpoint can not hold: ", status.message()));
}

int64_t IterationOf(const std::string& path) {
  const std::string name = fs::path(path).filename().string();
  int64_t iteration = -1;
  if (!absl::StartsWith(name, kPrefix) || !absl::EndsWith(name, kEnding)) return -1;
  const size_t begin = sizeof(kPrefix) - 1;
  const std::string number = name.substr(begin, name.size() - begin - (sizeof(kEnding) - 1));
  return absl::SimpleAtoi(number, &iteration) && iteration >= 0 ? iteration : -1;
}

absl::Status SetAside(const std::vector<std::string>& paths, const std::string& good) {
  std::error_code error;
  for (const std::string& path : paths) {
    if (path == good) break;
    fs::rename(path, path + ".damaged", error);
    if (!error) continue;
    return absl::FailedPreconditionError(
        absl::StrCat(path, ": cannot rename what is damaged: ", error.message()));
  }
  return absl::OkStatus();
}

std::string CheckpointPath(const std::string& folder, int64_t iteration) {
  return absl::StrFormat("%s/%s%08d%s", folder, kPrefix, iteration, kEnding);
}

absl::StatusOr<std::vector<std::string>> FindCheckpoints(const std::string& folder) {
  std::vector<std::pair<int64_t, std::string>> found;
  std::error_code error;
  for (fs::directory_iterator i(folder, error), end; !error && i != end; i.increment(error)) {
    const int64_t iteration = IterationOf(i->path().string());
    if (iteration >= 0) found.emplace_back(iteration, i->path().string());
  }
  if (error) return absl::NotFoundError(absl::StrCat(folder, ": ", error.message()));
  std::sort(found.rbegin(), found.rend());
  std::vector<std::string> paths;
  for (const auto& [iteration, path] : found) paths.push_back(path);
  return paths;
}

absl::Status MakeFolder(const std::string& folder) {
  std::error_code error;
  fs::create_directories(folder, error);
  if (!error) return absl::OkStatus();
  return absl::FailedPreconditionError(
      absl::StrCat(folder, ": cannot make the folder: ", error.message()));
}

void RemoveOldCheckpoints(const std::string& folder) {
  std::error_code error;
  const absl::StatusOr<std::vector<std::string>> paths = FindCheckpoints(folder);
  for (size_t i = kKept; paths.ok() && i < paths->size(); ++i) fs::remove((*paths)[i], error);
  std::vector<fs::path> left;
  for (fs::directory_iterator i(folder, error), end; !error && i != end; i.increment(error)) {
    const std::string name = i->path().filename().string();
    if (absl::StartsWith(name, kPrefix) && absl::EndsWith(name, ".tmp")) left.push_back(i->path());
  }
  for (const fs::path& path : left) fs::remove(path, error);
}

}  // namespace doppio::training
