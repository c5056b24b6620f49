#include "tests/operator/test_operators.h"

#include "doppio/gradient_maker.h"
#include "doppio/registry.h"

namespace doppio {

int& FastRuns() {
  static int runs = 0;
  return runs;
}

namespace {

DOPPIO_OPERATOR_SCHEMA(TestScale)
    .NumInputs(1)
    .NumOutputs(1)
    .AllowInplace({{0, 0}})
    .Doc("Y = scale * X.")
    .RequiredArg<float>("scale", "the factor")
    .Input(0, "X", "float tensor of any shape")
    .Output(0, "Y", "tensor of X's shape")
    .IdenticalTypeAndShape();

enum class Kind { kUsual, kFast, kPicky };

template <class Context, Kind kind>
class TestScaleOp final : public Operator<Context> {
 public:
  DOPPIO_USE_OPERATOR_FUNCTIONS;
  explicit TestScaleOp(OperatorInit* init)
      : Operator<Context>(init), scale_(init->GetSingleArgument<float>("scale")) {
    if (kind == Kind::kPicky && scale_ < 0) init->Unsupported("PICKY takes no negative scale");
  }

  absl::Status RunOnDevice() override {
    if (kind == Kind::kFast) ++FastRuns();
    return DispatchType(TypeList<float>(), Input(0).dtype(), [&](auto) -> absl::Status {
      DOPPIO_ASSIGN_OR_RETURN(Tensor * y, Output(0, DataType::kFloat, Input(0).dims()));
      const float* x = Input(0).template data<float>();
      for (int64_t i = 0; i < y->numel(); ++i) y->mutable_data<float>()[i] = scale_ * x[i];
      return absl::OkStatus();
    });
  }

 private:
  float scale_;
};

class GetTestScaleGradient final : public GradientMakerBase {
  using GradientMakerBase::GradientMakerBase;
  std::vector<OperatorDef> GetGradientDefs() override {
    return SingleGradientDef("TestScale", "", {GO(0)}, {GI(0)});
  }
};

DOPPIO_REGISTER_CPU_OPERATOR(TestScale, TestScaleOp<CPUContext, Kind::kUsual>);
DOPPIO_REGISTER_CPU_OPERATOR_WITH_ENGINE(TestScale, FAST, TestScaleOp<CPUContext, Kind::kFast>);
DOPPIO_REGISTER_CPU_OPERATOR_WITH_ENGINE(TestScale, PICKY, TestScaleOp<CPUContext, Kind::kPicky>);
DOPPIO_REGISTER_GRADIENT(TestScale, GetTestScaleGradient);

// Of which there is only an engine.
DOPPIO_OPERATOR_SCHEMA(TestFast)
    .NumInputs(1)
    .NumOutputs(1)
    .Doc("Y = scale * X.")
    .RequiredArg<float>("scale", "the factor")
    .Input(0, "X", "float tensor of any shape")
    .Output(0, "Y", "tensor of X's shape")
    .IdenticalTypeAndShape();
DOPPIO_REGISTER_CPU_OPERATOR_WITH_ENGINE(TestFast, FAST, TestScaleOp<CPUContext, Kind::kFast>);

// The type of the blob that it is given, as a string.
DOPPIO_OPERATOR_SCHEMA(TestAny)
    .NumInputs(1)
    .NumOutputs(1)
    .Doc("What kind of blob X is.")
    .Input(0, "X", "any blob")
    .Output(0, "Y", "a word")
    .AllowAnyInput(0)
    .ScalarType(DataType::kString);

template <class Context>
class TestAnyOp final : public Operator<Context> {
 public:
  DOPPIO_USE_OPERATOR_FUNCTIONS;
  explicit TestAnyOp(OperatorInit* init) : Operator<Context>(init) {}
  absl::Status RunOnDevice() override {
    DOPPIO_ASSIGN_OR_RETURN(Tensor word, Tensor::Scalar<std::string>(InputBlob(0).TypeName()));
    SetOutput(0, std::move(word));
    return absl::OkStatus();
  }
};

DOPPIO_REGISTER_CPU_OPERATOR(TestAny, TestAnyOp<CPUContext>);
DOPPIO_NO_GRADIENT(TestAny);

DOPPIO_REGISTER_CPU_OPERATOR(TestNoSchema, TestAnyOp<CPUContext>);

}  // namespace
}  // namespace doppio
