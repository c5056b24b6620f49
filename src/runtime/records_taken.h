#ifndef DOPPIO_RUNTIME_RECORDS_TAKEN_H_
#define DOPPIO_RUNTIME_RECORDS_TAKEN_H_

#include <cstdint>
#include <string>

#include "absl/functional/function_ref.h"
#include "doppio/status.h"

namespace doppio {

// How many records the runs of an input operator took: its place.
class RecordsTaken {
 public:
  void Add(int64_t count) { count_ += count; }
  std::string Place() const { return std::to_string(count_); }
  // Calls `read` once for each record before that place. It says false where there is none.
  absl::Status GoTo(const std::string& place, absl::FunctionRef<absl::StatusOr<bool>()> read);

 private:
  int64_t count_ = 0;
};

}  // namespace doppio

#endif  // DOPPIO_RUNTIME_RECORDS_TAKEN_H_
