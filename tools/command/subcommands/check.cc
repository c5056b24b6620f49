#include "doppio/check.h"

#include <algorithm>

#include "absl/strings/str_join.h"
#include "doppio/net.h"
#include "tools/command/json.h"
#include "tools/command/net_input.h"
#include "tools/command/table.h"

namespace doppio::tools {
namespace {

class CheckCommand final : public Command {
 public:
  void AddOptions(Options* options) override {
    input_.AddNet(options);
    options->AddList("--init", &input_.inits, "NET",
                     "net that will have filled blobs; looked at, not run");
    input_.AddFeeds(options);
    input_.AddLibraries(options);
    input_.AddDevice(options);
    options->AddFlag("--json", &json_, "print the problems as JSON");
  }

  absl::Status Run() override {
    DOPPIO_RETURN_IF_ERROR(input_.Prepare());
    for (const std::string& path : input_.inits) {
      DOPPIO_ASSIGN_OR_RETURN(NetDef init, LoadNamedNet(path));
      input_.Place(&init);
      Look(init);
    }
    DOPPIO_ASSIGN_OR_RETURN(std::vector<NamedTensor> fed, input_.LoadFeeds());
    for (NamedTensor& tensor : fed) {
      const DimsView dims = tensor.tensor.dims();
      known_blobs_.insert(tensor.name);
      infos_[tensor.name] = {tensor.tensor.dtype(), Dims(dims.begin(), dims.end()),
                             std::move(tensor.tensor)};
    }
    BlobInfos weights;
    DOPPIO_ASSIGN_OR_RETURN(const NetDef net, LoadNetToLookAt(input_, &weights));
    for (auto& [name, info] : weights) {
      known_blobs_.insert(name);
      infos_[name] = std::move(info);
    }
    Look(net);
    const std::vector<std::string> executors = NetRegistry::Types();
    if (!net.type().empty() &&
        std::find(executors.begin(), executors.end(), net.type()) == executors.end()) {
      problems_.push_back({-1, absl::StrCat("net \"", net.name(), "\""),
                           absl::StrCat("there is no net type \"", net.type(), "\"; there are ",
                                        absl::StrJoin(executors, ", "))});
    }
    std::vector<std::string> needed;
    for (const NeededInput& input : NeededInputs(net)) {
      if (known_blobs_before_net_.count(input.blob) == 0) needed.push_back(input.blob);
    }
    Print(json_ ? Json(net, needed) : Text(net, needed));
    return problems_.empty() ? absl::OkStatus() : AlreadyReported();
  }

 private:
  void Look(const NetDef& net) {
    known_blobs_before_net_ = known_blobs_;
    CheckOptions options;
    options.known_blobs = known_blobs_;
    std::vector<NetProblem> problems = CheckNet(net, options);
    for (NetProblem& problem : CheckShapes(net, &infos_)) problems.push_back(std::move(problem));
    for (NetProblem& problem : problems) problems_.push_back(std::move(problem));
    for (const OperatorDef& op : net.op()) {
      const OpBlobs blobs = BlobsOfOp(op);
      known_blobs_.insert(blobs.writes.begin(), blobs.writes.end());
    }
  }

  std::string Text(const NetDef& net, const std::vector<std::string>& needed) const {
    std::string text;
    for (const NetProblem& problem : problems_) {
      absl::StrAppend(&text, Printable(problem.where), ":\n  ", Printable(problem.Text()), "\n");
    }
    absl::StrAppend(&text, "net \"", Printable(net.name()),
                    "\": ", Counted(net.op_size(), "operator"), ", ",
                    problems_.empty() ? "no problem" : Counted(problems_.size(), "problem"), "\n");
    if (!needed.empty()) {
      std::string line = "to be fed:";
      for (const std::string& blob : needed) absl::StrAppend(&line, " ", Printable(blob));
      absl::StrAppend(&text, line, "\n");
    }
    return text;
  }

  std::string Json(const NetDef& net, const std::vector<std::string>& needed) const {
    JsonWriter json;
    json.BeginObject().Field("net", net.name()).Field("operators", net.op_size());
    json.Field("ok", problems_.empty()).Key("problems").BeginArray();
    for (const NetProblem& problem : problems_) {
      json.BeginObject().Field("op", problem.op).Field("where", problem.where);
      json.Field("what", problem.Text()).Field("missing_operator", problem.is_missing_operator);
      json.EndObject();
    }
    json.EndArray().ListField("needs", needed).Key("blobs").BeginObject();
    for (const auto& [name, info] : infos_) {
      if (!info.IsKnown()) continue;
      json.Key(name).BeginObject().Field("dtype", DataTypeName(info.dtype));
      json.ListField("shape", *info.dims).EndObject();
    }
    return json.EndObject().EndObject().Finish();
  }

  NetInput input_;
  bool json_ = false;
  std::vector<NetProblem> problems_;
  std::set<std::string> known_blobs_;
  std::set<std::string> known_blobs_before_net_;
  BlobInfos infos_;
};

DOPPIO_COMMAND(CheckCommand, "check", "List every problem of a net; nothing is run",
               "  doppio check net.pb\n"
               "  doppio check predict_net.pb --init init_net.pb --feed data=cat.npy\n");

}  // namespace
}  // namespace doppio::tools
