#include "doppio/gradient_maker.h"
#include "doppio/registry.h"
#include "ops/fill/given_tensor.h"

namespace doppio {
namespace {

// GivenTensorFill itself may be told its type; those of its kin have one.
DataType GivenType(ArgumentReader* reader) {
  return reader->GetDataTypeArgument("dtype", DataType::kFloat);
}

void StateGivenTensor(OpSchema& schema) {
  schema.FillUsing(StateFiller).Output(0, "Y", "a tensor of the values");
}

DOPPIO_OPERATOR_SCHEMA(GivenTensorFill)
    .FillUsing(StateGivenTensor)
    .Doc(R"DOC(
A tensor whose elements stand in the net. The values must be as many as the shape has elements.

Example: shape = [2,2] and values = [1,2,3,4] give [[1,2],[3,4]].
)DOC")
    .AnyArg("values", "the elements, in `floats`, or `ints` or `strings` if `dtype` asks for them")
    .AnyArg("dtype", "the type, a number of TensorProto.DataType or a name; default: float")
    .TensorInference([](InferenceContext* context) {
      return InferGivenTensor(context, ReadGivenValues(context, GivenType(context)));
    });

template <class Context>
class GivenTensorFillOp final : public GivenTensorOp<Context> {
 public:
  explicit GivenTensorFillOp(OperatorInit* init)
      : GivenTensorOp<Context>(init, ReadGivenValues(init, GivenType(init))) {}
};

DOPPIO_REGISTER_CPU_OPERATOR(GivenTensorFill, GivenTensorFillOp<CPUContext>);
DOPPIO_NO_GRADIENT(GivenTensorFill);

template <class Context, DataType kType>
class TypedGivenTensorFillOp final : public GivenTensorOp<Context> {
 public:
  explicit TypedGivenTensorFillOp(OperatorInit* init)
      : GivenTensorOp<Context>(init, ReadGivenValues(init, kType)) {}
};

#define DOPPIO_GIVEN_TENSOR_FILL_(Type, dtype, ListType)                                    \
  DOPPIO_OPERATOR_SCHEMA(Type)                                                              \
      .FillUsing(StateGivenTensor)                                                          \
      .Doc(absl::StrCat("GivenTensorFill for elements of type ", DataTypeName(dtype), ".")) \
      .OptionalArg<std::vector<ListType>>("values", "the elements")                         \
      .TensorInference([](InferenceContext* context) {                                      \
        return InferGivenTensor(context, ReadGivenValues(context, dtype));                  \
      });                                                                                   \
  DOPPIO_REGISTER_CPU_OPERATOR(Type, TypedGivenTensorFillOp<CPUContext, dtype>);            \
  DOPPIO_NO_GRADIENT(Type)

DOPPIO_GIVEN_TENSOR_FILL_(GivenTensorBoolFill, DataType::kBool, int64_t);
DOPPIO_GIVEN_TENSOR_FILL_(GivenTensorDoubleFill, DataType::kDouble, float);
DOPPIO_GIVEN_TENSOR_FILL_(GivenTensorFp16Fill, DataType::kFloat16, float);
DOPPIO_GIVEN_TENSOR_FILL_(GivenTensorInt16Fill, DataType::kInt16, int64_t);
DOPPIO_GIVEN_TENSOR_FILL_(GivenTensorIntFill, DataType::kInt32, int64_t);
DOPPIO_GIVEN_TENSOR_FILL_(GivenTensorInt64Fill, DataType::kInt64, int64_t);
DOPPIO_GIVEN_TENSOR_FILL_(GivenTensorStringFill, DataType::kString, std::string);

}  // namespace
}  // namespace doppio
