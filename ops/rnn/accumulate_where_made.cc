#include "ops/rnn/accumulate_where_made.h"

#include <algorithm>
#include <optional>

#include "absl/strings/str_cat.h"
#include "doppio/op_def.h"
#include "doppio/schema.h"

namespace doppio {
namespace {

bool HasInnerNet(const OperatorDef& op) {
  return std::any_of(op.arg().begin(), op.arg().end(),
                     [](const Argument& arg) { return arg.has_n() || arg.nets_size() > 0; });
}

// Whether the blob is in the net as an output of one operator and nowhere else.
bool IsOnlyWritten(const NetDef& net, const std::string& blob) {
  int64_t uses = 0;
  for (const OperatorDef& op : net.op()) {
    if (HasInnerNet(op)) return false;
    uses += std::count(op.input().begin(), op.input().end(), blob);
    uses += std::count(op.output().begin(), op.output().end(), blob);
  }
  return uses == 1;
}

const StepSum* SumOf(const std::vector<StepSum>& sums, const std::string& part) {
  const auto found =
      std::find_if(sums.begin(), sums.end(), [&](const StepSum& sum) { return sum.part == part; });
  return found == sums.end() ? nullptr : &*found;
}

// `op` as the operator that accumulates all its parts, where there is one.
std::optional<OperatorDef> Accumulating(const OperatorDef& op, const NetDef& net,
                                        const std::vector<StepSum>& sums) {
  OperatorDef made = op;
  made.set_type(absl::StrCat(op.type(), "Accumulate"));
  const OpSchema* schema = OpSchemaRegistry::Schema(made.type());
  if (schema == nullptr) return std::nullopt;
  for (int o = 0; o < op.output_size(); ++o) {
    if (!schema->EnforcesInplace(made.input_size(), o)) continue;
    const StepSum* sum = SumOf(sums, op.output(o));
    if (sum == nullptr || !IsOnlyWritten(net, sum->part)) return std::nullopt;
    made.add_input(sum->sum);
    made.set_output(o, sum->sum);
  }
  return made;
}

}  // namespace

void AccumulateWhereMade(const std::vector<StepSum>& sums, NetDef* net) {
  for (OperatorDef& op : *net->mutable_op()) {
    std::optional<OperatorDef> made = Accumulating(op, *net, sums);
    if (made.has_value()) op = *std::move(made);
  }
  for (const StepSum& sum : sums) {
    net->add_external_input(sum.sum);
    const bool is_accumulated =
        std::any_of(net->op().begin(), net->op().end(), [&](const OperatorDef& op) {
          return std::count(op.output().begin(), op.output().end(), sum.sum) > 0;
        });
    if (is_accumulated) continue;
    *net->add_op() = CreateOperatorDef("Sum", "", {sum.sum, sum.part}, {sum.sum});
  }
}

}  // namespace doppio
