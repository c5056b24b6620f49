#include "tests/table/table_request.h"

#include "doppio/gradient_maker.h"

namespace doppio {

CaseRequest Request(absl::string_view type, int i) {
  CaseRequest request;
  request.seed = CaseSeed(type, i);
  request.scalar = i == 0;
  request.zero = i >= 1 && i <= 5;
  return request;
}

std::string Where(const OpCase& op_case) {
  return absl::StrCat(op_case.ToString(), " (DOPPIO_TABLE_SEED=", TableSeed(), ")");
}

std::vector<std::string> TypesWithGradient() {
  std::vector<std::string> types;
  for (const std::string& type : OpSchemaRegistry::Types()) {
    const OpRow* row = FindOpRow(type);
    if (row != nullptr && row->gradient_unchecked()) continue;
    if (GradientRegistry::Kind(type) == GradientKind::kMaker) types.push_back(type);
  }
  return types;
}

}  // namespace doppio
