#ifndef DOPPIO_OPS_FILL_FILLER_H_
#define DOPPIO_OPS_FILL_FILLER_H_

// What the operators that fill a tensor have in common: where its shape comes from.

#include <optional>
#include <vector>

#include "doppio/operator.h"
#include "doppio/schema.h"
#include "src/operator/shape_input.h"

namespace doppio {

// The shape is the argument `shape` (none: a scalar), or where there is an input, that of input 0,
// or with `input_as_shape` its elements; behind an input's shape come the sizes of `extra_shape`.
class FillerShape {
 public:
  // What is wrong with the arguments is reported to the reader.
  FillerShape(ArgumentReader* reader, int input_size) : has_input_(input_size > 0) {
    shape_ = reader->GetRepeatedArgument<int64_t>("shape");
    extra_shape_ = reader->GetRepeatedArgument<int64_t>("extra_shape");
    input_as_shape_ = reader->GetSingleArgument<bool>("input_as_shape");
    const auto fail = [&](absl::string_view why) { reader->Fail(absl::InvalidArgumentError(why)); };
    if (has_input_) {
      if (!shape_.empty()) fail("the shape is given both as an argument and as an input");
    } else {
      if (!extra_shape_.empty()) fail("\"extra_shape\" is given, but there is no input");
      if (input_as_shape_) fail("\"input_as_shape\" is set, but there is no input to be the shape");
    }
  }

  bool has_input() const { return has_input_; }
  bool needs_value() const { return input_as_shape_; }

  // `input` is input 0's shape; `value` is that input, and is only looked at if needs_value().
  absl::StatusOr<Dims> Resolve(DimsView input, const Tensor* value) const {
    Dims dims(shape_.begin(), shape_.end());
    if (has_input_ && input_as_shape_) {
      DOPPIO_ASSIGN_OR_RETURN(dims, ShapeFromTensor(*value, "the shape that the input gives"));
    } else if (has_input_) {
      dims.assign(input.begin(), input.end());
    }
    dims.insert(dims.end(), extra_shape_.begin(), extra_shape_.end());
    DOPPIO_RETURN_IF_ERROR(NumElements(dims).status());
    return dims;
  }

 private:
  bool has_input_;
  std::vector<int64_t> shape_;
  std::vector<int64_t> extra_shape_;
  bool input_as_shape_;
};

// For errors about the shape: what makes a scalar that was not meant.
inline absl::string_view ShapeHint(DimsView dims) {
  return dims.empty() ? "; the argument \"shape\" is missing" : "";
}

// The shape of the output where inference knows it.
inline absl::StatusOr<std::optional<Dims>> InferFillerShape(InferenceContext* context) {
  const bool has_input = context->InputSize() > 0;
  const FillerShape shape(context, context->InputSize());
  DOPPIO_RETURN_IF_ERROR(context->status());
  const Tensor* value = has_input ? context->value(0) : nullptr;
  if (shape.needs_value() && value == nullptr) return std::optional<Dims>();
  DOPPIO_ASSIGN_OR_RETURN(Dims dims,
                          shape.Resolve(has_input ? context->dims(0) : DimsView(), value));
  return std::optional<Dims>(std::move(dims));
}

// Constants that are no larger than this are known to inference, so that what follows (Expand, say)
// can look at them. Shapes are meant, and small tables.
inline constexpr int64_t kMaxInferredElements = 1024;

// The arguments and the input that give the shape, as the schemas state them.
inline void StateFiller(OpSchema& schema) {
  schema.NumInputs(0, 1)
      .NumOutputs(1)
      .AllowInplace({{0, 0}})
      .OptionalArg<std::vector<int64_t>>("shape", "the shape, where there is no input")
      .OptionalArg<std::vector<int64_t>>("extra_shape", "sizes that come behind the input's shape")
      .Arg("input_as_shape", "the input holds the shape, instead of having it", false)
      .Input(0, "input",
             "tensor of the shape to fill; with input_as_shape, a vector of int32 or int64 that "
             "holds the shape");
}

template <class Context>
class FillerOp : public Operator<Context> {
 protected:
  explicit FillerOp(OperatorInit* init)
      : Operator<Context>(init), shape_(init, init->def().input_size()) {}

  // The shape of this run's output.
  absl::StatusOr<Dims> OutputShape() const {
    if (!shape_.has_input()) return shape_.Resolve({}, nullptr);
    const Tensor& input = this->Input(0);
    return shape_.Resolve(input.dims(), &input);
  }
  // The same, where it is known before a run.
  absl::StatusOr<std::optional<Dims>> ConstantShape() const {
    if (shape_.has_input()) return std::optional<Dims>();
    DOPPIO_ASSIGN_OR_RETURN(Dims dims, shape_.Resolve({}, nullptr));
    return std::optional<Dims>(std::move(dims));
  }

 private:
  FillerShape shape_;
};

}  // namespace doppio

#endif  // DOPPIO_OPS_FILL_FILLER_H_
