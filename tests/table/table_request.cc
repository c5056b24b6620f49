#include "tests/table/table_request.h"

#include <cstdlib>

#include "doppio/gradient_maker.h"

namespace doppio {

uint64_t BaseSeed() {
  const char* given = std::getenv("DOPPIO_TABLE_SEED");
  return given == nullptr ? kUsualSeed : std::strtoull(given, nullptr, 10);
}

CaseRequest Request(absl::string_view type, int i) {
  CaseRequest request;
  request.seed = BaseSeed() * 1'000'003 + static_cast<uint64_t>(i) * 7919;
  for (char c : type) request.seed = request.seed * 31 + static_cast<unsigned char>(c);
  request.scalar = i == 0;
  request.zero = i >= 1 && i <= 5;
  return request;
}

std::string Where(const OpCase& op_case) {
  return absl::StrCat(op_case.ToString(), " (DOPPIO_TABLE_SEED=", BaseSeed(), ")");
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
