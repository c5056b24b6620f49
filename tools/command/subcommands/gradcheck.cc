#include "absl/strings/numbers.h"
#include "absl/strings/str_join.h"
#include "doppio/gradient_check.h"
#include "tools/command/json.h"
#include "tools/command/known_shapes.h"
#include "tools/command/net_input.h"
#include "tools/command/table.h"

namespace doppio::tools {
namespace {

constexpr int kMostSamples = 1'000'000'000;

absl::Status ReadPositive(const std::string& option, const std::string& text, double* number) {
  if (text.empty()) return absl::OkStatus();
  if (absl::SimpleAtod(text, number) && *number > 0) return absl::OkStatus();
  return UsageError(absl::StrCat(option, " ", text, ": a number above 0 is wanted"));
}

class GradcheckCommand final : public Command {
 public:
  void AddOptions(Options* options) override {
    input_.AddNet(options);
    input_.AddInits(options);
    input_.AddFeeds(options);
    random_.AddOptions(options);
    options->AddList("--of", &of_, "BLOB", "blob to differentiate: the sum of its elements",
                     Need::kRequired);
    options->AddList("--blob", &blobs_, "BLOB",
                     "blob whose gradient to compare; default: all floats that the net reads and "
                     "that have a gradient");
    options->AddNumber("--samples", &samples_, 1, kMostSamples,
                       "how many elements of each blob are compared");
    options->AddSeed("--seed", &seed_, "draws these elements (default: 1)");
    options->AddText("--step", &step_, "NUMBER",
                     "how far an element is moved (default: 1e-5 in double, 1e-2 in float)");
    options->AddText("--tolerance", &tolerance_, "NUMBER",
                     "the largest relative error that is right (default: 1e-5 in double, 2e-2 in "
                     "float)");
    options->AddFlag("--float", &in_float_, "run in float even where double is possible");
    input_.AddHow(options);
    options->AddFlag("--json", &json_, "print the comparison as JSON");
  }

  absl::Status Run() override {
    GradientCheckOptions how;
    DOPPIO_RETURN_IF_ERROR(ReadPositive("--step", step_, &how.step));
    DOPPIO_RETURN_IF_ERROR(ReadPositive("--tolerance", tolerance_, &how.tolerance));
    how.blobs = blobs_;
    how.samples = samples_;
    how.seed = seed_.value_or(how.seed);
    how.in_double = !in_float_;
    DOPPIO_RETURN_IF_ERROR(input_.Prepare());
    Workspace workspace;
    DOPPIO_ASSIGN_OR_RETURN(const Model model, LoadNamedModel(input_, &workspace));
    DOPPIO_RETURN_IF_ERROR(input_.Fill(&workspace));
    DOPPIO_RETURN_IF_ERROR(random_.Fill(model.predict, &workspace));
    DOPPIO_RETURN_IF_ERROR(CheckBeforeRun(model.predict, workspace));
    DOPPIO_ASSIGN_OR_RETURN(const GradientCheck check,
                            CheckGradients(model.predict, of_, workspace, how));
    Print(json_ ? Json(check) : Text(check));
    return check.IsRight() ? absl::OkStatus() : AlreadyReported();
  }

 private:
  std::string Text(const GradientCheck& check) const {
    std::string text = random_.report();
    absl::StrAppend(&text, check.ToString(), "in ", check.in_double ? "double" : "float", ", step ",
                    check.step, ", tolerance ", check.tolerance, "\n");
    if (!check.in_double && !in_float_) {
      absl::StrAppend(&text, "not in double: ", check.why_float, "\n");
    }
    if (!check.without.empty()) {
      absl::StrAppend(&text, "without a gradient: ", absl::StrJoin(check.without, " "), "\n");
    }
    int64_t wrong = 0, elements = 0, kinks = 0;
    for (const CheckedBlob& blob : check.blobs) {
      wrong += blob.wrong;
      elements += blob.elements;
      kinks += blob.kinks;
    }
    if (kinks > 0) {
      absl::StrAppend(&text, Counted(kinks, "element"), " where the derivative jumps\n");
    }
    return absl::StrCat(text, wrong == 0 ? "right: " : absl::StrCat("wrong: ", wrong, " of "),
                        Counted(elements, "derivative"), "\n");
  }

  std::string Json(const GradientCheck& check) const {
    JsonWriter json;
    json.BeginObject().Field("right", check.IsRight()).Field("in_double", check.in_double);
    if (!check.in_double) json.Field("why_float", check.why_float);
    json.Field("step", check.step).Field("tolerance", check.tolerance);
    json.Key("blobs").BeginArray();
    for (const CheckedBlob& blob : check.blobs) {
      json.BeginObject().Field("blob", blob.blob).Field("shape", ShapeToString(blob.dims));
      json.Field("compared", blob.elements).Field("wrong", blob.wrong).Field("kinks", blob.kinks);
      json.Field("error", blob.error).Field("index", blob.index);
      json.Field("gradient", blob.gradient).Field("difference", blob.difference).EndObject();
    }
    return json.EndArray().EndObject().Finish();
  }

  NetInput input_;
  RandomWeights random_;
  std::vector<std::string> of_;
  std::vector<std::string> blobs_;
  int samples_ = 100;
  std::optional<uint64_t> seed_;
  std::string step_;
  std::string tolerance_;
  bool in_float_ = false;
  bool json_ = false;
};

DOPPIO_COMMAND(
    GradcheckCommand, "gradcheck", "Hold a net's gradients against finite differences",
    "  doppio gradcheck net.pbtxt --init init.pbtxt --of loss --feed data=x.npy\n"
    "  doppio gradcheck net.pb --of Y --feed X=x.npy --blob X --samples 1000\n"
    "  doppio gradcheck net.pbtxt --load ./libmy_operators.so --of loss --feed X=x.npy\n");

}  // namespace
}  // namespace doppio::tools
