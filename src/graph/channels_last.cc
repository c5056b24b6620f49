#include "src/graph/channels_last.h"

#include <algorithm>

#include "absl/container/flat_hash_set.h"
#include "absl/strings/ascii.h"
#include "absl/strings/str_split.h"
#include "doppio/op_def.h"
#include "doppio/registry.h"
#include "src/operator/storage_order.h"

namespace doppio {
namespace {

constexpr char kConv[] = "Conv";
constexpr char kConvGradient[] = "ConvGradient";

class ChannelsLast {
 public:
  explicit ChannelsLast(NetDef* net) : net_(net) {
    for (const OperatorKey& key : OperatorRegistry::Keys()) {
      if (key.device != DeviceType::kCpu || key.engine.empty()) continue;
      if (key.engine == kChannelsLastEngine) {
        types_.insert(key.type);
      } else {
        engines_.emplace(key.type, key.engine);
      }
    }
    for (const OperatorDef& op : net->op()) {
      if (IsAble(op)) read_.insert(op.input().begin(), op.input().end());
    }
  }

  void Run() {
    for (OperatorDef& op : *net_->mutable_op()) {
      const bool keeps = Pays(op) && IsAble(op);
      for (const std::string& output : op.output()) kept_.erase(output);
      if (!keeps) continue;
      op.set_engine(kChannelsLastEngine);
      if (op.type() != kConvGradient) {
        kept_.insert(op.output().begin(), op.output().end());
      } else if (HasImageGradient(op)) {
        kept_.insert(*op.output().rbegin());
      }
    }
  }

 private:
  bool IsKept(const std::string& blob) const { return kept_.contains(blob); }

  // A convolution begins where its result is read so; the others go on with what is there.
  bool Pays(const OperatorDef& op) const {
    if (op.input_size() == 0 || op.output_size() == 0) return false;
    if (IsKept(op.input(0))) return true;
    if (op.type() == kConv) return read_.contains(op.output(0));
    return op.type() == kConvGradient && op.input_size() > 2 && IsKept(op.input(2));
  }

  bool IsAble(const OperatorDef& op) const {
    if (!types_.contains(op.type()) || !IsChannelsFirst(op)) return false;
    const DeviceOption& device =
        op.has_device_option() ? op.device_option() : net_->device_option();
    if (static_cast<DeviceType>(device.device_type()) != DeviceType::kCpu) return false;
    // Of groups oneDNN's convolutions have channels in other layouts.
    const Argument* group = FindArgument(op, "group");
    if (group != nullptr && group->i() != 1) return false;
    // An engine that somebody asked for is used.
    for (absl::string_view engine : absl::StrSplit(op.engine(), ',', absl::SkipWhitespace())) {
      if (engines_.contains({op.type(), std::string(absl::StripAsciiWhitespace(engine))})) {
        return false;
      }
    }
    return true;
  }

  static bool HasImageGradient(const OperatorDef& op) {
    const Argument* no_bias = FindArgument(op, "no_bias");
    return op.output_size() > (no_bias != nullptr && no_bias->i() != 0 ? 1 : 2);
  }

  NetDef* net_;
  absl::flat_hash_set<std::string> types_;                            // that have the engine
  absl::flat_hash_set<std::pair<std::string, std::string>> engines_;  // others: type, engine
  absl::flat_hash_set<std::string> read_;                             // by operators of those types
  absl::flat_hash_set<std::string> kept_;  // hold a form with the channels last at this point
};

}  // namespace

bool TrainsConvolutions(const NetDef& net) {
  return std::any_of(net.op().begin(), net.op().end(),
                     [](const OperatorDef& op) { return op.type() == kConvGradient; });
}

void KeepChannelsLast(NetDef* net) { ChannelsLast(net).Run(); }

}  // namespace doppio
