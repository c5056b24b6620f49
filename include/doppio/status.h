#ifndef DOPPIO_STATUS_H_
#define DOPPIO_STATUS_H_

// Errors are values: every function that a model, a file or a user can make fail returns an
// absl::Status or an absl::StatusOr<T>. These macros pass an error on to the caller:
//
//   absl::Status Load(const std::string& path) {
//     DOPPIO_ASSIGN_OR_RETURN(std::string bytes, ReadFile(path));
//     DOPPIO_RETURN_IF_ERROR(Parse(bytes));
//     return absl::OkStatus();
//   }
//
// Threads: a Status is a value; many may read it, or one may change it.

#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"

namespace doppio {

// The same status with `prefix` and ": " before its message. An OK status is returned as it is.
absl::Status Annotate(const absl::Status& status, absl::string_view prefix);

}  // namespace doppio

#define DOPPIO_STATUS_CONCAT_INNER_(a, b) a##b
#define DOPPIO_STATUS_CONCAT_(a, b) DOPPIO_STATUS_CONCAT_INNER_(a, b)

#define DOPPIO_RETURN_IF_ERROR(expression)                                \
  do {                                                                    \
    ::absl::Status doppio_status_ = (expression);                         \
    if (__builtin_expect(!doppio_status_.ok(), 0)) return doppio_status_; \
  } while (false)

#define DOPPIO_ASSIGN_OR_RETURN(declaration, expression) \
  DOPPIO_ASSIGN_OR_RETURN_(DOPPIO_STATUS_CONCAT_(doppio_or_, __LINE__), declaration, expression)

#define DOPPIO_ASSIGN_OR_RETURN_(temporary, declaration, expression)   \
  auto temporary = (expression);                                       \
  if (__builtin_expect(!temporary.ok(), 0)) return temporary.status(); \
  declaration = *std::move(temporary)

#endif  // DOPPIO_STATUS_H_
