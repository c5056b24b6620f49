#include "tests/support/op_tester.h"

#include <algorithm>

#include "absl/strings/match.h"

namespace doppio {

OpTester& OpTester::Feed(absl::string_view name, absl::StatusOr<Tensor> value) {
  if (!value.ok()) {
    ADD_FAILURE() << "the value for \"" << name << "\" is none: " << value.status();
    return *this;
  }
  const Tensor original = DeepCopy(*value);
  fed_.push_back({std::string(name), *std::move(value), original});
  return *this;
}

OpTester& OpTester::FeedBlob(absl::string_view name, std::function<void(Blob*)> fill) {
  fed_blobs_.emplace_back(name, std::move(fill));
  return *this;
}

OpTester& OpTester::Inplace(int input, int output) {
  def_.set_output(output, def_.input(input));
  return *this;
}

bool OpTester::IsOutput(absl::string_view name) const {
  return std::find(def_.output().begin(), def_.output().end(), name) != def_.output().end();
}

absl::Status OpTester::Run() {
  if (!status_.has_value()) {
    testing::ScopedTrace trace("", 0, OpToString(def_));
    status_ = RunOnce();
  }
  return *status_;
}

absl::Status OpTester::RunOnce() {
  for (const Fed& fed : fed_) *scope()->CreateBlob(fed.name)->GetMutable<Tensor>() = fed.value;
  for (const auto& [name, fill] : fed_blobs_) fill(scope()->CreateBlob(name).get());
  DOPPIO_ASSIGN_OR_RETURN(const std::unique_ptr<OperatorBase> op, CreateOperator(def_, scope()));
  const absl::Status status = op->Run();
  for (const Fed& fed : fed_) {
    EXPECT_TRUE(TensorBitsEqual(fed.value, fed.original))
        << "the run changed what \"" << fed.name << "\" shares its storage with";
    const Tensor* now = scope()->FindBlob(fed.name)->Get<Tensor>();
    if (IsOutput(fed.name)) continue;
    EXPECT_TRUE(now != nullptr && TensorBitsEqual(*now, fed.original))
        << "the run changed its input \"" << fed.name << "\"";
  }
  if (!status.ok()) {
    // What it is worth is the operator's own test to say; that it comes back is worth knowing.
    (void)Infer(true);
    return status;
  }
  for (int i = 0; i < def_.output_size(); ++i) {
    const Tensor* output = op->OutputBlob(i)->Get<Tensor>();
    outputs_.push_back(output == nullptr ? Tensor() : DeepCopy(*output));
  }
  CheckInference();
  if (op->schema().has_side_effects()) return absl::OkStatus();
  for (const Fed& fed : fed_) {
    if (IsOutput(fed.name)) {
      *scope()->CreateBlob(fed.name)->GetMutable<Tensor>() = DeepCopy(fed.original);
    }
  }
  if (const absl::Status again = op->Run(); !again.ok()) {
    ADD_FAILURE() << "a second run fails: " << again;
    return absl::OkStatus();
  }
  for (int i = 0; i < def_.output_size(); ++i) {
    const Tensor* output = op->OutputBlob(i)->Get<Tensor>();
    EXPECT_TRUE(TensorBitsEqual(output == nullptr ? Tensor() : *output, outputs_[i]))
        << "output " << i << " differs in a second run";
  }
  return absl::OkStatus();
}

absl::StatusOr<std::vector<TensorInfo>> OpTester::Infer(bool with_values) const {
  std::vector<TensorInfo> inputs(def_.input_size());
  for (int i = 0; i < def_.input_size(); ++i) {
    for (const Fed& fed : fed_) {
      if (fed.name != def_.input(i) || fed.original.dtype() == DataType::kUndefined) continue;
      inputs[i].dtype = fed.original.dtype();
      inputs[i].dims.emplace(fed.original.dims().begin(), fed.original.dims().end());
      if (with_values) inputs[i].value = fed.original;
    }
  }
  const OpSchema* schema = OpSchemaRegistry::Schema(def_.type());
  if (schema == nullptr) return absl::NotFoundError("no schema");
  return schema->Infer(def_, std::move(inputs));
}

void OpTester::CheckInference() const {
  for (const bool with_values : {true, false}) {
    const char* how = with_values ? "with the values of the inputs" : "without values";
    const absl::StatusOr<std::vector<TensorInfo>> infos = Infer(with_values);
    if (!infos.ok()) {
      ADD_FAILURE() << "inference " << how << " refuses what runs: " << infos.status();
      continue;
    }
    for (size_t i = 0; i < outputs_.size(); ++i) {
      const TensorInfo& info = (*infos)[i];
      if (info.dtype != DataType::kUndefined) {
        EXPECT_EQ(std::string(DataTypeName(info.dtype)), DataTypeName(outputs_[i].dtype()))
            << "inference " << how << " of output " << i;
      }
      if (info.dims.has_value()) {
        EXPECT_EQ(ShapeToString(*info.dims), ShapeToString(outputs_[i].dims()))
            << "inference " << how << " of output " << i;
      }
      if (info.value.has_value()) {
        EXPECT_TRUE(TensorBitsEqual(outputs_[i], *info.value))
            << "inference " << how << " of the value of output " << i;
      }
    }
  }
}

const Tensor& OpTester::Output(int i) {
  static const Tensor& empty = *new Tensor;
  const absl::Status status = Run();
  EXPECT_TRUE(status.ok()) << OpToString(def_) << ": " << status;
  if (!status.ok() || i >= static_cast<int>(outputs_.size())) return empty;
  return outputs_[i];
}

OpTester& OpTester::ExpectOutput(int i, const absl::StatusOr<Tensor>& expected, double tolerance,
                                 const char* file, int line) {
  testing::ScopedTrace trace(file, line, absl::StrCat("output ", i, " of ", OpToString(def_)));
  const absl::Status status = Run();
  EXPECT_TRUE(status.ok()) << status;
  if (!status.ok()) return *this;
  EXPECT_TRUE(TensorNear(Output(i), expected, tolerance));
  return *this;
}

void OpTester::ExpectError(absl::StatusCode code, absl::string_view part_of_message,
                           const char* file, int line) {
  testing::ScopedTrace trace(file, line, OpToString(def_));
  const absl::Status status = Run();
  EXPECT_EQ(absl::StatusCodeToString(status.code()), absl::StatusCodeToString(code)) << status;
  EXPECT_TRUE(absl::StrContains(status.message(), part_of_message))
      << "the message is: " << status.message() << "\nand has not: " << part_of_message;
}

}  // namespace doppio
