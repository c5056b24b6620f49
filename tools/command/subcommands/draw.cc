#include <filesystem>
#include <fstream>

#include "doppio/dot.h"
#include "doppio/proto_io.h"
#include "tools/command/dot.h"
#include "tools/command/net_input.h"

namespace doppio::tools {
namespace {

class DrawCommand final : public Command {
 public:
  void AddOptions(Options* options) override {
    input_.AddNet(options);
    options->AddText("-o,--output", &output_, "OUT",
                     "file to write: .svg, .png or .pdf (needs Graphviz), or .dot; default: the "
                     "text of the .dot to stdout");
  }

  absl::Status Run() override {
    const std::string ending = std::filesystem::path(output_).extension();
    if (!output_.empty() && ending != ".dot" && ending != ".svg" && ending != ".png" &&
        ending != ".pdf") {
      return UsageError(absl::StrCat("can not draw to ", output_,
                                     ": the ending must be .svg, .png, .pdf or .dot"));
    }
    DOPPIO_RETURN_IF_ERROR(input_.Prepare());
    BlobInfos weights;
    DOPPIO_ASSIGN_OR_RETURN(const NetDef net, LoadNetToLookAt(input_, &weights));
    const std::string dot = NetToDot(net);
    if (output_.empty()) {
      Print(dot);
      return absl::OkStatus();
    }
    if (ending != ".dot") return DrawWithGraphviz(dot, ending.substr(1), output_);
    std::ofstream file(output_, std::ios::binary);
    file << dot;
    file.close();
    if (file) return absl::OkStatus();
    return absl::UnavailableError(absl::StrCat("can not write ", output_));
  }

 private:
  NetInput input_;
  std::string output_;
};

DOPPIO_COMMAND(DrawCommand, "draw", "Draw a net as a graph",
               "  doppio draw net.pb -o net.svg\n"
               "  doppio draw net.pbtxt -o net.dot\n"
               "  doppio draw net.pb | dot -Tpng > net.png\n");

}  // namespace
}  // namespace doppio::tools
