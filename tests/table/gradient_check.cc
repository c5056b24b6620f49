#include "tests/table/gradient_check.h"

#include <algorithm>
#include <cmath>

#include "doppio/workspace.h"

namespace doppio {
namespace {

void Feed(BlobScope* scope, absl::string_view name, const Tensor& value) {
  *scope->CreateBlob(name)->GetMutable<Tensor>() = value;
}

absl::StatusOr<Tensor> Fetch(const BlobScope& scope, absl::string_view name) {
  const std::shared_ptr<Blob> blob = scope.FindBlob(name);
  if (blob == nullptr || !blob->IsTensor()) {
    return absl::NotFoundError(absl::StrCat("\"", name, "\" is no tensor after the run"));
  }
  return DeepCopy(*blob->Get<Tensor>());
}

bool IsGradientGiven(const OpRow& row, int output, const Tensor& value) {
  if (!row.output_gradients().has_value()) return IsFloatingPoint(value.dtype());
  const std::vector<int>& given = *row.output_gradients();
  return std::find(given.begin(), given.end(), output) != given.end();
}

}  // namespace

absl::StatusOr<Tensor> Densify(const Tensor& x, const Tensor& indices, const Tensor& values) {
  Dims expected(indices.dims().begin(), indices.dims().end());
  for (int i = 1; i < x.rank(); ++i) expected.push_back(x.dim(i));
  if (x.rank() == 0 || values.dims() != DimsView(expected) || values.dtype() != x.dtype()) {
    return absl::InternalError(absl::StrCat("a slice with indices ", indices.TypeAndShape(),
                                            " and values ", values.TypeAndShape(),
                                            " is no gradient of ", x.TypeAndShape()));
  }
  const int64_t row = SizeFromDim(x.dims(), 1);
  std::vector<double> sums(static_cast<size_t>(x.numel()), 0.0);
  for (int64_t i = 0; i < values.numel(); ++i) {
    const int64_t index = static_cast<int64_t>(ElementAsDouble(indices, i / row));
    if (index < 0 || index >= x.dim(0)) {
      return absl::InternalError(absl::StrCat("row ", index, " of ", x.TypeAndShape()));
    }
    sums[static_cast<size_t>(index * row + i % row)] += ElementAsDouble(values, i);
  }
  DOPPIO_ASSIGN_OR_RETURN(const Tensor dense, Tensor::FromSpan<double>(x.dims(), sums));
  return ConvertTensor(dense, x.dtype());
}

absl::StatusOr<std::vector<Tensor>> RunForward(const OpCase& op_case, BlobScope* scope) {
  for (const auto& [name, value] : op_case.feeds) Feed(scope, name, value);
  DOPPIO_ASSIGN_OR_RETURN(const std::unique_ptr<OperatorBase> op,
                          CreateOperator(op_case.def, scope));
  DOPPIO_RETURN_IF_ERROR(op->Run());
  std::vector<Tensor> outputs;
  for (const std::string& name : op_case.def.output()) {
    DOPPIO_ASSIGN_OR_RETURN(Tensor output, Fetch(*scope, name));
    outputs.push_back(std::move(output));
  }
  return outputs;
}

absl::StatusOr<GradientRun> RunGradient(const OpRow& row, const OpCase& op_case, uint64_t seed) {
  Workspace scope;
  DOPPIO_ASSIGN_OR_RETURN(const std::vector<Tensor> outputs, RunForward(op_case, &scope));

  GradientRun run;
  CaseRequest request;
  request.seed = seed + 1;
  CaseMaker random("dY", request);
  std::vector<GradientWrapper> g_output;
  for (int i = 0; i < op_case.def.output_size(); ++i) {
    const Tensor& y = outputs[static_cast<size_t>(i)];
    run.output_gradients.emplace_back();
    g_output.emplace_back();
    if (!IsGradientGiven(row, i, y)) continue;
    run.output_gradients.back() = random.Random(y.dtype(), y.dims(), -1, 1);
    g_output.back().dense = op_case.def.output(i) + "_grad";
    Feed(&scope, g_output.back().dense, *run.output_gradients.back());
  }
  DOPPIO_ASSIGN_OR_RETURN(const GradientOpsMeta meta, GetGradientForOp(op_case.def, g_output));
  for (const OperatorDef& def : meta.ops) {
    OpCase& gradient_case = run.cases.emplace_back();
    gradient_case.def = def;
    for (const std::string& name : def.input()) {
      absl::StatusOr<Tensor> value = Fetch(scope, name);
      if (!value.ok()) return Annotate(value.status(), OpToString(def));
      gradient_case.feeds.emplace_back(name, *std::move(value));
    }
    absl::StatusOr<std::vector<Tensor>> ran = RunForward(gradient_case, &scope);
    if (!ran.ok()) return Annotate(ran.status(), gradient_case.ToString());
  }
  for (int i = 0; i < op_case.def.input_size(); ++i) {
    run.input_gradients.emplace_back();
    const GradientWrapper& gradient = meta.g_input[static_cast<size_t>(i)];
    if (gradient.IsDense()) {
      DOPPIO_ASSIGN_OR_RETURN(run.input_gradients.back(), Fetch(scope, gradient.dense));
    } else if (gradient.IsSparse()) {
      DOPPIO_ASSIGN_OR_RETURN(const Tensor indices, Fetch(scope, gradient.indices));
      DOPPIO_ASSIGN_OR_RETURN(const Tensor values, Fetch(scope, gradient.values));
      DOPPIO_ASSIGN_OR_RETURN(run.input_gradients.back(), Densify(op_case.in(i), indices, values));
    }
  }
  return run;
}

absl::StatusOr<Tensor> FiniteDifferences(const OpCase& op_case, int input, const GradientRun& run) {
  Workspace scope;
  for (const auto& [name, value] : op_case.feeds) Feed(&scope, name, value);
  DOPPIO_ASSIGN_OR_RETURN(const std::unique_ptr<OperatorBase> op,
                          CreateOperator(op_case.def, &scope));
  const std::string& moved = op_case.def.input(input);
  const Tensor& x = op_case.in(input);
  if (!x.Is<double>()) {
    return absl::InternalError(absl::StrCat("input ", input, " is ", x.TypeAndShape(),
                                            ", must be double: draw its type from ValueType()"));
  }

  // sum(dY * Y) where element i of X is `value`.
  const auto loss = [&](int64_t i, double value) -> absl::StatusOr<double> {
    for (const auto& [name, original] : op_case.feeds) {
      Tensor fed = original;
      if (name == moved) {
        fed = DeepCopy(original);
        fed.mutable_data<double>()[i] = value;
      }
      Feed(&scope, name, fed);
    }
    DOPPIO_RETURN_IF_ERROR(op->Run());
    double sum = 0;
    for (int o = 0; o < op_case.def.output_size(); ++o) {
      const std::optional<Tensor>& dy = run.output_gradients[static_cast<size_t>(o)];
      if (!dy.has_value()) continue;
      const Tensor* y = scope.FindBlob(op_case.def.output(o))->Get<Tensor>();
      if (y == nullptr || y->dims() != dy->dims()) {
        return absl::InternalError("the output's shape changed with a value of the input");
      }
      for (int64_t e = 0; e < y->numel(); ++e) {
        sum += ElementAsDouble(*dy, e) * ElementAsDouble(*y, e);
      }
    }
    return sum;
  };

  DOPPIO_ASSIGN_OR_RETURN(Tensor result, Tensor::Create(DataType::kDouble, x.dims()));
  for (int64_t i = 0; i < x.numel(); ++i) {
    const double value = x.data<double>()[i];
    const double step = 1e-5 * std::max(1.0, std::abs(value));
    DOPPIO_ASSIGN_OR_RETURN(const double above, loss(i, value + step));
    DOPPIO_ASSIGN_OR_RETURN(const double below, loss(i, value - step));
    result.mutable_data<double>()[i] = (above - below) / (2 * step);
  }
  return result;
}

}  // namespace doppio
