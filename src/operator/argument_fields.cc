#include "src/operator/argument_fields.h"

#include <vector>

#include "absl/strings/str_join.h"

namespace doppio {

std::string FilledFields(const Argument& arg) {
  std::vector<absl::string_view> fields;
  if (arg.has_f()) fields.push_back("f");
  if (arg.has_i()) fields.push_back("i");
  if (arg.has_s()) fields.push_back("s");
  if (arg.has_n()) fields.push_back("n");
  if (arg.has_t()) fields.push_back("t");
  if (arg.floats_size() > 0) fields.push_back("floats");
  if (arg.ints_size() > 0) fields.push_back("ints");
  if (arg.strings_size() > 0) fields.push_back("strings");
  if (arg.nets_size() > 0) fields.push_back("nets");
  if (arg.tensors_size() > 0) fields.push_back("tensors");
  if (arg.qtensors_size() > 0) fields.push_back("qtensors");
  return fields.empty() ? "nothing" : absl::StrJoin(fields, " and ");
}

bool IsEmptyList(const Argument& arg) { return FilledFields(arg) == "nothing"; }

bool SameArgument(const Argument& a, const Argument& b) {
  return a.SerializeAsString() == b.SerializeAsString();
}

absl::Status WrongField(const Argument& arg, absl::string_view wanted) {
  return absl::InvalidArgumentError(absl::StrCat("argument \"", arg.name(), "\" must be ", wanted,
                                                 ", but has ", FilledFields(arg)));
}

}  // namespace doppio
