#include <algorithm>
#include <array>

#include "doppio/gradient_maker.h"
#include "doppio/parallel.h"
#include "doppio/registry.h"
#include "src/kernel/indices.h"
#include "src/kernel/segment.h"
#include "src/operator/lengths_input.h"

namespace doppio {
namespace {

using Types = TypeList<float, double>;

// A table of i[0] i[1] i[2] rows of j[0] j[1] j[2] elements, as the product of three cores. Core k
// has i[k] matrices [r[k], j[k] r[k + 1]]; r[0] and r[3] are 1.
struct Train {
  std::array<int64_t, 3> i;
  std::array<int64_t, 3> j;
  std::array<int64_t, 4> r;
  int64_t rows;
  int64_t columns;

  int64_t matrix_size(int k) const { return r[k] * j[k] * r[k + 1]; }
  // The products of a row's matrices so far, as they are put out for the gradient.
  int64_t first_size() const { return j[0] * r[1]; }
  int64_t second_size() const { return j[0] * j[1] * r[2]; }
};

// Checks that every size is positive, and that products of them fit.
absl::Status Complete(Train* train) {
  for (const int64_t rank : train->r) {
    if (rank < 1) {
      return absl::InvalidArgumentError(absl::StrCat("a rank is ", rank, ", must be at least 1"));
    }
  }
  if (train->r[0] != 1 || train->r[3] != 1) {
    return absl::InvalidArgumentError(absl::StrCat(
        "the first and the last rank must be 1, but are ", train->r[0], " and ", train->r[3]));
  }
  int64_t all = 1;
  train->rows = 1;
  train->columns = 1;
  for (int k = 0; k < 3; ++k) {
    if (train->i[k] < 1 || train->j[k] < 1) {
      return absl::InvalidArgumentError(
          absl::StrCat("a factor is ", std::min(train->i[k], train->j[k]), ", must be at least 1"));
    }
    DOPPIO_ASSIGN_OR_RETURN(train->rows, CheckedProduct(train->rows, train->i[k]));
    DOPPIO_ASSIGN_OR_RETURN(train->columns, CheckedProduct(train->columns, train->j[k]));
    for (const int64_t size : {train->j[k], train->r[k], train->r[k + 1]}) {
      DOPPIO_ASSIGN_OR_RETURN(all, CheckedProduct(all, size));
    }
  }
  return absl::OkStatus();
}

template <size_t kCount>
absl::Status ReadSizes(ArgumentReader* reader, absl::string_view name,
                       std::array<int64_t, kCount>* sizes) {
  const std::vector<int64_t> values = reader->GetRepeatedArgument<int64_t>(name);
  sizes->fill(1);
  if (values.empty()) return absl::OkStatus();
  if (values.size() != kCount) {
    return absl::InvalidArgumentError(absl::StrCat("argument \"", name, "\" must hold ", kCount,
                                                   " numbers, but holds ", values.size()));
  }
  std::copy(values.begin(), values.end(), sizes->begin());
  return absl::OkStatus();
}

absl::StatusOr<Train> ReadTrain(ArgumentReader* reader) {
  Train train;
  DOPPIO_RETURN_IF_ERROR(ReadSizes(reader, "factor_i", &train.i));
  DOPPIO_RETURN_IF_ERROR(ReadSizes(reader, "factor_j", &train.j));
  DOPPIO_RETURN_IF_ERROR(ReadSizes(reader, "ranks", &train.r));
  const int64_t emb_size = reader->GetSingleArgument<int64_t>("emb_size");
  DOPPIO_RETURN_IF_ERROR(reader->status());
  DOPPIO_RETURN_IF_ERROR(Complete(&train));
  if (train.columns != emb_size) {
    return absl::InvalidArgumentError(
        absl::StrCat("emb_size is ", emb_size, ", but the product of factor_j is ", train.columns));
  }
  return train;
}

absl::Status CheckCore(const Train& train, int k, DimsView core) {
  const Dims wanted = {train.i[k], train.r[k], train.j[k], train.r[k + 1]};
  if (core == DimsView(wanted)) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat("core", k, " ", ShapeToString(core), " must be ", ShapeToString(wanted)));
}

// As the shapes of the cores tell it.
absl::StatusOr<Train> TrainOf(const std::array<DimsView, 3>& cores) {
  Train train;
  for (int k = 0; k < 3; ++k) {
    if (cores[k].size() != 4) {
      return absl::InvalidArgumentError(
          absl::StrCat("core", k, " must have four dimensions, but is ", ShapeToString(cores[k])));
    }
    train.i[k] = cores[k][0];
    train.r[k] = cores[k][1];
    train.j[k] = cores[k][2];
  }
  train.r[3] = cores[2][3];
  DOPPIO_RETURN_IF_ERROR(Complete(&train));
  for (int k = 0; k < 3; ++k) DOPPIO_RETURN_IF_ERROR(CheckCore(train, k, cores[k]));
  return train;
}

DOPPIO_OPERATOR_SCHEMA(TTSparseLengthsSum)
    .NumInputs(5)
    .NumOutputs(4)
    .Doc(R"DOC(
SparseLengthsSum of a table that is never made: it is held as a tensor train of three cores. Row n
stands for the matrices n0, n1 and n2 of the cores, where n = n0 + i0 (n1 + i1 n2) and i is `factor_i`.
Its elements, for j the `factor_j` and r the `ranks`, are the products

  core0[n0] [j0, r1] * core1[n1] [r1, j1 r2], read as [j0 j1, r2], * core2[n2] [r2, j2]

Example: factor_i=[2,1,1], factor_j=[2,1,1], ranks=[1,1,1,1], emb_size=2, core0 [2,1,2,1] =
[[[[1],[2]]],[[[3],[4]]]], core1 [1,1,1,1] = [[[[10]]]], core2 [1,1,1,1] = [[[[1]]]], index [3] =
[0,1,1] and lengths [2] = [2,1] give OUTPUT [2,2] = [[40,60],[30,40]].
)DOC")
    .OptionalArg<std::vector<int64_t>>(
        "factor_i", "three factors of the number of the table's rows; default: 1 each")
    .OptionalArg<std::vector<int64_t>>("factor_j", "three factors of emb_size; default: 1 each")
    .OptionalArg<std::vector<int64_t>>("ranks",
                                       "four ranks, of which the first and last are 1; default: 1")
    .Arg<int64_t>("emb_size", "elements of a row: the product of factor_j", 64)
    .Input(0, "core0", "[i0, 1, j0, r1] of float or double")
    .Input(1, "core1", "[i1, r1, j1, r2] of core0's type")
    .Input(2, "core2", "[i2, r2, j2, 1] of core0's type")
    .Input(3, "index", "vector of int64: rows of the table")
    .Input(4, "lengths", "vector of int32, which sum to the length of index")
    .Output(0, "OUTPUT", "[length of lengths, emb_size]: the sum of each segment's rows")
    .Output(1, "core0_output", "[length of index, j0, r1]: what the gradient needs")
    .Output(2, "core1_output", "[length of index, j0 j1, r2]: likewise")
    .Output(3, "indices", "[length of index, 3] of int64: n0, n1 and n2")
    .Flops([](const OperatorDef&, const auto&, const std::vector<TensorInfo>& outputs) {
      return 2 * SizeFromDim(*outputs[1].dims, 0) + 2 * SizeFromDim(*outputs[2].dims, 0);
    })
    .TensorInference([](InferenceContext* context) -> absl::Status {
      DOPPIO_ASSIGN_OR_RETURN(const Train train, ReadTrain(context));
      for (int k = 0; k < 3; ++k) {
        DOPPIO_RETURN_IF_ERROR(CheckCore(train, k, context->dims(k)));
      }
      DOPPIO_RETURN_IF_ERROR(CheckVector<int64_t>(context->dtype(3), context->dims(3), "index"));
      DOPPIO_RETURN_IF_ERROR(CheckVector<int32_t>(context->dtype(4), context->dims(4), "lengths"));
      const int64_t count = context->dims(3)[0];
      context->SetOutput(0, context->dtype(0), {context->dims(4)[0], train.columns});
      context->SetOutput(1, context->dtype(0), {count, train.j[0], train.r[1]});
      context->SetOutput(2, context->dtype(0), {count, train.j[0] * train.j[1], train.r[2]});
      context->SetOutput(3, DataType::kInt64, {count, 3});
      return absl::OkStatus();
    });

// c [m,n] = a [m,k] * b [k,n]
template <typename T>
void Multiply(const T* a, const T* b, int64_t m, int64_t k, int64_t n, T* c) {
  std::fill_n(c, m * n, T(0));
  for (int64_t i = 0; i < m; ++i) {
    for (int64_t l = 0; l < k; ++l) {
      for (int64_t j = 0; j < n; ++j) c[i * n + j] += a[i * k + l] * b[l * n + j];
    }
  }
}

// c [k,n] = a [m,k] transposed * b [m,n]
template <typename T>
void MultiplyFirstTransposed(const T* a, const T* b, int64_t m, int64_t k, int64_t n, T* c) {
  std::fill_n(c, k * n, T(0));
  for (int64_t i = 0; i < m; ++i) {
    for (int64_t l = 0; l < k; ++l) {
      for (int64_t j = 0; j < n; ++j) c[l * n + j] += a[i * k + l] * b[i * n + j];
    }
  }
}

// c [m,k] = a [m,n] * b [k,n] transposed
template <typename T>
void MultiplySecondTransposed(const T* a, const T* b, int64_t m, int64_t n, int64_t k, T* c) {
  for (int64_t i = 0; i < m; ++i) {
    for (int64_t l = 0; l < k; ++l) {
      T sum = 0;
      for (int64_t j = 0; j < n; ++j) sum += a[i * n + j] * b[l * n + j];
      c[i * k + l] = sum;
    }
  }
}

// How many positions are worth a thread.
int64_t Grain(const Train& train) {
  return (1 << 12) / (train.second_size() * std::max(train.r[1], train.j[2])) + 1;
}

// Where the positions of each segment begin, and at last how many there are; `offsets` has room.
void SetOffsets(absl::Span<const int32_t> lengths, int64_t* offsets) {
  offsets[0] = 0;
  for (size_t s = 0; s < lengths.size(); ++s) offsets[s + 1] = offsets[s] + lengths[s];
}

absl::Status CheckCoreTypes(const OperatorBase& op) {
  for (int k = 1; k < 3; ++k) {
    if (op.InputBlob(k).Get<Tensor>()->dtype() == op.InputBlob(0).Get<Tensor>()->dtype()) continue;
    return absl::InvalidArgumentError(absl::StrCat(
        "core", k, " ", op.DescribeInput(k), " must have the type of core0 ", op.DescribeInput(0)));
  }
  return absl::OkStatus();
}

template <class Context>
class TTSparseLengthsSumOp final : public Operator<Context> {
 public:
  DOPPIO_USE_OPERATOR_FUNCTIONS;
  explicit TTSparseLengthsSumOp(OperatorInit* init) : Operator<Context>(init) {
    const absl::StatusOr<Train> train = ReadTrain(init);
    init->Fail(train.status());
    if (train.ok()) train_ = *train;
  }

  absl::Status RunOnDevice() override {
    DOPPIO_RETURN_IF_ERROR(CheckCoreTypes(*this));
    for (int k = 0; k < 3; ++k) DOPPIO_RETURN_IF_ERROR(CheckCore(train_, k, Input(k).dims()));
    DOPPIO_RETURN_IF_ERROR(CheckVector<int64_t>(Input(3), "index"));
    DOPPIO_RETURN_IF_ERROR(CheckVector<int32_t>(Input(4), "lengths"));
    const auto index = Input(3).template span<int64_t>();
    const auto lengths = Input(4).template span<int32_t>();
    const int64_t count = Input(3).numel();
    DOPPIO_RETURN_IF_ERROR(CheckIndices(index, 0, train_.rows));
    DOPPIO_RETURN_IF_ERROR(CheckLengths(lengths, "lengths", count, "index"));
    return DispatchType(Types(), Input(0).dtype(), [&](auto tag) -> absl::Status {
      using T = typename decltype(tag)::type;
      const DataType type = Input(0).dtype();
      const Train train = train_;
      DOPPIO_ASSIGN_OR_RETURN(Tensor * sums, Output(0, type, {Input(4).numel(), train.columns}));
      DOPPIO_ASSIGN_OR_RETURN(Tensor * first, Output(1, type, {count, train.j[0], train.r[1]}));
      DOPPIO_ASSIGN_OR_RETURN(Tensor * second,
                              Output(2, type, {count, train.j[0] * train.j[1], train.r[2]}));
      DOPPIO_ASSIGN_OR_RETURN(Tensor * indices, Output(3, DataType::kInt64, {count, 3}));
      DOPPIO_RETURN_IF_ERROR(rows_.Resize(type, {count, train.columns}));
      DOPPIO_RETURN_IF_ERROR(scratch_.Resize(type, {kSegmentPieces, train.columns}));
      DOPPIO_RETURN_IF_ERROR(offsets_.Resize(DataType::kInt64, {Input(4).numel() + 1}));
      const T* cores[] = {Input(0).template data<T>(), Input(1).template data<T>(),
                          Input(2).template data<T>()};
      const int64_t* row = index.data();
      int64_t* n = indices->mutable_data<int64_t>();
      T* products0 = first->mutable_data<T>();
      T* products1 = second->mutable_data<T>();
      T* products2 = rows_.mutable_data<T>();
      ParallelFor(count, Grain(train), [=](int64_t begin, int64_t end) {
        for (int64_t p = begin; p < end; ++p) {
          int64_t* at = n + 3 * p;
          at[0] = row[p] % train.i[0];
          at[1] = row[p] / train.i[0] % train.i[1];
          at[2] = row[p] / train.i[0] / train.i[1];
          T* product0 = products0 + p * train.first_size();
          T* product1 = products1 + p * train.second_size();
          std::copy_n(cores[0] + at[0] * train.matrix_size(0), train.first_size(), product0);
          Multiply(product0, cores[1] + at[1] * train.matrix_size(1), train.j[0], train.r[1],
                   train.j[1] * train.r[2], product1);
          Multiply(product1, cores[2] + at[2] * train.matrix_size(2), train.j[0] * train.j[1],
                   train.r[2], train.j[2], products2 + p * train.columns);
        }
      });
      int64_t* offsets = offsets_.mutable_data<int64_t>();
      SetOffsets(lengths, offsets);
      const SegmentRows<T, T, int32_t> rows{products2, train.columns, nullptr, nullptr, false};
      ReduceSegments(SegmentReducer::kSum, rows, {offsets, Input(4).numel()},
                     scratch_.mutable_data<T>(), sums->mutable_data<T>(), &context_);
      return absl::OkStatus();
    });
  }

 private:
  Train train_;
  Tensor rows_;     // of the table, one for each index
  Tensor scratch_;  // of ReduceSegments
  Tensor offsets_;  // of the segments
};

DOPPIO_OPERATOR_SCHEMA(TTSparseLengthsSumGradient)
    .NumInputs(8)
    .NumOutputs(3)
    .Doc(
        "The gradient of TTSparseLengthsSum: each matrix of a core gets the sum over the positions "
        "that it was used at, and 0 where there are none.")
    .Input(0, "core0", "as for TTSparseLengthsSum")
    .Input(1, "core1", "likewise")
    .Input(2, "core2", "likewise")
    .Input(3, "lengths", "likewise")
    .Input(4, "core0_output", "its second output")
    .Input(5, "core1_output", "its third output")
    .Input(6, "indices", "its fourth output")
    .Input(7, "dOUTPUT", "gradient of its first output")
    .Output(0, "dcore0", "gradient of core0, of its shape")
    .Output(1, "dcore1", "gradient of core1, of its shape")
    .Output(2, "dcore2", "gradient of core2, of its shape")
    .Flops([](const OperatorDef&, const std::vector<TensorInfo>& inputs, const auto&) {
      return 4 * SizeFromDim(*inputs[4].dims, 0) + 4 * SizeFromDim(*inputs[5].dims, 0);
    })
    .TensorInference([](InferenceContext* context) -> absl::Status {
      DOPPIO_RETURN_IF_ERROR(
          TrainOf({context->dims(0), context->dims(1), context->dims(2)}).status());
      for (int k = 0; k < 3; ++k) context->SetOutput(k, context->dtype(0), context->dims(k));
      return absl::OkStatus();
    });

template <class Context>
class TTSparseLengthsSumGradientOp final : public Operator<Context> {
 public:
  DOPPIO_USE_OPERATOR_FUNCTIONS;
  explicit TTSparseLengthsSumGradientOp(OperatorInit* init) : Operator<Context>(init) {}

  absl::Status RunOnDevice() override {
    DOPPIO_RETURN_IF_ERROR(CheckCoreTypes(*this));
    DOPPIO_ASSIGN_OR_RETURN(const Train train,
                            TrainOf({Input(0).dims(), Input(1).dims(), Input(2).dims()}));
    DOPPIO_RETURN_IF_ERROR(CheckInputs(train));
    return DispatchType(Types(), Input(0).dtype(), [&](auto tag) -> absl::Status {
      using T = typename decltype(tag)::type;
      DOPPIO_RETURN_IF_ERROR(DifferentiatePositions<T>(train));
      for (int k = 0; k < 3; ++k) DOPPIO_RETURN_IF_ERROR(AddUp<T>(train, k));
      return absl::OkStatus();
    });
  }

 private:
  absl::Status CheckInputs(const Train& train) {
    const auto check = [&](int i, DataType type, const Dims& dims) {
      if (Input(i).dtype() == type && Input(i).dims() == DimsView(dims)) return absl::OkStatus();
      return absl::InvalidArgumentError(absl::StrCat(DescribeInput(i), " must be ",
                                                     DataTypeName(type), ShapeToString(dims),
                                                     " for these cores and lengths"));
    };
    DOPPIO_RETURN_IF_ERROR(CheckVector<int32_t>(Input(3), "lengths"));
    const DataType type = Input(0).dtype();
    DOPPIO_ASSIGN_OR_RETURN(const int64_t count,
                            SumOfLengths(Input(3).template span<int32_t>(), "lengths"));
    DOPPIO_RETURN_IF_ERROR(check(4, type, {count, train.j[0], train.r[1]}));
    DOPPIO_RETURN_IF_ERROR(check(5, type, {count, train.j[0] * train.j[1], train.r[2]}));
    DOPPIO_RETURN_IF_ERROR(check(6, DataType::kInt64, {count, 3}));
    DOPPIO_RETURN_IF_ERROR(check(7, type, {Input(3).numel(), train.columns}));
    const auto indices = Input(6).template span<int64_t>();
    for (size_t p = 0; p < indices.size(); ++p) {
      DOPPIO_RETURN_IF_ERROR(CheckIndices(indices.subspan(p, 1), 0, train.i[p % 3]));
    }
    return absl::OkStatus();
  }

  // The gradients of the matrices that each position used, one after another.
  template <typename T>
  absl::Status DifferentiatePositions(const Train& train) {
    const DataType type = DataTypeOf<T>::value;
    const auto lengths = Input(3).template span<int32_t>();
    const int64_t count = Input(6).dim(0);
    for (int k = 0; k < 3; ++k) {
      DOPPIO_RETURN_IF_ERROR(matrices_[k].Resize(type, {count, train.matrix_size(k)}));
    }
    DOPPIO_RETURN_IF_ERROR(second_.Resize(type, {count, train.second_size()}));
    DOPPIO_RETURN_IF_ERROR(segments_.Resize(DataType::kInt64, {count}));
    int64_t* segments = segments_.mutable_data<int64_t>();
    for (size_t s = 0; s < lengths.size(); ++s) {
      segments = std::fill_n(segments, lengths[s], static_cast<int64_t>(s));
    }
    const int64_t* segment = segments_.data<int64_t>();
    const int64_t* n = Input(6).template data<int64_t>();
    const T* core1 = Input(1).template data<T>();
    const T* core2 = Input(2).template data<T>();
    const T* products0 = Input(4).template data<T>();
    const T* products1 = Input(5).template data<T>();
    const T* dy = Input(7).template data<T>();
    T* dproducts1 = second_.mutable_data<T>();
    T* d0 = matrices_[0].mutable_data<T>();
    T* d1 = matrices_[1].mutable_data<T>();
    T* d2 = matrices_[2].mutable_data<T>();
    ParallelFor(count, Grain(train), [=](int64_t begin, int64_t end) {
      for (int64_t p = begin; p < end; ++p) {
        const T* d = dy + segment[p] * train.columns;
        const T* matrix1 = core1 + n[3 * p + 1] * train.matrix_size(1);
        const T* matrix2 = core2 + n[3 * p + 2] * train.matrix_size(2);
        T* dproduct1 = dproducts1 + p * train.second_size();
        const int64_t rows = train.j[0] * train.j[1];
        MultiplyFirstTransposed(products1 + p * train.second_size(), d, rows, train.r[2],
                                train.j[2], d2 + p * train.matrix_size(2));
        MultiplySecondTransposed(d, matrix2, rows, train.j[2], train.r[2], dproduct1);
        MultiplyFirstTransposed(products0 + p * train.first_size(), dproduct1, train.j[0],
                                train.r[1], train.j[1] * train.r[2], d1 + p * train.matrix_size(1));
        MultiplySecondTransposed(dproduct1, matrix1, train.j[0], train.j[1] * train.r[2],
                                 train.r[1], d0 + p * train.matrix_size(0));
      }
    });
    return absl::OkStatus();
  }

  // Adds the gradients of core k's matrices in the order of the positions; threads share the
  // elements of a matrix out.
  template <typename T>
  absl::Status AddUp(const Train& train, int k) {
    DOPPIO_ASSIGN_OR_RETURN(Tensor * output, Output(k, DataTypeOf<T>::value, Input(k).dims()));
    const int64_t count = Input(6).dim(0);
    const int64_t size = train.matrix_size(k);
    const int64_t* n = Input(6).template data<int64_t>() + k;
    const T* from = matrices_[k].template data<T>();
    T* to = output->mutable_data<T>();
    std::fill_n(to, output->numel(), T(0));
    ParallelFor(size, (1 << 14) / std::max<int64_t>(count, 1) + 1, [=](int64_t begin, int64_t end) {
      for (int64_t p = 0; p < count; ++p) {
        T* sum = to + n[3 * p] * size;
        for (int64_t e = begin; e < end; ++e) sum[e] += from[p * size + e];
      }
    });
    return absl::OkStatus();
  }

  std::array<Tensor, 3> matrices_;  // gradients of the matrices of each position
  Tensor second_;                   // gradients of core1_output
  Tensor segments_;                 // of the positions
};

class GetTTSparseLengthsSumGradient final : public GradientMakerBase {
  using GradientMakerBase::GradientMakerBase;
  std::vector<OperatorDef> GetGradientDefs() override {
    return SingleGradientDef("TTSparseLengthsSumGradient", "",
                             {I(0), I(1), I(2), I(4), O(1), O(2), O(3), GO(0)},
                             {GI(0), GI(1), GI(2)});
  }
};

DOPPIO_REGISTER_CPU_OPERATOR(TTSparseLengthsSum, TTSparseLengthsSumOp<CPUContext>);
DOPPIO_REGISTER_CPU_OPERATOR(TTSparseLengthsSumGradient, TTSparseLengthsSumGradientOp<CPUContext>);
DOPPIO_REGISTER_GRADIENT(TTSparseLengthsSum, GetTTSparseLengthsSumGradient);

}  // namespace
}  // namespace doppio
