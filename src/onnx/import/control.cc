// If, Loop and Scan: nodes that run graphs.

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "doppio/check.h"
#include "doppio/op_def.h"
#include "src/onnx/import/node_import.h"

namespace doppio {
namespace onnx {
namespace {

using Ints = std::vector<int64_t>;

void Add(NetDef* net, absl::string_view type, const std::vector<std::string>& inputs,
         const std::vector<std::string>& outputs, const std::vector<Argument>& args = {}) {
  *net->add_op() = CreateOperatorDef(type, "", inputs, outputs, args);
}

// The graph of a branch, which writes to the outputs of the node.
absl::StatusOr<NetDef> Branch(NodeImport& node, absl::string_view name) {
  std::vector<std::string> inputs, outputs;
  DOPPIO_ASSIGN_OR_RETURN(NetDef net, node.Subgraph(name, &inputs, &outputs));
  if (!inputs.empty() || static_cast<int>(outputs.size()) < node.OutputSize()) {
    return absl::InvalidArgumentError(absl::StrCat(name, " must have no inputs and ",
                                                   node.OutputSize(), " outputs, but has ",
                                                   inputs.size(), " and ", outputs.size()));
  }
  for (int o = 0; o < node.OutputSize(); ++o) {
    Add(&net, "Copy", {outputs[static_cast<size_t>(o)]}, {node.Output(o)});
  }
  return net;
}

absl::Status ImportIf(NodeImport& node) {
  DOPPIO_ASSIGN_OR_RETURN(const NetDef then_net, Branch(node, "then_branch"));
  DOPPIO_ASSIGN_OR_RETURN(const NetDef else_net, Branch(node, "else_branch"));
  const std::string condition = node.Input(0);
  node.Op("If", {condition}, node.Outputs(),
          {MakeArgument("then_net", then_net), MakeArgument("else_net", else_net)});
  return absl::OkStatus();
}
DOPPIO_ONNX_IMPORT(If, ImportIf);

// Turns of a body, as ONNXWhile makes them.
struct Turns {
  NetDef body;
  std::string number;     // of a turn: a blob in the body
  std::string condition;  // before and after a turn
  std::string next_condition;
  std::vector<std::string> carried;     // what the body is given
  std::vector<std::string> carried_on;  // what it gives to the next turn
  std::vector<std::string> scans;       // what it gives to rows of the outputs behind those
  std::string most;                     // outside: how many turns at most; "": any number
  std::string first_condition;          // "": none
};

bool Reads(const NetDef& net, const std::string& blob) {
  return std::any_of(net.op().begin(), net.op().end(), [&](const OperatorDef& op) {
    const std::vector<std::string> reads = BlobsOfOp(op).reads;
    return std::count(reads.begin(), reads.end(), blob) > 0;
  });
}

// Adds them to `net`. Rows get a dimension of 1 in front, by which they are put together.
absl::Status AddTurns(NodeImport& node, Turns turns, const std::vector<std::string>& inputs,
                      const std::vector<std::string>& outputs, NetDef* net) {
  // The operator has a vector of one element for the condition, ONNX a scalar.
  NetDef body;
  body.set_name(turns.body.name());
  const std::string given_condition = node.NewBlob("condition");
  if (turns.condition == turns.next_condition || Reads(turns.body, turns.condition)) {
    Add(&body, "Squeeze", {given_condition}, {turns.condition}, {MakeArgument("dims", Ints{0})});
  }
  body.mutable_op()->MergeFrom(turns.body.op());
  body.add_external_input(turns.number);
  body.add_external_input(given_condition);
  for (const std::string& blob : turns.carried) body.add_external_input(blob);
  body.add_external_output(turns.next_condition);
  for (const std::string& blob : turns.carried_on) body.add_external_output(blob);
  for (const std::string& blob : turns.scans) {
    const std::string row = node.NewBlob("row");
    Add(&body, "ExpandDims", {blob}, {row}, {MakeArgument("dims", Ints{0})});
    body.add_external_output(row);
  }
  std::vector<Argument> args = {
      MakeArgument("body", body),
      MakeArgument("num_loop_carried_deps", static_cast<int64_t>(turns.carried.size()))};
  std::string most = turns.most;
  if (most.empty()) {
    most = node.ConstantInts("no_count", {0});
  } else {
    args.push_back(MakeArgument("has_trip_count", 1));
  }
  std::string condition = turns.first_condition;
  if (condition.empty()) {
    DOPPIO_ASSIGN_OR_RETURN(const Tensor always, Tensor::Scalar<bool>(true));
    condition = node.Constant("always", always);
  } else {
    args.push_back(MakeArgument("has_cond", 1));
  }
  std::vector<std::string> all = {most, condition};
  all.insert(all.end(), inputs.begin(), inputs.end());
  Add(net, "ONNXWhile", all, outputs, args);
  return absl::OkStatus();
}

void AddAll(NodeImport& node, const NetDef& net) {
  for (const OperatorDef& op : net.op()) node.Add(op);
}

absl::Status ImportLoop(NodeImport& node) {
  std::vector<std::string> inputs, outputs;
  Turns turns;
  DOPPIO_ASSIGN_OR_RETURN(turns.body, node.Subgraph("body", &inputs, &outputs));
  const auto carried = static_cast<size_t>(std::max(node.InputSize() - 2, 0));
  if (inputs.size() != carried + 2 || outputs.size() < carried + 1 ||
      static_cast<size_t>(node.OutputSize()) > outputs.size() - 1) {
    return absl::InvalidArgumentError(absl::StrCat(
        "a body of ", inputs.size(), " inputs and ", outputs.size(), " outputs does not go with ",
        node.InputSize(), " inputs and ", node.OutputSize(), " outputs"));
  }
  const auto first = static_cast<int64_t>(carried) + 1;
  turns.number = inputs[0];
  turns.condition = inputs[1];
  turns.next_condition = outputs[0];
  turns.carried.assign(inputs.begin() + 2, inputs.end());
  turns.carried_on.assign(outputs.begin() + 1, outputs.begin() + first);
  turns.scans.assign(outputs.begin() + first, outputs.end());
  if (node.HasInput(0)) turns.most = node.Input(0);
  if (node.HasInput(1)) turns.first_condition = node.Input(1);
  std::vector<std::string> given, made;
  for (size_t i = 0; i < carried; ++i) given.push_back(node.Input(static_cast<int>(i) + 2));
  for (size_t o = 1; o < outputs.size(); ++o) made.push_back(node.Output(static_cast<int>(o) - 1));
  NetDef net;
  DOPPIO_RETURN_IF_ERROR(AddTurns(node, std::move(turns), given, made, &net));
  AddAll(node, net);
  return absl::OkStatus();
}
DOPPIO_ONNX_IMPORT(Loop, ImportLoop);

// A Scan without a batch.
struct ScanPlan {
  std::vector<std::string> states;  // blobs outside
  std::vector<std::string> sources;
  Ints axes;  // of the sources, by which they are taken apart
  std::vector<bool> backward;
  std::vector<std::string> outputs;  // final states, and what is put together
  Ints output_axes;                  // of the latter
  std::vector<bool> prepends;
};

// A list with a number for each of `count`, 0 where it is not given.
absl::StatusOr<Ints> ReadList(NodeImport& node, absl::string_view name, size_t count) {
  Ints values = node.Ints(name);
  if (values.empty()) values.assign(count, 0);
  if (values.size() == count) return values;
  return absl::InvalidArgumentError(
      absl::StrCat(name, " has ", values.size(), " numbers, must have ", count));
}

std::vector<bool> AreSet(const Ints& values) {
  std::vector<bool> are_set;
  for (int64_t value : values) are_set.push_back(value != 0);
  return are_set;
}

// Blob `y` gets x [n,...] with dimension 0 at `axis`, of the rank `rank`.
void MoveFirst(NetDef* net, const std::string& x, int64_t axis, int rank, const std::string& y) {
  Ints axes;
  for (int64_t d = 0; d < rank; ++d) axes.push_back(d == axis ? 0 : d < axis ? d + 1 : d);
  Add(net, "Transpose", {x}, {y}, {MakeArgument("axes", axes)});
}

absl::Status AddScan(NodeImport& node, const ScanPlan& plan, NetDef* net) {
  std::vector<std::string> inputs, outputs;
  Turns turns;
  DOPPIO_ASSIGN_OR_RETURN(turns.body, node.Subgraph("body", &inputs, &outputs));
  const size_t states = plan.states.size();
  const size_t made = plan.outputs.size();
  if (inputs.size() != states + plan.sources.size() || outputs.size() != made) {
    return absl::InvalidArgumentError(absl::StrCat(
        "a body of ", inputs.size(), " inputs and ", outputs.size(), " outputs does not go with ",
        states + plan.sources.size(), " inputs and ", made, " outputs"));
  }
  turns.number = node.NewBlob("turn");
  turns.condition = turns.next_condition = node.NewBlob("goes_on");
  turns.most = node.NewBlob("length");
  Add(net, "Shape", {plan.sources[0]}, {turns.most}, {MakeArgument("axes", Ints{plan.axes[0]})});
  const std::string last = node.NewBlob("last");  // turn
  const std::string difference = node.NewBlob("difference");
  Add(net, "Sub", {turns.most, node.ConstantInts("one", {1})}, {difference});
  Add(net, "Squeeze", {difference}, {last}, {MakeArgument("dims", Ints{0})});
  NetDef body;
  body.set_name(turns.body.name());
  const std::string back = node.NewBlob("back");
  if (std::count(plan.backward.begin(), plan.backward.end(), true) > 0) {
    Add(&body, "Sub", {last, turns.number}, {back});
  }
  for (size_t i = 0; i < plan.sources.size(); ++i) {
    Add(&body, "Gather", {plan.sources[i], plan.backward[i] ? back : turns.number},
        {inputs[states + i]}, {MakeArgument("axis", plan.axes[i])});
  }
  body.mutable_op()->MergeFrom(turns.body.op());
  turns.body = std::move(body);
  const auto first = static_cast<int64_t>(states);
  turns.carried.assign(inputs.begin(), inputs.begin() + first);
  turns.carried_on.assign(outputs.begin(), outputs.begin() + first);
  turns.scans.assign(outputs.begin() + first, outputs.end());

  std::vector<std::string> results = plan.outputs;
  NetDef after;
  for (size_t o = states; o < made; ++o) {
    const size_t scan = o - states;
    std::string* result = &results[o];
    if (plan.output_axes[scan] != 0) {
      const std::optional<Dims> element = node.Info(outputs[o]).dims;
      if (!element.has_value()) {
        return NodeImport::Unsupported("scan_output_axes of elements of unknown rank");
      }
      const auto rank = static_cast<int>(element->size()) + 1;
      const int64_t axis = plan.output_axes[scan] + (plan.output_axes[scan] < 0 ? rank : 0);
      if (axis < 0 || axis >= rank) {
        return absl::InvalidArgumentError(
            absl::StrCat("scan_output_axes has ", plan.output_axes[scan], " for rank ", rank));
      }
      const std::string rows = node.NewBlob("rows");
      MoveFirst(&after, rows, axis, rank, *result);
      *result = rows;
    }
    if (plan.prepends[scan]) {
      const std::string order = node.NewBlob("order");
      const std::string rows = node.NewBlob("rows");
      const std::string minus_one = node.ConstantInts("minus_one", {-1});
      NetDef turned;
      Add(&turned, "Range", {last, minus_one, minus_one}, {order});
      Add(&turned, "Gather", {rows, order}, {*result});
      turned.mutable_op()->MergeFrom(after.op());
      after = std::move(turned);
      *result = rows;
    }
  }
  DOPPIO_RETURN_IF_ERROR(AddTurns(node, std::move(turns), plan.states, results, net));
  net->mutable_op()->MergeFrom(after.op());
  return absl::OkStatus();
}

// Scans of a batch until version 8: each example by itself, and all along dimension 0.
absl::Status ImportBatchedScan(NodeImport& node, const ScanPlan& plan, size_t made) {
  if (node.HasInput(0)) return NodeImport::Unsupported("sequence_lens");
  Turns turns;
  turns.number = node.NewBlob("example");
  turns.condition = turns.next_condition = node.NewBlob("goes_on");
  turns.most = node.NewBlob("batch");
  NetDef net;
  Add(&net, "Shape", {plan.sources[0]}, {turns.most}, {MakeArgument("axes", Ints{0})});
  ScanPlan one = plan;
  for (std::vector<std::string>* blobs : {&one.states, &one.sources}) {
    for (std::string& blob : *blobs) {
      const std::string part = node.NewBlob("part");
      Add(&turns.body, "Gather", {blob, turns.number}, {part});
      blob = part;
    }
  }
  for (size_t o = 0; o < made; ++o) turns.scans.push_back(node.NewBlob("of_example"));
  one.outputs = turns.scans;
  DOPPIO_RETURN_IF_ERROR(AddScan(node, one, &turns.body));
  DOPPIO_RETURN_IF_ERROR(AddTurns(node, std::move(turns), {}, plan.outputs, &net));
  AddAll(node, net);
  return absl::OkStatus();
}

absl::Status ImportScan(NodeImport& node) {
  const bool is_batched = node.opset() < 9;
  const int before = is_batched ? 1 : 0;
  const int64_t given = node.InputSize() - before;
  const int64_t sources = node.Int("num_scan_inputs", 0);
  if (sources < 1 || sources > given) {
    return absl::InvalidArgumentError(
        absl::StrCat("num_scan_inputs is ", sources, " with ", given, " inputs"));
  }
  const int64_t states = given - sources;
  if (node.OutputSize() < states) return absl::InvalidArgumentError("final states are missing");
  ScanPlan plan;
  const auto count = static_cast<size_t>(sources);
  const auto scans = static_cast<size_t>(node.OutputSize() - states);
  Ints directions, output_directions(scans, 0);
  if (is_batched) {
    DOPPIO_ASSIGN_OR_RETURN(directions, ReadList(node, "directions", count));
    plan.axes.assign(count, 0);
    plan.output_axes.assign(scans, 0);
  } else {
    DOPPIO_ASSIGN_OR_RETURN(directions, ReadList(node, "scan_input_directions", count));
    DOPPIO_ASSIGN_OR_RETURN(output_directions, ReadList(node, "scan_output_directions", scans));
    DOPPIO_ASSIGN_OR_RETURN(plan.axes, ReadList(node, "scan_input_axes", count));
    DOPPIO_ASSIGN_OR_RETURN(plan.output_axes, ReadList(node, "scan_output_axes", scans));
  }
  plan.backward = AreSet(directions);
  plan.prepends = AreSet(output_directions);
  for (int i = 0; i < given; ++i) {
    (i < states ? plan.states : plan.sources).push_back(node.Input(before + i));
  }
  for (size_t i = 0; i < count; ++i) {
    const std::optional<int> rank =
        node.Rank(before + static_cast<int>(states) + static_cast<int>(i));
    if (!rank.has_value() && plan.axes[i] < 0) {
      return NodeImport::Unsupported("scan_input_axes from the back of an unknown rank");
    }
    if (rank.has_value() && (plan.axes[i] < -*rank || plan.axes[i] >= *rank)) {
      return absl::InvalidArgumentError(
          absl::StrCat("scan_input_axes has ", plan.axes[i], " for rank ", *rank));
    }
    if (plan.axes[i] < 0) plan.axes[i] += *rank;
  }
  for (int o = 0; o < node.OutputSize(); ++o) plan.outputs.push_back(node.Output(o));
  if (is_batched) return ImportBatchedScan(node, plan, plan.outputs.size());
  NetDef net;
  DOPPIO_RETURN_IF_ERROR(AddScan(node, plan, &net));
  AddAll(node, net);
  return absl::OkStatus();
}
DOPPIO_ONNX_IMPORT(Scan, ImportScan);

}  // namespace
}  // namespace onnx
}  // namespace doppio
