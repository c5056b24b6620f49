#include "src/graph/backward_ops.h"

#include <algorithm>
#include <limits>
#include <map>
#include <set>

#include "doppio/check.h"
#include "doppio/schema.h"
#include "src/graph/net_text.h"

namespace doppio {

namespace {

// Whether nets in that argument know blobs by the names that they have around the operator.
bool SeesOutside(const OperatorDef& op, const Argument& arg) {
  if (!arg.has_n() && arg.nets_size() == 0) return false;
  const OpSchema* schema = OpSchemaRegistry::Schema(op.type());
  return schema == nullptr || schema->ViewOfNet(op, arg).sees_outside;
}

bool HasNetThatSeesOutside(const OperatorDef& op) {
  return std::any_of(op.arg().begin(), op.arg().end(),
                     [&](const Argument& arg) { return SeesOutside(op, arg); });
}

void RenameIn(const std::string& from, const std::string& to,
              google::protobuf::RepeatedPtrField<std::string>* names) {
  for (std::string& name : *names) {
    if (name == from) name = to;
  }
}

// Everywhere in the nets of an operator, which has one meaning for the name.
void RenameInNets(const std::string& from, const std::string& to, OperatorDef* op) {
  for (Argument& arg : *op->mutable_arg()) {
    if (!SeesOutside(*op, arg)) continue;
    const auto rename = [&](NetDef* net) {
      for (OperatorDef& inner : *net->mutable_op()) {
        RenameIn(from, to, inner.mutable_input());
        RenameIn(from, to, inner.mutable_output());
        RenameInNets(from, to, &inner);
      }
      RenameIn(from, to, net->mutable_external_input());
      RenameIn(from, to, net->mutable_external_output());
    };
    if (arg.has_n()) rename(arg.mutable_n());
    for (NetDef& net : *arg.mutable_nets()) rename(&net);
  }
}

bool Uses(const OperatorDef& op, const std::string& name) {
  const OpBlobs blobs = BlobsOfOp(op);
  return std::count(blobs.reads.begin(), blobs.reads.end(), name) > 0 ||
         std::count(blobs.writes.begin(), blobs.writes.end(), name) > 0;
}

}  // namespace

int BackwardOps::Add(OperatorDef op, std::vector<BlobValue> reads, std::vector<Restored> restored) {
  ops_.push_back(std::move(op));
  reads_.push_back(std::move(reads));
  restored_.push_back(std::move(restored));
  return size() - 1;
}

const BlobValue* BackwardOps::RestoredBy(int op, int output) const {
  for (const Restored& restored : restored_[op]) {
    if (restored.output == output) return &restored.value;
  }
  return nullptr;
}

const std::string& BackwardOps::Name(const BlobValue& value) const {
  return value.IsMade() ? ops_[value.op].output(value.output) : value.blob;
}

GradientWrapper BackwardOps::Names(const GradientValue& gradient) const {
  return {Name(gradient.dense), Name(gradient.indices), Name(gradient.values)};
}

void BackwardOps::Rename(const BlobValue& made, const std::string& name) {
  const std::string old = Name(made);
  ops_[made.op].set_output(made.output, name);
  RenameInNets(old, name, &ops_[made.op]);
  for (int k = made.op + 1; k < size(); ++k) {
    bool is_reader = false;
    for (int i = 0; i < ops_[k].input_size(); ++i) {
      if (!(reads_[k][i] == made)) continue;
      ops_[k].set_input(i, name);
      is_reader = true;
    }
    if (!is_reader || !HasNetThatSeesOutside(ops_[k])) continue;
    RenameInNets(old, name, &ops_[k]);
    // What its nets update is one blob.
    for (int o = 0; o < ops_[k].output_size(); ++o) {
      if (ops_[k].output(o) == old) Rename(BlobValue::Made(k, o), name);
    }
  }
}

bool BackwardOps::MayRename(const BlobValue& made, const std::string& name) const {
  for (int k = made.op; k < size(); ++k) {
    const bool is_concerned = k == made.op || std::count(reads_[k].begin(), reads_[k].end(), made);
    if (is_concerned && HasNetThatSeesOutside(ops_[k]) && Uses(ops_[k], name)) return false;
  }
  return true;
}

void BackwardOps::RemoveUnused(const std::vector<BlobValue*>& kept) {
  std::vector<std::set<int>> used(ops_.size());  // outputs
  const auto use = [&](const BlobValue& value) {
    if (value.IsMade()) used[value.op].insert(value.output);
  };
  for (const BlobValue* value : kept) use(*value);
  std::vector<int> place(ops_.size(), -1);  // 0 for what stays, until it is known where
  for (int k = size() - 1; k >= 0; --k) {
    const OpSchema* schema = OpSchemaRegistry::Schema(ops_[k].type());
    const bool has_effects =
        !restored_[k].empty() || schema == nullptr || schema->has_side_effects();
    if (used[k].empty() && !has_effects) continue;
    place[k] = 0;
    for (const BlobValue& value : reads_[k]) use(value);
  }
  int count = 0;
  for (int k = 0; k < size(); ++k) {
    if (place[k] < 0) continue;
    const OpSchema* schema = OpSchemaRegistry::Schema(ops_[k].type());
    const int least = schema == nullptr ? ops_[k].output_size() : schema->LeastOutputsOf(ops_[k]);
    while (ops_[k].output_size() > least && used[k].count(ops_[k].output_size() - 1) == 0) {
      ops_[k].mutable_output()->RemoveLast();
    }
    for (BlobValue& value : reads_[k]) {
      if (value.IsMade()) value.op = place[value.op];
    }
    place[k] = count;
    if (count != k) {
      ops_[count] = std::move(ops_[k]);
      reads_[count] = std::move(reads_[k]);
      restored_[count] = std::move(restored_[k]);
    }
    ++count;
  }
  ops_.resize(count);
  reads_.resize(count);
  restored_.resize(count);
  for (BlobValue* value : kept) {
    if (value->IsMade()) value->op = place[value->op];
  }
}

namespace {

constexpr int kForever = std::numeric_limits<int>::max();

class OwnBlobs {
 public:
  OwnBlobs(const NetDef& forward, const Ssa& ssa, const std::vector<BlobValue>& kept,
           BackwardOps* ops)
      : ops_(ops) {
    names_.insert(forward.external_input().begin(), forward.external_input().end());
    for (const auto& [blob, version] : ssa.frontier) {
      Hold(blob, BlobValue::Forward(blob, version));
      last_reader_[BlobValue::Forward(blob, version)] = kForever;
    }
    for (const BlobValue& value : kept) {
      if (!value.IsMade()) Hold(value.blob, value);
      last_reader_[value] = kForever;
    }
    for (int k = 0; k < ops_->size(); ++k) {
      const OperatorDef& op = ops_->op(k);
      names_.insert(op.input().begin(), op.input().end());
      names_.insert(op.output().begin(), op.output().end());
      for (const BlobValue& value : ops_->reads(k)) {
        last_reader_[value] = std::max(last_reader_.emplace(value, k).first->second, k);
      }
    }
  }

  absl::Status Run() {
    for (int k = 0; k < ops_->size(); ++k) {
      DOPPIO_RETURN_IF_ERROR(CheckInputs(k));
      for (int o = 0; o < ops_->op(k).output_size(); ++o) DOPPIO_RETURN_IF_ERROR(Write(k, o));
    }
    return absl::OkStatus();
  }

 private:
  void Hold(const std::string& name, const BlobValue& value) {
    names_.insert(name);
    holds_[name] = value;
  }

  // All that was written so far was made to keep what is read later; this sees to it.
  absl::Status CheckInputs(int k) const {
    const OperatorDef& op = ops_->op(k);
    for (int i = 0; i < op.input_size(); ++i) {
      if (!ops_->reads(k)[i].Exists()) continue;
      const auto found = holds_.find(op.input(i));
      if (found != holds_.end() && found->second == ops_->reads(k)[i]) continue;
      const bool is_forward = found == holds_.end() || !found->second.IsMade();
      return absl::FailedPreconditionError(absl::StrCat(
          "gradient operator ", OpToString(op), " would not read the right \"", op.input(i), "\", ",
          is_forward
              ? "which the net has written to again, by an operator whose gradient is not asked for"
              : absl::StrCat("since ", OpToString(ops_->op(found->second.op)), " overwrites it")));
    }
    return absl::OkStatus();
  }

  // -1 where nobody reads it.
  int LastReader(const BlobValue& value) const {
    const auto found = last_reader_.find(value);
    return found == last_reader_.end() ? -1 : found->second;
  }

  absl::Status Write(int k, int o) {
    const OperatorDef& op = ops_->op(k);
    const std::string name = op.output(o);
    if (const BlobValue* restored = ops_->RestoredBy(k, o)) {
      holds_[name] = *restored;
      return absl::OkStatus();
    }
    const auto held = holds_.find(name);
    const bool is_wanted = held != holds_.end() && LastReader(held->second) > k;
    const bool is_twice =
        std::find(op.output().begin(), op.output().begin() + o, name) != op.output().begin() + o;
    if (is_wanted || is_twice || !MayOverwrite(op, o)) {
      if (MustOverwrite(op, o)) return Refusal(op, name, LastReader(held->second));
      ops_->Rename(BlobValue::Made(k, o), FreshName(name));
    }
    holds_[ops_->op(k).output(o)] = BlobValue::Made(k, o);
    return absl::OkStatus();
  }

  // Whether the schema lets the operator write this output to its input of the same name, if there
  // is one.
  static bool MayOverwrite(const OperatorDef& op, int o) {
    const OpSchema* schema = OpSchemaRegistry::Schema(op.type());
    bool is_input = false;
    for (int i = 0; i < op.input_size(); ++i) {
      if (op.input(i) != op.output(o)) continue;
      is_input = true;
      if (schema == nullptr || schema->AllowsInplace(i, o)) return true;
    }
    return !is_input;
  }

  static bool MustOverwrite(const OperatorDef& op, int o) {
    const OpSchema* schema = OpSchemaRegistry::Schema(op.type());
    for (int i = 0; schema != nullptr && i < op.input_size(); ++i) {
      if (op.input(i) != op.output(o)) continue;
      if (schema->EnforcesInplace(i, o) || HasNetThatSeesOutside(op)) return true;
    }
    return false;
  }

  absl::Status Refusal(const OperatorDef& op, const std::string& name, int reader) const {
    return absl::FailedPreconditionError(absl::StrCat(
        "gradient operator ", OpToString(op), " has to overwrite \"", name, "\", ",
        reader == kForever ? "which is to stay as it is"
        : reader < 0       ? "to which it writes another output"
                           : absl::StrCat("which ", OpToString(ops_->op(reader)), " reads later")));
  }

  std::string FreshName(const std::string& name) {
    for (int n = 0;; ++n) {
      std::string fresh = absl::StrCat("_", name, "_own_", n);
      if (names_.insert(fresh).second) return fresh;
    }
  }

  BackwardOps* ops_;
  std::set<std::string> names_;             // all that are taken
  std::map<std::string, BlobValue> holds_;  // what each blob holds after the operators so far
  std::map<BlobValue, int> last_reader_;
};

}  // namespace

absl::Status GiveOwnBlobs(const NetDef& forward, const Ssa& ssa, const std::vector<BlobValue>& kept,
                          BackwardOps* ops) {
  return OwnBlobs(forward, ssa, kept, ops).Run();
}

}  // namespace doppio
