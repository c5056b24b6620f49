#include "doppio/dot.h"

#include <map>

#include "absl/strings/ascii.h"
#include "absl/strings/str_format.h"
#include "absl/strings/string_view.h"

namespace doppio {
namespace {

constexpr char kOpStyle[] = "shape=box, style=\"filled\", fillcolor=\"#dbe9f6\"";
constexpr char kGradientStyle[] = "shape=box, style=\"filled\", fillcolor=\"#f6e3db\"";
constexpr char kInputStyle[] = "shape=ellipse, style=\"filled\", fillcolor=\"#e5f2dc\"";

// A quoted string of the language: what a name contains stays text (no escapes, no line ends).
std::string Quoted(absl::string_view text) {
  std::string quoted = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') quoted += '\\';
    quoted += absl::ascii_iscntrl(static_cast<unsigned char>(c)) ? '?' : c;
  }
  return quoted + "\"";
}

// The nodes of blobs: which number each name's latest value has.
class BlobNodes {
 public:
  explicit BlobNodes(std::string* text) : text_(text) {}

  int Read(const std::string& name) {
    const auto found = latest_.find(name);
    return found != latest_.end() ? found->second : Add(name, kInputStyle);
  }
  int Write(const std::string& name) { return Add(name, "shape=ellipse"); }

 private:
  int Add(const std::string& name, absl::string_view style) {
    const int node = count_++;
    absl::StrAppendFormat(text_, "  b%d [label=%s, %s];\n", node, Quoted(name), style);
    latest_[name] = node;
    return node;
  }

  std::string* text_;
  std::map<std::string, int> latest_;
  int count_ = 0;
};

}  // namespace

std::string NetToDot(const NetDef& net) {
  std::string text = absl::StrFormat(
      "digraph %s {\n  rankdir=TB;\n  node [fontname=\"Helvetica\", fontsize=11];\n",
      Quoted(net.name()));
  BlobNodes blobs(&text);
  for (int k = 0; k < net.op_size(); ++k) {
    const OperatorDef& op = net.op(k);
    const std::string label = op.name().empty() ? op.type() : op.type() + " " + op.name();
    absl::StrAppendFormat(&text, "  op%d [label=%s, %s];\n", k, Quoted(label),
                          op.is_gradient_op() ? kGradientStyle : kOpStyle);
    for (const std::string& input : op.input()) {
      absl::StrAppendFormat(&text, "  b%d -> op%d;\n", blobs.Read(input), k);
    }
    for (const std::string& output : op.output()) {
      absl::StrAppendFormat(&text, "  op%d -> b%d;\n", k, blobs.Write(output));
    }
  }
  return text + "}\n";
}

}  // namespace doppio
