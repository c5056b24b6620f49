#include <limits>
#include <type_traits>

#include "doppio/gradient_maker.h"
#include "doppio/parallel.h"
#include "doppio/registry.h"
#include "src/kernel/indices.h"

namespace doppio {
namespace {

DOPPIO_OPERATOR_SCHEMA(IndexHash)
    .NumInputs(1)
    .NumOutputs(1)
    .AllowInplace({{0, 0}})
    .Doc(R"DOC(
Ids by their hash, below `modulo`: h = seed * 0xDEADBEEF, then h = h * 65537 + b for each byte b of the
id, lowest first and with its sign, and at last h mod modulo, not negative. All is computed in the type of
the ids, and wraps.

Example: seed = 0 and modulo = 100 of int32 ids [1,2,258] give [9,18,91].
)DOC")
    .Arg<int64_t>("seed", "other seeds give other hashes", 0)
    .RequiredArg<int64_t>("modulo", "at least 1: how many different hashes there are")
    .Input(0, "Indices", "tensor of int32 or int64")
    .Output(0, "HashedIndices", "tensor of the same type and shape")
    .IdenticalTypeAndShape();

template <class Context>
class IndexHashOp final : public Operator<Context> {
 public:
  DOPPIO_USE_OPERATOR_FUNCTIONS;
  explicit IndexHashOp(OperatorInit* init)
      : Operator<Context>(init),
        seed_(init->GetSingleArgument<int64_t>("seed")),
        modulo_(init->GetSingleArgument<int64_t>("modulo")) {
    if (modulo_ < 1) {
      init->Fail(absl::InvalidArgumentError(
          absl::StrCat("modulo is ", modulo_, ", but must be at least 1")));
    }
  }

  absl::Status RunOnDevice() override {
    const Tensor& ids = Input(0);
    return DispatchType(IndexTypes(), ids.dtype(), [&](auto tag) -> absl::Status {
      using T = typename decltype(tag)::type;
      if (modulo_ > std::numeric_limits<T>::max()) {
        return absl::InvalidArgumentError(absl::StrCat("modulo is ", modulo_, ", which the ids ",
                                                       DescribeInput(0), " can not hold"));
      }
      DOPPIO_ASSIGN_OR_RETURN(Tensor * output, Output(0, ids.dtype(), ids.dims()));
      const T* x = Input(0).template data<T>();
      T* y = output->template mutable_data<T>();
      constexpr int64_t kGrain = 1 << 13;
      ParallelFor(output->numel(), kGrain, [&](int64_t begin, int64_t end) {
        for (int64_t i = begin; i < end; ++i) y[i] = Hash(x[i]);
      });
      return absl::OkStatus();
    });
  }

 private:
  template <typename T>
  T Hash(T id) const {
    using Unsigned = std::make_unsigned_t<T>;
    Unsigned hash = static_cast<Unsigned>(static_cast<uint64_t>(seed_) * 0xDEADBEEFu);
    for (size_t i = 0; i < sizeof(T); ++i) {
      const auto byte = static_cast<int8_t>(static_cast<Unsigned>(id) >> (8 * i));
      hash = static_cast<Unsigned>(hash * 65537u + static_cast<Unsigned>(byte));
    }
    T rest = static_cast<T>(static_cast<T>(hash) % static_cast<T>(modulo_));
    if (rest < 0) rest = static_cast<T>(rest + static_cast<T>(modulo_));
    return rest;
  }

  const int64_t seed_;
  const int64_t modulo_;
};

DOPPIO_REGISTER_CPU_OPERATOR(IndexHash, IndexHashOp<CPUContext>);
DOPPIO_SHOULD_NOT_DO_GRADIENT(IndexHash);

}  // namespace
}  // namespace doppio
