#include "doppio/check.h"

#include <algorithm>
#include <deque>
#include <map>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "absl/strings/str_join.h"
#include "doppio/devices.h"
#include "doppio/registry.h"
#include "src/graph/check_in_scope.h"
#include "src/graph/infer_op.h"
#include "src/graph/net_text.h"
#include "src/graph/problem_list.h"
#include "src/graph/ssa.h"

namespace doppio {
namespace {

constexpr size_t kShownOperators = 5;
constexpr size_t kMostHints = 20;

// The blobs that are there. Their names belong to the net or to who asks.
struct KnownBlobs {
  absl::flat_hash_set<absl::string_view> names;
  const BlobScope* scope = nullptr;  // has more, if there is one

  bool Contains(absl::string_view name) const {
    return names.contains(name) || (scope != nullptr && scope->FindBlob(name) != nullptr);
  }
  template <typename Strings>
  void Add(const Strings& more) {
    names.insert(more.begin(), more.end());
  }
};

class Checker {
 public:
  // `net` is the whole one.
  Checker(const NetDef& net, const CheckOptions& options) : net_(net), options_(options) {}

  // Adds what is made by `net` to `known`. Unless that is all there is, any blob may be there.
  void Check(const NetDef& net, int depth, bool is_all, KnownBlobs* known) {
    if (depth > options_.limits.max_nesting) {
      problems_.Add(net,
                    absl::StrCat("nets within nets deeper than ", options_.limits.max_nesting));
      return;
    }
    operators_ += net.op_size();
    if (operators_ > options_.limits.max_operators) {
      problems_.Add(net, absl::StrCat("more than ", options_.limits.max_operators, " operators"));
      return;
    }
    known->names.reserve(known->names.size() + static_cast<size_t>(net.op_size()));
    known->Add(net.external_input());
    const bool is_closed =
        is_all && (net.external_input_size() > 0 || !options_.allow_unknown_inputs);
    for (int k = 0; k < net.op_size(); ++k) {
      const OperatorDef& op = net.op(k);
      const OpSchema* schema = CheckOp(net, k);
      for (const std::string& input : op.input()) {
        if (known->names.contains(input)) continue;
        if (is_closed && !known->Contains(input)) {
          problems_.Add(net, k,
                        absl::StrCat("input blob \"", input,
                                     "\" is missing: no operator before makes it, it was not fed, "
                                     "and it is no external input",
                                     Hint(input, *known)));
        }
        known->names.insert(input);  // reported once
      }
      CheckNetsOf(op, schema, depth, is_all, known);
      known->Add(op.output());
    }
    for (const std::string& output : net.external_output()) {
      if (is_all && !known->names.contains(output)) {
        problems_.Add(net, absl::StrCat("external output \"", output, "\" is made by no operator",
                                        Hint(output, *known)));
      }
    }
  }

  std::vector<NetProblem> Finish() {
    std::vector<NetProblem> problems;
    for (const auto& [device, missing] : missing_devices_) {
      problems.push_back(
          {-1, NetPlace(net_),
           absl::StrCat(missing.count == 1 ? "one operator is"
                                           : absl::StrCat(missing.count, " operators are"),
                        " to run on ", DeviceName(device), ", which is not there (op ",
                        missing.first, "); the net runs on the CPU with `--device cpu`, or after ",
                        "SetDevice (in Python: net.set_device(\"cpu\"))")});
    }
    for (NetProblem& problem : problems_.Take()) problems.push_back(std::move(problem));
    return problems;
  }

 private:
  struct MissingDevice {
    int64_t count = 0;
    std::string first;
  };

  void CheckNetsOf(const OperatorDef& op, const OpSchema* schema, int depth, bool is_all,
                   KnownBlobs* known) {
    for (const Argument& arg : op.arg()) {
      if (!arg.has_n() && arg.nets_size() == 0) continue;
      views_.push_back(schema == nullptr ? OpSchema::NetView() : schema->ViewOfNet(op, arg));
      const OpSchema::NetView& view = views_.back();
      const auto check = [&](bool is_all_seen, KnownBlobs* seen) {
        if (arg.has_n()) Check(arg.n(), depth + 1, is_all_seen, seen);
        for (const NetDef& subnet : arg.nets()) Check(subnet, depth + 1, is_all_seen, seen);
      };
      if (view.sees_outside) {
        // What the net makes may be there afterwards.
        known->Add(view.own);
        check(is_all && view.own_is_complete, known);
      } else {
        KnownBlobs seen;
        seen.Add(view.own);
        check(view.own_is_complete, &seen);
      }
    }
  }

  // Its schema, or null.
  const OpSchema* CheckOp(const NetDef& net, int k) {
    const OperatorDef& op = net.op(k);
    DeviceType device = DeviceOf(net, op);
    if (!IsThere(device)) {
      MissingDevice& missing = missing_devices_[device];
      if (missing.count++ == 0) missing.first = absl::StrCat(k, " ", OpToString(op));
      device = DeviceType::kCpu;
    }
    const auto [found, is_new] = types_.try_emplace({op.type(), device});
    Registered& registered = found->second;
    if (is_new) {
      registered.has_operator = OperatorRegistry::Has(op.type(), device);
      registered.schema = OpSchemaRegistry::Schema(op.type());
    }
    if (!registered.has_operator) {
      problems_.Add(net, k, OperatorRegistry::MissingMessage(op.type(), device), true);
    }
    if (registered.schema == nullptr) return nullptr;
    for (std::string& problem : registered.schema->Problems(op)) {
      problems_.Add(net, k, std::move(problem));
    }
    return registered.schema;
  }

  // Looking for near names takes time, and nobody reads hundreds of them.
  std::string Hint(const std::string& name, const KnownBlobs& known) const {
    if (problems_.size() >= kMostHints) return "";
    std::vector<std::string> candidates(known.names.begin(), known.names.end());
    if (known.scope != nullptr) {  // which can not say what it has
      for (std::string& input : InputsOfNet(net_)) {
        if (known.scope->FindBlob(input) != nullptr) candidates.push_back(std::move(input));
      }
    }
    return DidYouMean(name, candidates);
  }

  bool IsThere(DeviceType device) {
    if (device == DeviceType::kCpu) return true;
    const auto [found, is_new] = is_there_.try_emplace(device, false);
    if (is_new) found->second = HasDevice(device);
    return found->second;
  }

  // What there is of a type, for a device.
  struct Registered {
    const OpSchema* schema = nullptr;
    bool has_operator = false;
  };

  const NetDef& net_;
  const CheckOptions& options_;
  int64_t operators_ = 0;
  absl::flat_hash_map<std::pair<absl::string_view, DeviceType>, Registered> types_;
  std::deque<OpSchema::NetView> views_;  // they own names
  ProblemList problems_;
  std::map<DeviceType, bool> is_there_;
  std::map<DeviceType, MissingDevice> missing_devices_;
};

// All blobs are there, and empty.
class EmptyBlobs final : public BlobScope {
 public:
  std::shared_ptr<Blob> FindBlob(absl::string_view name) const override {
    std::shared_ptr<Blob>& blob = blobs_[std::string(name)];
    if (blob == nullptr) blob = std::make_shared<Blob>();
    return blob;
  }
  std::shared_ptr<Blob> CreateBlob(absl::string_view name) override { return FindBlob(name); }

 private:
  mutable std::map<std::string, std::shared_ptr<Blob>> blobs_;
};

// What an operator finds wrong with its arguments when it is made. Inference says that too where
// it knows enough to look at them.
absl::Status TryArguments(const OperatorDef& op, const OpSchema* schema) {
  if (schema == nullptr || !OperatorRegistry::Has(op.type()) || HasNets(op) ||
      !schema->Verify(op).ok()) {
    return absl::OkStatus();
  }
  EmptyBlobs blobs;
  OperatorDef on_cpu = op;
  on_cpu.clear_device_option();
  const absl::Status status = CreateOperator(on_cpu, &blobs).status();
  // What it misses around it, a workspace with files, is there when the net runs.
  return absl::IsFailedPrecondition(status) ? absl::OkStatus() : status;
}

}  // namespace

std::string NetProblem::Text() const {
  if (also.empty()) return what;
  std::string text = absl::StrCat(what, " (", also.size(), " more: ");
  for (size_t i = 0; i < std::min(also.size(), kShownOperators); ++i) {
    absl::StrAppend(&text, i == 0 ? "" : ", ", "op ", also[i]);
  }
  return text + (also.size() > kShownOperators ? ", ...)" : ")");
}

std::vector<NetProblem> CheckNet(const NetDef& net, const CheckOptions& options) {
  Checker checker(net, options);
  KnownBlobs known;
  known.Add(options.known_blobs);
  checker.Check(net, 0, true, &known);
  return checker.Finish();
}

std::vector<NetProblem> CheckNetInScope(const NetDef& net, const BlobScope& scope) {
  CheckOptions options;
  options.allow_unknown_inputs = false;
  Checker checker(net, options);
  KnownBlobs known{{}, &scope};
  checker.Check(net, 0, true, &known);
  std::vector<NetProblem> problems = checker.Finish();
  for (const std::string& input : net.external_input()) {
    if (scope.FindBlob(input) != nullptr) continue;
    for (int k = 0; k < net.op_size(); ++k) {
      const auto& inputs = net.op(k).input();
      const auto& outputs = net.op(k).output();
      const bool is_read = std::find(inputs.begin(), inputs.end(), input) != inputs.end();
      if (is_read) {
        problems.push_back({k, OpPlace(net, k),
                            absl::StrCat("external input \"", input, "\" does not exist"), false});
      }
      // What is made before it is read need not be there.
      if (is_read || std::find(outputs.begin(), outputs.end(), input) != outputs.end()) break;
    }
  }
  return problems;
}

std::vector<NetProblem> CheckShapes(const NetDef& net, BlobInfos* blobs) {
  ProblemList problems;
  for (int k = 0; k < net.op_size(); ++k) {
    const OperatorDef& op = net.op(k);
    std::vector<TensorInfo> inputs;
    for (const std::string& input : op.input()) inputs.push_back((*blobs)[input]);
    const OpSchema* schema = OpSchemaRegistry::Schema(op.type());
    const OpInference inferred = InferOp(op, schema, inputs);
    absl::Status status = inferred.status;
    const auto is_known = [](const TensorInfo& info) { return info.IsKnown(); };
    if (status.ok() && std::none_of(inferred.outputs.begin(), inferred.outputs.end(), is_known)) {
      status = TryArguments(op, schema);
    }
    if (!status.ok()) problems.Add(net, k, std::string(status.message()));
    for (int o = 0; o < op.output_size(); ++o) (*blobs)[op.output(o)] = inferred.outputs[o];
  }
  return problems.Take();
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

}  // namespace doppio
