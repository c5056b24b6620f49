#include "doppio/gradient_maker.h"
#include "doppio/registry.h"

namespace doppio {
namespace {

DOPPIO_OPERATOR_SCHEMA(FeedBlob)
    .NumInputs(0)
    .NumOutputs(1)
    .Doc(R"DOC(
Makes a blob that holds a string itself, and not a tensor of strings.

Example: value = "abc" gives "abc", a blob of type std::string.
)DOC")
    .RequiredArg<std::string>("value", "the string, of any bytes")
    .Output(0, "blob", "the string, which is no tensor")
    .HasSideEffects();

template <class Context>
class FeedBlobOp final : public Operator<Context> {
 public:
  DOPPIO_USE_OPERATOR_FUNCTIONS;
  explicit FeedBlobOp(OperatorInit* init)
      : Operator<Context>(init), value_(init->GetSingleArgument<std::string>("value")) {}

  absl::Status RunOnDevice() override {
    *OutputBlob(0)->template GetMutable<std::string>() = value_;
    return absl::OkStatus();
  }

 private:
  const std::string value_;
};

DOPPIO_REGISTER_CPU_OPERATOR(FeedBlob, FeedBlobOp<CPUContext>);
DOPPIO_SHOULD_NOT_DO_GRADIENT(FeedBlob);

}  // namespace
}  // namespace doppio
