#ifndef DOPPIO_IO_ZIP_H_
#define DOPPIO_IO_ZIP_H_

#include <google/protobuf/io/zero_copy_stream.h>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "doppio/limits.h"
#include "doppio/status.h"

namespace doppio {
namespace io {

// A file in a zip archive.
struct ZipMember {
  std::string name;
  absl::string_view data;  // as it is in the archive
  bool is_deflated = false;
  uint64_t size = 0;  // unpacked
  uint32_t crc = 0;
};

// The files of an archive (with Zip64) in the order of its directory. Their sizes together are
// checked against limits.max_file_bytes, so that a small archive cannot unpack into a huge one.
absl::StatusOr<std::vector<ZipMember>> ReadZip(absl::string_view archive, const Limits& limits);

// The content of a member, which is checked against its CRC. `buffer` keeps what was unpacked; a
// stored member is not copied.
absl::StatusOr<absl::string_view> UnpackMember(const ZipMember& member,
                                               std::unique_ptr<char[]>* buffer);

// Writes an archive without compression. Each member's content is the parts one after the other.
struct ZipInput {
  std::string name;
  std::vector<absl::string_view> parts;
};
absl::Status WriteZip(absl::Span<const ZipInput> members,
                      google::protobuf::io::ZeroCopyOutputStream* out);

}  // namespace io
}  // namespace doppio

#endif  // DOPPIO_IO_ZIP_H_
