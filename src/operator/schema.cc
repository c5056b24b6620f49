#include "doppio/schema.h"

#include <algorithm>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/str_join.h"
#include "doppio/op_def.h"
#include "src/operator/argument_fields.h"
#include "src/operator/registration_table.h"

namespace doppio {
namespace {

RegistrationTable<std::string, OpSchema>& Schemas() {
  static auto& table = *new RegistrationTable<std::string, OpSchema>;
  return table;
}

using InplacePairs = std::vector<std::pair<int, int>>;

bool Contains(const InplacePairs& pairs, int input, int output) {
  return std::find(pairs.begin(), pairs.end(), std::make_pair(input, output)) != pairs.end();
}

std::string CountRange(int least, int most) {
  if (least == most) return absl::StrCat(least);
  if (most == OpSchema::kMany) return absl::StrCat("at least ", least);
  return absl::StrCat(least, " to ", most);
}

template <typename T>
struct ArgTypeOf;
#define DOPPIO_ARG_TYPE_OF_(T, name)                                    \
  template <>                                                           \
  struct ArgTypeOf<T> {                                                 \
    static constexpr OpSchema::ArgType value = OpSchema::ArgType::name; \
  };
DOPPIO_ARG_TYPE_OF_(bool, kBool)
DOPPIO_ARG_TYPE_OF_(int, kInt)
DOPPIO_ARG_TYPE_OF_(int64_t, kInt)
DOPPIO_ARG_TYPE_OF_(float, kFloat)
DOPPIO_ARG_TYPE_OF_(std::string, kString)
DOPPIO_ARG_TYPE_OF_(std::vector<int64_t>, kInts)
DOPPIO_ARG_TYPE_OF_(std::vector<float>, kFloats)
DOPPIO_ARG_TYPE_OF_(std::vector<std::string>, kStrings)
DOPPIO_ARG_TYPE_OF_(NetDef, kNet)
#undef DOPPIO_ARG_TYPE_OF_

// The field that an argument of this type must have, or null when `arg` is as it should be.
const char* WantedField(const Argument& arg, OpSchema::ArgType type) {
  switch (type) {
    case OpSchema::ArgType::kInt:
    case OpSchema::ArgType::kBool:
      return arg.has_i() ? nullptr : "a whole number in `i`";
    case OpSchema::ArgType::kFloat:
      return arg.has_f() ? nullptr : "a number in `f`";
    case OpSchema::ArgType::kString:
      return arg.has_s() ? nullptr : "a string in `s`";
    case OpSchema::ArgType::kInts:
      return arg.ints_size() > 0 || IsEmptyList(arg) ? nullptr : "whole numbers in `ints`";
    case OpSchema::ArgType::kFloats:
      return arg.floats_size() > 0 || IsEmptyList(arg) ? nullptr : "numbers in `floats`";
    case OpSchema::ArgType::kStrings:
      return arg.strings_size() > 0 || IsEmptyList(arg) ? nullptr : "strings in `strings`";
    case OpSchema::ArgType::kNet:
      return arg.has_n() ? nullptr : "a net in `n`";
    case OpSchema::ArgType::kAny:
      break;
  }
  return nullptr;
}

}  // namespace

const char* OpSchema::ArgTypeName(ArgType type) {
  switch (type) {
    case ArgType::kInt:
      return "int";
    case ArgType::kBool:
      return "bool";
    case ArgType::kFloat:
      return "float";
    case ArgType::kString:
      return "string";
    case ArgType::kInts:
      return "ints";
    case ArgType::kFloats:
      return "floats";
    case ArgType::kStrings:
      return "strings";
    case ArgType::kNet:
      return "net";
    case ArgType::kAny:
      break;
  }
  return "any";
}

OpSchema::OpSchema(std::string type, std::string file, int line)
    : type_(std::move(type)), file_(std::move(file)), line_(line) {}
OpSchema::~OpSchema() = default;
OpSchema::OpSchema(const OpSchema&) = default;
OpSchema& OpSchema::operator=(const OpSchema&) = default;
OpSchema::OpSchema(OpSchema&&) noexcept = default;
OpSchema& OpSchema::operator=(OpSchema&&) noexcept = default;

OpSchema& OpSchema::NumInputs(int least, int most) {
  min_inputs_ = least;
  max_inputs_ = most;
  return *this;
}

OpSchema& OpSchema::NumOutputs(int least, int most) {
  min_outputs_ = least;
  max_outputs_ = most;
  return *this;
}

OpSchema& OpSchema::AllowInplace(InplacePairs input_output) {
  inplace_ = std::move(input_output);
  return *this;
}

OpSchema& OpSchema::AllowOneToOneInplace() {
  one_to_one_inplace_ = true;
  return *this;
}

OpSchema& OpSchema::AllowAnyInplace() {
  any_inplace_ = true;
  return *this;
}

OpSchema& OpSchema::EnforceInplace(InplacePairs input_output) {
  enforced_inplace_ = std::move(input_output);
  return *this;
}

OpSchema& OpSchema::EnforceOneToOneInplace() {
  enforce_one_to_one_inplace_ = true;
  return *this;
}

OpSchema& OpSchema::Doc(absl::string_view doc) {
  doc_ = std::string(doc);
  return *this;
}

OpSchema& OpSchema::Input(int index, absl::string_view name, absl::string_view doc) {
  inputs_.resize(std::max<size_t>(inputs_.size(), index + 1));
  inputs_[index] = {std::string(name), std::string(doc)};
  return *this;
}

OpSchema& OpSchema::Output(int index, absl::string_view name, absl::string_view doc) {
  outputs_.resize(std::max<size_t>(outputs_.size(), index + 1));
  outputs_[index] = {std::string(name), std::string(doc)};
  return *this;
}

OpSchema& OpSchema::AddArg(absl::string_view name, absl::string_view doc, ArgType type,
                           bool required, std::optional<Argument> fallback) {
  args_.push_back({std::string(name), std::string(doc), type, required, std::move(fallback)});
  return *this;
}

template <typename T>
OpSchema& OpSchema::Arg(absl::string_view name, absl::string_view doc, const T& fallback) {
  return AddArg(name, doc, ArgTypeOf<T>::value, false, MakeArgument<T>(name, fallback));
}

template <typename T>
OpSchema& OpSchema::OptionalArg(absl::string_view name, absl::string_view doc) {
  return AddArg(name, doc, ArgTypeOf<T>::value, false, std::nullopt);
}

template <typename T>
OpSchema& OpSchema::RequiredArg(absl::string_view name, absl::string_view doc) {
  return AddArg(name, doc, ArgTypeOf<T>::value, true, std::nullopt);
}

#define DOPPIO_SINGLE_ARG_(T)                                                        \
  template OpSchema& OpSchema::Arg<T>(absl::string_view name, absl::string_view doc, \
                                      const T& fallback);
#define DOPPIO_ANY_ARG_(T)                                                                    \
  template OpSchema& OpSchema::OptionalArg<T>(absl::string_view name, absl::string_view doc); \
  template OpSchema& OpSchema::RequiredArg<T>(absl::string_view name, absl::string_view doc);
DOPPIO_SINGLE_ARG_(bool)
DOPPIO_SINGLE_ARG_(int)
DOPPIO_SINGLE_ARG_(int64_t)
DOPPIO_SINGLE_ARG_(float)
DOPPIO_SINGLE_ARG_(std::string)
DOPPIO_ANY_ARG_(bool)
DOPPIO_ANY_ARG_(int)
DOPPIO_ANY_ARG_(int64_t)
DOPPIO_ANY_ARG_(float)
DOPPIO_ANY_ARG_(std::string)
DOPPIO_ANY_ARG_(std::vector<int64_t>)
DOPPIO_ANY_ARG_(std::vector<float>)
DOPPIO_ANY_ARG_(std::vector<std::string>)
DOPPIO_ANY_ARG_(NetDef)
#undef DOPPIO_SINGLE_ARG_
#undef DOPPIO_ANY_ARG_

OpSchema& OpSchema::AnyArg(absl::string_view name, absl::string_view doc) {
  return AddArg(name, doc, ArgType::kAny, false, std::nullopt);
}

OpSchema& OpSchema::AllowAnyInput(int index) {
  any_inputs_.push_back(index);
  return *this;
}

OpSchema& OpSchema::ShapeOnly(std::vector<int> inputs) {
  return ShapeOnlyWhere([inputs = std::move(inputs)](const OperatorDef&, int input) {
    return std::find(inputs.begin(), inputs.end(), input) != inputs.end();
  });
}

OpSchema& OpSchema::ShapeOnlyWhere(InputPredicate f) {
  is_shape_only_ = std::move(f);
  return *this;
}

OpSchema& OpSchema::TakesPhantoms(std::vector<int> inputs) {
  return TakesPhantomsWhere([inputs = std::move(inputs)](const OperatorDef&, int input) {
    return std::find(inputs.begin(), inputs.end(), input) != inputs.end();
  });
}

OpSchema& OpSchema::TakesPhantomsWhere(InputPredicate f) {
  takes_phantom_ = std::move(f);
  return *this;
}

OpSchema& OpSchema::LeastOutputs(OutputCount f) {
  least_outputs_ = std::move(f);
  return *this;
}

OpSchema& OpSchema::LeastOutputs(int least) {
  return LeastOutputs([least](const OperatorDef&) { return least; });
}

int OpSchema::LeastOutputsOf(const OperatorDef& def) const {
  const int count = def.output_size();
  return least_outputs_ == nullptr ? count : std::min(least_outputs_(def), count);
}

OpSchema& OpSchema::HasSideEffects() {
  has_side_effects_ = true;
  return *this;
}

OpSchema& OpSchema::ReadsAllBlobs() {
  reads_all_blobs_ = true;
  return HasSideEffects();
}

OpSchema& OpSchema::NetsSee(NetViewFunction f) {
  net_view_ = std::move(f);
  return *this;
}

OpSchema::NetView OpSchema::ViewOfNet(const OperatorDef& def, const Argument& arg) const {
  return net_view_ == nullptr ? NetView() : net_view_(def, arg);
}

const OpSchema::ArgSpec* OpSchema::FindArg(absl::string_view name) const {
  for (const ArgSpec& spec : args_) {
    if (spec.name == name) return &spec;
  }
  return nullptr;
}

bool OpSchema::AllowsInplace(int input, int output) const {
  return any_inplace_ || (one_to_one_inplace_ && input == output) ||
         Contains(inplace_, input, output) || EnforcesInplace(input, output);
}

bool OpSchema::EnforcesInplace(int input, int output) const {
  return (enforce_one_to_one_inplace_ && input == output) ||
         Contains(enforced_inplace_, input, output);
}

bool OpSchema::IsShapeOnly(const OperatorDef& def, int index) const {
  return is_shape_only_ != nullptr && is_shape_only_(def, index);
}

bool OpSchema::TakesPhantom(const OperatorDef& def, int index) const {
  return takes_phantom_ != nullptr && takes_phantom_(def, index);
}

bool OpSchema::AllowsAnyInput(int index) const {
  return std::any_of(any_inputs_.begin(), any_inputs_.end(),
                     [index](int any) { return any == index || any == kMany; });
}

std::vector<std::string> OpSchema::Problems(const OperatorDef& def) const {
  std::vector<std::string> problems;
  const auto check_count = [&](int count, int least, int most, absl::string_view what) {
    if (count < least || count > most) {
      problems.push_back(absl::StrCat(type_, " takes ", CountRange(least, most), " ", what,
                                      most == 1 ? "" : "s", ", but has ", count));
    }
  };
  check_count(def.input_size(), min_inputs_, max_inputs_, "input");
  check_count(def.output_size(), min_outputs_, max_outputs_, "output");

  if (def.output_size() > 1) {
    absl::flat_hash_map<absl::string_view, int> first_output;
    for (int o = 0; o < def.output_size(); ++o) {
      const auto [found, is_new] = first_output.emplace(def.output(o), o);
      if (!is_new) {
        problems.push_back(absl::StrCat("outputs ", found->second, " and ", o,
                                        " are the same blob \"", def.output(o), "\""));
      }
    }
  }
  for (int o = 0; o < def.output_size(); ++o) {
    bool is_input = false;
    bool allowed = false;
    for (int i = 0; i < def.input_size(); ++i) {
      const bool same = def.input(i) == def.output(o);
      is_input = is_input || same;
      allowed = allowed || (same && AllowsInplace(i, o));
      if (!same && EnforcesInplace(i, o)) {
        problems.push_back(absl::StrCat("output ", o, " \"", def.output(o),
                                        "\" must be the same blob as input ", i, " \"",
                                        def.input(i), "\""));
      }
    }
    if (is_input && !allowed) {
      problems.push_back(absl::StrCat(type_, " may not write output ", o, " to its own input \"",
                                      def.output(o), "\""));
    }
  }

  absl::flat_hash_map<absl::string_view, const Argument*> seen;
  for (const Argument& arg : def.arg()) {
    if (def.arg_size() > 1) {
      const auto [found, is_new] = seen.emplace(arg.name(), &arg);
      if (!is_new) {
        if (!SameArgument(*found->second, arg)) {
          problems.push_back(
              absl::StrCat("argument \"", arg.name(), "\" is given twice with different values"));
        }
        continue;
      }
    }
    const ArgSpec* spec = FindArg(arg.name());
    const char* wanted = spec == nullptr ? nullptr : WantedField(arg, spec->type);
    if (wanted != nullptr) problems.push_back(std::string(WrongField(arg, wanted).message()));
  }
  for (const ArgSpec& spec : args_) {
    if (spec.required && FindArgument(def, spec.name) == nullptr) {
      problems.push_back(absl::StrCat("argument \"", spec.name, "\" is missing (", spec.doc, ")"));
    }
  }
  return problems;
}

absl::Status OpSchema::Verify(const OperatorDef& def) const {
  const std::vector<std::string> problems = Problems(def);
  if (problems.empty()) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrJoin(problems, "; "));
}

const OpSchema* OpSchemaRegistry::Schema(absl::string_view type) { return Schemas().Find(type); }

std::vector<std::string> OpSchemaRegistry::Types() { return Schemas().Keys(); }

OpSchema& OpSchemaRegistry::NewSchema(const char* type, const char* file, int line) {
  auto schema = std::make_unique<OpSchema>(type, file, line);
  OpSchema* stated = schema.get();
  if (Schemas().Add(type, std::move(schema), file, line,
                    absl::StrCat("the schema of \"", type, "\"")))
    return *stated;
  // The statements that follow the macro need something to land in.
  static auto& unused = *new std::vector<std::unique_ptr<OpSchema>>;
  unused.push_back(std::make_unique<OpSchema>(type, file, line));
  return *unused.back();
}

void OpSchemaRegistry::Replace(OpSchema schema) {
  const std::string type = schema.type();
  const std::string file = schema.file();
  const int line = schema.line();
  Schemas().Replace(type, std::make_unique<OpSchema>(std::move(schema)), file, line);
}

}  // namespace doppio
