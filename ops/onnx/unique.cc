#include <algorithm>
#include <numeric>
#include <string>

#include "doppio/gradient_maker.h"
#include "doppio/registry.h"
#include "ops/onnx/moved_elements.h"
#include "ops/onnx/ranked.h"

namespace doppio {
namespace {

DOPPIO_OPERATOR_SCHEMA(OnnxUnique)
    .NumInputs(1)
    .NumOutputs(1, 4)
    .Doc(R"DOC(
ONNX's Unique: the different elements of X, read as a vector, or with an axis the different slices along
it; and of each where it came first, and how often. They are in ascending order (slices compare by
their first element that differs, NaN is above all else and equal to NaN), or in that in which they
come first.

Example: X = [2,1,1,3] gives Y = [1,2,3], indices = [1,0,3], inverse_indices = [1,0,0,2] and counts =
[2,1,1].
)DOC")
    .OptionalArg<int>("axis", "the dimension of the slices, from the back if negative")
    .Arg<bool>("sorted", "1: in ascending order; 0: in that in which they come first", true)
    .Input(0, "X", "tensor of any type")
    .Output(0, "Y", "tensor of X's type: what is different")
    .Output(1, "indices", "vector of int64: where each of Y came first")
    .Output(2, "inverse_indices", "vector of int64: of each element or slice of X its place in Y")
    .Output(3, "counts", "vector of int64: how often each of Y came")
    .Flops(NoOperations);

// X as [outer, size, inner], of which the slices along the middle one are compared.
struct Slices {
  int64_t outer;
  int64_t size;
  int64_t inner;

  // Calls f with the places of the elements of slice i, until it is true.
  template <typename F>
  void Each(int64_t i, const F& f) const {
    for (int64_t o = 0; o < outer; ++o) {
      for (int64_t k = 0; k < inner; ++k) {
        if (f((o * size + i) * inner + k)) return;
      }
    }
  }
};

template <typename T>
bool IsBelow(const T* x, const Slices& slices, int64_t a, int64_t b) {
  bool is_below = false;
  const int64_t distance = (b - a) * slices.inner;
  slices.Each(a, [&](int64_t place) {
    is_below = Below(x[place], x[place + distance]);
    return is_below || Below(x[place + distance], x[place]);
  });
  return is_below;
}

template <class Context>
class OnnxUniqueOp final : public Operator<Context> {
 public:
  DOPPIO_USE_OPERATOR_FUNCTIONS;
  explicit OnnxUniqueOp(OperatorInit* init)
      : Operator<Context>(init),
        has_axis_(init->HasArgument("axis")),
        axis_(init->GetSingleArgument<int>("axis", 0)),
        is_sorted_(init->GetSingleArgument<bool>("sorted")) {}

  absl::Status RunOnDevice() override {
    const Tensor& x = Input(0);
    Dims dims = {x.numel()};
    int axis = 0;
    if (has_axis_) {
      DOPPIO_ASSIGN_OR_RETURN(axis, CanonicalAxis(axis_, x.rank()));
      dims.assign(x.dims().begin(), x.dims().end());
    }
    const Slices slices = {SizeToDim(dims, axis), dims[axis], SizeFromDim(dims, axis + 1)};
    return DispatchType(AllTypes(), x.dtype(), [&](auto tag) -> absl::Status {
      using T = typename decltype(tag)::type;
      const T* elements = x.data<T>();
      Find(slices, elements);
      dims[axis] = static_cast<int64_t>(first_.size());
      DOPPIO_ASSIGN_OR_RETURN(Tensor * y, Output(0, x.dtype(), dims));
      T* to = y->template mutable_data<T>();
      for (int64_t o = 0; o < slices.outer; ++o) {
        for (const int64_t slice : first_) {
          to = std::copy_n(elements + (o * slices.size + slice) * slices.inner, slices.inner, to);
        }
      }
      return WriteNumbers();
    });
  }

 private:
  // Equal slices get one number, in the order that is wanted.
  template <typename T>
  void Find(const Slices& slices, const T* x) {
    const auto count = static_cast<size_t>(slices.size);
    order_.resize(count);
    std::iota(order_.begin(), order_.end(), 0);
    std::stable_sort(order_.begin(), order_.end(),
                     [&](int64_t a, int64_t b) { return IsBelow(x, slices, a, b); });
    first_.clear();
    inverse_.resize(count);
    for (size_t i = 0; i < count; ++i) {
      if (i == 0 || IsBelow(x, slices, order_[i - 1], order_[i])) first_.push_back(order_[i]);
      inverse_[static_cast<size_t>(order_[i])] = static_cast<int64_t>(first_.size()) - 1;
    }
    if (!is_sorted_) NumberAsTheyCome();
    counts_.assign(first_.size(), 0);
    for (const int64_t number : inverse_) ++counts_[static_cast<size_t>(number)];
  }

  void NumberAsTheyCome() {
    std::sort(first_.begin(), first_.end());
    order_.resize(first_.size());  // the number of those that had one, by the old one
    for (size_t i = 0; i < first_.size(); ++i) {
      order_[static_cast<size_t>(inverse_[static_cast<size_t>(first_[i])])] =
          static_cast<int64_t>(i);
    }
    for (int64_t& number : inverse_) number = order_[static_cast<size_t>(number)];
  }

  absl::Status WriteNumbers() {
    const std::vector<int64_t>* const numbers[] = {&first_, &inverse_, &counts_};
    for (int i = 1; i < OutputSize(); ++i) {
      const std::vector<int64_t>& from = *numbers[i - 1];
      DOPPIO_ASSIGN_OR_RETURN(Tensor * to,
                              Output(i, DataType::kInt64, {static_cast<int64_t>(from.size())}));
      std::copy(from.begin(), from.end(), to->mutable_data<int64_t>());
    }
    return absl::OkStatus();
  }

  const bool has_axis_;
  const int axis_;
  const bool is_sorted_;
  std::vector<int64_t> order_;
  std::vector<int64_t> first_;
  std::vector<int64_t> inverse_;
  std::vector<int64_t> counts_;
};

DOPPIO_REGISTER_CPU_OPERATOR(OnnxUnique, OnnxUniqueOp<CPUContext>);
DOPPIO_GRADIENT_NOT_IMPLEMENTED_YET(OnnxUnique);

}  // namespace
}  // namespace doppio
