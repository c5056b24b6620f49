// Format: PKWARE's APPNOTE.TXT 6.3.9, sections 4.3 and 4.5.3.

#include <zlib.h>

#include <algorithm>
#include <new>

#include "doppio/cancellation.h"
#include "src/io/zip.h"

namespace doppio {
namespace io {
namespace {

constexpr uint32_t kLocalHeader = 0x04034b50;
constexpr uint32_t kDirectoryEntry = 0x02014b50;
constexpr uint32_t kDirectoryEnd = 0x06054b50;
constexpr uint32_t kDirectoryEnd64 = 0x06064b50;
constexpr uint32_t kDirectoryEnd64Locator = 0x07064b50;
constexpr size_t kDirectoryEndSize = 22;
constexpr size_t kLocatorSize = 20;

absl::Status Damaged(absl::string_view what) {
  return absl::DataLossError(absl::StrCat("zip archive: ", what));
}

// Reads little-endian numbers; remembers when it was asked for more than there is.
class Reader {
 public:
  explicit Reader(absl::string_view bytes) : rest_(bytes) {}

  uint64_t Number(size_t size) {
    uint64_t value = 0;
    const absl::string_view bytes = Bytes(size);
    for (size_t i = bytes.size(); i-- > 0;) value = value << 8 | static_cast<uint8_t>(bytes[i]);
    return value;
  }
  uint16_t U16() { return static_cast<uint16_t>(Number(2)); }
  uint32_t U32() { return static_cast<uint32_t>(Number(4)); }

  absl::string_view Bytes(uint64_t size) {
    if (size > rest_.size()) {
      ok_ = false;
      rest_ = {};
      return {};
    }
    const absl::string_view bytes = rest_.substr(0, size);
    rest_.remove_prefix(size);
    return bytes;
  }
  bool ok() const { return ok_; }
  bool empty() const { return rest_.empty(); }

 private:
  absl::string_view rest_;
  bool ok_ = true;
};

absl::string_view From(absl::string_view archive, uint64_t offset) {
  return offset <= archive.size() ? archive.substr(offset) : absl::string_view();
}

struct Directory {
  uint64_t entries;
  uint64_t offset;
};

absl::StatusOr<Directory> FindDirectory(absl::string_view archive) {
  if (archive.size() < kDirectoryEndSize) return Damaged("too short");
  // A comment of up to 65,535 bytes may follow the record.
  const size_t last = archive.size() - kDirectoryEndSize;
  const size_t first = last > 0xffff ? last - 0xffff : 0;
  size_t at = last;
  while (Reader(archive.substr(at)).U32() != kDirectoryEnd) {
    if (at == first) return Damaged("no directory; is the file cut off?");
    --at;
  }
  Reader end(archive.substr(at + 10));
  Directory directory;
  directory.entries = end.U16();
  end.U32();
  directory.offset = end.U32();
  if (at >= kLocatorSize) {
    Reader locator(archive.substr(at - kLocatorSize));
    if (locator.U32() == kDirectoryEnd64Locator) {
      locator.U32();
      Reader end64(From(archive, locator.Number(8)));
      if (end64.U32() != kDirectoryEnd64) return Damaged("no Zip64 directory where it should be");
      end64.Bytes(28);
      directory.entries = end64.Number(8);
      end64.Number(8);
      directory.offset = end64.Number(8);
      if (!end64.ok()) return Damaged("the Zip64 directory is cut off");
    }
  }
  return directory;
}

// Sizes that do not fit into 32 bits stand in an extra field, those only, in this order.
void ReadZip64Sizes(absl::string_view extra, uint64_t* size, uint64_t* packed, uint64_t* offset) {
  Reader fields(extra);
  while (!fields.empty()) {
    const uint16_t id = fields.U16();
    Reader field(fields.Bytes(fields.U16()));
    if (id != 1) continue;
    for (uint64_t* value : {size, packed, offset}) {
      if (*value == 0xffffffff) *value = field.Number(8);
    }
    return;
  }
}

absl::StatusOr<ZipMember> ReadMember(absl::string_view archive, Reader* directory) {
  if (directory->U32() != kDirectoryEntry) return Damaged("the directory is damaged");
  directory->Bytes(4);
  const uint16_t flags = directory->U16();
  const uint16_t method = directory->U16();
  directory->Bytes(4);
  ZipMember member;
  member.crc = directory->U32();
  uint64_t packed = directory->U32();
  member.size = directory->U32();
  const uint16_t name_size = directory->U16();
  const uint16_t extra_size = directory->U16();
  const uint16_t comment_size = directory->U16();
  directory->Bytes(8);
  uint64_t offset = directory->U32();
  member.name = std::string(directory->Bytes(name_size));
  ReadZip64Sizes(directory->Bytes(extra_size), &member.size, &packed, &offset);
  directory->Bytes(comment_size);
  if (!directory->ok()) return Damaged("the directory is cut off");
  if ((flags & 1) != 0) {
    return absl::UnimplementedError(absl::StrCat("zip member ", member.name, " is encrypted"));
  }
  if (method != 0 && method != 8) {
    return absl::UnimplementedError(absl::StrCat("zip member ", member.name,
                                                 " is compressed by method ", method,
                                                 "; only deflate (8) is supported"));
  }
  member.is_deflated = method == 8;
  // The sizes in the local header may be missing, but its name and extra field may have others.
  Reader local(From(archive, offset));
  if (local.U32() != kLocalHeader)
    return Damaged(absl::StrCat(member.name, " is not where it should be"));
  local.Bytes(22);
  const uint16_t local_name_size = local.U16();
  const uint16_t local_extra_size = local.U16();
  local.Bytes(static_cast<uint64_t>(local_name_size) + local_extra_size);
  member.data = local.Bytes(packed);
  if (!local.ok() || (!member.is_deflated && packed != member.size)) {
    return Damaged(absl::StrCat(member.name, " claims ", packed, " bytes that are not there"));
  }
  return member;
}

absl::Status Inflate(const ZipMember& member, char* out) {
  z_stream stream = {};
  if (inflateInit2(&stream, -MAX_WBITS) != Z_OK) {
    return absl::ResourceExhaustedError("no memory to unpack a zip member");
  }
  absl::string_view input = member.data;
  uint64_t space = member.size;
  stream.next_out = reinterpret_cast<Bytef*>(out);
  int result = Z_OK;
  constexpr uint64_t kMaxStep = 4 << 20;
  absl::Status goes_on;
  while (result == Z_OK && goes_on.ok()) {
    const uInt in_step = static_cast<uInt>(std::min<uint64_t>(input.size(), kMaxStep));
    const uInt out_step = static_cast<uInt>(std::min<uint64_t>(space, kMaxStep));
    stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(input.data()));
    stream.avail_in = in_step;
    stream.avail_out = out_step;
    result = inflate(&stream, Z_NO_FLUSH);
    input.remove_prefix(in_step - stream.avail_in);
    space -= out_step - stream.avail_out;
    goes_on = CancellationStatus();
  }
  inflateEnd(&stream);
  DOPPIO_RETURN_IF_ERROR(Annotate(goes_on, member.name));
  if (result == Z_STREAM_END && space == 0) return absl::OkStatus();
  return Damaged(
      absl::StrCat(member.name, " does not unpack to the ", member.size, " bytes that it claims"));
}

}  // namespace

absl::StatusOr<std::vector<ZipMember>> ReadZip(absl::string_view archive, const Limits& limits) {
  DOPPIO_ASSIGN_OR_RETURN(const Directory directory, FindDirectory(archive));
  Reader reader(From(archive, directory.offset));
  std::vector<ZipMember> members;
  uint64_t left = static_cast<uint64_t>(std::max<int64_t>(limits.max_file_bytes, 0));
  for (uint64_t i = 0; i < directory.entries; ++i) {
    DOPPIO_ASSIGN_OR_RETURN(ZipMember member, ReadMember(archive, &reader));
    if (member.size > left) {
      return absl::ResourceExhaustedError(absl::StrCat("zip archive: unpacks, up to ", member.name,
                                                       ", to more than the limit of ",
                                                       limits.max_file_bytes, " bytes"));
    }
    left -= member.size;
    members.push_back(std::move(member));
  }
  return members;
}

absl::StatusOr<absl::string_view> UnpackMember(const ZipMember& member,
                                               std::unique_ptr<char[]>* buffer) {
  absl::string_view content = member.data;
  if (member.is_deflated) {
    // Deflate makes at most 1,032 bytes of one.
    if (member.size / 1032 > member.data.size()) {
      return Damaged(absl::StrCat(member.name, " claims to unpack to ", member.size, " bytes"));
    }
    buffer->reset(new (std::nothrow) char[std::max<uint64_t>(member.size, 1)]);
    if (*buffer == nullptr) {
      return absl::ResourceExhaustedError(
          absl::StrCat("no memory for the ", member.size, " bytes of zip member ", member.name));
    }
    DOPPIO_RETURN_IF_ERROR(Inflate(member, buffer->get()));
    content = absl::string_view(buffer->get(), member.size);
  }
  const uLong crc = crc32_z(0, reinterpret_cast<const Bytef*>(content.data()), content.size());
  if (crc != member.crc) return Damaged(absl::StrCat(member.name, " is damaged: its CRC differs"));
  return content;
}

}  // namespace io
}  // namespace doppio
