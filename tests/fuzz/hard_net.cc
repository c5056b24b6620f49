#include "tests/fuzz/hard_net.h"

#include <algorithm>
#include <map>

#include "doppio/registry.h"
#include "doppio/workspace.h"
#include "tests/support/tensor_match.h"
#include "tests/table/hard_values.h"

namespace doppio {
namespace {

constexpr uint64_t kMostOperators = 6;

// All but what tells the time, or of all blobs: other ones wherever a net runs.
const std::vector<std::string>& Types() {
  static const auto& types = *[] {
    auto* all = new std::vector<std::string>(OpSchemaRegistry::Types());
    for (const char* other :
         {"EstimateAllBlobSizes", "GetAllBlobNames", "StatRegistryExport", "WallClockTime"}) {
      all->erase(std::remove(all->begin(), all->end(), other), all->end());
    }
    return all;
  }();
  return types;
}

class HardNetMaker {
 public:
  explicit HardNetMaker(Choices* choices) : choices_(choices) {
    workspace_.SetFileAccess(FileAccess::None());
    drawn_.net.set_name("hard");
  }

  RandomNet Make() {
    const uint64_t count = 1 + choices_->Below(kMostOperators);
    for (uint64_t i = 0; i < count; ++i) {
      const std::string& type = Types()[choices_->Below(Types().size())];
      const std::vector<OpCase> usual = UsualCases(type);
      const bool hard = usual.empty() || Chance(0.4);
      Add(hard ? HardCase(*OpSchemaRegistry::Schema(type), usual, choices_)
               : usual[choices_->Below(usual.size())]);
    }
    return std::move(drawn_);
  }

 private:
  bool Chance(double probability) { return choices_->Unit() < probability; }

  std::vector<OpCase> UsualCases(const std::string& type) {
    const OpRow* row = FindOpRow(type);
    if (row == nullptr || !row->has_case()) return {};
    CaseRequest request;
    request.choices = choices_;
    request.zero = Chance(0.1);
    request.scalar = Chance(0.1);
    return row->MakeCases(request);
  }

  // A blob that was written or fed before: of that type and shape, or any.
  std::string LiveBlob(const Tensor& like, bool any) {
    std::vector<std::string> fitting;
    for (const std::string& name : live_) {
      const absl::StatusOr<Tensor> value = workspace_.Fetch(name);
      if (any || (value.ok() && value->TypeAndShape() == like.TypeAndShape())) {
        fitting.push_back(name);
      }
    }
    return fitting.empty() ? "" : fitting[choices_->Below(fitting.size())];
  }

  std::string NewName(absl::string_view kind) { return absl::StrCat(kind, names_++); }

  void Feed(const std::string& name, const Tensor& value) {
    for (const auto& feed : drawn_.feeds) {
      if (feed.first == name) return;
    }
    *workspace_.CreateBlob(name)->GetMutable<Tensor>() = DeepCopy(value);
    drawn_.feeds.emplace_back(name, value);
    live_.push_back(name);
  }

  // Gives the blobs of the case names of the net's; what is in nets of its arguments has its own.
  void Add(OpCase made) {
    OperatorDef& def = made.def;
    const bool has_net = std::any_of(def.arg().begin(), def.arg().end(), [](const Argument& arg) {
      return arg.has_n() || arg.nets_size() > 0;
    });
    std::map<std::string, std::string> names;
    for (const auto& [name, value] : made.feeds) {
      std::string live;
      if (Chance(0.5)) live = LiveBlob(value, Chance(0.1));
      names[name] = has_net ? name : !live.empty() ? live : NewName("x");
      if (has_net || live.empty()) Feed(names[name], value);
    }
    for (const std::string& name : def.output()) {
      if (names.count(name) > 0) continue;
      const std::string over = Chance(0.05) ? LiveBlob(Tensor(), true) : "";
      names[name] = has_net ? name : !over.empty() ? over : NewName("b");
    }
    for (auto* blobs : {def.mutable_input(), def.mutable_output()}) {
      for (std::string& name : *blobs) {
        if (names.count(name) > 0) name = names[name];
      }
    }
    def.mutable_device_option()->set_random_seed(1);
    const bool runs = workspace_.RunOperatorOnce(def).ok();
    if (!runs && !Chance(0.1)) return;
    for (const std::string& name : def.output()) {
      if (std::find(live_.begin(), live_.end(), name) == live_.end()) live_.push_back(name);
    }
    if (Chance(0.1)) {
      Wrap(def);
    } else {
      *drawn_.net.add_op() = def;
    }
  }

  // The operator in a net of If.
  void Wrap(const OperatorDef& def) {
    const std::string condition = NewName("x");
    Tensor value = *Tensor::Create(DataType::kBool, {});
    value.mutable_data<bool>()[0] = Chance(0.8);
    Feed(condition, value);
    NetDef inner;
    *inner.add_op() = def;
    std::vector<std::string> inputs = {condition};
    inputs.insert(inputs.end(), def.input().begin(), def.input().end());
    const std::vector<std::string> outputs(def.output().begin(), def.output().end());
    *drawn_.net.add_op() =
        CreateOperatorDef("If", "", inputs, outputs, {MakeArgument<NetDef>("then_net", inner)});
  }

  Choices* choices_;
  Workspace workspace_;
  RandomNet drawn_;
  std::vector<std::string> live_;
  int names_ = 0;
};

}  // namespace

RandomNet MakeHardNet(Choices* choices) { return HardNetMaker(choices).Make(); }

}  // namespace doppio
