#include <chrono>
#include <memory>
#include <optional>

#include "doppio/check.h"
#include "doppio/profiler.h"
#include "doppio/proto_io.h"
#include "doppio/serialize.h"
#include "doppio/tensor_io.h"
#include "tools/command/known_shapes.h"
#include "tools/command/net_input.h"
#include "tools/command/net_runner.h"
#include "tools/command/pictures.h"
#include "tools/command/progress.h"
#include "tools/command/run_counts.h"
#include "tools/command/table.h"
#include "tools/command/tensor_text.h"
#include "tools/command/top.h"

namespace doppio::tools {
namespace {

class RunCommand final : public Command {
 public:
  void AddOptions(Options* options) override {
    input_.AddNet(options);
    input_.AddInits(options);
    input_.AddFeeds(options);
    random_.AddOptions(options);
    options->AddList("--fetch", &fetches_, "BLOB[=FILE]",
                     "blob to write to FILE (.npy, .npz; .png: as a picture; else a BlobProto, as "
                     "text for .pbtxt, as JSON for .json), or to describe when there is no FILE; "
                     "default: describe the external outputs");
    top_.AddOptions(options);
    input_.AddHow(options);
    options->AddFlag("--no-optimize", &no_optimize_,
                     "run the net as it is, and keep all of its blobs");
    options->AddFlag("--no-winograd", &no_winograd_,
                     "compute every convolution directly, where the net is optimized");
    counts_.AddOptions(options, "how often the net is run");
    options->AddText("--net-type", &net_type_, "TYPE",
                     "executor: simple or parallel (default: what the net says)");
    options->AddText("--profile", &profile_, "FILE",
                     "write a Chrome trace of every operator (chrome://tracing, ui.perfetto.dev)");
    options->AddFlag("--json", &json_, "describe as JSON");
  }

  absl::Status Run() override {
    DOPPIO_RETURN_IF_ERROR(top_.Load());
    counts_.ApplyThreads();
    DOPPIO_RETURN_IF_ERROR(input_.Prepare());
    DOPPIO_ASSIGN_OR_RETURN(const FileDescription file, DescribeFile(input_.net));
    if (file.kind == FileKind::kPlanDef) {
      DOPPIO_RETURN_IF_ERROR(input_.Fill(&workspace_));
      DOPPIO_RETURN_IF_ERROR(RunPlan());
    } else {
      DOPPIO_RETURN_IF_ERROR(RunNet());
    }
    return Fetch();
  }

 private:
  absl::Status RunPlan() {
    DOPPIO_RETURN_IF_ERROR(random_.CheckUnused("for nets, not for plans"));
    if (!profile_.empty() || !net_type_.empty() || counts_.iterations != 1) {
      return UsageError(
          "a plan says itself how often its nets run and how; --iterations, --net-type and "
          "--profile are for nets");
    }
    DOPPIO_ASSIGN_OR_RETURN(PlanDef plan, LoadPlan(input_.net));
    for (NetDef& net : *plan.mutable_network()) input_.Place(&net);
    if (plan.network_size() > 0) {
      outputs_ = OutputsOfNet(plan.network(plan.network_size() - 1));
    }
    return Timed([&] { return workspace_.RunPlan(plan); });
  }

  absl::Status RunNet() {
    DOPPIO_ASSIGN_OR_RETURN(Model model, LoadNamedModel(input_, &workspace_));
    NetDef& def = model.predict;
    NetRunner::Options how;
    how.optimize = !no_optimize_;
    how.winograd = !no_winograd_;
    DOPPIO_RETURN_IF_ERROR(input_.Fill(&workspace_, &how.fed));
    if (!net_type_.empty()) def.set_type(net_type_);
    DOPPIO_RETURN_IF_ERROR(random_.Fill(def, &workspace_));
    how.fed.insert(how.fed.end(), random_.inputs().begin(), random_.inputs().end());
    outputs_ = model.outputs.empty() ? OutputsOfNet(def) : model.outputs;
    for (const std::string& fetch : fetches_) how.outputs.push_back(ParseAssignment(fetch).key);
    if (fetches_.empty()) how.outputs = outputs_;
    DOPPIO_RETURN_IF_ERROR(CheckBeforeRun(def, workspace_));

    DOPPIO_ASSIGN_OR_RETURN(NetRunner runner, NetRunner::Create(def, how, &workspace_));
    std::optional<Profiler> profiler;
    if (!profile_.empty()) runner.AddObserver(&profiler.emplace());
    Progress progress(def.name(), int64_t{counts_.iterations} * runner.net()->op_size());
    ProgressObserver observer(&progress);
    if (progress.is_on()) runner.AddObserver(&observer);

    const absl::Status run = Timed([&]() -> absl::Status {
      for (int i = 0; i < counts_.iterations; ++i) DOPPIO_RETURN_IF_ERROR(runner.Run());
      return absl::OkStatus();
    });
    // A trace of a run that failed shows where.
    absl::Status traced = profiler ? profiler->WriteTrace(profile_) : absl::OkStatus();
    if (!run.ok()) return run;
    DOPPIO_RETURN_IF_ERROR(runner.KeepOutputs());
    return traced;
  }

  template <typename Work>
  absl::Status Timed(const Work& work) {
    const auto start = std::chrono::steady_clock::now();
    const absl::Status status = work();
    seconds_ = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    return status;
  }

  absl::StatusOr<std::shared_ptr<Blob>> Find(const std::string& name) const {
    std::shared_ptr<Blob> blob = workspace_.FindBlob(name);
    if (blob != nullptr) return blob;
    return workspace_.Fetch(name).status();  // says which names are near
  }

  absl::Status Save(const std::string& name, const Blob& blob, const std::string& file) const {
    if (const Tensor* tensor = blob.Get<Tensor>()) {
      if (IsPicturePath(file)) return SavePicture(*tensor, file, input_.image);
      return SaveTensor(*tensor, file, name);
    }
    DOPPIO_ASSIGN_OR_RETURN(const BlobProto proto, BlobToProto(blob, name));
    return SaveProto(proto, file);
  }

  absl::Status Fetch() {
    std::vector<std::string> wanted = fetches_.empty() ? outputs_ : fetches_;
    JsonWriter json;
    json.BeginObject().Field("iterations", counts_.iterations).Field("seconds", seconds_);
    if (!random_.report().empty()) json.Field("made_up", random_.report());
    json.Key("blobs").BeginArray();
    std::string text = random_.report();
    for (const std::string& fetch : wanted) {
      const Assignment to =
          fetches_.empty() ? Assignment{fetch, "", false} : ParseAssignment(fetch);
      if (to.key.empty() || (to.has_value && to.value.empty())) {
        return UsageError(absl::StrCat("--fetch ", fetch, ": write BLOB or BLOB=FILE"));
      }
      DOPPIO_ASSIGN_OR_RETURN(const std::shared_ptr<Blob> blob, Find(to.key));
      json.BeginObject().Field("name", to.key);
      const Tensor* tensor = blob->Get<Tensor>();
      if (tensor != nullptr) TensorToJson(*tensor, &json);
      if (tensor == nullptr) json.Field("type", blob->TypeName());
      if (to.has_value) {
        DOPPIO_RETURN_IF_ERROR(Annotate(Save(to.key, *blob, to.value), "--fetch " + fetch));
        json.Field("file", to.value);
        absl::StrAppend(&text, to.key, ": ",
                        tensor != nullptr ? tensor->TypeAndShape() : blob->TypeName(), " -> ",
                        to.value, "\n");
      } else if (top_.is_asked() && tensor != nullptr && TopClasses::IsClassification(*tensor)) {
        DOPPIO_RETURN_IF_ERROR(top_.Check(to.key, *tensor));
        top_.ToJson(*tensor, &json);
        absl::StrAppend(&text, top_.ToText(to.key, *tensor));
      } else {
        absl::StrAppend(&text, DescribeBlob(to.key, *blob));
      }
      json.EndObject();
    }
    json.EndArray().EndObject();
    Print(json_ ? json.Finish() : text);
    return absl::OkStatus();
  }

  NetInput input_;
  RandomWeights random_;
  TopClasses top_;
  std::vector<std::string> fetches_;
  std::vector<std::string> outputs_;  // what is described when nothing is fetched
  std::string net_type_;
  std::string profile_;
  bool no_optimize_ = false;
  bool no_winograd_ = false;
  RunCounts counts_;
  bool json_ = false;
  double seconds_ = 0;
  Workspace workspace_;  // keeps the blobs of plans, and of nets that are not rewritten
};

DOPPIO_COMMAND(RunCommand, "run", "Run a net (or a plan) on data from files",
               "  doppio run predict_net.pb --init init_net.pb --feed data=cat.npy\n"
               "  doppio run net.pbtxt --feed X=x.npy --fetch Y=y.npy --fetch loss\n"
               "  doppio run net.pb --feed inputs.npz --iterations 100 --profile trace.json\n"
               "  doppio run alexnet.pbtxt --random-weights 1 --shape data=1,3,227,227\n"
               "  doppio run style.pb --init init.pb --feed data=cat.jpg --fetch styled=out.png\n"
               "  doppio run squeezenet.pb --init init.pb --feed data=cat.jpg --image caffe "
               "--top 5\n"
               "  doppio run net.pbtxt --load ./libmy_operators.so --feed X=x.npy\n");

}  // namespace
}  // namespace doppio::tools
