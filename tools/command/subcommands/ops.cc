#include <set>

#include "doppio/model_io.h"
#include "doppio/registry.h"
#include "tools/command/net_input.h"
#include "tools/command/net_operators.h"
#include "tools/command/op_docs.h"
#include "tools/command/table.h"

namespace doppio::tools {
namespace {

class OpsCommand final : public Command {
 public:
  void AddOptions(Options* options) override {
    options->AddPositional("TYPE", &type_, "operator to explain; without it, all are listed",
                           Need::kOptional);
    options->AddFlag("--markdown", &markdown_, "print as Markdown");
    options->AddFlag("--json", &json_, "print as JSON");
    options->AddFlag("--coverage", &coverage_,
                     "which operators of Caffe2 are there, which are not");
    options->AddList("--of", &nets_, "NET",
                     "the operators that nets use, with the source of each: a list for a build "
                     "with these alone (-DDOPPIO_OPERATORS=FILE)");
    input_.AddLibraries(options);
  }

  absl::Status Run() override {
    if (markdown_ && json_) return UsageError("--json excludes --markdown");
    DOPPIO_RETURN_IF_ERROR(input_.Prepare());
    if (coverage_) {
      if (json_ || !type_.empty()) return UsageError("--coverage takes neither TYPE nor --json");
      Print(markdown_ ? CoverageToMarkdown() : CoverageToText());
      return absl::OkStatus();
    }
    if (!nets_.empty()) return PrintSources();
    if (type_.empty()) {
      Print(json_ ? AllToJson() : markdown_ ? AllOpsToMarkdown() : List());
      return absl::OkStatus();
    }
    const OpSchema* schema = OpSchemaRegistry::Schema(type_);
    if (schema == nullptr || !OperatorRegistry::Has(type_)) {
      return absl::NotFoundError(OperatorRegistry::MissingMessage(type_, DeviceType::kCpu));
    }
    JsonWriter json;
    if (json_) OpToJson(*schema, &json);
    Print(json_ ? json.Finish() : markdown_ ? OpToMarkdown(*schema) : OpToText(*schema));
    return absl::OkStatus();
  }

 private:
  absl::Status PrintSources() const {
    if (json_ || markdown_ || !type_.empty()) {
      return UsageError("--of takes neither TYPE nor --json nor --markdown");
    }
    std::set<std::string> types;
    for (const std::string& path : nets_) {
      DOPPIO_ASSIGN_OR_RETURN(const Model model, LoadModel(path));
      types.merge(OperatorsOfNet(model.predict));
      for (const NetDef& init : model.inits) types.merge(OperatorsOfNet(init));
    }
    DOPPIO_ASSIGN_OR_RETURN(const std::string list, ListOfSources(types));
    Print(list);
    return absl::OkStatus();
  }

  static std::string List() {
    std::string text;
    int64_t count = 0;
    for (const auto& [family, schemas] : OpsByFamily()) {
      Table table({"", "", ""});
      for (const OpSchema* schema : schemas) {
        const bool has_gradient = GradientText(*schema) == "yes";
        table.Add(
            {schema->type(), has_gradient ? "grad" : "", Shortened(FirstSentence(*schema), 70)});
      }
      absl::StrAppend(&text, family, "\n", table.ToString("  "), "\n");
      count += static_cast<int64_t>(schemas.size());
    }
    return absl::StrCat(text, Counted(count, "operator"),
                        "; `grad` marks those with a gradient. `doppio ops TYPE` explains one.\n");
  }

  static std::string AllToJson() {
    JsonWriter json;
    json.BeginArray();
    for (const auto& [family, schemas] : OpsByFamily()) {
      for (const OpSchema* schema : schemas) OpToJson(*schema, &json);
    }
    return json.EndArray().Finish();
  }

  NetInput input_;
  std::string type_;
  std::vector<std::string> nets_;
  bool markdown_ = false;
  bool json_ = false;
  bool coverage_ = false;
};

DOPPIO_COMMAND(OpsCommand, "ops", "List the operators, or explain one",
               "  doppio ops\n"
               "  doppio ops Expand\n"
               "  doppio ops --coverage\n"
               "  doppio ops --of init_net.pb --of predict_net.pb > ops.txt\n"
               "  doppio ops --markdown > docs/operators.md\n");

}  // namespace
}  // namespace doppio::tools
