// OnnxReshape, OnnxSqueeze and OnnxUnsqueeze, which give a tensor other dimensions as an input
// says.

#include <algorithm>

#include "doppio/gradient_maker.h"
#include "doppio/registry.h"
#include "ops/onnx/moved_elements.h"
#include "src/operator/shape_input.h"

namespace doppio {
namespace {

absl::Status Cannot(const char* what, DimsView x, DimsView numbers, absl::string_view why) {
  return absl::InvalidArgumentError(absl::StrCat("cannot ", what, " ", ShapeToString(x), " by ",
                                                 ShapeToString(numbers), ": ", why));
}

// The new shape of x, of the numbers of the second input.
struct Reshaping {
  static absl::StatusOr<Dims> Of(DimsView x, const Dims* numbers) {
    const Dims& shape = *numbers;
    DOPPIO_ASSIGN_OR_RETURN(const int64_t numel, NumElements(x));
    Dims dims = shape;
    const auto rest = std::find(dims.begin(), dims.end(), -1);
    if (rest != dims.end()) *rest = 1;
    const absl::StatusOr<int64_t> size = NumElements(dims);
    if (!size.ok()) return Cannot("reshape", x, shape, size.status().message());
    if (rest != dims.end()) {
      if (*size == 0 || numel % *size != 0) {
        return Cannot("reshape", x, shape, "there is no size for -1");
      }
      *rest = numel / *size;
    } else if (*size != numel) {
      return Cannot("reshape", x, shape, absl::StrCat(numel, " elements are not ", *size));
    }
    return dims;
  }
};

// Without numbers all dimensions of size 1 go.
struct Squeezing {
  static absl::StatusOr<Dims> Of(DimsView x, const Dims* numbers) {
    absl::InlinedVector<bool, 8> is_gone(x.size(), false);
    for (size_t d = 0; numbers == nullptr && d < x.size(); ++d) is_gone[d] = x[d] == 1;
    if (numbers != nullptr) {
      for (const int64_t axis : *numbers) {
        DOPPIO_ASSIGN_OR_RETURN(const int d, CanonicalAxis(axis, static_cast<int>(x.size())));
        if (x[d] != 1) {
          return Cannot("squeeze", x, *numbers,
                        absl::StrCat("dimension ", d, " is ", x[d], ", must be 1"));
        }
        is_gone[d] = true;
      }
    }
    Dims dims;
    for (size_t d = 0; d < x.size(); ++d) {
      if (!is_gone[d]) dims.push_back(x[d]);
    }
    return dims;
  }
};

struct Unsqueezing {
  static absl::StatusOr<Dims> Of(DimsView x, const Dims* numbers) {
    const size_t rank = x.size() + numbers->size();
    if (rank > static_cast<size_t>(kMaxRank)) return Cannot("unsqueeze", x, *numbers, "too many");
    absl::InlinedVector<bool, 8> is_new(rank, false);
    for (const int64_t axis : *numbers) {
      DOPPIO_ASSIGN_OR_RETURN(const int d, CanonicalAxis(axis, static_cast<int>(rank)));
      if (is_new[d]) {
        return Cannot("unsqueeze", x, *numbers, absl::StrCat("dimension ", d, " comes twice"));
      }
      is_new[d] = true;
    }
    Dims dims;
    auto kept = x.begin();
    for (size_t d = 0; d < rank; ++d) dims.push_back(is_new[d] ? 1 : *kept++);
    return dims;
  }
};

template <class Change>
void State(OpSchema* schema, int least_inputs, const char* doc, const char* name,
           const char* numbers) {
  schema->NumInputs(least_inputs, 2)
      .NumOutputs(1)
      .Doc(doc)
      .Input(0, "data", "tensor of any type")
      .Input(1, name, absl::StrCat("vector of int32 or int64: ", numbers))
      .Output(0, "output", "data's elements in the new shape")
      .Flops(NoOperations)
      .TensorInference([=](InferenceContext* context) -> absl::Status {
        Dims values;
        if (context->InputSize() > 1) {
          if (context->value(1) == nullptr) return absl::OkStatus();
          DOPPIO_ASSIGN_OR_RETURN(values, ShapeFromTensor(*context->value(1), name));
        }
        const Dims* given = context->InputSize() > 1 ? &values : nullptr;
        DOPPIO_ASSIGN_OR_RETURN(const Dims dims, Change::Of(context->dims(0), given));
        context->SetOutput(0, context->dtype(0), dims);
        return absl::OkStatus();
      });
}

DOPPIO_OPERATOR_SCHEMA(OnnxReshape).FillUsing([](OpSchema& schema) {
  State<Reshaping>(&schema, 2, R"DOC(
ONNX's Reshape with allowzero: a tensor's elements in another shape, in which 0 is a size like any other;
one may be -1 and becomes what is left. (In that of Caffe2's Reshape 0 keeps a size.)

Example: data [0,3] and shape = [2,0] give [2,0].
)DOC",
                   "shape", "the new shape");
});
DOPPIO_OPERATOR_SCHEMA(OnnxSqueeze).FillUsing([](OpSchema& schema) {
  State<Squeezing>(&schema, 1, R"DOC(
ONNX's Squeeze: without some dimensions, whose size is 1; without axes all of that size go.

Example: data [1,3,1] gives [3], and with axes = [-1] [1,3].
)DOC",
                   "axes", "the dimensions that go, from the back if negative");
});
DOPPIO_OPERATOR_SCHEMA(OnnxUnsqueeze).FillUsing([](OpSchema& schema) {
  State<Unsqueezing>(&schema, 2, R"DOC(
ONNX's Unsqueeze: with new dimensions of size 1.

Example: data [3] and axes = [0,-1] give [1,3,1].
)DOC",
                     "axes",
                     "where the new dimensions are in the output's shape, from the back if "
                     "negative");
});

template <class Context, class Change>
class DimsChangeOp final : public Operator<Context> {
 public:
  DOPPIO_USE_OPERATOR_FUNCTIONS;
  explicit DimsChangeOp(OperatorInit* init) : Operator<Context>(init) {}

  absl::Status RunOnDevice() override {
    const Tensor& x = Input(0);
    Dims numbers;
    if (InputSize() > 1) {
      DOPPIO_ASSIGN_OR_RETURN(numbers, ShapeFromTensor(Input(1), this->schema().inputs()[1].name));
    }
    DOPPIO_ASSIGN_OR_RETURN(const Dims dims,
                            Change::Of(x.dims(), InputSize() > 1 ? &numbers : nullptr));
    Tensor* output = OutputBlob(0)->template GetMutable<Tensor>();
    DOPPIO_RETURN_IF_ERROR(output->CopyFrom(x));
    return output->Reshape(dims);
  }
};
using OnnxReshapeOp = DimsChangeOp<CPUContext, Reshaping>;
using OnnxSqueezeOp = DimsChangeOp<CPUContext, Squeezing>;
using OnnxUnsqueezeOp = DimsChangeOp<CPUContext, Unsqueezing>;

DOPPIO_REGISTER_CPU_OPERATOR(OnnxReshape, OnnxReshapeOp);
DOPPIO_REGISTER_CPU_OPERATOR(OnnxSqueeze, OnnxSqueezeOp);
DOPPIO_REGISTER_CPU_OPERATOR(OnnxUnsqueeze, OnnxUnsqueezeOp);
DOPPIO_GRADIENT_NOT_IMPLEMENTED_YET(OnnxReshape);
DOPPIO_GRADIENT_NOT_IMPLEMENTED_YET(OnnxSqueeze);
DOPPIO_GRADIENT_NOT_IMPLEMENTED_YET(OnnxUnsqueeze);

}  // namespace
}  // namespace doppio
