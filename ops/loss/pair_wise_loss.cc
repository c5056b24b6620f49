#include <algorithm>
#include <cmath>
#include <limits>

#include "doppio/gradient_maker.h"
#include "doppio/parallel.h"
#include "doppio/registry.h"
#include "src/kernel/fill.h"

namespace doppio {
namespace {

// Checks what the shapes alone tell, and gives the number of sessions.
absl::StatusOr<int64_t> SessionsOf(DimsView x, DimsView label, const DimsView* lengths) {
  const int64_t n = x.empty() ? 0 : x[0];
  const auto is_column = [n](DimsView dims) {
    return !dims.empty() && dims[0] == n && SizeFromDim(dims, 1) == 1;
  };
  if (!is_column(x) || !is_column(label)) {
    return absl::InvalidArgumentError(
        absl::StrCat("X ", ShapeToString(x), " and label ", ShapeToString(label),
                     " must be [N], or [N,1] and so on, of the same N"));
  }
  if (lengths == nullptr) return n == 0 ? 0 : 1;
  if (lengths->size() == 1) return (*lengths)[0];
  return absl::InvalidArgumentError(
      absl::StrCat("lengths ", ShapeToString(*lengths), " must be a vector"));
}

// Where each session begins, and the end of the last one.
class Sessions {
 public:
  absl::Status Set(const OperatorBase& op, const Tensor& x, const Tensor& label,
                   const Tensor* lengths) {
    if (label.dtype() != x.dtype()) {
      return absl::InvalidArgumentError(absl::StrCat(
          op.DescribeInput(0), " and ", op.DescribeInput(1), " must have the same type"));
    }
    if (lengths != nullptr && lengths->dtype() != DataType::kInt32) {
      return absl::InvalidArgumentError(
          absl::StrCat("lengths ", DataTypeName(lengths->dtype()), " must be int32"));
    }
    const DimsView lengths_dims = lengths == nullptr ? DimsView() : lengths->dims();
    DOPPIO_ASSIGN_OR_RETURN(
        count_, SessionsOf(x.dims(), label.dims(), lengths == nullptr ? nullptr : &lengths_dims));
    starts_.assign(1, 0);
    if (lengths == nullptr) {
      starts_.push_back(x.dim(0));
      return absl::OkStatus();
    }
    for (const int32_t length : lengths->span<int32_t>()) {
      if (length < 0) {
        return absl::InvalidArgumentError(absl::StrCat("length ", length, " is negative"));
      }
      starts_.push_back(starts_.back() + length);
    }
    if (starts_.back() == x.dim(0)) return absl::OkStatus();
    return absl::InvalidArgumentError(absl::StrCat("the lengths add up to ", starts_.back(),
                                                   ", but X has ", x.dim(0), " elements"));
  }

  int64_t count() const { return count_; }
  int64_t begin(int64_t i) const { return starts_[static_cast<size_t>(i)]; }
  int64_t end(int64_t i) const { return starts_[static_cast<size_t>(i) + 1]; }

 private:
  int64_t count_ = 0;
  std::vector<int64_t> starts_;
};

// Calls f(better, worse) for every pair of elements in [begin, end) whose labels differ, and
// returns their number.
template <typename T, typename F>
int64_t ForEachPair(const T* label, int64_t begin, int64_t end, const F& f) {
  int64_t pairs = 0;
  for (int64_t i = begin; i < end; ++i) {
    for (int64_t j = begin; j < i; ++j) {
      if (std::abs(label[i] - label[j]) < std::numeric_limits<T>::epsilon()) continue;
      ++pairs;
      label[i] > label[j] ? f(i, j) : f(j, i);
    }
  }
  return pairs;
}

DOPPIO_OPERATOR_SCHEMA(PairWiseLoss)
    .NumInputs(2, 3)
    .NumOutputs(1)
    .Doc(R"DOC(
How well scores rank examples: the mean of ln(1 + exp(X[worse] - X[better])) over all pairs of examples
whose labels differ, where the better one has the greater label; 0 where there is no such pair. With
lengths, the examples are those of several sessions one after the other, each of which has a loss of its
own. Without, there is one session, or none if there are no examples.

Example: X [3] = [1,2,4], label [3] = [0,0,1] and lengths [2] = [1,2] give Y [2] = [0,0.126928].
(Where N is 0, Caffe2 gives no losses even for sessions that lengths name; here each has one, 0.)
)DOC")
    .Input(0, "X", "[N], or [N,1] and so on, of float or double: scores")
    .Input(1, "label", "[N], or [N,1] and so on, of X's type")
    .Input(2, "lengths", "vector of int32 that adds up to N: the sizes of the sessions")
    .Output(0, "Y", "vector of X's type: the sessions' losses")
    .TensorInference([](InferenceContext* context) -> absl::Status {
      const bool has_lengths = context->InputSize() > 2;
      const DimsView lengths = has_lengths ? context->dims(2) : DimsView();
      DOPPIO_ASSIGN_OR_RETURN(const int64_t count, SessionsOf(context->dims(0), context->dims(1),
                                                              has_lengths ? &lengths : nullptr));
      context->SetOutput(0, context->dtype(0), {count});
      return absl::OkStatus();
    });

template <class Context>
class PairWiseLossOp final : public Operator<Context> {
 public:
  DOPPIO_USE_OPERATOR_FUNCTIONS;
  explicit PairWiseLossOp(OperatorInit* init) : Operator<Context>(init) {}

  absl::Status RunOnDevice() override {
    const Tensor& x = Input(0);
    const Tensor& labels = Input(1);
    DOPPIO_RETURN_IF_ERROR(sessions_.Set(*this, x, labels, InputSize() > 2 ? &Input(2) : nullptr));
    return DispatchType(TypeList<float, double>(), x.dtype(), [&](auto tag) -> absl::Status {
      using T = typename decltype(tag)::type;
      DOPPIO_ASSIGN_OR_RETURN(Tensor * y, Output(0, x.dtype(), {sessions_.count()}));
      const T* score = x.data<T>();
      const T* label = labels.data<T>();
      T* to = y->mutable_data<T>();
      ParallelFor(sessions_.count(), 1, [&](int64_t begin, int64_t end) {
        for (int64_t s = begin; s < end; ++s) {
          double sum = 0;
          const int64_t pairs = ForEachPair(
              label, sessions_.begin(s), sessions_.end(s), [&](int64_t better, int64_t worse) {
                const double z = static_cast<double>(score[worse]) - score[better];
                sum += std::max(z, 0.0) + std::log1p(std::exp(-std::abs(z)));
              });
          to[s] = static_cast<T>(sum / static_cast<double>(std::max<int64_t>(pairs, 1)));
        }
      });
      return absl::OkStatus();
    });
  }

 private:
  Sessions sessions_;
};

DOPPIO_OPERATOR_SCHEMA(PairWiseLossGradient)
    .NumInputs(3, 4)
    .NumOutputs(1)
    .Doc(R"DOC(
The gradient of PairWiseLoss by X: every pair adds g = dY / pairs / (1 + exp(X[better] - X[worse])) to
the worse one and subtracts it from the better one.
)DOC")
    .Input(0, "X", "the first input of PairWiseLoss")
    .Input(1, "label", "its second input")
    .Input(2, "dY", "gradient of its output")
    .Input(3, "lengths", "its third input, if it has one")
    .Output(0, "dX", "gradient of X")
    .IdenticalTypeAndShape();

template <class Context>
class PairWiseLossGradientOp final : public Operator<Context> {
 public:
  DOPPIO_USE_OPERATOR_FUNCTIONS;
  explicit PairWiseLossGradientOp(OperatorInit* init) : Operator<Context>(init) {}

  absl::Status RunOnDevice() override {
    const Tensor& x = Input(0);
    const Tensor& labels = Input(1);
    const Tensor& dy = Input(2);
    DOPPIO_RETURN_IF_ERROR(sessions_.Set(*this, x, labels, InputSize() > 3 ? &Input(3) : nullptr));
    if (dy.dtype() != x.dtype() || dy.rank() != 1 || dy.dim(0) != sessions_.count()) {
      return absl::InvalidArgumentError(absl::StrCat(
          "dY ", DescribeInput(2), " must be a vector of ", sessions_.count(), " of X's type"));
    }
    return DispatchType(TypeList<float, double>(), x.dtype(), [&](auto tag) -> absl::Status {
      using T = typename decltype(tag)::type;
      DOPPIO_ASSIGN_OR_RETURN(Tensor * dx, Output(0, x.dtype(), x.dims()));
      const T* score = x.data<T>();
      const T* label = labels.data<T>();
      const T* gradient = dy.data<T>();
      T* to = dx->mutable_data<T>();
      Fill(T(0), to, dx->numel(), &context_);
      ParallelFor(sessions_.count(), 1, [&](int64_t begin, int64_t end) {
        for (int64_t s = begin; s < end; ++s) {
          const int64_t first = sessions_.begin(s);
          const int64_t last = sessions_.end(s);
          const int64_t pairs = ForEachPair(label, first, last, [&](int64_t better, int64_t worse) {
            const T g = gradient[s] / (1 + std::exp(score[better] - score[worse]));
            to[worse] += g;
            to[better] -= g;
          });
          const T count = static_cast<T>(std::max<int64_t>(pairs, 1));
          for (int64_t i = first; i < last; ++i) to[i] /= count;
        }
      });
      return absl::OkStatus();
    });
  }

 private:
  Sessions sessions_;
};

class GetPairWiseLossGradient final : public GradientMakerBase {
  using GradientMakerBase::GradientMakerBase;
  std::vector<OperatorDef> GetGradientDefs() override {
    std::vector<std::string> inputs = {I(0), I(1), GO(0)};
    if (InputSize() == 3) inputs.push_back(I(2));
    return SingleGradientDef("PairWiseLossGradient", "", inputs, {GI(0)});
  }
};

DOPPIO_REGISTER_CPU_OPERATOR(PairWiseLoss, PairWiseLossOp<CPUContext>);
DOPPIO_REGISTER_CPU_OPERATOR(PairWiseLossGradient, PairWiseLossGradientOp<CPUContext>);
DOPPIO_REGISTER_GRADIENT(PairWiseLoss, GetPairWiseLossGradient);

}  // namespace
}  // namespace doppio
