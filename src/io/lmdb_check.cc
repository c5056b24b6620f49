#include "src/io/lmdb_check.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <vector>

#include "absl/strings/str_cat.h"

namespace doppio {
namespace io {
namespace {

// The layout of LMDB 0.9 on a machine of 64 bits, in bytes.
constexpr size_t kHeaderBytes = 16;  // of each page
constexpr size_t kFlagsAt = 10;
constexpr size_t kLowerAt = 12;  // the offsets of the records end here
constexpr size_t kUpperAt = 14;  // the records begin here
constexpr uint16_t kBranch = 1;
constexpr uint16_t kLeaf = 2;
constexpr uint16_t kKindOfPage = 0x7f;

constexpr uint32_t kMagic = 0xBEEFC0DE;
constexpr uint32_t kVersion = 1;
constexpr size_t kMetaBytes = 152;
constexpr size_t kMagicAt = 16;
constexpr size_t kVersionAt = 20;
constexpr size_t kPageSizeAt = 40;
constexpr size_t kFileFlagsAt = 44;
constexpr size_t kRecordFlagsAt = 92;
constexpr size_t kRootAt = 128;
constexpr size_t kTransactionAt = 144;
constexpr uint16_t kFixedMap = 1;
constexpr uint64_t kNoPage = ~uint64_t{0};

constexpr size_t kNodeBytes = 8;
constexpr uint16_t kBigData = 1;
constexpr int kDeepest = 32;

template <typename T>
T Read(const char* bytes, size_t offset) {
  T value;
  std::memcpy(&value, bytes + offset, sizeof(value));
  return value;
}

class PageChecker {
 public:
  explicit PageChecker(const std::string& path) : path_(path) {}
  ~PageChecker() {
    if (fd_ >= 0) close(fd_);
  }
  PageChecker(const PageChecker&) = delete;
  PageChecker& operator=(const PageChecker&) = delete;

  absl::Status Open(const std::string& file) {
    fd_ = open(file.c_str(), O_RDONLY | O_CLOEXEC);
    struct stat info;
    if (fd_ < 0 || fstat(fd_, &info) != 0) {
      return absl::ErrnoToStatus(errno, absl::StrCat(path_, ": cannot open data.mdb"));
    }
    DOPPIO_RETURN_IF_ERROR(ReadMeta(0, 0, &metas_[0]));
    page_bytes_ = Read<uint32_t>(metas_[0], kPageSizeAt);
    if (page_bytes_ < 256 || page_bytes_ > 65536 || (page_bytes_ & (page_bytes_ - 1)) != 0) {
      return Damaged(absl::StrCat("says that its pages have ", page_bytes_, " bytes"));
    }
    pages_ = static_cast<uint64_t>(info.st_size) / page_bytes_;
    DOPPIO_RETURN_IF_ERROR(ReadMeta(1, page_bytes_, &metas_[1]));
    if (Read<uint32_t>(metas_[1], kPageSizeAt) != page_bytes_) {
      return Damaged("its first two pages differ in the size of pages");
    }
    return absl::OkStatus();
  }

  absl::Status CheckRecords(uint64_t transaction) {
    const char* meta = metas_[transaction & 1];
    if (Read<uint64_t>(meta, kTransactionAt) != transaction) {
      return absl::UnavailableError(
          absl::StrCat(path_, ": somebody is writing to this lmdb all the time"));
    }
    const uint64_t root = Read<uint64_t>(meta, kRootAt);
    return root == kNoPage ? absl::OkStatus() : CheckPage(root, 0);
  }

 private:
  using Meta = char[kMetaBytes];

  absl::Status Damaged(absl::string_view what) const {
    return absl::DataLossError(absl::StrCat(path_, ": this lmdb is damaged: ", what));
  }

  absl::Status ReadBytes(uint64_t offset, char* out, size_t bytes) {
    const ssize_t count = pread(fd_, out, bytes, static_cast<off_t>(offset));
    if (count < 0) return absl::ErrnoToStatus(errno, absl::StrCat(path_, ": cannot read data.mdb"));
    if (static_cast<size_t>(count) < bytes) {
      return Damaged(absl::StrCat("cut off within the ", bytes, " bytes at ", offset));
    }
    return absl::OkStatus();
  }

  absl::Status ReadMeta(int page, uint64_t offset, Meta* meta) {
    DOPPIO_RETURN_IF_ERROR(ReadBytes(offset, *meta, kMetaBytes));
    if (Read<uint32_t>(*meta, kMagicAt) != kMagic) {
      return absl::InvalidArgumentError(
          absl::StrCat(path_, ": is no lmdb: page ", page, " of data.mdb does not begin like one"));
    }
    const uint32_t version = Read<uint32_t>(*meta, kVersionAt);
    if (version != kVersion) {
      return absl::UnimplementedError(absl::StrCat(path_, ": an lmdb of format ", version,
                                                   "; only format ", kVersion, " is known"));
    }
    if ((Read<uint16_t>(*meta, kFileFlagsAt) & kFixedMap) != 0) {
      return absl::UnimplementedError(
          absl::StrCat(path_, ": this lmdb asks for a place in memory, which it does not get"));
    }
    if (Read<uint16_t>(*meta, kRecordFlagsAt) != 0) {
      return absl::UnimplementedError(
          absl::StrCat(path_, ": an lmdb with keys of another order, or of several values each"));
    }
    return absl::OkStatus();
  }

  absl::Status CheckPage(uint64_t page, int depth) {
    if (page >= pages_) {
      return Damaged(absl::StrCat("page ", page, " is not there, since data.mdb has ", pages_));
    }
    if (depth > kDeepest || ++visited_ > pages_) {
      return Damaged(absl::StrCat("page ", page, " is reached on too many ways"));
    }
    std::vector<char> bytes(page_bytes_);
    DOPPIO_RETURN_IF_ERROR(ReadBytes(page * page_bytes_, bytes.data(), page_bytes_));
    const uint16_t kind = Read<uint16_t>(bytes.data(), kFlagsAt) & kKindOfPage;
    const size_t lower = Read<uint16_t>(bytes.data(), kLowerAt);
    const size_t upper = Read<uint16_t>(bytes.data(), kUpperAt);
    // A branch with one way only ends LMDB.
    const size_t least = kHeaderBytes + 2 * (kind == kBranch ? 2 : 1);
    if (Read<uint64_t>(bytes.data(), 0) != page || (kind != kBranch && kind != kLeaf) ||
        lower < least || lower > upper || upper > page_bytes_ || lower % 2 != 0) {
      return Damaged(absl::StrCat("page ", page, " is none of records"));
    }
    for (size_t at = kHeaderBytes; at < lower; at += 2) {
      const size_t node = Read<uint16_t>(bytes.data(), at);
      if (node < upper || node + kNodeBytes > page_bytes_) return BadNode(page, at);
      const char* start = bytes.data() + node;
      const uint64_t size = Read<uint16_t>(start, 0) | uint64_t{Read<uint16_t>(start, 2)} << 16;
      const uint64_t flags = Read<uint16_t>(start, 4);
      const size_t key_bytes = Read<uint16_t>(start, 6);
      const size_t space = page_bytes_ - node - kNodeBytes;
      if (key_bytes > space) return BadNode(page, at);
      if (kind == kBranch) {
        DOPPIO_RETURN_IF_ERROR(CheckPage(size | flags << 32, depth + 1));
      } else if (flags == kBigData) {
        if (space - key_bytes < sizeof(uint64_t)) return BadNode(page, at);
        const uint64_t first = Read<uint64_t>(start, kNodeBytes + key_bytes);
        const uint64_t count = (kHeaderBytes + size + page_bytes_ - 1) / page_bytes_;
        if (first >= pages_ || count > pages_ - first) {
          return Damaged(absl::StrCat("pages ", first, " to ", first + count - 1,
                                      " of a value are not there, since data.mdb has ", pages_));
        }
      } else if (flags != 0) {
        return absl::UnimplementedError(
            absl::StrCat(path_, ": an lmdb with databases in it, or with keys of several values"));
      } else if (size > space - key_bytes) {
        return BadNode(page, at);
      }
    }
    return absl::OkStatus();
  }

  absl::Status BadNode(uint64_t page, size_t at) const {
    return Damaged(
        absl::StrCat("record ", (at - kHeaderBytes) / 2, " of page ", page, " leaves its page"));
  }

  const std::string path_;
  int fd_ = -1;
  Meta metas_[2] = {};
  size_t page_bytes_ = 0;
  uint64_t pages_ = 0;
  uint64_t visited_ = 0;
};

}  // namespace

bool IsLmdbFile(const std::string& file) { return PageChecker(file).Open(file).ok(); }

absl::Status CheckLmdbFile(const std::string& file, const std::string& path) {
  return PageChecker(path).Open(file);
}

absl::Status CheckLmdbPages(const std::string& file, uint64_t transaction,
                            const std::string& path) {
  PageChecker checker(path);
  DOPPIO_RETURN_IF_ERROR(checker.Open(file));
  return checker.CheckRecords(transaction);
}

}  // namespace io
}  // namespace doppio
