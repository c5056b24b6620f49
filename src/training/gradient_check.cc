#include "doppio/gradient_check.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <map>
#include <memory>
#include <random>

#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "doppio/check.h"
#include "doppio/registry.h"

namespace doppio {
namespace {

using Values = std::map<std::string, Tensor>;

constexpr char kGiven[] = "_given_";  // begins the names of the targets' gradients
constexpr int kRepetitions = 4;       // sums may be equal by chance once
constexpr double kNoise = 16;         // roundings that reach the sum
// What is not near a difference is looked at closer: this part of the step to each side.
constexpr double kCloser = 0.125;

double ElementOf(const Tensor& tensor, int64_t i) {
  return tensor.Is<double>() ? tensor.data<double>()[i]
                             : static_cast<double>(tensor.data<float>()[i]);
}

bool IsReal(const Tensor& tensor) { return tensor.Is<float>() || tensor.Is<double>(); }

absl::StatusOr<Tensor> ToDouble(const Tensor& x) {
  DOPPIO_ASSIGN_OR_RETURN(Tensor y, Tensor::Create(DataType::kDouble, x.dims()));
  std::copy_n(x.data<float>(), x.numel(), y.mutable_data<double>());
  return y;
}

// The whole of an index that may be int32 or int64.
absl::StatusOr<int64_t> RowAt(const Tensor& indices, int64_t i, int64_t rows) {
  int64_t row = -1;
  if (indices.Is<int32_t>()) row = indices.data<int32_t>()[i];
  if (indices.Is<int64_t>()) row = indices.data<int64_t>()[i];
  if (row >= 0 && row < rows) return row;
  return absl::InvalidArgumentError(absl::StrCat("the gradient's row ", i, " is ", row, " of ",
                                                 indices.TypeAndShape(), ", but there are ", rows,
                                                 " rows"));
}

template <typename T>
absl::Status AddRows(const Tensor& indices, const Tensor& values, Tensor* sum) {
  const int64_t rows = sum->rank() == 0 ? 0 : sum->dim(0);
  const int64_t row_size = SizeFromDim(sum->dims(), 1);
  if (!values.Is<T>() || values.numel() != indices.numel() * row_size) {
    return absl::InvalidArgumentError(absl::StrCat("the gradient of ", sum->TypeAndShape(),
                                                   " has the values ", values.TypeAndShape(),
                                                   " for the rows ", indices.TypeAndShape()));
  }
  T* out = sum->mutable_data<T>();
  for (int64_t i = 0; i < indices.numel(); ++i) {
    DOPPIO_ASSIGN_OR_RETURN(const int64_t row, RowAt(indices, i, rows));
    for (int64_t k = 0; k < row_size; ++k) {
      out[row * row_size + k] += values.data<T>()[i * row_size + k];
    }
  }
  return absl::OkStatus();
}

// The function that is differentiated: from what the net reads to the sum of the targets.
class SumOfTargets {
 public:
  SumOfTargets(const NetDef& net, const std::vector<std::string>& of, const Workspace& outside)
      : net_(net), of_(of), workspace_(&outside) {}

  // Finds out how the net has to be run so that the same inputs give the same sum.
  absl::Status Prepare(const Values& values) {
    values_ = values;
    DOPPIO_RETURN_IF_ERROR(Put());
    NetDef named = net_;
    if (named.name().empty()) named.set_name("net");
    DOPPIO_ASSIGN_OR_RETURN(run_, workspace_.CreateNet(named));
    DOPPIO_ASSIGN_OR_RETURN(bool repeats, Repeats());
    if (repeats) return absl::OkStatus();
    // Operators that draw random numbers begin again where they are made again.
    run_ = nullptr;
    DOPPIO_ASSIGN_OR_RETURN(repeats, Repeats());
    if (repeats) return absl::OkStatus();
    return absl::FailedPreconditionError(
        absl::StrCat("net \"", net_.name(), "\" gives another value each time (", sum_, ", then ",
                     other_, "): its random operators need a random_seed in their device options"));
  }

  double sum() const { return sum_; }
  const Workspace& workspace() const { return workspace_; }

  // With element `i` of `blob` moved by `step`.
  absl::StatusOr<double> At(const std::string& blob, int64_t i, double step) {
    Tensor& x = values_[blob];
    const Tensor before = x;
    DOPPIO_RETURN_IF_ERROR(x.MakeUnique());
    if (x.Is<double>()) {
      x.mutable_data<double>()[i] += step;
    } else {
      x.mutable_data<float>()[i] += static_cast<float>(step);
    }
    // In float the step that was taken is another one.
    taken_ = ElementOf(x, i) - ElementOf(before, i);
    absl::StatusOr<double> sum = Run();
    x = before;
    return sum;
  }
  double taken() const { return taken_; }

 private:
  absl::Status Put() {
    for (const auto& [name, value] : values_) {
      *workspace_.CreateLocalBlob(name)->GetMutable<Tensor>() = value;
    }
    return absl::OkStatus();
  }

  absl::StatusOr<bool> Repeats() {
    DOPPIO_ASSIGN_OR_RETURN(sum_, Run());
    for (int i = 1; i < kRepetitions; ++i) {
      DOPPIO_ASSIGN_OR_RETURN(other_, Run());
      if (other_ != sum_ && !(std::isnan(other_) && std::isnan(sum_))) return false;
    }
    return true;
  }

  absl::StatusOr<double> Run() {
    DOPPIO_RETURN_IF_ERROR(Put());
    DOPPIO_RETURN_IF_ERROR(run_ != nullptr ? run_->Run() : workspace_.RunNetOnce(net_));
    double sum = 0;
    for (const std::string& target : of_) {
      DOPPIO_ASSIGN_OR_RETURN(const Tensor value, workspace_.Fetch(target));
      if (!IsReal(value)) {
        return absl::InvalidArgumentError(absl::StrCat("\"", target, "\" is ", value.TypeAndShape(),
                                                       ", but must be of float or double"));
      }
      for (int64_t i = 0; i < value.numel(); ++i) sum += ElementOf(value, i);
    }
    return sum;
  }

  const NetDef& net_;
  const std::vector<std::string>& of_;
  Workspace workspace_;
  Values values_;
  Net* run_ = nullptr;  // null: the net is made anew for each run
  double sum_ = 0;
  double other_ = 0;
  double taken_ = 0;
};

// Which elements to look at.
std::vector<int64_t> Sample(int64_t size, int64_t count, std::mt19937_64* random) {
  std::vector<int64_t> indices;
  // Each element with the chance that is left, so that there are `count`, in order.
  for (int64_t i = 0, left = std::min(size, count); i < size && left > 0; ++i) {
    if (static_cast<int64_t>((*random)() % static_cast<uint64_t>(size - i)) >= left) continue;
    indices.push_back(i);
    --left;
  }
  return indices;
}

class Checker {
 public:
  Checker(const NetDef& net, const std::vector<std::string>& of, const Workspace& outside,
          const GradientCheckOptions& options)
      : net_(net), of_(of), outside_(outside), options_(options) {}

  absl::StatusOr<GradientCheck> Run(Values values, bool in_double) {
    GradientCheck check;
    check.in_double = in_double;
    const double epsilon =
        in_double ? std::numeric_limits<double>::epsilon() : std::numeric_limits<float>::epsilon();
    check.step = options_.step > 0 ? options_.step : in_double ? 1e-5 : 1e-2;
    check.tolerance = options_.tolerance > 0 ? options_.tolerance : in_double ? 1e-5 : 2e-2;
    if (in_double) {
      for (auto& [name, value] : values) {
        if (!value.Is<float>()) continue;
        DOPPIO_ASSIGN_OR_RETURN(value, ToDouble(value));
      }
    }
    SumOfTargets sum(net_, of_, outside_);
    DOPPIO_RETURN_IF_ERROR(sum.Prepare(values));
    if (in_double) DOPPIO_RETURN_IF_ERROR(CheckIsDouble(sum.workspace()));
    check.floor = std::max(
        kNoise * epsilon * std::max(std::abs(sum.sum()), 1e-3) / check.step / check.tolerance,
        std::numeric_limits<double>::min());
    DOPPIO_RETURN_IF_ERROR(RunGradientNet(values, sum.workspace()));
    std::mt19937_64 random(options_.seed);
    DOPPIO_ASSIGN_OR_RETURN(const std::vector<std::string> blobs, Blobs(values, &check.without));
    for (const std::string& blob : blobs) {
      const Tensor& x = values[blob];
      DOPPIO_ASSIGN_OR_RETURN(const CheckedBlob checked, Compare(blob, x, check, &random, &sum));
      check.blobs.push_back(checked);
    }
    return check;
  }

 private:
  // An operator that makes floats of doubles rounds, whatever the others do.
  absl::Status CheckIsDouble(const Workspace& forward) const {
    for (const OperatorDef& op : net_.op()) {
      for (const std::string& output : op.output()) {
        const std::shared_ptr<Blob> blob = forward.FindBlob(output);
        const Tensor* value = blob == nullptr ? nullptr : blob->Get<Tensor>();
        if (value == nullptr || !value->Is<float>()) continue;
        return absl::FailedPreconditionError(
            absl::StrCat("op ", OpToString(op), " makes floats (\"", output, "\")"));
      }
    }
    return absl::OkStatus();
  }

  // The gradient net starts from ones of the targets' own types.
  absl::Status RunGradientNet(const Values& values, const Workspace& forward) {
    std::vector<GradientTarget> targets;
    for (const std::string& blob : of_) targets.emplace_back(blob, kGiven + blob);
    DOPPIO_ASSIGN_OR_RETURN(backward_, AddGradientOperators(net_, targets));
    workspace_ = std::make_unique<Workspace>(&outside_);
    for (const auto& [name, value] : values) {
      *workspace_->CreateLocalBlob(name)->GetMutable<Tensor>() = value;
    }
    for (const std::string& blob : of_) {
      DOPPIO_ASSIGN_OR_RETURN(const Tensor y, forward.Fetch(blob));
      DOPPIO_ASSIGN_OR_RETURN(Tensor ones, Tensor::Create(y.dtype(), y.dims()));
      if (y.Is<double>()) std::fill_n(ones.mutable_data<double>(), y.numel(), 1.0);
      if (y.Is<float>()) std::fill_n(ones.mutable_data<float>(), y.numel(), 1.0f);
      *workspace_->CreateLocalBlob(kGiven + blob)->GetMutable<Tensor>() = std::move(ones);
    }
    return workspace_->RunNetOnce(backward_.net);
  }

  absl::StatusOr<std::vector<std::string>> Blobs(const Values& values,
                                                 std::vector<std::string>* without) const {
    std::vector<std::string> blobs;
    if (options_.blobs.empty()) {
      for (const std::string& name : InputsOfNet(net_)) {
        const auto value = values.find(name);
        if (value == values.end() || !IsReal(value->second)) continue;
        (backward_.gradients.count(name) > 0 ? &blobs : without)->push_back(name);
      }
      if (!blobs.empty()) return blobs;
      return absl::InvalidArgumentError(absl::StrCat("net \"", net_.name(),
                                                     "\" reads no floats that ",
                                                     absl::StrJoin(of_, ", "), " depends on"));
    }
    std::vector<std::string> names;
    for (const auto& [name, value] : values) names.push_back(name);
    for (const std::string& name : options_.blobs) {
      const auto value = values.find(name);
      if (value == values.end()) {
        return absl::NotFoundError(absl::StrCat("net \"", net_.name(), "\" reads no tensor \"",
                                                name, "\" from outside", DidYouMean(name, names)));
      }
      if (!IsReal(value->second)) {
        return absl::InvalidArgumentError(absl::StrCat(
            "\"", name, "\" is ", value->second.TypeAndShape(), ", which has no gradient"));
      }
      if (backward_.gradients.count(name) == 0) {
        return absl::InvalidArgumentError(
            absl::StrCat("\"", name, "\" has no gradient: ", absl::StrJoin(of_, ", "),
                         " does not depend on it"));
      }
    }
    return options_.blobs;
  }

  absl::StatusOr<CheckedBlob> Compare(const std::string& blob, const Tensor& x,
                                      const GradientCheck& check, std::mt19937_64* random,
                                      SumOfTargets* sum) const {
    CheckedBlob checked;
    checked.blob = blob;
    checked.dims = Dims(x.dims().begin(), x.dims().end());
    const GradientWrapper& name = backward_.gradients.find(blob)->second;  // Blobs() looked
    DOPPIO_ASSIGN_OR_RETURN(const Tensor gradient, DenseGradient(*workspace_, name, x));
    for (const int64_t i : Sample(x.numel(), options_.samples, random)) {
      const double step = check.step * std::max(1.0, std::abs(ElementOf(x, i)));
      DOPPIO_RETURN_IF_ERROR(CompareElement(i, step, ElementOf(gradient, i), check, sum, &checked));
    }
    return checked;
  }

  absl::Status CompareElement(int64_t i, double step, double got, const GradientCheck& check,
                              SumOfTargets* sum, CheckedBlob* checked) const {
    const auto difference = [&](double from, double to) -> absl::StatusOr<double> {
      DOPPIO_ASSIGN_OR_RETURN(const double low, sum->At(checked->blob, i, from));
      const double taken_low = sum->taken();
      DOPPIO_ASSIGN_OR_RETURN(const double high, sum->At(checked->blob, i, to));
      return (high - low) / (sum->taken() - taken_low);
    };
    const auto error_of = [&](double d) {
      const double error = std::abs(got - d) / std::max({std::abs(got), std::abs(d), check.floor});
      return std::isnan(error) ? std::numeric_limits<double>::infinity() : error;
    };
    DOPPIO_ASSIGN_OR_RETURN(double best, difference(-step, step));
    bool is_right = error_of(best) <= check.tolerance;
    if (!is_right) {
      // Where the function bends strongly, a smaller step is nearer, and two together nearer still.
      DOPPIO_ASSIGN_OR_RETURN(const double half, difference(-step / 2, step / 2));
      for (const double d : {half, (4 * half - best) / 3}) {
        if (error_of(d) < error_of(best)) best = d;
      }
      is_right = error_of(best) <= check.tolerance;
    }
    bool is_kink = false;
    if (!is_right) {
      DOPPIO_ASSIGN_OR_RETURN(const double left, difference(-step * kCloser, 0));
      DOPPIO_ASSIGN_OR_RETURN(const double right, difference(0, step * kCloser));
      const double slack = check.tolerance * std::max(std::abs(got), check.floor);
      const bool jumps = std::abs(left - right) > 10 * slack;
      is_kink =
          jumps && got >= std::min(left, right) - slack && got <= std::max(left, right) + slack;
    }
    ++checked->elements;
    if (is_kink) {
      ++checked->kinks;
      return absl::OkStatus();
    }
    if (!is_right) ++checked->wrong;
    const double error = error_of(best);
    if (checked->elements == 1 || error > checked->error) {
      checked->error = error;
      checked->index = i;
      checked->gradient = got;
      checked->difference = best;
    }
    return absl::OkStatus();
  }

  const NetDef& net_;
  const std::vector<std::string>& of_;
  const Workspace& outside_;
  const GradientCheckOptions& options_;
  Backward backward_;
  std::unique_ptr<Workspace> workspace_;
};

}  // namespace

absl::StatusOr<Tensor> DenseGradient(const Workspace& workspace, const GradientWrapper& gradient,
                                     const Tensor& x) {
  if (gradient.IsDense()) {
    DOPPIO_ASSIGN_OR_RETURN(const Tensor dense, workspace.Fetch(gradient.dense));
    if (dense.dtype() == x.dtype() && dense.dims() == x.dims()) return dense;
    return absl::InvalidArgumentError(absl::StrCat("the gradient \"", gradient.dense, "\" is ",
                                                   dense.TypeAndShape(), ", but its blob is ",
                                                   x.TypeAndShape()));
  }
  DOPPIO_ASSIGN_OR_RETURN(const Tensor indices, workspace.Fetch(gradient.indices));
  DOPPIO_ASSIGN_OR_RETURN(const Tensor values, workspace.Fetch(gradient.values));
  DOPPIO_ASSIGN_OR_RETURN(Tensor sum, Tensor::Create(x.dtype(), x.dims()));
  DOPPIO_RETURN_IF_ERROR(DispatchType(TypeList<float, double>(), x.dtype(), [&](auto tag) {
    using T = typename decltype(tag)::type;
    std::fill_n(sum.mutable_data<T>(), sum.numel(), T(0));
    return AddRows<T>(indices, values, &sum);
  }));
  return sum;
}

bool GradientCheck::IsRight() const {
  return std::all_of(blobs.begin(), blobs.end(),
                     [](const CheckedBlob& blob) { return blob.wrong == 0; });
}

std::string GradientCheck::ToString() const {
  std::vector<std::vector<std::string>> rows = {
      {"blob", "shape", "compared", "wrong", "worst error", "at", "gradient", "difference"}};
  for (const CheckedBlob& blob : blobs) {
    rows.push_back({blob.blob, ShapeToString(blob.dims), absl::StrCat(blob.elements),
                    absl::StrCat(blob.wrong), absl::StrFormat("%.1e", blob.error),
                    absl::StrCat(blob.index), absl::StrFormat("%.6g", blob.gradient),
                    absl::StrFormat("%.6g", blob.difference)});
  }
  std::string text;
  for (const auto& row : rows) {
    std::string line;
    for (size_t column = 0; column < row.size(); ++column) {
      size_t width = 0;
      for (const auto& other : rows) width = std::max(width, other[column].size());
      const std::string space(width - row[column].size(), ' ');
      const bool is_left = column < 2;
      absl::StrAppend(&line, column == 0 ? "" : "  ", is_left ? row[column] : space,
                      is_left ? space : row[column]);
    }
    line.erase(line.find_last_not_of(' ') + 1);
    absl::StrAppend(&text, line, "\n");
  }
  return text;
}

absl::StatusOr<GradientCheck> CheckGradients(const NetDef& net, const std::vector<std::string>& of,
                                             const Workspace& workspace,
                                             const GradientCheckOptions& options) {
  if (of.empty()) return absl::InvalidArgumentError("no blob is named whose gradient to check");
  if (options.samples < 1) {
    return absl::InvalidArgumentError(
        absl::StrCat("samples is ", options.samples, ", must be at least 1"));
  }
  Values values;
  for (const std::string& name : InputsOfNet(net)) {
    const std::shared_ptr<Blob> blob = workspace.FindBlob(name);
    const Tensor* tensor = blob == nullptr ? nullptr : blob->Get<Tensor>();
    if (tensor != nullptr && tensor->dtype() != DataType::kUndefined) values[name] = *tensor;
  }
  std::string why_float = "it was not asked for";
  if (options.in_double) {
    absl::StatusOr<GradientCheck> check = Checker(net, of, workspace, options).Run(values, true);
    if (check.ok()) return check;
    why_float = std::string(check.status().message());
  }
  absl::StatusOr<GradientCheck> check = Checker(net, of, workspace, options).Run(values, false);
  if (check.ok()) check->why_float = why_float;
  return check;
}

}  // namespace doppio
