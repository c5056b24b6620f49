#include "ops/control/do_bindings.h"

#include <set>
#include <vector>

namespace doppio {

absl::StatusOr<std::map<std::string, std::string>> ReadDoBindings(ArgumentReader* args) {
  const OperatorDef& def = args->def();
  const auto inner = args->GetRepeatedArgument<std::string>("inner_blobs");
  const auto numbers = args->GetRepeatedArgument<int64_t>("outer_blobs_idx");
  DOPPIO_RETURN_IF_ERROR(args->status());
  if (def.input_size() == 0 || def.output_size() == 0) {
    return absl::InvalidArgumentError("the last input and the last output must be a scope");
  }
  if (*def.input().rbegin() != *def.output().rbegin()) {
    return absl::InvalidArgumentError(
        absl::StrCat("the last input, \"", *def.input().rbegin(), "\", and the last output, \"",
                     *def.output().rbegin(), "\", must be the same scope"));
  }
  std::vector<std::string> outer(def.input().begin(), def.input().end() - 1);
  outer.insert(outer.end(), def.output().begin(), def.output().end() - 1);
  if (inner.size() != numbers.size()) {
    return absl::InvalidArgumentError(absl::StrCat("there are ", inner.size(), " inner_blobs, but ",
                                                   numbers.size(), " outer_blobs_idx"));
  }
  std::map<std::string, std::string> bindings;
  std::set<std::string> used;
  for (size_t i = 0; i < inner.size(); ++i) {
    if (numbers[i] < 0 || numbers[i] >= static_cast<int64_t>(outer.size())) {
      return absl::InvalidArgumentError(absl::StrCat("outer_blobs_idx has ", numbers[i],
                                                     ", but there are ", outer.size(),
                                                     " inputs and outputs besides the scope"));
    }
    const std::string& name = outer[static_cast<size_t>(numbers[i])];
    if (!used.insert(name).second || !bindings.emplace(inner[i], name).second) {
      return absl::InvalidArgumentError(absl::StrCat(
          "inner blob \"", inner[i], "\" or outer blob \"", name, "\" is bound twice"));
    }
  }
  for (const std::string& name : outer) {
    if (used.count(name) > 0) continue;
    return absl::InvalidArgumentError(
        absl::StrCat("blob \"", name, "\" is bound to no inner blob"));
  }
  return bindings;
}

}  // namespace doppio
