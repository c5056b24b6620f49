#include "doppio/optional_outputs.h"

#include <algorithm>

#include "src/operator/registration_table.h"

namespace doppio {
namespace {

using Table = RegistrationTable<std::string, const OptionalOutputs::Least>;

Table& LeastOutputs() {
  static Table& table = *new Table;
  return table;
}

}  // namespace

bool OptionalOutputs::Register(const char* type, Least least, const char* file, int line) {
  return LeastOutputs().Add(type, std::make_unique<const Least>(std::move(least)), file, line,
                            absl::StrCat("the optional outputs of \"", type, "\""));
}

bool OptionalOutputs::Register(const char* type, int least, const char* file, int line) {
  return Register(
      type, [least](const OperatorDef&) { return least; }, file, line);
}

int OptionalOutputs::LeastOf(const OperatorDef& def) {
  const Least* least = LeastOutputs().Find(def.type());
  return least == nullptr ? def.output_size() : std::min((*least)(def), def.output_size());
}

}  // namespace doppio
