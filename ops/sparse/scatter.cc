#include "doppio/gradient_maker.h"
#include "doppio/registry.h"
#include "src/kernel/indices.h"
#include "src/operator/element_copy.h"

namespace doppio {
namespace {

// InvalidArgument unless every element of INDICES has a place in DATA but for the axis.
absl::Status CheckScatterDims(DimsView data, DimsView indices, DimsView updates, int axis) {
  bool fits = indices.size() == data.size();
  for (size_t i = 0; fits && i < data.size(); ++i) {
    fits = static_cast<int>(i) == axis || indices[i] <= data[i];
  }
  if (!fits) {
    return absl::InvalidArgumentError(
        absl::StrCat("INDICES ", ShapeToString(indices), " must have as many dimensions as DATA ",
                     ShapeToString(data), ", none larger but for axis ", axis));
  }
  if (updates == indices) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat("UPDATES ", ShapeToString(updates),
                                                 " must have the shape of INDICES ",
                                                 ShapeToString(indices)));
}

DOPPIO_OPERATOR_SCHEMA(Scatter)
    .NumInputs(3)
    .NumOutputs(1)
    .AllowInplace({{0, 0}})
    .Doc(R"DOC(
DATA with some elements overwritten by those of UPDATES. An update has its own place in OUTPUT, but
along `axis` that which INDICES says: for axis 1 of three, OUTPUT[i,INDICES[i,j,k],k] = UPDATES[i,j,k].
Where several stand in one place the last one wins.

This is what Caffe2 documents. What it runs is something else: it overwrites OUTPUT[i,j] with
UPDATES[i,INDICES[i,j]].

Example: DATA [[1,2,3,4,5]], INDICES [[1,3]] and UPDATES [[7,8]] give [[1,7,3,8,5]].
)DOC")
    .Arg<int>("axis", "the dimension that INDICES tell the place along", 1)
    .Input(0, "DATA", "tensor of any type, at least a vector")
    .Input(1, "INDICES", "tensor of int32 or int64, of as many dimensions as DATA; none negative")
    .Input(2, "UPDATES", "tensor of DATA's type with the shape of INDICES")
    .Output(0, "OUTPUT", "tensor of DATA's type and shape")
    .Flops([](const OperatorDef&, const auto&, const auto&) { return int64_t{0}; })
    .IdenticalTypeAndShape();

template <class Context>
class ScatterOp final : public Operator<Context> {
 public:
  DOPPIO_USE_OPERATOR_FUNCTIONS;
  explicit ScatterOp(OperatorInit* init)
      : Operator<Context>(init), axis_(init->GetSingleArgument<int>("axis")) {}

  absl::Status RunOnDevice() override {
    const Tensor& data = Input(0);
    const Tensor& indices = Input(1);
    DOPPIO_ASSIGN_OR_RETURN(const int axis, CanonicalAxis(axis_, data.rank()));
    DOPPIO_RETURN_IF_ERROR(CheckScatterDims(data.dims(), indices.dims(), Input(2).dims(), axis));
    if (Input(2).dtype() != data.dtype()) {
      return absl::InvalidArgumentError(absl::StrCat(
          "UPDATES ", DescribeInput(2), " must be of the type of DATA ", DescribeInput(0)));
    }
    return DispatchType(IndexTypes(), indices.dtype(), [&](auto tag) -> absl::Status {
      const auto index = indices.span<typename decltype(tag)::type>();
      DOPPIO_RETURN_IF_ERROR(CheckIndices(index, 0, data.dim(axis)));
      DOPPIO_ASSIGN_OR_RETURN(Tensor * output, Output(0, data.dtype(), data.dims()));
      if (!IsInplace(0, 0)) ElementCopy(Input(0), output)(0, 0, output->numel());
      Overwrite(index, axis, output);
      return absl::OkStatus();
    });
  }

 private:
  template <typename Index>
  void Overwrite(absl::Span<const Index> index, int axis, Tensor* output) {
    const DimsView dims = Input(1).dims();
    const Dims strides = ContiguousStrides(output->dims());
    const ElementCopy copy(Input(2), output);
    Dims place(dims.size(), 0);
    int64_t base = 0;  // of the place in OUTPUT, without the axis
    for (size_t k = 0; k < index.size(); ++k) {
      copy(static_cast<int64_t>(k), base + index[k] * strides[axis], 1);
      for (int i = static_cast<int>(dims.size()) - 1; i >= 0; --i) {
        const int64_t step = i == axis ? 0 : strides[i];
        base += step;
        if (++place[i] < dims[i]) break;
        base -= dims[i] * step;
        place[i] = 0;
      }
    }
  }

  const int axis_;
};

DOPPIO_REGISTER_CPU_OPERATOR(Scatter, ScatterOp<CPUContext>);
DOPPIO_SHOULD_NOT_DO_GRADIENT(Scatter);

}  // namespace
}  // namespace doppio
