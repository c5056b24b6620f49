#include <zlib.h>

#include <limits>

#include "src/io/file.h"
#include "src/io/zip.h"

namespace doppio {
namespace io {
namespace {

void Append(std::string* bytes, uint64_t value, int size) {
  for (int i = 0; i < size; ++i, value >>= 8) bytes->push_back(static_cast<char>(value & 0xff));
}

// What a member's local header and its entry in the directory have in common.
std::string CommonHeader(const ZipInput& member, uint64_t size, uint32_t crc) {
  std::string header;
  Append(&header, 20, 2);            // needs version 2.0
  Append(&header, 0, 2);             // no flags
  Append(&header, 0, 2);             // stored
  Append(&header, 0, 2);             // midnight
  Append(&header, (1 << 5) | 1, 2);  // 1 January 1980, so that equal tensors make equal files
  Append(&header, crc, 4);
  Append(&header, size, 4);
  Append(&header, size, 4);
  Append(&header, member.name.size(), 2);
  Append(&header, 0, 2);  // no extra field
  return header;
}

}  // namespace

absl::Status WriteZip(absl::Span<const ZipInput> members,
                      google::protobuf::io::ZeroCopyOutputStream* out) {
  std::string directory;
  uint64_t offset = 0;
  for (const ZipInput& member : members) {
    uint64_t size = 0;
    uLong crc = 0;
    for (absl::string_view part : member.parts) {
      size += part.size();
      crc = crc32_z(crc, reinterpret_cast<const Bytef*>(part.data()), part.size());
    }
    const std::string header = CommonHeader(member, size, static_cast<uint32_t>(crc));
    directory += "PK\x01\x02";
    Append(&directory, 20, 2);  // made by version 2.0
    directory += header;
    Append(&directory, 0, 10);  // no comment, first disk, no attributes
    Append(&directory, offset, 4);
    directory += member.name;
    offset += 4 + header.size() + member.name.size() + size;
    if (offset + directory.size() > std::numeric_limits<uint32_t>::max() ||
        members.size() > 0xffff || member.name.size() > 0xffff) {
      return absl::ResourceExhaustedError("zip archives of 4 GiB and more are not written");
    }
    DOPPIO_RETURN_IF_ERROR(WriteBytes("PK\x03\x04", out));
    DOPPIO_RETURN_IF_ERROR(WriteBytes(header, out));
    DOPPIO_RETURN_IF_ERROR(WriteBytes(member.name, out));
    for (absl::string_view part : member.parts) DOPPIO_RETURN_IF_ERROR(WriteBytes(part, out));
  }
  std::string end = "PK\x05\x06";
  Append(&end, 0, 4);
  Append(&end, members.size(), 2);
  Append(&end, members.size(), 2);
  Append(&end, directory.size(), 4);
  Append(&end, offset, 4);
  Append(&end, 0, 2);
  DOPPIO_RETURN_IF_ERROR(WriteBytes(directory, out));
  return WriteBytes(end, out);
}

}  // namespace io
}  // namespace doppio
