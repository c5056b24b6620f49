// SparseToDenseMask and its gradient.

#include <algorithm>
#include <limits>
#include <optional>
#include <utility>

#include "doppio/gradient_maker.h"
#include "doppio/registry.h"
#include "src/kernel/indices.h"
#include "src/operator/element_copy.h"
#include "src/operator/lengths_input.h"

namespace doppio {
namespace {

// The columns that ids have in the output.
class MaskColumns {
 public:
  explicit MaskColumns(ArgumentReader* args) {
    const std::vector<int64_t> mask = args->GetRepeatedArgument<int64_t>("mask");
    if (mask.empty()) args->Fail(absl::InvalidArgumentError("mask must name an id at least"));
    for (int64_t id : mask) {
      if (id < 0) {
        args->Fail(absl::InvalidArgumentError(
            absl::StrCat("mask has the id ", id, ", but no id is negative")));
      }
      by_id_.emplace_back(id, static_cast<int64_t>(by_id_.size()));
    }
    std::sort(by_id_.begin(), by_id_.end());
    for (size_t i = 1; i < by_id_.size(); ++i) {
      if (by_id_[i].first == by_id_[i - 1].first) {
        args->Fail(absl::InvalidArgumentError(
            absl::StrCat("mask has the id ", by_id_[i].first, " twice")));
      }
    }
  }

  int64_t count() const { return static_cast<int64_t>(by_id_.size()); }

  // -1 where the mask does not have it.
  int64_t Find(int64_t id) const {
    const auto found =
        std::lower_bound(by_id_.begin(), by_id_.end(), std::make_pair(id, int64_t{0}));
    return found != by_id_.end() && found->first == id ? found->second : -1;
  }

 private:
  std::vector<std::pair<int64_t, int64_t>> by_id_;
};

// The largest number of the type stands for no id, as in Caffe2.
template <typename Index>
bool IsId(Index id) {
  return id >= 0 && id < std::numeric_limits<Index>::max();
}

// [lengths, columns], or [columns] without lengths, and the dimensions of a row.
absl::StatusOr<Dims> MaskedDims(std::optional<DimsView> lengths, int64_t columns, DimsView row) {
  Dims dims;
  if (lengths.has_value()) {
    DOPPIO_RETURN_IF_ERROR(CheckIsVector(*lengths, "lengths"));
    dims.push_back((*lengths)[0]);
  }
  dims.push_back(columns);
  dims.insert(dims.end(), row.begin(), row.end());
  DOPPIO_RETURN_IF_ERROR(NumElements(dims).status());
  return dims;
}

// The rows of the output, each with a run of indices.
class Runs {
 public:
  // `lengths` may be null: all indices are one row's.
  static absl::StatusOr<Runs> Of(const Tensor* lengths, const Tensor& indices) {
    DOPPIO_RETURN_IF_ERROR(CheckIsVector(indices.dims(), "indices"));
    if (lengths == nullptr) return Runs(nullptr, 1, indices.numel());
    DOPPIO_RETURN_IF_ERROR(CheckVector<int32_t>(*lengths, "lengths"));
    DOPPIO_RETURN_IF_ERROR(
        CheckLengths(lengths->span<int32_t>(), "lengths", indices.numel(), "indices"));
    return Runs(lengths->data<int32_t>(), lengths->numel(), 0);
  }

  int64_t count() const { return count_; }
  int64_t length(int64_t row) const { return lengths_ == nullptr ? only_length_ : lengths_[row]; }

 private:
  Runs(const int32_t* lengths, int64_t count, int64_t only_length)
      : lengths_(lengths), count_(count), only_length_(only_length) {}

  const int32_t* lengths_;
  int64_t count_;
  int64_t only_length_;
};

void StateMask(OpSchema& schema) {
  schema.RequiredArg<std::vector<int64_t>>("mask", "the ids that the columns stand for; none twice")
      .Input(0, "indices", "vector of int32 or int64: ids")
      .Flops([](const OperatorDef&, const auto&, const auto&) { return int64_t{0}; });
}

DOPPIO_OPERATOR_SCHEMA(SparseToDenseMask)
    .NumInputs(3, 4)
    .NumOutputs(1, 2)
    .FillUsing(StateMask)
    .Doc(R"DOC(
Puts rows that are given with their ids into columns, of which each stands for an id: output[j] is
values[k] where indices[k] is mask[j], the last one if several are, and default_value where none is. Ids
that the mask does not have are left out. With lengths there is such an output for each of them, of the
first lengths[0] ids, of the next lengths[1] ids, and so on.

Ids that are negative, or the largest number of their type, are no ids and are left out too; in
max_skipped_indices rows or more of the output they are an error. Caffe2 adds these rows up over all
runs of the operator, doppio counts those of one run. Only values have a gradient.

Example: indices [4,7,9], values [1,2,3], default_value 0 and mask = [9,5,4] give [3,0,1].
)DOC")
    .Arg<bool>("return_presence_mask", "whether the second output is made", false)
    .Arg<int>("max_skipped_indices", "so many rows with what is no id are an error", 50)
    .Input(1, "values", "tensor of any type: a row for each id")
    .Input(2, "default_value", "tensor of values' type with the shape of a row")
    .Input(3, "lengths", "vector of int32, which sum to the number of ids; optional")
    .Output(0, "output", "tensor of values' type: [lengths, mask] and the dimensions of a row")
    .Output(1, "presence_mask", "bool [lengths, mask]: where a value stands; not made otherwise")
    .TensorInference([](InferenceContext* context) -> absl::Status {
      std::optional<DimsView> lengths;
      if (context->InputSize() > 3) lengths = context->dims(3);
      const MaskColumns mask(context);
      DOPPIO_ASSIGN_OR_RETURN(Dims dims, MaskedDims(lengths, mask.count(), context->dims(2)));
      context->SetOutput(0, context->dtype(1), dims);
      if (!context->GetSingleArgument<bool>("return_presence_mask")) return absl::OkStatus();
      dims.resize(lengths.has_value() ? 2 : 1);
      context->SetOutput(1, DataType::kBool, dims);
      return absl::OkStatus();
    });

template <class Context>
class SparseToDenseMaskOp final : public Operator<Context> {
 public:
  DOPPIO_USE_OPERATOR_FUNCTIONS;
  explicit SparseToDenseMaskOp(OperatorInit* init)
      : Operator<Context>(init),
        mask_(init),
        returns_presence_(init->GetSingleArgument<bool>("return_presence_mask")),
        max_skipped_(init->GetSingleArgument<int>("max_skipped_indices")) {
    if (returns_presence_ && OutputSize() < 2) {
      init->Fail(absl::InvalidArgumentError("return_presence_mask needs a second output"));
    }
  }

  absl::Status RunOnDevice() override {
    const Tensor* lengths = InputSize() > 3 ? &Input(3) : nullptr;
    const Tensor& indices = Input(0);
    DOPPIO_ASSIGN_OR_RETURN(const Runs runs, Runs::Of(lengths, indices));
    DOPPIO_RETURN_IF_ERROR(CheckValues());
    return DispatchType(IndexTypes(), indices.dtype(), [&](auto tag) -> absl::Status {
      const auto ids = indices.span<typename decltype(tag)::type>();
      DOPPIO_RETURN_IF_ERROR(CheckSkipped(runs, ids));
      std::optional<DimsView> rows;
      if (lengths != nullptr) rows = lengths->dims();
      DOPPIO_ASSIGN_OR_RETURN(Dims dims, MaskedDims(rows, mask_.count(), Input(2).dims()));
      DOPPIO_ASSIGN_OR_RETURN(Tensor * output, Output(0, Input(1).dtype(), dims));
      bool* is_present = nullptr;
      if (returns_presence_) {
        dims.resize(lengths != nullptr ? 2 : 1);
        DOPPIO_ASSIGN_OR_RETURN(Tensor * presence, Output(1, DataType::kBool, dims));
        is_present = presence->template mutable_data<bool>();
        std::fill_n(is_present, presence->numel(), false);
      }
      Fill(runs, ids, output, is_present);
      return absl::OkStatus();
    });
  }

 private:
  absl::Status CheckValues() {
    const Tensor& values = Input(1);
    const Tensor& fallback = Input(2);
    if (values.rank() == 0 || values.dim(0) != Input(0).numel()) {
      return absl::InvalidArgumentError(absl::StrCat(
          "values ", DescribeInput(1), " must have a row for each of indices ", DescribeInput(0)));
    }
    if (fallback.dtype() != values.dtype() || fallback.dims() != values.dims().subspan(1)) {
      return absl::InvalidArgumentError(absl::StrCat("default_value ", DescribeInput(2),
                                                     " must have the type and the shape of a row "
                                                     "of values ",
                                                     DescribeInput(1)));
    }
    return absl::OkStatus();
  }

  template <typename Index>
  absl::Status CheckSkipped(const Runs& runs, absl::Span<const Index> ids) {
    int64_t skipped = 0;
    size_t k = 0;
    for (int64_t row = 0; row < runs.count(); ++row) {
      const size_t end = k + static_cast<size_t>(runs.length(row));
      while (k < end && IsId(ids[k])) ++k;
      if (k < end && ++skipped >= max_skipped_) {
        return absl::InvalidArgumentError(absl::StrCat(
            "index ", k, " is ", ids[k], ", which is no id, and with row ", row, " there are ",
            skipped, " rows with such; max_skipped_indices is ", max_skipped_));
      }
      k = end;
    }
    return absl::OkStatus();
  }

  template <typename Index>
  void Fill(const Runs& runs, absl::Span<const Index> ids, Tensor* output, bool* is_present) {
    const int64_t block = Input(2).numel();
    const int64_t columns = mask_.count();
    const ElementCopy copy_default(Input(2), output);
    const ElementCopy copy(Input(1), output);
    if (output->numel() > 0) {
      for (int64_t i = 0; i < runs.count() * columns; ++i) copy_default(0, i * block, block);
    }
    int64_t k = 0;
    for (int64_t row = 0; row < runs.count(); ++row) {
      for (const int64_t end = k + runs.length(row); k < end; ++k) {
        const Index id = ids[static_cast<size_t>(k)];
        const int64_t column = IsId(id) ? mask_.Find(id) : -1;
        if (column < 0) continue;
        const int64_t place = row * columns + column;
        copy(k * block, place * block, block);
        if (is_present != nullptr) is_present[place] = true;
      }
    }
  }

  const MaskColumns mask_;
  const bool returns_presence_;
  const int64_t max_skipped_;
};

DOPPIO_OPERATOR_SCHEMA(SparseToDenseMaskGradient)
    .NumInputs(2, 3)
    .NumOutputs(1)
    .FillUsing(StateMask)
    .Doc(R"DOC(
The gradient of SparseToDenseMask for its values: that of the output where the value stands, and 0 for a
value that is left out.

Example: indices [4,7,9], GOUTPUT [6,7,8] and mask = [9,5,4] give [8,0,6].
)DOC")
    .Input(1, "GOUTPUT", "tensor of any type: the gradient of the output")
    .Input(2, "lengths", "vector of int32, which sum to the number of ids; optional")
    .Output(0, "GVALUES", "tensor of GOUTPUT's type: a row for each id")
    .TensorInference([](InferenceContext* context) -> absl::Status {
      const size_t outer = context->InputSize() > 2 ? 2 : 1;
      DOPPIO_RETURN_IF_ERROR(CheckIsVector(context->dims(0), "indices"));
      Dims dims = {context->dims(0)[0]};
      const DimsView gradient = context->dims(1);
      if (gradient.size() > outer) {
        dims.insert(dims.end(), gradient.begin() + static_cast<std::ptrdiff_t>(outer),
                    gradient.end());
      }
      DOPPIO_RETURN_IF_ERROR(NumElements(dims).status());
      context->SetOutput(0, context->dtype(1), dims);
      return absl::OkStatus();
    });

template <class Context>
class SparseToDenseMaskGradientOp final : public Operator<Context> {
 public:
  DOPPIO_USE_OPERATOR_FUNCTIONS;
  explicit SparseToDenseMaskGradientOp(OperatorInit* init) : Operator<Context>(init), mask_(init) {}

  absl::Status RunOnDevice() override {
    const Tensor* lengths = InputSize() > 2 ? &Input(2) : nullptr;
    const Tensor& indices = Input(0);
    const Tensor& gradient = Input(1);
    DOPPIO_ASSIGN_OR_RETURN(const Runs runs, Runs::Of(lengths, indices));
    Dims outer;
    if (lengths != nullptr) outer.push_back(runs.count());
    outer.push_back(mask_.count());
    if (gradient.dims().size() < outer.size() ||
        gradient.dims().subspan(0, outer.size()) != DimsView(outer)) {
      return absl::InvalidArgumentError(absl::StrCat(
          "GOUTPUT ", DescribeInput(1), " must begin with the dimensions ", ShapeToString(outer)));
    }
    return DispatchType(IndexTypes(), indices.dtype(), [&](auto tag) -> absl::Status {
      Dims dims = {indices.numel()};
      dims.insert(dims.end(), gradient.dims().begin() + static_cast<std::ptrdiff_t>(outer.size()),
                  gradient.dims().end());
      DOPPIO_ASSIGN_OR_RETURN(Tensor * output, Output(0, gradient.dtype(), dims));
      Spread(runs, indices.data<typename decltype(tag)::type>(), output);
      return absl::OkStatus();
    });
  }

 private:
  template <typename Index>
  void Spread(const Runs& runs, const Index* ids, Tensor* output) {
    const int64_t block = SizeFromDim(output->dims(), 1);
    const int64_t columns = mask_.count();
    const ElementCopy copy(Input(1), output);
    SetToZero(output);
    // The row for which a column's gradient was last given away: of several ids in a row that are
    // equal, the last one's value stands in the output.
    given_.assign(static_cast<size_t>(columns), -1);
    int64_t begin = 0;
    for (int64_t row = 0; row < runs.count(); ++row) {
      const int64_t end = begin + runs.length(row);
      for (int64_t k = end - 1; k >= begin; --k) {
        const int64_t column = IsId(ids[k]) ? mask_.Find(ids[k]) : -1;
        if (column < 0 || given_[static_cast<size_t>(column)] == row) continue;
        given_[static_cast<size_t>(column)] = row;
        copy((row * columns + column) * block, k * block, block);
      }
      begin = end;
    }
  }

  const MaskColumns mask_;
  std::vector<int64_t> given_;
};

class GetSparseToDenseMaskGradient final : public GradientMakerBase {
  using GradientMakerBase::GradientMakerBase;
  std::vector<OperatorDef> GetGradientDefs() override {
    std::vector<std::string> inputs = {I(0), GO(0)};
    if (InputSize() > 3) inputs.push_back(I(3));
    return SingleGradientDef("SparseToDenseMaskGradient", "", inputs, {GI(1)});
  }
};

DOPPIO_REGISTER_CPU_OPERATOR(SparseToDenseMask, SparseToDenseMaskOp<CPUContext>);
DOPPIO_REGISTER_CPU_OPERATOR(SparseToDenseMaskGradient, SparseToDenseMaskGradientOp<CPUContext>);
DOPPIO_REGISTER_GRADIENT(SparseToDenseMask, GetSparseToDenseMaskGradient);

}  // namespace
}  // namespace doppio
