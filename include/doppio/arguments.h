#ifndef DOPPIO_ARGUMENTS_H_
#define DOPPIO_ARGUMENTS_H_

// Threads: a reader is used by one at a time.

#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "doppio/dtype.h"
#include "doppio/net.pb.h"
#include "doppio/status.h"

namespace doppio {

class OpSchema;

// Reads the arguments of one OperatorDef. What is wrong with one (missing, in the field of another
// type, out of range, given twice with different values) does not stop the reading: the first
// problem is kept in status(), and a neutral value is returned. Who makes the reader looks at
// status() afterwards, so that operators need not.
//
// T is bool, int, int64_t, float, double or std::string. Whole numbers are read from `i`, float and
// double from `f`, strings from `s`.
class ArgumentReader {
 public:
  // `def` must outlive the reader; `schema` may be null.
  ArgumentReader(const OperatorDef& def, const OpSchema* schema) : def_(def), schema_(schema) {}

  const OperatorDef& def() const { return def_; }

  bool HasArgument(absl::string_view name) const;

  // The value given, else the default that the schema states. A required argument that is missing
  // is an error.
  template <typename T>
  T GetSingleArgument(absl::string_view name);
  // The same with a default that the schema does not know (where it depends on other arguments).
  template <typename T>
  T GetSingleArgument(absl::string_view name, const T& fallback);
  // The list given in `ints`, `floats` or `strings`; empty when there is none.
  template <typename T>
  std::vector<T> GetRepeatedArgument(absl::string_view name);
  // An element type, given by its number in TensorProto.DataType (in `i`) or by its name (in `s`).
  DataType GetDataTypeArgument(absl::string_view name, DataType fallback);
  // The net given in `n`, or null. It lives as long as `def`.
  const NetDef* GetNetArgument(absl::string_view name);
  // The argument itself, or null: for values too large to be copied.
  const Argument* Find(absl::string_view name);

  void Fail(const absl::Status& status) {
    if (status_.ok()) status_ = status;
  }
  const absl::Status& status() const { return status_; }

 private:
  const OperatorDef& def_;
  const OpSchema* schema_;
  absl::Status status_;
};

}  // namespace doppio

#endif  // DOPPIO_ARGUMENTS_H_
