#include "doppio/gradient_maker.h"

#include "doppio/schema.h"
#include "src/operator/registration_table.h"

namespace doppio {
namespace {

struct GradientRow {
  GradientKind kind;
  GradientRegistry::Factory factory;
};

RegistrationTable<std::string, GradientRow>& Gradients() {
  static auto& table = *new RegistrationTable<std::string, GradientRow>;
  return table;
}

}  // namespace

GradientMakerBase::GradientMakerBase(const OperatorDef& def,
                                     const std::vector<GradientWrapper>& g_output)
    : def_(def), g_output_(g_output), g_input_(def.input_size()) {}

GradientMakerBase::~GradientMakerBase() = default;

std::string GradientMakerBase::I(int i) { return Name(def_.input(), i, "input"); }

std::string GradientMakerBase::O(int i) { return Name(def_.output(), i, "output"); }

std::vector<OperatorDef> GradientMakerBase::SingleGradientDef(
    absl::string_view type, absl::string_view name, const std::vector<std::string>& inputs,
    const std::vector<std::string>& outputs, const std::vector<Argument>& args) {
  return {CreateOperatorDef(type, name, inputs, outputs, args)};
}

std::string GradientMakerBase::Name(const google::protobuf::RepeatedPtrField<std::string>& names,
                                    int i, absl::string_view what) {
  if (i >= 0 && i < names.size()) return names.Get(i);
  Fail(absl::InvalidArgumentError(absl::StrCat("the gradient of ", def_.type(), " needs ", what,
                                               " ", i, ", but there are ", names.size())));
  return "";
}

std::string GradientMakerBase::GI(int i) {
  const std::string name = I(i);
  if (!status_.ok()) return "";
  if (g_input_[i].IsSparse()) {
    Fail(absl::InternalError(
        absl::StrCat("the gradient of input ", i, " of ", def_.type(), " is already sparse")));
  }
  return g_input_[i].dense = name + "_grad";
}

std::string GradientMakerBase::GI_I(int i) {
  const std::string name = I(i);
  return status_.ok() ? g_input_[i].indices = name + "_grad_indices" : "";
}

std::string GradientMakerBase::GI_V(int i) {
  const std::string name = I(i);
  return status_.ok() ? g_input_[i].values = name + "_grad_values" : "";
}

std::string GradientMakerBase::GO(int i) {
  const std::string name = O(i);
  if (!status_.ok()) return "";
  const GradientWrapper& gradient = g_output_[i];
  if (!gradient.IsDense()) {
    Fail(absl::InvalidArgumentError(
        absl::StrCat("the gradient of output \"", name, "\" ",
                     gradient.IsSparse() ? "is sparse, but must be dense" : "is not provided!")));
  }
  return gradient.dense;
}

std::string GradientMakerBase::GO_I(int i) {
  const std::string name = O(i);
  if (!status_.ok()) return "";
  if (!g_output_[i].IsSparse()) {
    Fail(absl::InvalidArgumentError(
        absl::StrCat("the gradient of output \"", name, "\" must be sparse")));
  }
  return g_output_[i].indices;
}

std::string GradientMakerBase::GO_V(int i) {
  GO_I(i);
  return status_.ok() ? g_output_[i].values : "";
}

absl::StatusOr<GradientOpsMeta> GradientMakerBase::Get() {
  if (const OpSchema* schema = OpSchemaRegistry::Schema(def_.type()); schema != nullptr) {
    DOPPIO_RETURN_IF_ERROR(schema->Verify(def_));
  }
  GradientOpsMeta meta;
  meta.ops = GetGradientDefs();
  DOPPIO_RETURN_IF_ERROR(status_);
  for (OperatorDef& op : meta.ops) {
    op.set_is_gradient_op(true);
    if (CopyDeviceOption() && def_.has_device_option())
      *op.mutable_device_option() = def_.device_option();
    if (CopyEngine() && def_.has_engine()) op.set_engine(def_.engine());
    if (CopyArguments()) op.mutable_arg()->MergeFrom(def_.arg());
  }
  for (int i = 0; i < def_.input_size(); ++i) {
    const GradientWrapper& gradient = g_input_[i];
    if (gradient.indices.empty() != gradient.values.empty()) {
      return absl::InternalError(absl::StrCat("the sparse gradient of input \"", def_.input(i),
                                              "\" of ", def_.type(),
                                              " has only one of its two parts"));
    }
    if (gradient.IsDense() && gradient.IsSparse()) {
      return absl::InternalError(absl::StrCat("the gradient of input \"", def_.input(i), "\" of ",
                                              def_.type(), " is both dense and sparse"));
    }
  }
  meta.g_input = g_input_;
  return meta;
}

bool GradientRegistry::Register(const char* type, GradientKind kind, Factory factory,
                                const char* file, int line) {
  return Gradients().Add(type, std::make_unique<GradientRow>(GradientRow{kind, factory}), file,
                         line, absl::StrCat("the gradient of \"", type, "\""));
}

void GradientRegistry::Replace(absl::string_view type, GradientKind kind, Factory factory,
                               absl::string_view file, int line) {
  Gradients().Replace(std::string(type), std::make_unique<GradientRow>(GradientRow{kind, factory}),
                      file, line);
}

GradientKind GradientRegistry::Kind(absl::string_view type) {
  const GradientRow* row = Gradients().Find(std::string(type));
  return row == nullptr ? GradientKind::kUnregistered : row->kind;
}

std::unique_ptr<GradientMakerBase> GradientRegistry::Create(
    const OperatorDef& def, const std::vector<GradientWrapper>& g_output) {
  const GradientRow* row = Gradients().Find(def.type());
  return row == nullptr || row->factory == nullptr ? nullptr : row->factory(def, g_output);
}

absl::StatusOr<GradientOpsMeta> GetGradientForOp(const OperatorDef& def,
                                                 const std::vector<GradientWrapper>& g_output) {
  if (static_cast<int>(g_output.size()) != def.output_size()) {
    return absl::InvalidArgumentError(absl::StrCat(OpToString(def), " has ", def.output_size(),
                                                   " outputs, but ", g_output.size(),
                                                   " output gradients are given"));
  }
  switch (GradientRegistry::Kind(def.type())) {
    case GradientKind::kMaker: {
      absl::StatusOr<GradientOpsMeta> meta = GradientRegistry::Create(def, g_output)->Get();
      if (!meta.ok()) return Annotate(meta.status(), absl::StrCat("gradient of ", OpToString(def)));
      return meta;
    }
    case GradientKind::kNone: {
      GradientOpsMeta meta;
      meta.g_input.resize(def.input_size());
      return meta;
    }
    case GradientKind::kForbidden:
      return absl::FailedPreconditionError(
          absl::StrCat(OpToString(def), ": a gradient through ", def.type(), " is forbidden"));
    case GradientKind::kNotImplemented:
      return absl::UnimplementedError(
          absl::StrCat(OpToString(def), ": the gradient of ", def.type(), " is not implemented"));
    case GradientKind::kUnregistered:
      break;
  }
  return absl::NotFoundError(absl::StrCat(OpToString(def), ": ", def.type(), " has no gradient"));
}

}  // namespace doppio
