#include "doppio/gradient_maker.h"
#include "ops/nn/fc_layer.h"
#include "src/dnn/packed_matrix.h"

namespace doppio {
namespace {

DOPPIO_OPERATOR_SCHEMA(PackedFC)
    .FillUsing([](OpSchema& schema) { StateFc(schema, false); })
    .AllowAnyInput(1)
    .OptionalArg<std::string>("activation", "what is done to the result then: Relu, or nothing")
    .Doc(R"DOC(
FC with weights that PackMatrix has laid out, and with the activation that follows.
)DOC")
    .Input(0, "X", "tensor of float, read as a matrix [M,K]: dimensions before `axis` are rows")
    .Input(1, "W", "the weights, as PackMatrix makes them")
    .Input(2, "b", "vector of N");

class PackedFcOp final : public Operator<CPUContext> {
 public:
  explicit PackedFcOp(OperatorInit* init)
      : Operator<CPUContext>(init), args_(init), relu_(init->HasArgument("activation")) {
    const auto activation = init->GetSingleArgument<std::string>("activation", "Relu");
    if (activation != "Relu") {
      init->Fail(absl::InvalidArgumentError(
          absl::StrCat("there is no activation \"", activation, "\" for a fully connected layer")));
    }
  }

  absl::Status RunOnDevice() override {
    const Tensor& x = Input(0);
    const PackedMatrix* w = InputBlob(1).Get<PackedMatrix>();
    const Tensor& b = Input(2);
    if (w == nullptr) {
      return absl::InvalidArgumentError(
          absl::StrCat(DescribeInput(1), " must be weights that PackMatrix made"));
    }
    if (!x.Is<float>() || !b.Is<float>()) {
      return absl::InvalidArgumentError(absl::StrCat("the inputs must be of float, but are ",
                                                     DescribeInput(0), " and ", DescribeInput(2)));
    }
    DOPPIO_ASSIGN_OR_RETURN(const FcSizes sizes, FcSizesOf(args_, false, x.dims(), w->dims()));
    DOPPIO_RETURN_IF_ERROR(CheckFcBias(sizes, b.dims()));
    DOPPIO_ASSIGN_OR_RETURN(const Dims dims, FcOutputShape(sizes, x.dims()));
    DOPPIO_ASSIGN_OR_RETURN(Tensor * y, Output(0, DataType::kFloat, dims));
    w->Multiply(x.data<float>(), sizes.m, {false, b.data<float>(), relu_},
                y->mutable_data<float>());
    return absl::OkStatus();
  }

 private:
  const FcArguments args_;
  const bool relu_;
};

DOPPIO_REGISTER_CPU_OPERATOR(PackedFC, PackedFcOp);
DOPPIO_NO_GRADIENT(PackedFC);

}  // namespace
}  // namespace doppio
