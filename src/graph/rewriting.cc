#include "src/graph/rewriting.h"

#include <algorithm>

#include "doppio/check.h"

namespace doppio {
namespace {

// What the nets in the arguments of an operator read and write.
OpBlobs BlobsOfInnerNets(const OperatorDef& def) {
  OperatorDef inner = def;
  inner.clear_input();
  inner.clear_output();
  return BlobsOfOp(inner);
}

// Blobs of an operator that no rewrite may rename or remove.
std::vector<std::string> BlobsToPin(const OperatorDef& def) {
  std::vector<std::string> pinned = BlobsOfInnerNets(def).writes;
  const OpSchema* schema = OpSchemaRegistry::Schema(def.type());
  if (IsIdentity(def)) return pinned;
  if (schema == nullptr || schema->has_side_effects()) {
    const OpBlobs blobs = BlobsOfOp(def);
    pinned.insert(pinned.end(), blobs.reads.begin(), blobs.reads.end());
    pinned.insert(pinned.end(), blobs.writes.begin(), blobs.writes.end());
    return pinned;
  }
  for (int i = 0; i < def.input_size(); ++i) {
    for (int o = 0; o < def.output_size(); ++o) {
      if (schema->EnforcesInplace(i, o)) pinned.push_back(def.output(o));
    }
  }
  return pinned;
}

}  // namespace

Rewriting::Rewriting(const NetDef& net, const OptimizeOptions& options, BlobScope* weights)
    : winograd_(options.winograd),
      weights_(weights),
      inputs_(options.inputs.begin(), options.inputs.end()),
      outputs_(options.outputs.begin(), options.outputs.end()) {
  RenameVersions(net);
  Compact();
}

void Rewriting::RenameVersions(const NetDef& net) {
  std::set<std::string> from_outside(net.external_input().begin(), net.external_input().end());
  from_outside.insert(inputs_.begin(), inputs_.end());
  std::map<std::string, int> writes;
  for (const OperatorDef& def : net.op()) {
    for (const std::string& blob : BlobsToPin(def)) pinned_.insert(blob);
    for (const std::string& input : def.input()) {
      if (writes.count(input) == 0) from_outside.insert(input);
    }
    const OpBlobs blobs = BlobsOfOp(def);
    for (const std::string& blob : blobs.writes) {
      ++writes[blob];
      written_.insert(blob);
    }
    names_.insert(blobs.reads.begin(), blobs.reads.end());
    names_.insert(blobs.writes.begin(), blobs.writes.end());
  }
  names_.insert(from_outside.begin(), from_outside.end());
  names_.insert(outputs_.begin(), outputs_.end());
  for (const std::string& blob : from_outside) {
    if (written_.count(blob) > 0) pinned_.insert(blob);
  }
  // What inner nets read they read by its name, which only the last write keeps.
  for (const OperatorDef& def : net.op()) {
    for (const std::string& blob : BlobsOfInnerNets(def).reads) {
      (writes[blob] == 1 ? outputs_ : pinned_).insert(blob);
    }
  }

  // The last write of a name keeps it: that is the one that outputs mean.
  std::map<std::string, std::string> current;
  for (const OperatorDef& def : net.op()) {
    OperatorDef op = def;
    for (std::string& input : *op.mutable_input()) {
      const auto renamed = current.find(input);
      if (renamed != current.end()) input = renamed->second;
    }
    for (std::string& output : *op.mutable_output()) {
      if (IsPinned(output)) continue;
      const std::string name = output;
      output = --writes[name] == 0 ? name : NewName(name);
      current[name] = output;
    }
    ops.push_back(std::move(op));
  }
}

const Tensor* Rewriting::Constant(const std::string& blob) const {
  if (inputs_.count(blob) > 0 || written_.count(blob) > 0) return nullptr;
  const std::shared_ptr<Blob> found = weights_->FindBlob(blob);
  return found != nullptr ? found->Get<Tensor>() : nullptr;
}

std::string Rewriting::AddConstant(const std::string& base, Tensor value) {
  std::string name = NewName(base);
  *weights_->CreateBlob(name)->GetMutable<Tensor>() = std::move(value);
  return name;
}

std::string Rewriting::NewName(const std::string& base) {
  for (int i = 2;; ++i) {
    std::string name = absl::StrCat(base, "@", i);
    if (weights_->FindBlob(name) != nullptr || !names_.insert(name).second) continue;
    const auto origin = made_from_.find(base);
    made_from_[name] = origin == made_from_.end() ? base : origin->second;
    return name;
  }
}

const std::vector<int>& Rewriting::Readers(const std::string& blob) const {
  static const std::vector<int>& none = *new std::vector<int>();
  const auto found = readers_.find(blob);
  return found != readers_.end() ? found->second : none;
}

int Rewriting::Writer(const std::string& blob) const {
  const auto found = writers_.find(blob);
  return found != writers_.end() ? found->second : -1;
}

int Rewriting::OnlyReader(const std::string& blob) const {
  const std::vector<int>& readers = Readers(blob);
  return IsInternal(blob) && readers.size() == 1 ? readers[0] : -1;
}

void Rewriting::Compact() {
  ops.erase(std::remove_if(ops.begin(), ops.end(),
                           [](const OperatorDef& op) { return op.type().empty(); }),
            ops.end());
  readers_.clear();
  writers_.clear();
  for (int k = 0; k < static_cast<int>(ops.size()); ++k) {
    for (const std::string& input : ops[k].input()) {
      std::vector<int>& readers = readers_[input];
      if (readers.empty() || readers.back() != k) readers.push_back(k);
    }
    for (const std::string& output : ops[k].output()) writers_[output] = k;
  }
}

}  // namespace doppio
