#ifndef DOPPIO_TESTS_OPS_CONTROL_CONTROL_NET_H_
#define DOPPIO_TESTS_OPS_CONTROL_CONTROL_NET_H_

#include <algorithm>
#include <string>
#include <vector>

#include "doppio/check.h"
#include "doppio/net_builder.h"

namespace doppio {

// Writes nets with If, While and Do as Caffe2's front end does: what a net inside reads and writes
// is listed, and nets that make blobs of their own stand in a Do, whose scope is made before.
class ControlNet : public NetBuilder {
 public:
  using Names = std::vector<std::string>;

  explicit ControlNet(absl::string_view name) : NetBuilder(name) {}

  // `outputs`: which of the blobs that the net writes are seen outside, under the same names.
  ControlNet& Do(const NetDef& net, const Names& outputs, const std::string& scope,
                 bool copies = false) {
    Op("CreateScope", {}, {scope});
    *mutable_def()->add_op() = DoOp(net, outputs, scope, copies);
    return *this;
  }

  ControlNet& If(const std::string& condition, const NetDef& then_net, const Names& then_outputs,
                 const NetDef* else_net = nullptr, const Names& else_outputs = {},
                 const Names& also_inputs = {}) {
    const std::string scope = def().name() + "/" + condition;
    Names inputs = {condition};
    Names outputs;
    std::vector<Argument> args;
    const auto branch = [&](const char* arg, const NetDef& net, const Names& written) {
      const std::string its_scope = scope + "/" + arg;
      Op("CreateScope", {}, {its_scope});
      NetDef whole;
      whole.set_name(arg);
      *whole.add_op() = DoOp(net, written, its_scope, false);
      AddAll(whole.op(0).input(), &inputs);
      AddAll(whole.op(0).output(), &outputs);
      args.push_back(MakeArgument<NetDef>(arg, whole));
    };
    branch("then_net", then_net, then_outputs);
    if (else_net != nullptr) branch("else_net", *else_net, else_outputs);
    AddAll(also_inputs, &inputs);
    Op("If", inputs, outputs, args);
    return *this;
  }

  // `condition_net` writes `condition`.
  ControlNet& While(const std::string& condition, const NetDef& condition_net, const NetDef& body,
                    const Names& outputs, bool copies = true) {
    const std::string scope = def().name() + "/" + condition + "/loop";
    Op("CreateScope", {}, {scope});
    NetDef loop;
    loop.set_name("loop");
    *loop.add_op() = DoOp(body, outputs, scope, copies, outputs);
    Names inputs = {condition};
    Names written;
    AddAll(loop.op(0).input(), &inputs);
    AddAll(loop.op(0).output(), &written);
    AddAll(InputsOfNet(condition_net), &inputs);
    for (const OperatorDef& op : condition_net.op()) AddAll(op.output(), &written);
    Op("While", inputs, written,
       {MakeArgument<NetDef>("loop_net", loop), MakeArgument<NetDef>("cond_net", condition_net)});
    return *this;
  }

  static OperatorDef DoOp(const NetDef& net, const Names& outputs, const std::string& scope,
                          bool copies, const Names& also_inputs = {}) {
    Names inputs = InputsOfNet(net);
    AddAll(also_inputs, &inputs);
    Names all = inputs;
    AddAll(outputs, &all);
    std::vector<int64_t> numbers;
    Names blobs = inputs;
    blobs.insert(blobs.end(), outputs.begin(), outputs.end());
    for (const std::string& name : all) {
      numbers.push_back(std::find(blobs.begin(), blobs.end(), name) - blobs.begin());
    }
    Names written = outputs;
    inputs.push_back(scope);
    written.push_back(scope);
    return CreateOperatorDef("Do", "", inputs, written,
                             {MakeArgument<NetDef>("net", net), MakeArgument("inner_blobs", all),
                              MakeArgument<std::vector<int64_t>>("outer_blobs_idx", numbers),
                              MakeArgument<bool>("copy_external_blobs", copies)});
  }

  template <typename Range>
  static void AddAll(const Range& more, Names* names) {
    for (const std::string& name : more) {
      if (std::find(names->begin(), names->end(), name) == names->end()) names->push_back(name);
    }
  }
};

}  // namespace doppio

#endif  // DOPPIO_TESTS_OPS_CONTROL_CONTROL_NET_H_
