#include <algorithm>
#include <optional>

#include "absl/strings/str_join.h"
#include "doppio/gradient_maker.h"
#include "doppio/registry.h"

namespace doppio {
namespace {

constexpr int64_t kAnySize = -1;

// What a tensor has to be; anything, as far as it is not said.
struct Wanted {
  explicit Wanted(ArgumentReader* reader)
      : dtype(reader->GetDataTypeArgument("dtype", DataType::kUndefined)) {
    if (reader->HasArgument("shape")) shape = reader->GetRepeatedArgument<int64_t>("shape");
  }

  absl::Status Check(DataType type, DimsView dims) const {
    const bool is_type = dtype == DataType::kUndefined || dtype == type;
    const bool is_shape =
        !shape.has_value() ||
        std::equal(shape->begin(), shape->end(), dims.begin(), dims.end(),
                   [](int64_t size, int64_t is) { return size == kAnySize || size == is; });
    if (is_type && is_shape) return absl::OkStatus();
    return absl::InvalidArgumentError(
        absl::StrCat("it is ", DataTypeName(type), ShapeToString(dims), ", but must be ", Text()));
  }

  // "float[?,3]".
  std::string Text() const {
    const std::string type =
        dtype == DataType::kUndefined ? "of shape " : std::string(DataTypeName(dtype));
    if (!shape.has_value()) return type;
    const auto append = [](std::string* out, int64_t size) {
      absl::StrAppend(out, size == kAnySize ? "?" : absl::StrCat(size));
    };
    return absl::StrCat(type, "[", absl::StrJoin(*shape, ",", append), "]");
  }

  DataType dtype;
  std::optional<std::vector<int64_t>> shape;
};

DOPPIO_OPERATOR_SCHEMA(EnforceShape)
    .NumInputs(1)
    .NumOutputs(0)
    .Doc(R"DOC(
Makes the run fail where a tensor is not of the type and shape that the rest of the net counts on.
Models of other formats declare them for what they are fed.

Example: shape = [-1,3] with dtype = "float" takes float [1,3] and [7,3], and fails for [3,1].
)DOC")
    .AnyArg("dtype",
            "the type: a number of TensorProto.DataType, or a name like \"float\"; default: any")
    .OptionalArg<std::vector<int64_t>>("shape",
                                       "the shape; -1 for sizes that may be any; default: any")
    .Input(0, "X", "tensor of any type and shape")
    .HasSideEffects()
    .TensorInference([](InferenceContext* context) {
      return Wanted(context).Check(context->dtype(0), context->dims(0));
    });

template <class Context>
class EnforceShapeOp final : public Operator<Context> {
 public:
  DOPPIO_USE_OPERATOR_FUNCTIONS;
  explicit EnforceShapeOp(OperatorInit* init) : Operator<Context>(init), wanted_(init) {}

  absl::Status RunOnDevice() override {
    const Tensor& x = Input(0);
    const absl::Status status = wanted_.Check(x.dtype(), x.dims());
    return status.ok() ? status : Annotate(status, absl::StrCat("\"", this->def().input(0), "\""));
  }

 private:
  const Wanted wanted_;
};

DOPPIO_REGISTER_CPU_OPERATOR(EnforceShape, EnforceShapeOp<CPUContext>);
DOPPIO_SHOULD_NOT_DO_GRADIENT(EnforceShape);

}  // namespace
}  // namespace doppio
