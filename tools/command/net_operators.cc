#include "tools/command/net_operators.h"

#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "doppio/optimize.h"
#include "doppio/proto_io.h"
#include "doppio/registry.h"

namespace doppio::tools {
namespace {

void AddOperators(const NetDef& net, std::set<std::string>* types) {
  for (const OperatorDef& op : net.op()) {
    types->insert(op.type());
    for (const Argument& arg : op.arg()) {
      if (arg.has_n()) AddOperators(arg.n(), types);
      for (const NetDef& inner : arg.nets()) AddOperators(inner, types);
      // RecurrentNetwork may have its nets as text.
      NetDef step;
      if (absl::EndsWith(arg.name(), "step_net") && ParseProto(arg.s(), &step).ok()) {
        AddOperators(step, types);
      }
    }
  }
}

}  // namespace

std::set<std::string> OperatorsOfNet(const NetDef& net) {
  std::set<std::string> types;
  AddOperators(net, &types);
  return TypesAfterOptimizing(std::move(types));
}

absl::StatusOr<std::string> ListOfSources(const std::set<std::string>& types) {
  std::string list;
  std::vector<std::string> problems;
  for (const std::string& type : types) {
    const OpSchema* schema = OpSchemaRegistry::Schema(type);
    if (schema == nullptr || !OperatorRegistry::Has(type)) {
      problems.push_back(OperatorRegistry::MissingMessage(type, DeviceType::kCpu));
    } else if (!absl::StartsWith(schema->file(), "ops/")) {
      problems.push_back(absl::StrCat("operator \"", type, "\" of ", schema->file(),
                                      " is no part of doppio; a program links it by itself"));
    } else {
      absl::StrAppend(&list, type, " ", schema->file(), "\n");
    }
  }
  if (!problems.empty()) return absl::NotFoundError(absl::StrJoin(problems, "\n  "));
  return list;
}

}  // namespace doppio::tools
