#include "src/io/minidb.h"

#include <google/protobuf/io/coded_stream.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "doppio/cancellation.h"
#include "doppio/serialize.h"
#include "src/io/file.h"

namespace doppio {
namespace io {
namespace {

constexpr size_t kHeaderBytes = 8;
constexpr int32_t kLongestKey = 1 << 16;
constexpr size_t kReadAtOnce = 16 << 20;
constexpr char kTagOfName = 0x0a;  // BlobProto.name comes first

int32_t DecodeInt32(const char* bytes) {
  uint32_t value = 0;
  for (int i = 3; i >= 0; --i) value = value << 8 | static_cast<unsigned char>(bytes[i]);
  return static_cast<int32_t>(value);
}

void EncodeInt32(int32_t value, char* bytes) {
  for (int i = 0; i < 4; ++i) bytes[i] = static_cast<char>(static_cast<uint32_t>(value) >> 8 * i);
}

}  // namespace

absl::Status MiniDbReader::Failed(absl::string_view what) const {
  return absl::DataLossError(absl::StrCat(path_, ": record ", record_, ": ", what));
}

absl::StatusOr<MiniDbReader> MiniDbReader::Open(const std::string& path, const Limits& limits) {
  MiniDbReader reader;
  reader.file_.reset(std::fopen(path.c_str(), "rbe"));
  if (reader.file_ == nullptr) {
    return absl::ErrnoToStatus(errno, absl::StrCat(path, ": cannot open"));
  }
  reader.path_ = path;
  reader.limits_ = limits;
  return reader;
}

// Memory grows with what was read, not with what a length claims.
absl::Status MiniDbReader::Read(size_t bytes, std::string* out) {
  out->clear();
  while (out->size() < bytes) {
    DOPPIO_RETURN_IF_ERROR(Annotate(CancellationStatus(), path_));
    const size_t begin = out->size();
    out->resize(begin + std::min(kReadAtOnce, bytes - begin));
    const size_t count = std::fread(&(*out)[begin], 1, out->size() - begin, file_.get());
    if (begin + count == out->size()) continue;
    if (std::ferror(file_.get()) != 0) return absl::ErrnoToStatus(errno, path_ + ": cannot read");
    return Failed(absl::StrCat("cut off: ", begin + count, " of ", bytes, " bytes are there"));
  }
  return absl::OkStatus();
}

absl::Status MiniDbReader::Rewind() {
  if (std::fseek(file_.get(), 0, SEEK_SET) != 0) {
    return absl::ErrnoToStatus(errno, path_ + ": cannot go to the beginning");
  }
  record_ = 0;
  return absl::OkStatus();
}

absl::StatusOr<bool> MiniDbReader::Next(std::string* key, std::string* value) {
  char header[kHeaderBytes];
  const size_t count = std::fread(header, 1, kHeaderBytes, file_.get());
  if (std::ferror(file_.get()) != 0) return absl::ErrnoToStatus(errno, path_ + ": cannot read");
  if (count == 0) return false;
  if (count < kHeaderBytes) return Failed("cut off in its lengths");
  const int32_t key_bytes = DecodeInt32(header);
  const int32_t value_bytes = DecodeInt32(header + 4);
  if (key_bytes <= 0 || key_bytes > kLongestKey || value_bytes <= 0) {
    return Failed(
        absl::StrCat("lengths that can not be: key ", key_bytes, ", value ", value_bytes));
  }
  if (value_bytes > limits_.max_file_bytes) {
    return absl::ResourceExhaustedError(absl::StrCat(path_, ": record ", record_, ": ", value_bytes,
                                                     " bytes, more than the limit of ",
                                                     limits_.max_file_bytes));
  }
  DOPPIO_RETURN_IF_ERROR(Read(static_cast<size_t>(key_bytes), key));
  DOPPIO_RETURN_IF_ERROR(Read(static_cast<size_t>(value_bytes), value));
  ++record_;
  return true;
}

bool BeginsWithRecord(absl::string_view bytes, int64_t file_bytes) {
  if (bytes.size() < kHeaderBytes) return false;
  const int64_t key_bytes = DecodeInt32(bytes.data());
  const int64_t value_bytes = DecodeInt32(bytes.data() + 4);
  return key_bytes > 0 && key_bytes <= kLongestKey && value_bytes > 0 &&
         key_bytes + value_bytes <= file_bytes - static_cast<int64_t>(kHeaderBytes);
}

bool IsBlobRecord(absl::string_view key, absl::string_view value) {
  const absl::string_view name = NameOfChunkKey(key);
  // The length of the name is a varint: 7 bits a byte.
  std::string start(1, kTagOfName);
  for (size_t length = name.size(); true; length >>= 7) {
    if (length < 128) {
      start += static_cast<char>(length);
      break;
    }
    start += static_cast<char>((length & 127) | 128);
  }
  start.append(name.data(), name.size());
  return value.substr(0, start.size()) == start;
}

bool IsMiniDb(absl::string_view bytes) {
  if (bytes.size() < kHeaderBytes) return false;
  const int32_t key_bytes = DecodeInt32(bytes.data());
  if (key_bytes <= 0 || key_bytes > kLongestKey || DecodeInt32(bytes.data() + 4) <= 0) return false;
  bytes.remove_prefix(kHeaderBytes);
  const size_t key_size = static_cast<size_t>(key_bytes);
  return bytes.size() >= key_size &&
         IsBlobRecord(bytes.substr(0, key_size), bytes.substr(key_size));
}

bool IsDataMiniDb(absl::string_view bytes) {
  if (bytes.size() < kHeaderBytes) return false;
  const int32_t key_bytes = DecodeInt32(bytes.data());
  const int64_t value_bytes = DecodeInt32(bytes.data() + 4);
  bytes.remove_prefix(kHeaderBytes);
  if (key_bytes <= 0 || key_bytes > kLongestKey || value_bytes <= 0 ||
      bytes.size() < static_cast<size_t>(key_bytes)) {
    return false;
  }
  bytes.remove_prefix(static_cast<size_t>(key_bytes));
  // The value is a TensorProtos, whose first field is a TensorProto, which begins with its dims.
  google::protobuf::io::CodedInputStream in(reinterpret_cast<const uint8_t*>(bytes.data()),
                                            static_cast<int>(std::min<size_t>(bytes.size(), 32)));
  constexpr uint32_t kProtos = TensorProtos::kProtosFieldNumber << 3 | 2;
  uint32_t tensor_bytes = 0;
  if (in.ReadTag() != kProtos || !in.ReadVarint32(&tensor_bytes)) return false;
  if (in.CurrentPosition() + int64_t{tensor_bytes} > value_bytes) return false;
  return in.ReadTag() >> 3 == TensorProto::kDimsFieldNumber;
}

bool IsMiniDbFile(const std::string& path) {
  struct stat info;
  if (stat(path.c_str(), &info) != 0 || !S_ISREG(info.st_mode)) return false;
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> file(std::fopen(path.c_str(), "rbe"),
                                                             &std::fclose);
  if (file == nullptr) return false;
  char start[4096];
  return IsMiniDb({start, std::fread(start, 1, sizeof(start), file.get())});
}

absl::Status WriteMiniDbRecord(absl::string_view key, absl::string_view value,
                               google::protobuf::io::ZeroCopyOutputStream* out) {
  constexpr size_t kLongestValue = INT32_MAX;
  if (key.empty() || key.size() > kLongestKey || value.empty() || value.size() > kLongestValue) {
    return absl::InvalidArgumentError(absl::StrCat("a record with a key of ", key.size(),
                                                   " bytes and a value of ", value.size(),
                                                   " bytes can not be written"));
  }
  char header[kHeaderBytes];
  EncodeInt32(static_cast<int32_t>(key.size()), header);
  EncodeInt32(static_cast<int32_t>(value.size()), header + 4);
  DOPPIO_RETURN_IF_ERROR(WriteBytes({header, kHeaderBytes}, out));
  DOPPIO_RETURN_IF_ERROR(WriteBytes(key, out));
  return WriteBytes(value, out);
}

}  // namespace io
}  // namespace doppio
