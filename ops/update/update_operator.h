#ifndef DOPPIO_OPS_UPDATE_UPDATE_OPERATOR_H_
#define DOPPIO_OPS_UPDATE_UPDATE_OPERATOR_H_

// What the operators of optimizers have in common. They work on float, and most update blobs in
// place. Dense ones go through all elements once, in pieces for threads; sparse ones update the
// rows of tables that indices name.

#include <algorithm>
#include <initializer_list>
#include <limits>
#include <vector>

#include "absl/functional/function_ref.h"
#include "doppio/operator.h"
#include "doppio/parallel.h"
#include "src/kernel/elementwise_binary.h"
#include "src/kernel/indices.h"
#include "src/kernel/optimizer.h"

namespace doppio {

// Output i has the type and shape of input inputs[i].
inline OpSchema::InferenceFunction OutputsLikeInputs(std::vector<int> inputs) {
  return [inputs = std::move(inputs)](InferenceContext* context) {
    for (int i = 0; i < static_cast<int>(inputs.size()); ++i) {
      context->SetOutput(i, context->dtype(inputs[i]), context->dims(inputs[i]));
    }
    return absl::OkStatus();
  };
}

// So many operations for each element of that input.
inline OpSchema::FlopsFunction FlopsForEachOf(int input, int64_t flops) {
  return [input, flops](const OperatorDef&, const std::vector<TensorInfo>& inputs, const auto&) {
    return flops * SizeFromDim(*inputs[input].dims, 0);
  };
}

class UpdateOperator : public Operator<CPUContext> {
 public:
  // Refuses an output that is an input which is read for another purpose: it would change
  // meanwhile.
  explicit UpdateOperator(OperatorInit* init) : Operator<CPUContext>(init) {
    for (int o = 0; o < OutputSize(); ++o) {
      for (int i = 0; i < InputSize(); ++i) {
        if (!IsInplace(i, o) || schema().AllowsInplace(i, o)) continue;
        init->Fail(absl::InvalidArgumentError(
            absl::StrCat("input ", i, " is output ", o, " too, which changes while it is read")));
      }
    }
  }

 protected:
  static constexpr int64_t kGrain = 1 << 14;  // elements that are worth a thread

  // The only element of input i.
  template <typename T>
  absl::StatusOr<T> Single(int i) const {
    const Tensor& input = Input(i);
    if (input.Is<T>() && input.numel() == 1) return *input.data<T>();
    return absl::InvalidArgumentError(absl::StrCat(Name(i), " must be one ",
                                                   DataTypeName(DataTypeOf<T>::value), ", but is ",
                                                   DescribeInput(i)));
  }

  // The number of an iteration, which leaves room for one more.
  absl::StatusOr<int64_t> Iteration(int i) const {
    DOPPIO_ASSIGN_OR_RETURN(const int64_t iteration, Single<int64_t>(i));
    if (iteration >= 0 && iteration < std::numeric_limits<int64_t>::max()) return iteration;
    return absl::OutOfRangeError(absl::StrCat("the iteration is ", iteration,
                                              ", must be at least 0 and leave room for 1 "
                                              "more"));
  }

  // These inputs are T with `count` elements each, whatever their shapes.
  template <typename T>
  absl::Status CheckSizes(std::initializer_list<int> inputs, int64_t count) const {
    for (int i : inputs) {
      if (Input(i).Is<T>() && Input(i).numel() == count) continue;
      return absl::InvalidArgumentError(
          absl::StrCat(Name(i), " must be ", DataTypeName(DataTypeOf<T>::value), " with ", count,
                       " elements, but is ", DescribeInput(i)));
    }
    return absl::OkStatus();
  }

  // Output i, for every i, becomes a tensor of the shape of input inputs[i]; outputs that the
  // operator does not have are left out. Data pointers are taken after this.
  absl::Status MakeOutputsLike(std::initializer_list<int> inputs) {
    int o = 0;
    for (int i : inputs) {
      if (o == OutputSize()) break;
      DOPPIO_RETURN_IF_ERROR(Output(o++, Input(i).dtype(), Input(i).dims()).status());
    }
    return absl::OkStatus();
  }

  // Whether an input that may be left out is there.
  absl::Status CheckHasInput(int i) const {
    if (InputSize() > i) return absl::OkStatus();
    return absl::InvalidArgumentError(
        absl::StrCat("with these arguments there must be an input ", i, ", ", Name(i)));
  }

  // The argument `decay` is 1.
  static absl::Status CheckNoDecay(OperatorInit* init) {
    const float decay = init->GetSingleArgument<float>("decay");
    if (decay == 1) return absl::OkStatus();
    return absl::InvalidArgumentError(absl::StrCat("decay is ", decay, ", must be 1"));
  }

  const float* In(int i) const { return Input(i).template data<float>(); }
  // After MakeOutputsLike; null where the operator has no such output.
  float* Out(int o) {
    if (o >= OutputSize()) return nullptr;
    return OutputBlob(o)->template GetMutable<Tensor>()->template mutable_data<float>();
  }
  // What was input i and becomes output o.
  Slot Updated(int i, int o) {
    float* out = Out(o);
    return {In(i), out};
  }

  // f(begin, count) for pieces that cover [0, size).
  static void InPieces(int64_t size, absl::FunctionRef<void(int64_t begin, int64_t count)> f) {
    ParallelFor(size, kGrain, [&](int64_t begin, int64_t end) { f(begin, end - begin); });
  }

  // Output 0 becomes input 0 times a number; 1 leaves every element as it is.
  void ScaleFirst(float factor) {
    const Slot x = Updated(0, 0);
    if (factor == 1 && x.in == x.out) return;
    Mul(x.in, Input(0).dims(), &factor, {}, x.out, Input(0).dims(), &context_);
  }

  // The sum of f(begin, count) over pieces of [0, size) that do not depend on threads.
  double SumOfPieces(int64_t size, absl::FunctionRef<double(int64_t begin, int64_t count)> f) {
    const int64_t pieces = (size + kGrain - 1) / kGrain;
    sums_.resize(static_cast<size_t>(pieces));
    ParallelFor(pieces, 1, [&](int64_t first, int64_t last) {
      for (int64_t i = first; i < last; ++i) {
        const int64_t begin = i * kGrain;
        sums_[static_cast<size_t>(i)] = f(begin, std::min(kGrain, size - begin));
      }
    });
    double sum = 0;
    for (double part : sums_) sum += part;
    return sum;
  }
  double SumOfSquaresOf(const float* x, int64_t size) {
    return SumOfPieces(size, [&](int64_t begin, int64_t count) {
      return SumOfProducts(x + begin, x + begin, count);
    });
  }

  // Input `table` is float, at least a vector, and every index names one of its rows.
  absl::Status CheckTable(int table, int indices) const {
    const Tensor& rows = Input(table);
    if (!rows.Is<float>() || rows.rank() == 0) {
      return absl::InvalidArgumentError(absl::StrCat(
          Name(table), " must be float and at least a vector, but is ", DescribeInput(table)));
    }
    return CheckIndexInput(indices, rows.dim(0));
  }
  absl::Status CheckIndexInput(int indices, int64_t rows) const {
    const Tensor& input = Input(indices);
    return DispatchType(IndexTypes(), input.dtype(), [&](auto tag) {
      return CheckIndices(input.template span<typename decltype(tag)::type>(), 0, rows);
    });
  }

  // Input `grad` has a row of `table` for each index: the shape of the indices, then that of a row.
  absl::Status CheckRowGradients(int table, int indices, int grad) const {
    const int64_t block = RowSize(table);
    DOPPIO_ASSIGN_OR_RETURN(const int64_t wanted, CheckedProduct(Input(indices).numel(), block));
    DOPPIO_RETURN_IF_ERROR(CheckSizes<float>({grad}, wanted));
    const Tensor& values = Input(grad);
    const int64_t outer = std::min<int64_t>(Input(indices).rank(), values.rank());
    if (SizeFromDim(values.dims(), static_cast<int>(outer)) == block) return absl::OkStatus();
    return absl::InvalidArgumentError(
        absl::StrCat(Name(grad), " must have a row of ", DescribeInput(table), " for each of ",
                     DescribeInput(indices), ", but is ", DescribeInput(grad)));
  }

  int64_t RowSize(int table) const { return SizeFromDim(Input(table).dims(), 1); }

  // A table that f of ForEachIndex works on, whose rows have `width` elements.
  struct RowTable {
    const float* rows;
    int64_t width;
  };

  // f(row, k) for every k, where the k-th index is `row`. What happens to one row happens in the
  // order of k, since an index may stand there twice: threads share out the rows of the tables, of
  // which there are `rows`. Tables are named so that their rows are fetched before f needs them.
  absl::Status ForEachIndex(int indices, int64_t rows, std::initializer_list<RowTable> tables,
                            absl::FunctionRef<void(int64_t row, int64_t k)> f) const {
    const Tensor& input = Input(indices);
    const int64_t width = tables.size() == 0 ? 1 : tables.begin()->width;
    return DispatchType(IndexTypes(), input.dtype(), [&](auto tag) {
      const auto index = input.template span<typename decltype(tag)::type>();
      const auto count = static_cast<int64_t>(index.size());
      ParallelFor(rows, RowGrain(rows, count, width), [&](int64_t begin, int64_t end) {
        for (int64_t k = 0; k < count; ++k) {
          if (k + kAhead < count) {
            const int64_t next = index[static_cast<size_t>(k + kAhead)];
            if (next >= begin && next < end) FetchRow(tables, next);
          }
          const int64_t row = index[static_cast<size_t>(k)];
          if (row >= begin && row < end) f(row, k);
        }
      });
      return absl::OkStatus();
    });
  }

 private:
  static constexpr int64_t kAhead = 16;     // indices
  static constexpr int64_t kFetched = 128;  // elements of a row; the processor goes on by itself
  static constexpr int64_t kLine = 16;      // elements in a line of the cache

  static void FetchRow(std::initializer_list<RowTable> tables, int64_t row) {
    for (const RowTable& table : tables) {
      const float* begin = table.rows + row * table.width;
      for (int64_t i = 0; i < std::min(kFetched, table.width); i += kLine) {
        __builtin_prefetch(begin + i, /*rw=*/1);
      }
    }
  }

  // Of tables with so many rows, how many a thread should have at least where `count` of them are
  // updated, with repetitions.
  static int64_t RowGrain(int64_t rows, int64_t count, int64_t width) {
    const int64_t threads = std::max<int64_t>(count * std::max<int64_t>(width, 1) / kGrain, 1);
    return std::max<int64_t>((rows + threads - 1) / threads, 1);
  }

  absl::string_view Name(int i) const { return schema().inputs()[static_cast<size_t>(i)].name; }

  std::vector<double> sums_;
};

}  // namespace doppio

#endif  // DOPPIO_OPS_UPDATE_UPDATE_OPERATOR_H_
