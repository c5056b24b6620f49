#include <optional>

#include "doppio/gradient_maker.h"
#include "doppio/registry.h"
#include "doppio/workspace.h"
#include "src/operator/element_copy.h"
#include "src/operator/lengths_input.h"

namespace doppio {
namespace {

constexpr int kBeforeCarried = 2;  // of the inputs of the operator and of its body

DOPPIO_OPERATOR_SCHEMA(ONNXWhile)
    .NumInputs(kBeforeCarried, OpSchema::kMany)
    .NumOutputs(0, OpSchema::kMany)
    .AllowAnyInplace()
    .AllowAnyInput(0)
    .AllowAnyInput(1)
    .HasSideEffects()
    .NetsSee([](const OperatorDef& def, const Argument& arg) {
      // The turn's number, the condition, and what is carried.
      const auto carried =
          ArgumentReader(def, nullptr).GetSingleArgument<int64_t>("num_loop_carried_deps", -1);
      const int64_t count = carried < 0 ? def.input_size() - kBeforeCarried : carried;
      OpSchema::NetView view;
      for (int i = 0; i < arg.n().external_input_size() && i - kBeforeCarried < count; ++i) {
        view.own.push_back(arg.n().external_input(i));
      }
      return view;
    })
    .Doc(R"DOC(
The Loop of ONNX: runs `body` again and again, for i = 0, 1, ..., while i < max_trip_count (with
has_trip_count) and the condition holds (with has_cond). External inputs of the body are i, the condition and
what each turn gets of the turn before (carried); external outputs are the condition, what is carried on, and
then scans, whose values of all turns become the rows of an output. The body sees the blobs outside, and has
blobs of its own.

A scan [1,...] is such a row, as in Caffe2, so that n turns give [n,...] and not ONNX's [n,1,...]. Others give
[n] and their shape behind it, as ONNX has it; Caffe2 writes past the end of the output there.

Example: body external_input [i, cond, a, b] with one Add(a, b) -> c and external_output [cond, b, c, c],
max_trip_count = 3, has_trip_count = 1, a = [1], b = [1] give a = [3], b = [5] and c = [2,3,5].
)DOC")
    .RequiredArg<NetDef>("body", "the net of one turn")
    .Arg<int64_t>("has_trip_count", "whether max_trip_count is looked at", 0)
    .Arg<int64_t>("has_cond", "whether the condition is looked at", 0)
    .Arg<int64_t>("save_scopes", "each turn has blobs of its own, which live on", 0)
    .Arg<int64_t>("disable_scopes", "the body has no blobs of its own, but those outside", 0)
    .Arg<int64_t>("num_loop_carried_deps",
                  "how many values are carried; -1: all inputs behind the first two", -1)
    .Input(0, "max_trip_count", "a single int64; not looked at without has_trip_count")
    .Input(1, "condition",
           "a single bool, int32 or int64, for the first turn; not looked at "
           "without has_cond")
    .Output(0, "carried",
            "what was carried last, and then the scans; a scan of no turn is int32[0]");

// Whether a scan's values are rows already, and not what a row is made of.
bool IsRow(DimsView dims) { return !dims.empty() && dims[0] == 1; }

absl::StatusOr<bool> Truth(const Tensor& tensor, absl::string_view what) {
  if (tensor.Is<bool>() && tensor.numel() == 1) return *tensor.data<bool>();
  DOPPIO_ASSIGN_OR_RETURN(const int64_t number, SingleInteger(tensor, what));
  return number != 0;
}

absl::StatusOr<Tensor> Value(const BlobScope& scope, const std::string& name) {
  const std::shared_ptr<Blob> blob = scope.FindBlob(name);
  const Tensor* tensor = blob == nullptr ? nullptr : blob->Get<Tensor>();
  if (tensor != nullptr && tensor->dtype() != DataType::kUndefined) return *tensor;
  return absl::InvalidArgumentError(absl::StrCat("\"", name, "\" must be a tensor with a value"));
}

template <class Context>
class ONNXWhileOp final : public Operator<Context> {
 public:
  DOPPIO_USE_OPERATOR_FUNCTIONS;
  explicit ONNXWhileOp(OperatorInit* init)
      : Operator<Context>(init),
        scope_(init->scope()),
        has_trip_count_(init->GetSingleArgument<int64_t>("has_trip_count") != 0),
        has_condition_(init->GetSingleArgument<int64_t>("has_cond") != 0),
        save_scopes_(init->GetSingleArgument<int64_t>("save_scopes") != 0),
        disable_scopes_(init->GetSingleArgument<int64_t>("disable_scopes") != 0),
        carried_(init->GetSingleArgument<int64_t>("num_loop_carried_deps")) {
    const NetDef* body = init->GetNetArgument("body");
    if (body == nullptr || !init->status().ok()) return;
    body_ = std::shared_ptr<const NetDef>(init->shared_def(), body);
    if (save_scopes_ && disable_scopes_) {
      init->Fail(absl::InvalidArgumentError(
          "save_scopes keeps blobs of turns, and disable_scopes says that there are none"));
    }
    if (carried_ == -1) carried_ = InputSize() - kBeforeCarried;
    if (carried_ < 0 || carried_ > InputSize() - kBeforeCarried) {
      init->Fail(absl::InvalidArgumentError(
          absl::StrCat("num_loop_carried_deps is ", carried_, ", but there are ",
                       InputSize() - kBeforeCarried, " inputs to carry")));
      return;
    }
    const int64_t scans = body->external_output_size() - carried_ - 1;
    if (body->external_input_size() < kBeforeCarried + carried_ || scans < 0 ||
        OutputSize() != carried_ + scans) {
      init->Fail(absl::InvalidArgumentError(
          absl::StrCat("a body that carries ", carried_, " values has ", carried_ + kBeforeCarried,
                       " external inputs, and external outputs for the condition and for each of ",
                       OutputSize(), " outputs, but has ", body->external_input_size(), " and ",
                       body->external_output_size())));
    }
  }

  absl::Status RunOnDevice() override {
    int64_t most = 0;
    bool condition = true;
    if (has_trip_count_) {
      DOPPIO_ASSIGN_OR_RETURN(const Tensor count, Value(*scope_, this->def().input(0)));
      DOPPIO_ASSIGN_OR_RETURN(most, SingleInteger(count, "max_trip_count"));
    }
    if (has_condition_) {
      DOPPIO_ASSIGN_OR_RETURN(const Tensor first, Value(*scope_, this->def().input(1)));
      DOPPIO_ASSIGN_OR_RETURN(condition, Truth(first, "the condition"));
    }
    // Values, so that one that is carried to the place of another one does not change that.
    std::vector<Tensor> carried;
    for (int i = 0; i < carried_; ++i) carried.push_back(Input(kBeforeCarried + i));
    std::vector<std::vector<Tensor>> scans(static_cast<size_t>(OutputSize() - carried_));
    for (int64_t i = 0; (!has_trip_count_ || i < most) && (!has_condition_ || condition); ++i) {
      DOPPIO_RETURN_IF_ERROR(
          Annotate(Turn(i, &condition, &carried, &scans), absl::StrCat("turn ", i)));
    }
    for (int i = 0; i < carried_; ++i) {
      DOPPIO_RETURN_IF_ERROR(
          OutputBlob(i)->template GetMutable<Tensor>()->CopyFrom(carried[static_cast<size_t>(i)]));
    }
    for (size_t i = 0; i < scans.size(); ++i) {
      DOPPIO_RETURN_IF_ERROR(Stack(scans[i], static_cast<int>(carried_) + static_cast<int>(i)));
    }
    return absl::OkStatus();
  }

 private:
  struct Scope {
    std::unique_ptr<Workspace> own;  // null: blobs are those outside
    std::unique_ptr<Net> net;
  };

  absl::StatusOr<Scope> MakeScope() const {
    Scope scope;
    if (!disable_scopes_) {
      const auto* outside = dynamic_cast<const Workspace*>(scope_);
      if (outside == nullptr) return absl::FailedPreconditionError("the body needs a workspace");
      scope.own = std::make_unique<Workspace>(outside);
    }
    for (int i = 0; i < kBeforeCarried + carried_; ++i) {
      const std::string& name = body_->external_input(i);
      scope.own == nullptr ? scope_->CreateBlob(name) : scope.own->CreateLocalBlob(name);
    }
    DOPPIO_ASSIGN_OR_RETURN(scope.net, CreateNet(body_, BlobsOf(scope)));
    return scope;
  }

  BlobScope* BlobsOf(const Scope& scope) const {
    return scope.own == nullptr ? scope_ : scope.own.get();
  }

  absl::Status Turn(int64_t i, bool* condition, std::vector<Tensor>* carried,
                    std::vector<std::vector<Tensor>>* scans) {
    const size_t place = save_scopes_ ? static_cast<size_t>(i) : 0;
    if (place >= scopes_.size()) {
      DOPPIO_ASSIGN_OR_RETURN(Scope scope, MakeScope());
      scopes_.push_back(std::move(scope));
    }
    BlobScope* blobs = BlobsOf(scopes_[place]);
    const auto put = [&](int input, Tensor value) {
      *blobs->CreateBlob(body_->external_input(input))->template GetMutable<Tensor>() =
          std::move(value);
    };
    DOPPIO_ASSIGN_OR_RETURN(Tensor turn, Tensor::Scalar<int64_t>(i));
    put(0, std::move(turn));
    DOPPIO_ASSIGN_OR_RETURN(Tensor holds, Tensor::Of<bool>({1}, {*condition}));
    put(1, std::move(holds));
    for (int k = 0; k < carried_; ++k)
      put(kBeforeCarried + k, std::move((*carried)[static_cast<size_t>(k)]));
    DOPPIO_RETURN_IF_ERROR(scopes_[place].net->Run());
    DOPPIO_ASSIGN_OR_RETURN(const Tensor next, Value(*blobs, body_->external_output(0)));
    DOPPIO_ASSIGN_OR_RETURN(*condition, Truth(next, body_->external_output(0)));
    for (int k = 1; k < body_->external_output_size(); ++k) {
      const std::string& name = body_->external_output(k);
      DOPPIO_ASSIGN_OR_RETURN(Tensor value, Value(*blobs, name));
      if (k <= carried_) {
        (*carried)[static_cast<size_t>(k - 1)] = std::move(value);
        continue;
      }
      std::vector<Tensor>& rows = (*scans)[static_cast<size_t>(k - 1 - carried_)];
      if (!rows.empty() && (rows[0].dtype() != value.dtype() || rows[0].dims() != value.dims())) {
        return absl::InvalidArgumentError(
            absl::StrCat("scan \"", name, "\" is ", value.TypeAndShape(), ", but was ",
                         rows[0].TypeAndShape(), " in the first turn"));
      }
      rows.push_back(std::move(value));
    }
    return absl::OkStatus();
  }

  // The values become the rows of that output.
  absl::Status Stack(const std::vector<Tensor>& rows, int output) {
    if (rows.empty()) return Output(output, DataType::kInt32, {0}).status();
    Dims dims(rows[0].dims().begin(), rows[0].dims().end());
    if (!IsRow(dims)) dims.insert(dims.begin(), 1);
    dims[0] = static_cast<int64_t>(rows.size());
    DOPPIO_ASSIGN_OR_RETURN(Tensor * stacked, Output(output, rows[0].dtype(), dims));
    int64_t at = 0;
    for (const Tensor& row : rows) {
      ElementCopy(row, stacked)(0, at, row.numel());
      at += row.numel();
    }
    return absl::OkStatus();
  }

  BlobScope* const scope_;
  const bool has_trip_count_;
  const bool has_condition_;
  const bool save_scopes_;
  const bool disable_scopes_;
  int64_t carried_;
  std::shared_ptr<const NetDef> body_;
  std::vector<Scope> scopes_;
};

DOPPIO_REGISTER_CPU_OPERATOR(ONNXWhile, ONNXWhileOp<CPUContext>);

}  // namespace
}  // namespace doppio
