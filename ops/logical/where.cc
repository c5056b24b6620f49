#include <algorithm>
#include <type_traits>

#include "doppio/gradient_maker.h"
#include "doppio/parallel.h"
#include "doppio/registry.h"
#include "src/kernel/broadcast.h"
#include "src/kernel/select.h"

namespace doppio {
namespace {

// Z gets rows of X and Y: `rows` of them, each of `row` elements.
struct Rows {
  int64_t rows;
  int64_t row;
};

// With `by_rows` the condition has one element for each row of X, and else one for each element.
absl::StatusOr<Rows> PlanRows(DimsView condition, DimsView x, DimsView y, bool by_rows) {
  const auto refuse = [&](absl::string_view rule) {
    return absl::InvalidArgumentError(
        absl::StrCat("the condition has the shape ", ShapeToString(condition), ", X ",
                     ShapeToString(x), " and Y ", ShapeToString(y), ", but ", rule));
  };
  if (x != y) return refuse("X and Y must have the same shape");
  if (!by_rows) {
    if (condition != x) return refuse("all three must have the same shape");
    DOPPIO_ASSIGN_OR_RETURN(const int64_t elements, NumElements(x));
    return Rows{elements, 1};
  }
  if (condition.size() != 1 || x.empty() || condition[0] != x[0]) {
    return refuse("the condition must be a vector of as many elements as X has rows");
  }
  return Rows{x[0], SizeFromDim(x, 1)};
}

// z[i] = condition[i] ? x[i] : y[i], row by row. z may be x or y.
template <typename T>
void Select(const bool* condition, const T* x, const T* y, T* z, const Rows& plan,
            int64_t element_size) {
  constexpr int64_t kGrainBytes = 1 << 16;
  const int64_t grain = kGrainBytes / (plan.row * element_size + 1) + 1;
  ParallelFor(plan.rows, grain, [&](int64_t begin, int64_t end) {
    if (plan.row == 1) {
      if constexpr (std::is_integral_v<T>) {
        SelectElements(sizeof(T), condition + begin, x + begin, y + begin, z + begin, end - begin);
      } else {
        for (int64_t i = begin; i < end; ++i) z[i] = condition[i] ? x[i] : y[i];
      }
      return;
    }
    for (int64_t i = begin; i < end; ++i) {
      const T* from = (condition[i] ? x : y) + i * plan.row;
      T* to = z + i * plan.row;
      if (from != to) std::copy_n(from, plan.row, to);
    }
  });
}

template <typename T>
void SelectTensor(const bool* condition, const Tensor& x, const Tensor& y, Tensor* z,
                  const Rows& plan) {
  Select(condition, static_cast<const T*>(x.raw_data()), static_cast<const T*>(y.raw_data()),
         static_cast<T*>(z->raw_mutable_data()), plan, static_cast<int64_t>(sizeof(T)));
}

// The same, element by element, where some are phantoms.
template <typename T>
void SelectRepeated(const BroadcastReader& condition, const BroadcastReader& x,
                    const BroadcastReader& y, Tensor* z) {
  constexpr int64_t kBlock = 1024;
  constexpr int64_t kGrain = 16 * kBlock;
  T* const to = static_cast<T*>(z->raw_mutable_data());
  ParallelFor(z->numel(), kGrain, [&](int64_t begin, int64_t end) {
    bool condition_room[kBlock];
    T x_room[kBlock];
    T y_room[kBlock];
    for (int64_t first = begin; first < end; first += kBlock) {
      const int64_t last = std::min(first + kBlock, end);
      const auto* c = static_cast<const bool*>(condition.Read(first, last, condition_room));
      const auto* if_true = static_cast<const T*>(x.Read(first, last, x_room));
      const auto* if_false = static_cast<const T*>(y.Read(first, last, y_room));
      SelectElements(sizeof(T), c, if_true, if_false, to + first, last - first);
    }
  });
}

absl::Status CheckTypes(DataType condition, DataType x, DataType y) {
  if (condition != DataType::kBool) {
    return absl::InvalidArgumentError(
        absl::StrCat("the condition is ", DataTypeName(condition), ", but must be bool"));
  }
  if (x != y) {
    return absl::InvalidArgumentError(absl::StrCat(
        "X is ", DataTypeName(x), " and Y is ", DataTypeName(y), "; they must have the same type"));
  }
  return absl::OkStatus();
}

absl::Status InferSelection(InferenceContext* context, bool by_rows) {
  DOPPIO_RETURN_IF_ERROR(context->status());
  DOPPIO_RETURN_IF_ERROR(CheckTypes(context->dtype(0), context->dtype(1), context->dtype(2)));
  DOPPIO_RETURN_IF_ERROR(
      PlanRows(context->dims(0), context->dims(1), context->dims(2), by_rows).status());
  context->SetOutput(0, context->dtype(1), context->dims(1));
  return absl::OkStatus();
}

constexpr char kByRows[] = "broadcast_on_rows";

DOPPIO_OPERATOR_SCHEMA(Where)
    .NumInputs(3)
    .NumOutputs(1)
    .AllowInplace({{1, 0}, {2, 0}})
    .Doc(R"DOC(
Z has the elements of X where C is true, and those of Y where it is false. All have the same shape;
with broadcast_on_rows=1, C is a vector that says it for each row of X and Y, along dimension 0.

Example: C = [true,false,true], X = [1,2,3] and Y = [4,5,6] give Z = [1,5,3].

Z may be X or Y; Caffe2 means to allow that too, but allows another pair of blobs.
)DOC")
    .Arg<bool>(kByRows, "1: C is a vector, with an element for each row", false)
    .Input(0, "C", "tensor of bool, of X's shape")
    .Input(1, "X", "tensor of any type and shape")
    .Input(2, "Y", "tensor of X's type and shape")
    .Output(0, "Z", "tensor of X's type and shape")
    .TakesPhantoms({0, 1, 2})
    .TensorInference([](InferenceContext* context) {
      return InferSelection(context, context->GetSingleArgument<bool>(kByRows));
    });

DOPPIO_OPERATOR_SCHEMA(Conditional)
    .NumInputs(3)
    .NumOutputs(1)
    .Doc(R"DOC(
DataO has the rows of DataT where Condition is true, and those of DataF where it is false.

Example: Condition = [true,false], DataT = [[1,2],[3,4]] and DataF = [[5,6],[7,8]] give DataO =
[[1,2],[7,8]].
)DOC")
    .Input(0, "Condition", "vector of bool, with an element for each row of DataT")
    .Input(1, "DataT", "tensor of any type, at least a vector")
    .Input(2, "DataF", "tensor of DataT's type and shape")
    .Output(0, "DataO", "tensor of DataT's type and shape")
    .TakesPhantoms({0, 1, 2})
    .TensorInference([](InferenceContext* context) { return InferSelection(context, true); });

// Conditional is kAlwaysByRows.
template <class Context, bool kAlwaysByRows>
class SelectOp final : public Operator<Context> {
 public:
  DOPPIO_USE_OPERATOR_FUNCTIONS;
  explicit SelectOp(OperatorInit* init)
      : Operator<Context>(init),
        by_rows_(kAlwaysByRows || init->GetSingleArgument<bool>(kByRows, false)) {}

  absl::Status RunOnDevice() override {
    const auto c = InputOperand(0);
    const auto if_true = InputOperand(1);
    const auto if_false = InputOperand(2);
    const DataType type = if_true.elements.dtype();
    DOPPIO_RETURN_IF_ERROR(CheckTypes(c.elements.dtype(), type, if_false.elements.dtype()));
    DOPPIO_ASSIGN_OR_RETURN(const Rows plan,
                            PlanRows(c.dims, if_true.dims, if_false.dims, by_rows_));
    const bool is_repeated = c.is_repeated() || if_true.is_repeated() || if_false.is_repeated();
    if (is_repeated && type != DataType::kString) return RunRepeated(c, if_true, if_false);
    DOPPIO_RETURN_IF_ERROR(InputBlob(0).WriteOut());  // of strings
    DOPPIO_ASSIGN_OR_RETURN(Tensor * z, Output(0, type, if_true.dims));
    if (z->numel() == 0) return absl::OkStatus();
    const bool* condition = Input(0).template data<bool>();
    const Tensor& x = Input(1);
    const Tensor& y = Input(2);
    if (type == DataType::kString) {
      SelectTensor<std::string>(condition, x, y, z, plan);
    } else if (DataTypeSize(type) == 1) {
      SelectTensor<uint8_t>(condition, x, y, z, plan);
    } else if (DataTypeSize(type) == 2) {
      SelectTensor<uint16_t>(condition, x, y, z, plan);
    } else if (DataTypeSize(type) == 4) {
      SelectTensor<uint32_t>(condition, x, y, z, plan);
    } else {
      SelectTensor<uint64_t>(condition, x, y, z, plan);
    }
    return absl::OkStatus();
  }

 private:
  using Operand = typename Operator<Context>::Operand;

  absl::Status RunRepeated(const Operand& c, const Operand& if_true, const Operand& if_false) {
    const DataType type = if_true.elements.dtype();
    const Dims dims(if_true.dims.begin(), if_true.dims.end());
    DOPPIO_ASSIGN_OR_RETURN(Tensor * z, Output(0, type, dims));
    Dims c_dims(c.elements.dims().begin(), c.elements.dims().end());
    if (by_rows_) c_dims.resize(dims.size(), 1);
    const size_t size = DataTypeSize(type);
    const BroadcastReader condition(sizeof(bool), c.elements.raw_data(), c_dims, dims);
    const BroadcastReader x(size, if_true.elements.raw_data(), if_true.elements.dims(), dims);
    const BroadcastReader y(size, if_false.elements.raw_data(), if_false.elements.dims(), dims);
    if (size == 1) {
      SelectRepeated<uint8_t>(condition, x, y, z);
    } else if (size == 2) {
      SelectRepeated<uint16_t>(condition, x, y, z);
    } else if (size == 4) {
      SelectRepeated<uint32_t>(condition, x, y, z);
    } else {
      SelectRepeated<uint64_t>(condition, x, y, z);
    }
    return absl::OkStatus();
  }

  const bool by_rows_;
};

using WhereOp = SelectOp<CPUContext, false>;
using ConditionalOp = SelectOp<CPUContext, true>;
DOPPIO_REGISTER_CPU_OPERATOR(Where, WhereOp);
DOPPIO_REGISTER_CPU_OPERATOR(Conditional, ConditionalOp);
DOPPIO_SHOULD_NOT_DO_GRADIENT(Where);
DOPPIO_NO_GRADIENT(Conditional);

}  // namespace
}  // namespace doppio
