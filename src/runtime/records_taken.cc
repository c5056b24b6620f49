#include "src/runtime/records_taken.h"

#include "absl/strings/numbers.h"
#include "doppio/cancellation.h"

namespace doppio {

absl::Status RecordsTaken::GoTo(const std::string& place,
                                absl::FunctionRef<absl::StatusOr<bool>()> read) {
  int64_t wanted;
  if (!absl::SimpleAtoi(place, &wanted) || wanted < 0) {
    return absl::DataLossError(absl::StrCat("\"", place, "\" is no number of records"));
  }
  if (count_ > 0) {
    return absl::FailedPreconditionError(absl::StrCat(
        count_, " records were read already; only a new training can go on at ", "another place"));
  }
  for (int64_t i = 0; i < wanted; ++i) {
    DOPPIO_RETURN_IF_ERROR(Annotate(CancellationStatus(), "skipping records"));
    DOPPIO_ASSIGN_OR_RETURN(const bool has_record, read());
    if (!has_record) {
      return absl::DataLossError(
          absl::StrCat(wanted, " records were read, but there are only ", i));
    }
  }
  count_ = wanted;
  return absl::OkStatus();
}

}  // namespace doppio
