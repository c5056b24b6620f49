// BatchSparseToDense, BatchDenseToSparse, which are each other's gradient, and DenseVectorToIdList.

#include <algorithm>
#include <limits>

#include "doppio/gradient_maker.h"
#include "doppio/registry.h"
#include "src/kernel/indices.h"
#include "src/operator/lengths_input.h"

namespace doppio {
namespace {

using ValueTypes = TypeList<float, double>;

// Calls body(k, place) for every index k with its place in a matrix of `columns` columns, after all
// of them have been checked.
template <typename Body>
absl::Status ForEachPlace(const Tensor& lengths, const Tensor& indices, int64_t columns,
                          Body body) {
  return DispatchType(IndexTypes(), lengths.dtype(), [&](auto length_tag) -> absl::Status {
    const auto length = lengths.span<typename decltype(length_tag)::type>();
    DOPPIO_RETURN_IF_ERROR(CheckLengths(length, "lengths", indices.numel(), "indices"));
    return DispatchType(IndexTypes(), indices.dtype(), [&](auto tag) -> absl::Status {
      const auto index = indices.span<typename decltype(tag)::type>();
      DOPPIO_RETURN_IF_ERROR(CheckIndices(index, 0, columns));
      return body([&](auto visit) {
        int64_t k = 0;
        for (size_t row = 0; row < length.size(); ++row) {
          for (const int64_t end = k + length[row]; k < end; ++k) {
            visit(k, static_cast<int64_t>(row) * columns + index[static_cast<size_t>(k)]);
          }
        }
      });
    });
  });
}

void StateLengthsAndIndices(OpSchema& schema) {
  schema.NumOutputs(1)
      .Input(0, "lengths", "vector of int32 or int64, which sum to the number of indices")
      .Input(1, "indices", "vector of int32 or int64: columns, one row's behind the other's")
      .Flops([](const OperatorDef&, const auto&, const auto&) { return int64_t{0}; });
}

// The number of columns, by the argument, the input of the wanted shape, or both.
absl::StatusOr<int64_t> LastDim(int64_t argument, std::optional<DimsView> shaper) {
  if (!shaper.has_value()) {
    if (argument >= 1) return argument;
    return absl::InvalidArgumentError(absl::StrCat("dense_last_dim is ", argument,
                                                   ", but must be at least 1 where no input has "
                                                   "the shape"));
  }
  if (shaper->size() != 2) {
    return absl::InvalidArgumentError(absl::StrCat(
        "output_shape_inference must be a matrix, but has the shape ", ShapeToString(*shaper)));
  }
  if (argument != -1 && argument != (*shaper)[1]) {
    return absl::InvalidArgumentError(absl::StrCat("dense_last_dim is ", argument,
                                                   ", but output_shape_inference has ",
                                                   (*shaper)[1], " columns"));
  }
  return (*shaper)[1];
}

DOPPIO_OPERATOR_SCHEMA(BatchSparseToDense)
    .NumInputs(3, 4)
    .FillUsing(StateLengthsAndIndices)
    .Doc(R"DOC(
A matrix of default_value in which the values stand at the columns that the indices name: the first
lengths[0] of them in row 0, the next lengths[1] in row 1, and so on. Of an index that stands twice in
a row the last value counts.

Example: lengths [2,1], indices [0,1,2], values [6,7,8] and dense_last_dim = 3 give
[[6,7,0],[0,0,8]].
)DOC")
    .Arg<int64_t>("dense_last_dim", "the number of columns; -1: that of output_shape_inference", -1)
    .Arg<float>("default_value", "what stands where no index points to", 0.0f)
    .Input(2, "values", "float or double, one for each index")
    .Input(3, "output_shape_inference", "matrix with as many columns as wanted; optional")
    .Output(0, "dense", "matrix of values' type [lengths, dense_last_dim]")
    .ShapeOnly({3})
    .TensorInference([](InferenceContext* context) -> absl::Status {
      std::optional<DimsView> shaper;
      if (context->InputSize() > 3) shaper = context->dims(3);
      DOPPIO_ASSIGN_OR_RETURN(
          int64_t columns, LastDim(context->GetSingleArgument<int64_t>("dense_last_dim"), shaper));
      DOPPIO_RETURN_IF_ERROR(CheckIsVector(context->dims(0), "lengths"));
      const Dims dims = {context->dims(0)[0], columns};
      DOPPIO_RETURN_IF_ERROR(NumElements(dims).status());
      context->SetOutput(0, context->dtype(2), dims);
      return absl::OkStatus();
    });

template <class Context>
class BatchSparseToDenseOp final : public Operator<Context> {
 public:
  DOPPIO_USE_OPERATOR_FUNCTIONS;
  explicit BatchSparseToDenseOp(OperatorInit* init)
      : Operator<Context>(init),
        last_dim_(init->GetSingleArgument<int64_t>("dense_last_dim")),
        default_(init->GetSingleArgument<float>("default_value")) {}

  absl::Status RunOnDevice() override {
    DOPPIO_RETURN_IF_ERROR(CheckIsVector(Input(0).dims(), "lengths"));
    DOPPIO_RETURN_IF_ERROR(CheckIsVector(Input(1).dims(), "indices"));
    const Tensor& values = Input(2);
    if (values.numel() != Input(1).numel()) {
      return absl::InvalidArgumentError(absl::StrCat(
          "values ", DescribeInput(2), " must be as many as indices ", DescribeInput(1)));
    }
    std::optional<DimsView> shaper;
    if (InputSize() > 3) shaper = Input(3).dims();
    DOPPIO_ASSIGN_OR_RETURN(int64_t columns, LastDim(last_dim_, shaper));
    return ForEachPlace(Input(0), Input(1), columns, [&](auto for_each) -> absl::Status {
      return DispatchType(ValueTypes(), values.dtype(), [&](auto tag) -> absl::Status {
        using T = typename decltype(tag)::type;
        DOPPIO_ASSIGN_OR_RETURN(Tensor * output,
                                Output(0, values.dtype(), {Input(0).numel(), columns}));
        T* y = output->template mutable_data<T>();
        const T* x = Input(2).template data<T>();
        std::fill_n(y, output->numel(), static_cast<T>(default_));
        for_each([&](int64_t k, int64_t place) { y[place] = x[k]; });
        return absl::OkStatus();
      });
    });
  }

 private:
  const int64_t last_dim_;
  const float default_;
};

DOPPIO_OPERATOR_SCHEMA(BatchDenseToSparse)
    .NumInputs(3)
    .FillUsing(StateLengthsAndIndices)
    .Doc(R"DOC(
The elements of a matrix at the columns that the indices name: the first lengths[0] of them in row 0,
the next lengths[1] in row 1, and so on. The reverse of BatchSparseToDense.

Example: lengths [2,1], indices [0,1,2] and dense [[6,7,0],[0,0,8]] give [6,7,8].
)DOC")
    .Input(2, "dense", "matrix of float or double with a row for each length")
    .Output(0, "values", "vector of dense's type, one for each index")
    .TensorInference([](InferenceContext* context) -> absl::Status {
      context->SetOutput(0, context->dtype(2), context->dims(1));
      return absl::OkStatus();
    });

template <class Context>
class BatchDenseToSparseOp final : public Operator<Context> {
 public:
  DOPPIO_USE_OPERATOR_FUNCTIONS;
  explicit BatchDenseToSparseOp(OperatorInit* init) : Operator<Context>(init) {}

  absl::Status RunOnDevice() override {
    DOPPIO_RETURN_IF_ERROR(CheckIsVector(Input(0).dims(), "lengths"));
    DOPPIO_RETURN_IF_ERROR(CheckIsVector(Input(1).dims(), "indices"));
    const Tensor& dense = Input(2);
    if (dense.rank() != 2 || dense.dim(0) != Input(0).numel()) {
      return absl::InvalidArgumentError(absl::StrCat("dense ", DescribeInput(2),
                                                     " must be a matrix with a row for each of "
                                                     "lengths ",
                                                     DescribeInput(0)));
    }
    return ForEachPlace(Input(0), Input(1), dense.dim(1), [&](auto for_each) -> absl::Status {
      return DispatchType(ValueTypes(), dense.dtype(), [&](auto tag) -> absl::Status {
        using T = typename decltype(tag)::type;
        DOPPIO_ASSIGN_OR_RETURN(Tensor * output, Output(0, dense.dtype(), Input(1).dims()));
        T* y = output->template mutable_data<T>();
        const T* x = Input(2).template data<T>();
        for_each([&](int64_t k, int64_t place) { y[k] = x[place]; });
        return absl::OkStatus();
      });
    });
  }
};

class GetBatchSparseToDenseGradient final : public GradientMakerBase {
  using GradientMakerBase::GradientMakerBase;
  std::vector<OperatorDef> GetGradientDefs() override {
    return SingleGradientDef("BatchDenseToSparse", "", {I(0), I(1), GO(0)}, {GI(2)});
  }
};
class GetBatchDenseToSparseGradient final : public GradientMakerBase {
  using GradientMakerBase::GradientMakerBase;
  std::vector<OperatorDef> GetGradientDefs() override {
    return SingleGradientDef("BatchSparseToDense", "", {I(0), I(1), GO(0), I(2)}, {GI(2)});
  }
};

DOPPIO_OPERATOR_SCHEMA(DenseVectorToIdList)
    .NumInputs(1)
    .NumOutputs(2)
    .Doc(R"DOC(
The columns of each row of a matrix whose elements are not zero when rounded, as a list of ids: 0.5
and above, and -1.5 and below.

Example: [[0,1,1],[0,0,0],[2,0,0]] gives out_lengths [2,0,1] and out_values [1,2,0].
)DOC")
    .Input(0, "values", "matrix of float, of fewer than 2^31 columns")
    .Output(0, "out_lengths", "vector of int32: how many ids each row has")
    .Output(1, "out_values", "vector of int32: the ids, one row's behind the other's")
    .TensorInference([](InferenceContext* context) -> absl::Status {
      if (context->dims(0).size() != 2) {
        return absl::InvalidArgumentError("values must be a matrix");
      }
      // How many ids there are depends on the values.
      context->SetOutput(0, DataType::kInt32, {context->dims(0)[0]});
      return absl::OkStatus();
    })
    .Flops([](const OperatorDef&, const auto&, const auto&) { return int64_t{0}; });

template <class Context>
class DenseVectorToIdListOp final : public Operator<Context> {
 public:
  DOPPIO_USE_OPERATOR_FUNCTIONS;
  explicit DenseVectorToIdListOp(OperatorInit* init) : Operator<Context>(init) {}

  absl::Status RunOnDevice() override {
    const Tensor& dense = Input(0);
    if (!dense.Is<float>() || dense.rank() != 2 ||
        dense.dim(1) > std::numeric_limits<int32_t>::max()) {
      return absl::InvalidArgumentError(
          absl::StrCat("values must be a matrix of float of fewer than 2^31 columns, but is ",
                       DescribeInput(0)));
    }
    const int64_t columns = dense.dim(1);
    const auto is_set = [](float x) { return x >= 0.5f || x <= -1.5f; };
    const float* x = dense.data<float>();
    const int64_t count = std::count_if(x, x + dense.numel(), is_set);
    DOPPIO_ASSIGN_OR_RETURN(Tensor * lengths, Output(0, DataType::kInt32, {dense.dim(0)}));
    DOPPIO_ASSIGN_OR_RETURN(Tensor * ids, Output(1, DataType::kInt32, {count}));
    int32_t* length = lengths->template mutable_data<int32_t>();
    int32_t* id = ids->template mutable_data<int32_t>();
    for (int64_t i = 0; i < dense.dim(0); ++i, x += columns) {
      const int32_t* begin = id;
      for (int32_t j = 0; j < columns; ++j) {
        if (is_set(x[j])) *id++ = j;
      }
      *length++ = static_cast<int32_t>(id - begin);
    }
    return absl::OkStatus();
  }
};

DOPPIO_REGISTER_CPU_OPERATOR(BatchSparseToDense, BatchSparseToDenseOp<CPUContext>);
DOPPIO_REGISTER_CPU_OPERATOR(BatchDenseToSparse, BatchDenseToSparseOp<CPUContext>);
DOPPIO_REGISTER_CPU_OPERATOR(DenseVectorToIdList, DenseVectorToIdListOp<CPUContext>);
DOPPIO_REGISTER_GRADIENT(BatchSparseToDense, GetBatchSparseToDenseGradient);
DOPPIO_REGISTER_GRADIENT(BatchDenseToSparse, GetBatchDenseToSparseGradient);
DOPPIO_NO_GRADIENT(DenseVectorToIdList);

}  // namespace
}  // namespace doppio
