#ifndef DOPPIO_OPS_REDUCE_FRONT_BACK_H_
#define DOPPIO_OPS_REDUCE_FRONT_BACK_H_

// What ReduceFrontSum, ReduceBackMean and so on have in common: X is read as a matrix, of which the
// columns (front) or the rows (back) are reduced.

#include "doppio/gradient_maker.h"
#include "doppio/registry.h"

namespace doppio {

class FrontBackReduction {
 public:
  // Vector i of the matrix has elements x[i * stride + j * step] for j < length.
  struct Shape {
    Dims output;
    int64_t rows;
    int64_t columns;
    int64_t vectors;
    int64_t length;
    int64_t stride;
    int64_t step;
  };

  FrontBackReduction(bool front, ArgumentReader* args)
      : front_(front), count_(args->GetSingleArgument<int>("num_reduce_dim")) {}

  bool front() const { return front_; }
  absl::StatusOr<Shape> Of(DimsView x) const;
  // Checks `lengths` for X; each is one vector's number of leading elements that count.
  absl::Status CheckLengths(const Tensor& lengths, const Shape& shape) const;
  absl::Status CheckLengthsShape(DataType type, DimsView lengths, const Shape& shape) const;

 private:
  bool front_;
  int64_t count_;  // of dimensions
};

void StateFrontBackReduction(OpSchema& schema, bool front);
void StateFrontBackGradient(OpSchema& schema, bool front);

// The sum or mean of vectors (or of their first elements), by `Kind`.
enum class FrontBackKind { kSum, kMean };

template <class Context, bool kFront, FrontBackKind kKind>
class FrontBackOp final : public Operator<Context> {
 public:
  DOPPIO_USE_OPERATOR_FUNCTIONS;
  explicit FrontBackOp(OperatorInit* init) : Operator<Context>(init), reduction_(kFront, init) {}
  absl::Status RunOnDevice() override;

 private:
  const FrontBackReduction reduction_;
};

template <class Context, bool kFront, FrontBackKind kKind>
class FrontBackGradientOp final : public Operator<Context> {
 public:
  DOPPIO_USE_OPERATOR_FUNCTIONS;
  explicit FrontBackGradientOp(OperatorInit* init)
      : Operator<Context>(init), reduction_(kFront, init) {}
  absl::Status RunOnDevice() override;

 private:
  const FrontBackReduction reduction_;
};

// The maker of <Type>Gradient(dY, X[, lengths]) -> dX.
class GetFrontBackGradient final : public GradientMakerBase {
  using GradientMakerBase::GradientMakerBase;
  std::vector<OperatorDef> GetGradientDefs() override {
    std::vector<std::string> inputs = {GO(0), I(0)};
    if (InputSize() == 2) inputs.push_back(I(1));
    return SingleGradientDef(Def().type() + "Gradient", "", inputs, {GI(0)});
  }
};

}  // namespace doppio

#endif  // DOPPIO_OPS_REDUCE_FRONT_BACK_H_
