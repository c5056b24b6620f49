#include <algorithm>

#include "doppio/op_def.h"
#include "src/graph/rewriting.h"

namespace doppio {
namespace {

struct Part {
  int op;
  int64_t first_channel;
};

// Channels that oneDNN's layouts keep together, at most: parts begin and end between them.
constexpr int64_t kBlock = 16;

// The convolutions that make the inputs of a concatenation of channels, and nothing else, in the
// order in which they run; none where that is not so.
std::vector<Part> PartsOf(const Rewriting& net, int concat_index, int64_t* channels) {
  const OperatorDef& concat = net.ops[concat_index];
  const Argument* axis = FindArgument(concat, "axis");
  if (concat.type() != "BlockedConcat" || (axis != nullptr && axis->i() != 1)) return {};
  std::map<std::string, int64_t> outputs_of_weights;
  for (const OperatorDef& pack : net.prepare.op()) {
    outputs_of_weights[pack.output(0)] = net.Constant(pack.input(0))->dim(0);
  }
  std::vector<Part> parts;
  *channels = 0;
  for (const std::string& input : concat.input()) {
    const int writer = net.Writer(input);
    if (writer < 0 || net.OnlyReader(input) != concat_index) return {};
    const OperatorDef& conv = net.ops[writer];
    if (conv.type() != "BlockedConv" || FindArgument(conv, "sum") != nullptr) return {};
    const auto outputs = outputs_of_weights.find(conv.input(1));
    if (outputs == outputs_of_weights.end() || outputs->second % kBlock != 0) return {};
    parts.push_back({writer, *channels});
    *channels += outputs->second;
  }
  std::sort(parts.begin(), parts.end(), [](const Part& a, const Part& b) { return a.op < b.op; });
  for (size_t i = 1; i < parts.size(); ++i) {
    if (parts[i].op == parts[i - 1].op) return {};  // one convolution, twice
  }
  return parts;
}

}  // namespace

absl::Status ConcatInPlace(Rewriting* net) {
  for (int k = 0; k < static_cast<int>(net->ops.size()); ++k) {
    int64_t channels = 0;
    const std::vector<Part> parts = PartsOf(*net, k, &channels);
    if (parts.empty()) continue;
    std::string whole;
    for (const Part& part : parts) {
      OperatorDef& conv = net->ops[part.op];
      *conv.add_arg() = MakeArgument<int64_t>("into_channels", channels);
      *conv.add_arg() = MakeArgument<int64_t>("first_channel", part.first_channel);
      if (!whole.empty()) {
        conv.add_input(whole);
        *conv.add_arg() = MakeArgument<bool>("continues", true);
      }
      whole =
          part.op == parts.back().op ? net->ops[k].output(0) : net->NewName(net->ops[k].output(0));
      conv.set_output(0, whole);
    }
    net->ops[k].clear_type();
    net->Compact();
  }
  return absl::OkStatus();
}

}  // namespace doppio
