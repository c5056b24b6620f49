#ifndef DOPPIO_NET_BUILDER_H_
#define DOPPIO_NET_BUILDER_H_

// Threads: a builder is used by one at a time.

#include <string>
#include <vector>

#include "doppio/op_def.h"

namespace doppio {

// Writes a NetDef, operator by operator:
//
//   NetBuilder net("demo");
//   net.Op("Expand", {"X", "shape"}, {"Y"});
//   net.Op("ReduceSum", {"Y"}, {"Z"}, {MakeArgument<std::vector<int64_t>>("axes", {0})});
//   workspace.RunNetOnce(net.def());
class NetBuilder {
 public:
  explicit NetBuilder(absl::string_view name) { def_.set_name(std::string(name)); }

  NetBuilder& Op(absl::string_view type, const std::vector<std::string>& inputs,
                 const std::vector<std::string>& outputs, const std::vector<Argument>& args = {}) {
    *def_.add_op() = CreateOperatorDef(type, "", inputs, outputs, args);
    return *this;
  }
  // A net that names its external inputs may read nothing else that it does not make itself.
  NetBuilder& ExternalInput(absl::string_view blob) {
    def_.add_external_input(std::string(blob));
    return *this;
  }
  NetBuilder& ExternalOutput(absl::string_view blob) {
    def_.add_external_output(std::string(blob));
    return *this;
  }
  // How it is run: "simple" or "parallel".
  NetBuilder& Type(absl::string_view type) {
    def_.set_type(std::string(type));
    return *this;
  }

  const NetDef& def() const { return def_; }
  NetDef* mutable_def() { return &def_; }

 private:
  NetDef def_;
};

}  // namespace doppio

#endif  // DOPPIO_NET_BUILDER_H_
