#include "src/runtime/predictor_blobs.h"

#include <algorithm>
#include <iterator>

#include "absl/strings/str_join.h"
#include "doppio/check.h"
#include "doppio/op_def.h"
#include "doppio/registry.h"
#include "src/graph/net_text.h"

namespace doppio {
namespace {

// A shape that holds one element, and that exporters give to placeholders.
bool IsPlaceholderShape(const Argument& shape, bool one_dimension_too) {
  if (std::any_of(shape.ints().begin(), shape.ints().end(), [](int64_t i) { return i != 1; })) {
    return false;
  }
  return shape.ints_size() == 2 || (one_dimension_too && shape.ints_size() == 1);
}

bool IsPlaceholder(const OperatorDef& op) {
  const Argument* shape = FindArgument(op, "shape");
  if (op.input_size() != 0 || op.output_size() != 1 || shape == nullptr) return false;
  if (op.type() == "ConstantFill") return IsPlaceholderShape(*shape, true);
  // A given value may be a true weight; a single zero as a matrix is none.
  const Argument* values = FindArgument(op, "values");
  return op.type() == "GivenTensorFill" && IsPlaceholderShape(*shape, false) && values != nullptr &&
         values->floats_size() == 1 && values->floats(0) == 0;
}

std::string Quoted(const std::vector<std::string>& names) {
  return absl::StrJoin(names, ", ", [](std::string* out, const std::string& name) {
    absl::StrAppend(out, "\"", name, "\"");
  });
}

}  // namespace

NetBlobs BlobsOfWholeNet(const NetDef& net) {
  NetBlobs blobs;
  std::set<std::string> needed;
  std::set<std::string> certain;
  for (int k = 0; k < net.op_size(); ++k) {
    const OperatorDef& op = net.op(k);
    const OpBlobs used = BlobsOfOp(op);
    for (const std::string& name : used.reads) {
      if (blobs.written.count(name) == 0 && needed.insert(name).second) {
        blobs.needed.push_back(name);
      }
    }
    for (const std::string& name : used.writes) {
      if (blobs.written.insert(name).second && needed.count(name) > 0) {
        blobs.changed.push_back({name, k});
      }
    }
    certain.insert(op.output().begin(), op.output().end());
  }
  std::set_difference(blobs.written.begin(), blobs.written.end(), certain.begin(), certain.end(),
                      std::inserter(blobs.conditional, blobs.conditional.end()));
  return blobs;
}

std::set<std::string> PlaceholdersOf(const std::vector<NetDef>& inits) {
  std::set<std::string> placeholders;
  for (const NetDef& init : inits) {
    for (const OperatorDef& op : init.op()) {
      if (IsPlaceholder(op)) placeholders.insert(op.output(0));
    }
  }
  return placeholders;
}

std::vector<std::string> ChooseInputs(const NetDef& net, const NetBlobs& blobs,
                                      const Workspace& weights,
                                      const std::set<std::string>& placeholders) {
  const std::set<std::string> needed(blobs.needed.begin(), blobs.needed.end());
  std::vector<std::string> candidates(net.external_input().begin(), net.external_input().end());
  if (candidates.empty()) candidates = blobs.needed;
  std::vector<std::string> inputs;
  std::vector<std::string> filled;
  std::set<std::string> seen;
  for (const std::string& name : candidates) {
    if (needed.count(name) == 0 || !seen.insert(name).second) continue;
    if (!weights.HasBlob(name)) inputs.push_back(name);
    if (placeholders.count(name) > 0) filled.push_back(name);
  }
  return inputs.empty() ? filled : inputs;
}

absl::Status CheckForPrediction(const NetDef& net, const NetBlobs& blobs, const Workspace& weights,
                                const std::vector<std::string>& inputs,
                                const std::vector<std::string>& outputs) {
  std::set<std::string> fed;
  for (const std::string& name : inputs) {
    if (!fed.insert(name).second) {
      return absl::InvalidArgumentError(absl::StrCat("input \"", name, "\" is named twice"));
    }
  }

  std::vector<std::string> missing;
  for (const std::string& name : blobs.needed) {
    if (fed.count(name) == 0 && !weights.HasBlob(name)) missing.push_back(name);
  }
  if (!missing.empty()) {
    return absl::InvalidArgumentError(absl::StrCat(
        "it reads ", Quoted(missing), ", which no init net fills and which ",
        missing.size() == 1 ? "is no input" : "are no inputs", "; inputs: ", Quoted(inputs)));
  }
  for (const NetBlobs::Change& change : blobs.changed) {
    if (fed.count(change.blob) > 0) continue;
    return absl::FailedPreconditionError(absl::StrCat(
        "it changes \"", change.blob, "\", which it reads before (op ", change.op, " ",
        OpToString(net.op(change.op)),
        "). A predictor's weights are shared by all runs and stay what they are; run a net that "
        "trains in a Workspace"));
  }
  std::vector<std::string> there(blobs.written.begin(), blobs.written.end());
  for (const std::string& name : weights.Blobs()) there.push_back(name);
  there.insert(there.end(), inputs.begin(), inputs.end());
  for (const std::string& name : outputs) {
    if (std::find(there.begin(), there.end(), name) == there.end()) {
      return absl::NotFoundError(
          absl::StrCat("output \"", name, "\" is made by no operator", DidYouMean(name, there)));
    }
  }
  return absl::OkStatus();
}

}  // namespace doppio
