#ifndef DOPPIO_OPS_STORAGE_TEXT_ROWS_H_
#define DOPPIO_OPS_STORAGE_TEXT_ROWS_H_

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <memory>
#include <string>
#include <vector>

#include "doppio/status.h"

namespace doppio {

// The lines of a file, cut into fields at a separator; a piece of the file at a time, so that it
// may be larger than the memory. The file is read `passes` times, one after the other.
//
// A byte 0 takes the byte after it as it is, whatever that would mean. The last line may do without
// its line break.
class TextRows {
 public:
  static absl::StatusOr<std::unique_ptr<TextRows>> Open(std::string path, char separator,
                                                        int64_t passes);

  // The next line, whose fields must be as many as *fields has. False after the last line of the
  // last pass; *fields is then unspecified.
  absl::StatusOr<bool> Next(std::vector<std::string>* fields);

  // "path: line 3", of what Next gave.
  std::string Place() const;

 private:
  struct CloseFile {
    void operator()(std::FILE* file) const { std::fclose(file); }
  };

  TextRows(std::string path, char separator, int64_t passes)
      : path_(std::move(path)), separator_(separator), passes_(passes) {}

  // Whether there are bytes from begin_ on; false at the end of the file.
  absl::StatusOr<bool> Fill();
  absl::Status Rewind();
  absl::StatusOr<bool> ReadLine(std::vector<std::string>* fields);

  const std::string path_;
  const char separator_;
  const int64_t passes_;
  std::unique_ptr<std::FILE, CloseFile> file_;
  std::vector<char> buffer_;
  size_t begin_ = 0;
  size_t end_ = 0;
  int64_t pass_ = 0;
  int64_t line_ = 0;
};

}  // namespace doppio

#endif  // DOPPIO_OPS_STORAGE_TEXT_ROWS_H_
