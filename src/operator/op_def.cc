#include "doppio/op_def.h"

#include "absl/strings/str_join.h"

namespace doppio {
namespace {

Argument Named(absl::string_view name) {
  Argument argument;
  argument.set_name(std::string(name));
  return argument;
}

}  // namespace

#define DOPPIO_MAKE_SINGLE_ARGUMENT_(type, field)                          \
  template <>                                                              \
  Argument MakeArgument<type>(absl::string_view name, const type& value) { \
    Argument argument = Named(name);                                       \
    argument.set_##field(value);                                           \
    return argument;                                                       \
  }
DOPPIO_MAKE_SINGLE_ARGUMENT_(bool, i)
DOPPIO_MAKE_SINGLE_ARGUMENT_(int, i)
DOPPIO_MAKE_SINGLE_ARGUMENT_(int64_t, i)
DOPPIO_MAKE_SINGLE_ARGUMENT_(float, f)
DOPPIO_MAKE_SINGLE_ARGUMENT_(std::string, s)
#undef DOPPIO_MAKE_SINGLE_ARGUMENT_

#define DOPPIO_MAKE_REPEATED_ARGUMENT_(type, field)                           \
  template <>                                                                 \
  Argument MakeArgument<std::vector<type>>(absl::string_view name,            \
                                           const std::vector<type>& values) { \
    Argument argument = Named(name);                                          \
    for (const type& value : values) argument.add_##field(value);             \
    return argument;                                                          \
  }
DOPPIO_MAKE_REPEATED_ARGUMENT_(int, ints)
DOPPIO_MAKE_REPEATED_ARGUMENT_(int64_t, ints)
DOPPIO_MAKE_REPEATED_ARGUMENT_(float, floats)
DOPPIO_MAKE_REPEATED_ARGUMENT_(std::string, strings)
#undef DOPPIO_MAKE_REPEATED_ARGUMENT_

Argument MakeArgument(absl::string_view name, const char* value) {
  return MakeArgument<std::string>(name, value);
}

template <>
Argument MakeArgument<double>(absl::string_view name, const double& value) {
  return MakeArgument<float>(name, static_cast<float>(value));
}

template <>
Argument MakeArgument<NetDef>(absl::string_view name, const NetDef& value) {
  Argument argument = Named(name);
  *argument.mutable_n() = value;
  return argument;
}

OperatorDef CreateOperatorDef(absl::string_view type, absl::string_view name,
                              absl::Span<const std::string> inputs,
                              absl::Span<const std::string> outputs,
                              absl::Span<const Argument> args) {
  OperatorDef def;
  def.set_type(std::string(type));
  def.set_name(std::string(name));
  for (const std::string& input : inputs) def.add_input(input);
  for (const std::string& output : outputs) def.add_output(output);
  for (const Argument& arg : args) *def.add_arg() = arg;
  return def;
}

const Argument* FindArgument(const OperatorDef& def, absl::string_view name) {
  for (const Argument& arg : def.arg()) {
    if (arg.name() == name) return &arg;
  }
  return nullptr;
}

std::string OpToString(const OperatorDef& def) {
  std::string text = absl::StrCat(def.type(), "(", absl::StrJoin(def.input(), ", "), ")");
  if (def.output_size() > 0) absl::StrAppend(&text, " -> ", absl::StrJoin(def.output(), ", "));
  return text;
}

void MergeDeviceOption(const DeviceOption& defaults, DeviceOption* option) {
  DeviceOption merged = defaults;
  merged.MergeFrom(*option);
  if (option->extra_info_size() > 0) *merged.mutable_extra_info() = option->extra_info();
  *option = std::move(merged);
}

}  // namespace doppio
