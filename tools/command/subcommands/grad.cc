#include "doppio/gradient.h"
#include "doppio/proto_io.h"
#include "tools/command/json.h"
#include "tools/command/net_input.h"
#include "tools/command/table.h"

namespace doppio::tools {
namespace {

class GradCommand final : public Command {
 public:
  void AddOptions(Options* options) override {
    input_.AddNet(options);
    options->AddList("--of", &targets_, "BLOB[=GRADIENT]",
                     "blob to differentiate. GRADIENT is the blob that already holds its gradient; "
                     "without it the gradient starts from ones",
                     Need::kRequired);
    options->AddList(
        "--wrt", &wrt_, "BLOB",
        "blob whose gradient is wanted: what leads to other gradients only is left out. "
        "Without it all gradients are made");
    options->AddText("-o,--output", &output_, "OUT",
                     "where to write the net: text for .pbtxt, JSON for .json, else binary",
                     Need::kRequired);
    options->AddFlag("--gradient-only", &gradient_only_,
                     "write the gradient operators alone, as a net that runs after NET");
    input_.AddLibraries(options);
    input_.AddDevice(options);
    options->AddFlag("--json", &json_, "print the map from blob to gradient as JSON");
  }

  absl::Status Run() override {
    DOPPIO_RETURN_IF_ERROR(input_.Prepare());
    std::vector<GradientTarget> targets;
    for (const std::string& text : targets_) {
      const Assignment target = ParseAssignment(text);
      if (target.key.empty() || (target.has_value && target.value.empty())) {
        return UsageError(absl::StrCat("--of ", text, ": write BLOB or BLOB=GRADIENT"));
      }
      targets.push_back(target.has_value ? GradientTarget(target.key, target.value)
                                         : GradientTarget(target.key));
    }
    DOPPIO_ASSIGN_OR_RETURN(NetDef net, LoadNet(input_.net));
    input_.Place(&net);
    GradientOptions how;
    if (!wrt_.empty()) how.wrt = wrt_;
    DOPPIO_ASSIGN_OR_RETURN(const Backward backward, AddGradientOperators(net, targets, how));
    DOPPIO_RETURN_IF_ERROR(
        SaveProto(gradient_only_ ? backward.GradientNet() : backward.net, output_));
    const int made = backward.net.op_size() - backward.forward_operators;
    Print(json_ ? Json(backward, made) : Text(backward, made));
    return absl::OkStatus();
  }

 private:
  std::string Text(const Backward& backward, int made) const {
    Table table({"blob", "gradient"});
    for (const auto& [blob, gradient] : backward.gradients) {
      table.Add({blob, gradient.IsDense()
                           ? gradient.dense
                           : absl::StrCat(gradient.values, " at rows ", gradient.indices)});
    }
    return absl::StrCat(
        table.ToString(), output_, ": ",
        gradient_only_ ? "" : Counted(backward.forward_operators, "forward operator") + " and ",
        Counted(made, "gradient operator"), "\n");
  }

  std::string Json(const Backward& backward, int made) const {
    JsonWriter json;
    json.BeginObject().Field("output", output_);
    json.Field("forward_operators", gradient_only_ ? 0 : backward.forward_operators);
    json.Field("gradient_operators", made).Key("gradients").BeginObject();
    for (const auto& [blob, gradient] : backward.gradients) {
      if (gradient.IsDense()) {
        json.Field(blob, gradient.dense);
      } else {
        json.Key(blob).BeginObject().Field("indices", gradient.indices);
        json.Field("values", gradient.values).EndObject();
      }
    }
    return json.EndObject().EndObject().Finish();
  }

  NetInput input_;
  std::vector<std::string> targets_;
  std::vector<std::string> wrt_;
  std::string output_;
  bool gradient_only_ = false;
  bool json_ = false;
};

DOPPIO_COMMAND(GradCommand, "grad", "Add the gradient operators to a net",
               "  doppio grad net.pbtxt --of loss -o backward.pbtxt\n"
               "  doppio grad net.pbtxt --of loss --wrt w --wrt b -o backward.pbtxt\n"
               "  doppio grad net.pb --of Y=dY --gradient-only -o gradient_net.pb\n");

}  // namespace
}  // namespace doppio::tools
