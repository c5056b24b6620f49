#include "ops/storage/text_rows.h"

#include <sys/stat.h>

#include <cerrno>
#include <utility>

namespace doppio {
namespace {

constexpr size_t kPiece = 1 << 16;

}  // namespace

absl::StatusOr<std::unique_ptr<TextRows>> TextRows::Open(std::string path, char separator,
                                                         int64_t passes) {
  std::unique_ptr<TextRows> rows(new TextRows(std::move(path), separator, passes));
  rows->file_.reset(std::fopen(rows->path_.c_str(), "rbe"));
  struct stat info;
  if (rows->file_ == nullptr || fstat(fileno(rows->file_.get()), &info) != 0) {
    return absl::ErrnoToStatus(errno, absl::StrCat(rows->path_, ": cannot open"));
  }
  if (S_ISDIR(info.st_mode)) {
    return absl::ErrnoToStatus(EISDIR, absl::StrCat(rows->path_, ": cannot read"));
  }
  rows->buffer_.resize(kPiece);
  return rows;
}

std::string TextRows::Place() const { return absl::StrCat(path_, ": line ", line_); }

absl::StatusOr<bool> TextRows::Fill() {
  if (begin_ < end_) return true;
  begin_ = 0;
  end_ = std::fread(buffer_.data(), 1, buffer_.size(), file_.get());
  if (end_ == 0 && std::ferror(file_.get()) != 0) {
    return absl::ErrnoToStatus(errno, absl::StrCat(path_, ": cannot read"));
  }
  return end_ > 0;
}

absl::Status TextRows::Rewind() {
  if (std::fseek(file_.get(), 0, SEEK_SET) != 0) {
    return absl::ErrnoToStatus(errno, absl::StrCat(path_, ": cannot be read a second time"));
  }
  begin_ = end_ = 0;
  line_ = 0;
  return absl::OkStatus();
}

// False, with nothing read, at the end of the file.
absl::StatusOr<bool> TextRows::ReadLine(std::vector<std::string>* fields) {
  DOPPIO_ASSIGN_OR_RETURN(bool has_bytes, Fill());
  if (!has_bytes) return false;
  ++line_;
  for (std::string& field : *fields) field.clear();
  size_t count = 1;
  bool is_literal = false;  // the byte before was 0
  bool is_complete = false;
  while (has_bytes) {
    std::string* field = count <= fields->size() ? &(*fields)[count - 1] : nullptr;
    size_t i = begin_;
    if (is_literal) {
      ++i;
      is_literal = false;
    }
    while (i < end_ && buffer_[i] != '\n' && buffer_[i] != separator_ && buffer_[i] != '\0') ++i;
    if (field != nullptr) field->append(buffer_.data() + begin_, i - begin_);
    begin_ = i;
    if (i < end_) {
      const char stop = buffer_[begin_++];
      is_complete = stop == '\n';
      is_literal = stop == '\0';
      if (stop == separator_) ++count;
    }
    if (is_complete) break;
    DOPPIO_ASSIGN_OR_RETURN(has_bytes, Fill());
  }
  if (is_literal) {
    return absl::InvalidArgumentError(absl::StrCat(
        Place(), ": the file ends after a byte 0, which stands before a byte of a field"));
  }
  if (count == fields->size()) return true;
  return absl::InvalidArgumentError(
      absl::StrCat(Place(), " has ", count, count == 1 ? " field" : " fields", ", but there are ",
                   fields->size(), " field_types",
                   is_complete ? "" : "; the file ends there, without a line break"));
}

absl::StatusOr<bool> TextRows::Next(std::vector<std::string>* fields) {
  while (pass_ < passes_) {
    DOPPIO_ASSIGN_OR_RETURN(const bool has_line, ReadLine(fields));
    if (has_line) return true;
    // A file without lines has none in any pass.
    pass_ = line_ == 0 ? passes_ : pass_ + 1;
    if (pass_ < passes_) DOPPIO_RETURN_IF_ERROR(Rewind());
  }
  return false;
}

}  // namespace doppio
