#include "src/operator/gradient_sources.h"

#include <algorithm>
#include <array>
#include <map>
#include <memory>
#include <set>
#include <utility>

#include "doppio/schema.h"

namespace doppio {
namespace {

using Kind = GradientSource::Kind;
using Names = std::map<std::string, GradientSource>;

// What the maker is given. A name that stands for several of them keeps the first.
Names NamesGiven(const OperatorDef& def, const std::vector<GradientWrapper>& g_output,
                 bool* is_clear) {
  Names names;
  const auto add = [&](const std::string& name, GradientSource source) {
    if (!name.empty() && !names.emplace(name, source).second) *is_clear = false;
  };
  for (int o = 0; o < def.output_size(); ++o) add(def.output(o), {Kind::kOutput, o});
  for (int o = 0; o < def.output_size(); ++o) {
    add(g_output[o].dense, {Kind::kOutputGradient, o, GradientSource::kDense});
    add(g_output[o].indices, {Kind::kOutputGradient, o, GradientSource::kIndices});
    add(g_output[o].values, {Kind::kOutputGradient, o, GradientSource::kValues});
  }
  for (int i = 0; i < def.input_size(); ++i) add(def.input(i), {Kind::kInput, i});
  return names;
}

bool WritesAny(const std::vector<OperatorDef>& ops, const Names& names) {
  for (const OperatorDef& op : ops) {
    for (const std::string& output : op.output()) {
      if (names.count(output) > 0) return true;
    }
  }
  return false;
}

// Follows the names through the operators: one that was written stands for the last write.
void Resolve(Names names, SourcedGradient* gradient) {
  const auto source = [&](const std::string& name) {
    const auto found = names.find(name);
    return found == names.end() ? GradientSource() : found->second;
  };
  const std::vector<OperatorDef>& ops = gradient->meta.ops;
  for (int k = 0; k < static_cast<int>(ops.size()); ++k) {
    std::vector<GradientSource>& reads = gradient->reads.emplace_back();
    for (const std::string& input : ops[k].input()) reads.push_back(source(input));
    for (int o = 0; o < ops[k].output_size(); ++o) names[ops[k].output(o)] = {Kind::kMade, k, o};
  }
  for (const GradientWrapper& g : gradient->meta.g_input) {
    gradient->g_input.push_back({source(g.dense), source(g.indices), source(g.values)});
  }
}

// Names of which none is, or can become by a suffix, another one.
void RenameApart(OperatorDef* def, std::vector<GradientWrapper>* g_output) {
  for (int i = 0; i < def->input_size(); ++i) def->set_input(i, absl::StrCat("input ", i, "."));
  for (int o = 0; o < def->output_size(); ++o) {
    def->set_output(o, absl::StrCat("output ", o, "."));
    GradientWrapper& g = (*g_output)[o];
    if (!g.dense.empty()) g.dense = absl::StrCat("gradient ", o, ".");
    if (!g.indices.empty()) g.indices = absl::StrCat("indices ", o, ".");
    if (!g.values.empty()) g.values = absl::StrCat("values ", o, ".");
  }
}

bool HaveOneForm(const GradientOpsMeta& a, const GradientOpsMeta& b) {
  const bool equal = std::equal(a.ops.begin(), a.ops.end(), b.ops.begin(), b.ops.end(),
                                [](const OperatorDef& x, const OperatorDef& y) {
                                  return x.type() == y.type() && x.input_size() == y.input_size() &&
                                         x.output_size() == y.output_size();
                                });
  return equal && std::equal(a.g_input.begin(), a.g_input.end(), b.g_input.begin(), b.g_input.end(),
                             [](const auto& x, const auto& y) {
                               return x.IsDense() == y.IsDense() && x.IsSparse() == y.IsSparse();
                             });
}

// An operator that runs in place leaves nothing of what it overwrites but type and shape.
absl::Status CheckInPlace(const OperatorDef& def, const SourcedGradient& gradient) {
  const auto is_gone = [&](const GradientSource& source) {
    return source.kind == Kind::kInput &&
           std::count(def.output().begin(), def.output().end(), def.input(source.index)) > 0;
  };
  const auto refuse = [&](absl::string_view reader, int input) {
    return absl::FailedPreconditionError(
        absl::StrCat(reader, " reads the input \"", def.input(input), "\", which ", OpToString(def),
                     " overwrites in place; give the output a name of its own"));
  };
  for (size_t k = 0; k < gradient.reads.size(); ++k) {
    const OperatorDef& op = gradient.meta.ops[k];
    const OpSchema* schema = OpSchemaRegistry::Schema(op.type());
    for (size_t i = 0; i < gradient.reads[k].size(); ++i) {
      const GradientSource& source = gradient.reads[k][i];
      if (!is_gone(source)) continue;
      if (schema != nullptr && schema->IsShapeOnly(op, static_cast<int>(i))) continue;
      return refuse(absl::StrCat("its gradient operator ", OpToString(op)), source.index);
    }
  }
  for (const SourcedGradient::OfInput& g : gradient.g_input) {
    for (const GradientSource& part : {g.dense, g.indices, g.values}) {
      if (is_gone(part)) return refuse("its gradient", part.index);
    }
  }
  return absl::OkStatus();
}

absl::StatusOr<SourcedGradient> Make(const OperatorDef& def,
                                     const std::vector<GradientWrapper>& g_output) {
  if (const OpSchema* schema = OpSchemaRegistry::Schema(def.type()); schema != nullptr) {
    DOPPIO_RETURN_IF_ERROR(schema->Verify(def));
  }
  SourcedGradient gradient;
  const std::unique_ptr<GradientMakerBase> maker = GradientRegistry::Create(def, g_output);
  DOPPIO_ASSIGN_OR_RETURN(gradient.meta, maker->Get());
  if (auto* sourced = dynamic_cast<SourcedGradientMaker*>(maker.get())) {
    return sourced->Take(std::move(gradient.meta));
  }
  bool is_clear = true;
  Names names = NamesGiven(def, g_output, &is_clear);
  if (is_clear && !WritesAny(gradient.meta.ops, names)) {
    Resolve(std::move(names), &gradient);
    return gradient;
  }
  // Where names clash, the maker is asked again with names that do not.
  OperatorDef apart = def;
  std::vector<GradientWrapper> g_apart = g_output;
  RenameApart(&apart, &g_apart);
  SourcedGradient clear;
  DOPPIO_ASSIGN_OR_RETURN(clear.meta, GradientRegistry::Create(apart, g_apart)->Get());
  if (!HaveOneForm(gradient.meta, clear.meta)) {
    return absl::FailedPreconditionError(
        "its maker gives other operators for other names of the blobs, so that it can not be told "
        "which of the blobs of one name they read; give each a name of its own");
  }
  Resolve(NamesGiven(apart, g_apart, &is_clear), &clear);
  gradient.reads = std::move(clear.reads);
  gradient.g_input = std::move(clear.g_input);
  DOPPIO_RETURN_IF_ERROR(CheckInPlace(def, gradient));
  return gradient;
}

}  // namespace

void SourcedGradientMaker::AddOp(OperatorDef op, std::vector<GradientSource> reads) {
  ops_.push_back(std::move(op));
  sourced_.reads.push_back(std::move(reads));
}

void SourcedGradientMaker::AddGradient(int input, const std::string& name, GradientSource source) {
  SetDense(input, name);
  sourced_.g_input.resize(static_cast<size_t>(InputSize()));
  sourced_.g_input[static_cast<size_t>(input)].dense = std::move(source);
}

std::vector<OperatorDef> SourcedGradientMaker::GetGradientDefs() {
  Fail(MakeGradient());
  return std::move(ops_);
}

SourcedGradient SourcedGradientMaker::Take(GradientOpsMeta meta) {
  sourced_.meta = std::move(meta);
  sourced_.g_input.resize(static_cast<size_t>(InputSize()));
  sourced_.is_complete = true;
  return std::move(sourced_);
}

absl::StatusOr<SourcedGradient> GetSourcedGradient(const OperatorDef& def,
                                                   const std::vector<GradientWrapper>& g_output) {
  if (static_cast<int>(g_output.size()) != def.output_size()) {
    return absl::InvalidArgumentError(absl::StrCat(OpToString(def), " has ", def.output_size(),
                                                   " outputs, but ", g_output.size(),
                                                   " output gradients are given"));
  }
  switch (GradientRegistry::Kind(def.type())) {
    case GradientKind::kMaker: {
      absl::StatusOr<SourcedGradient> gradient = Make(def, g_output);
      if (!gradient.ok()) {
        return Annotate(gradient.status(), absl::StrCat("gradient of ", OpToString(def)));
      }
      return gradient;
    }
    case GradientKind::kNone: {
      SourcedGradient gradient;
      gradient.meta.g_input.resize(def.input_size());
      gradient.g_input.resize(def.input_size());
      return gradient;
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

absl::StatusOr<GradientOpsMeta> GetGradientForOp(const OperatorDef& def,
                                                 const std::vector<GradientWrapper>& g_output) {
  DOPPIO_ASSIGN_OR_RETURN(SourcedGradient gradient, GetSourcedGradient(def, g_output));
  return std::move(gradient.meta);
}

}  // namespace doppio
