#include "ops/control/control_gradient.h"

#include <algorithm>

#include "doppio/check.h"
#include "doppio/op_def.h"
#include "ops/control/subnet.h"

namespace doppio {
namespace {

int IndexOf(const google::protobuf::RepeatedPtrField<std::string>& names, const std::string& name) {
  const auto found = std::find(names.begin(), names.end(), name);
  return found == names.end() ? -1 : static_cast<int>(found - names.begin());
}

}  // namespace

void ControlGradientMaker::Used::Add(const std::vector<OperatorDef>& ops) {
  // What other operators wrote before is not there for these.
  std::set<std::string> written;
  for (const OperatorDef& op : ops) {
    for (const std::string& name : op.input()) {
      if (written.count(name) > 0 || std::count(reads.begin(), reads.end(), name) > 0) continue;
      reads.push_back(name);
    }
    for (const std::string& name : op.output()) {
      written.insert(name);
      if (std::count(writes.begin(), writes.end(), name) == 0) writes.push_back(name);
    }
  }
}

absl::Status ControlGradientMaker::ReadGradients() {
  if (Def().is_gradient_op()) {
    return absl::UnimplementedError(
        absl::StrCat("it is a gradient itself; ", Def().type(), " has no second one"));
  }
  const OpBlobs blobs = BlobsOfOp(Def());
  std::set<std::string> used(blobs.reads.begin(), blobs.reads.end());
  used.insert(blobs.writes.begin(), blobs.writes.end());
  for (int o = 0; o < OutputSize(); ++o) {
    const GradientWrapper& gradient = GradOut(o);
    const std::string& output = Def().output(o);
    if (gradient.IsEmpty() || given_.count(output) > 0) continue;
    if (gradient.IsSparse()) {
      return absl::UnimplementedError(
          absl::StrCat("the gradient of output \"", output, "\" is sparse, but must be dense"));
    }
    GradientSource source{GradientSource::Kind::kOutputGradient, o, GradientSource::kDense};
    std::string name = gradient.dense;
    if (!used.insert(name).second) {
      name = absl::StrCat(output, "_", name, "_DEDUP");
      while (!used.insert(name).second) name += "_";
      source = {GradientSource::Kind::kMade, static_cast<int>(copies_.size()), 0};
      copies_.push_back(Copy(gradient.dense, name));
      copied_.push_back({GradientSource::Kind::kOutputGradient, o, GradientSource::kDense});
    }
    given_[output] = name;
    sources_[name] = std::move(source);
  }
  return absl::OkStatus();
}

void ControlGradientMaker::AddCopies() {
  for (size_t i = 0; i < copies_.size(); ++i) AddOp(copies_[i], {copied_[i]});
}

void ControlGradientMaker::PassOn(const std::string& output) {
  const int input = InputIndex(output);
  const int o = OutputIndex(output);
  if (input < 0) return AddKept(o);
  AddGradient(input, GradOut(o).dense,
              {GradientSource::Kind::kOutputGradient, o, GradientSource::kDense});
}

void ControlGradientMaker::AddNamedOp(OperatorDef op, std::vector<GradientSource> reads) {
  for (int o = 0; o < op.output_size(); ++o) {
    sources_[op.output(o)] = {GradientSource::Kind::kMade, OpCount(), o};
  }
  AddOp(std::move(op), std::move(reads));
}

GradientSource ControlGradientMaker::SourceOf(const std::string& name, bool is_real) const {
  const auto found = sources_.find(name);
  if (found != sources_.end()) return found->second;
  if (!is_real) return {GradientSource::Kind::kSaved};
  // The operator is through when gradients are made, so that its output is what the blob holds.
  if (OutputIndex(name) >= 0) return {GradientSource::Kind::kOutput, OutputIndex(name)};
  if (InputIndex(name) >= 0) return {GradientSource::Kind::kInput, InputIndex(name)};
  return {GradientSource::Kind::kInner, 0, 0, name};
}

int ControlGradientMaker::InputIndex(const std::string& blob) const {
  return IndexOf(Def().input(), blob);
}

int ControlGradientMaker::OutputIndex(const std::string& blob) const {
  return IndexOf(Def().output(), blob);
}

bool ControlGradientMaker::IsGiven(const std::string& name) const {
  return std::any_of(given_.begin(), given_.end(),
                     [&](const auto& entry) { return entry.second == name; });
}

OperatorDef ControlGradientMaker::GradientOp(const std::vector<std::string>& inputs,
                                             const std::vector<std::string>& outputs,
                                             const std::vector<Argument>& args) const {
  OperatorDef op = Def();
  if (!op.name().empty()) op.set_name(op.name() + "_grad");
  op.clear_control_input();
  *op.mutable_input() = {inputs.begin(), inputs.end()};
  *op.mutable_output() = {outputs.begin(), outputs.end()};
  *op.mutable_arg() = {args.begin(), args.end()};
  return op;
}

NetDef ControlGradientMaker::GradientNet(const NetDef& net, const std::vector<OperatorDef>& ops) {
  NetDef gradient = net;
  if (!gradient.name().empty()) gradient.set_name(gradient.name() + "_grad");
  *gradient.mutable_op() = {ops.begin(), ops.end()};
  gradient.clear_external_input();
  gradient.clear_external_output();
  return gradient;
}

OperatorDef ControlGradientMaker::Copy(const std::string& from, const std::string& to) {
  return CreateOperatorDef("Copy", "", {from}, {to});
}

OperatorDef ControlGradientMaker::ZerosLike(const std::string& blob, const std::string& zeros) {
  return CreateOperatorDef(
      "ConstantFill", "", {blob}, {zeros},
      {MakeArgument<float>("value", 0.0f), MakeArgument<bool>("dtype_of_input", true)});
}

bool ControlGradientMaker::Knows(const NetDef& net, const std::string& blob) {
  return std::any_of(net.op().begin(), net.op().end(), [&](const OperatorDef& op) {
    return IndexOf(op.input(), blob) >= 0 || IndexOf(op.output(), blob) >= 0;
  });
}

absl::Status ControlGradientMaker::MakeDense(const NetDef& net, NetGradient* gradient) {
  const std::set<std::string> writes = WritesOfNet(net);
  for (auto& [blob, names] : gradient->before) {
    if (!names.IsSparse()) continue;
    if (writes.count(blob) > 0) {
      return absl::UnimplementedError(absl::StrCat(
          "the gradient of \"", blob, "\" in net \"", net.name(),
          "\" is sparse, and the net writes to it, so that its number of rows is not known"));
    }
    std::string dense = blob + "_grad";
    const auto is_taken = [&](const OperatorDef& op) {
      return IndexOf(op.input(), dense) >= 0 || IndexOf(op.output(), dense) >= 0;
    };
    for (int n = 0; Knows(net, dense) || writes.count(dense) > 0 ||
                    std::any_of(gradient->ops.begin(), gradient->ops.end(), is_taken);
         ++n) {
      dense = absl::StrCat("_", blob, "_grad_own_", n);
    }
    gradient->ops.push_back(
        CreateOperatorDef("SparseToDense", "", {names.indices, names.values, blob}, {dense}));
    gradient->reads.insert(blob);
    names = GradientWrapper::Dense(dense);
  }
  return absl::OkStatus();
}

}  // namespace doppio
