#include "doppio/check.h"

#include <algorithm>

#include "absl/container/flat_hash_set.h"
#include "absl/strings/str_join.h"
#include "doppio/registry.h"
#include "src/graph/net_text.h"

namespace doppio {
namespace {

class Checker {
 public:
  explicit Checker(const CheckOptions& options) : options_(options) {}

  // Adds what is made by `net` to `known`.
  void Check(const NetDef& net, int depth, absl::flat_hash_set<std::string>* known) {
    if (depth > options_.limits.max_nesting) {
      Add(-1, NetPlace(net),
          absl::StrCat("nets within nets deeper than ", options_.limits.max_nesting));
      return;
    }
    operators_ += net.op_size();
    if (operators_ > options_.limits.max_operators) {
      Add(-1, NetPlace(net),
          absl::StrCat("more than ", options_.limits.max_operators, " operators"));
      return;
    }
    known->insert(net.external_input().begin(), net.external_input().end());
    const bool is_closed = net.external_input_size() > 0 || !options_.allow_unknown_inputs;
    for (int k = 0; k < net.op_size(); ++k) {
      const OperatorDef& op = net.op(k);
      const std::string place = OpPlace(net, k);
      CheckOp(op, k, place);
      for (const std::string& input : op.input()) {
        if (known->contains(input)) continue;
        if (is_closed) {
          Add(k, place,
              absl::StrCat(
                  "input blob \"", input,
                  "\" is made by no operator before, and is neither fed nor an external input"));
        }
        known->insert(input);  // reported once
      }
      for (const Argument& arg : op.arg()) {
        if (arg.has_n()) Check(arg.n(), depth + 1, known);
        for (const NetDef& subnet : arg.nets()) Check(subnet, depth + 1, known);
      }
      known->insert(op.output().begin(), op.output().end());
    }
    for (const std::string& output : net.external_output()) {
      if (!known->contains(output)) {
        Add(-1, NetPlace(net),
            absl::StrCat("external output \"", output, "\" is made by no operator"));
      }
    }
  }

  std::vector<NetProblem> Take() { return std::move(problems_); }

 private:
  void Add(int op, const std::string& where, std::string what) {
    problems_.push_back({op, where, std::move(what), false});
  }

  void CheckOp(const OperatorDef& op, int k, const std::string& place) {
    const DeviceType device = static_cast<DeviceType>(op.device_option().device_type());
    if (!OperatorRegistry::Has(op.type(), device)) {
      Add(k, place, OperatorRegistry::MissingMessage(op.type(), device));
      problems_.back().is_missing_operator = true;
    }
    const OpSchema* schema = OpSchemaRegistry::Schema(op.type());
    if (schema == nullptr) return;
    for (std::string& problem : schema->Problems(op)) Add(k, place, std::move(problem));
  }

  const CheckOptions& options_;
  int64_t operators_ = 0;
  std::vector<NetProblem> problems_;
};

void AddUnique(const std::string& name, absl::flat_hash_set<std::string>* seen,
               std::vector<std::string>* names) {
  if (seen->insert(name).second) names->push_back(name);
}

}  // namespace

std::vector<NetProblem> CheckNet(const NetDef& net, const CheckOptions& options) {
  Checker checker(options);
  absl::flat_hash_set<std::string> known(options.known_blobs.begin(), options.known_blobs.end());
  checker.Check(net, 0, &known);
  return checker.Take();
}

absl::Status ProblemsToStatus(const std::vector<NetProblem>& problems) {
  if (problems.empty()) return absl::OkStatus();
  std::string text = absl::StrJoin(problems, "\n", [](std::string* out, const NetProblem& problem) {
    absl::StrAppend(out, problem.ToString());
  });
  const bool any_missing =
      std::any_of(problems.begin(), problems.end(),
                  [](const NetProblem& problem) { return problem.is_missing_operator; });
  if (any_missing) {
    absl::StrAppend(
        &text, "\nOperators of your own are there when their library is linked in, or loaded with ",
        "LoadOperatorLibrary(path) or --load path; `doppio ops` lists what there is.");
  }
  return any_missing ? absl::NotFoundError(text) : absl::InvalidArgumentError(text);
}

namespace {

// One pass over a net and the nets in it, so that deep nesting costs no more than its size.
OpBlobs BlobsOfNet(const NetDef& net) {
  OpBlobs blobs;
  absl::flat_hash_set<std::string> seen;
  for (const std::string& input : net.external_input()) AddUnique(input, &seen, &blobs.reads);
  const bool is_closed = !blobs.reads.empty();
  for (const OperatorDef& op : net.op()) {
    OpBlobs inner = BlobsOfOp(op);
    for (const std::string& input : inner.reads) {
      if (!is_closed) AddUnique(input, &seen, &blobs.reads);
    }
    seen.insert(inner.writes.begin(), inner.writes.end());
    for (std::string& output : inner.writes) blobs.writes.push_back(std::move(output));
  }
  return blobs;
}

}  // namespace

OpBlobs BlobsOfOp(const OperatorDef& op) {
  OpBlobs blobs;
  blobs.reads.assign(op.input().begin(), op.input().end());
  blobs.writes.assign(op.output().begin(), op.output().end());
  const auto add_net = [&](const NetDef& net) {
    const OpBlobs inner = BlobsOfNet(net);
    blobs.reads.insert(blobs.reads.end(), inner.reads.begin(), inner.reads.end());
    blobs.writes.insert(blobs.writes.end(), inner.writes.begin(), inner.writes.end());
  };
  for (const Argument& arg : op.arg()) {
    if (arg.has_n()) add_net(arg.n());
    for (const NetDef& net : arg.nets()) add_net(net);
  }
  return blobs;
}

std::vector<std::string> InputsOfNet(const NetDef& net) { return BlobsOfNet(net).reads; }

std::vector<std::string> OutputsOfNet(const NetDef& net) {
  if (net.external_output_size() > 0) {
    return {net.external_output().begin(), net.external_output().end()};
  }
  if (net.op_size() == 0) return {};
  const OperatorDef& last = net.op(net.op_size() - 1);
  return {last.output().begin(), last.output().end()};
}

}  // namespace doppio
