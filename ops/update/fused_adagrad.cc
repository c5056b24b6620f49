#include "absl/strings/substitute.h"
#include "doppio/gradient_maker.h"
#include "doppio/registry.h"
#include "ops/update/adagrad_rules.h"
#include "ops/update/update_operator.h"
#include "src/operator/lengths_input.h"

namespace doppio {
namespace {

enum class Reduction { kSum, kMean, kWeightedSum };

constexpr char kDoc[] = R"DOC(
A step of $0 (Duchi, Hazan, Singer 2011, Adaptive subgradient methods for
online learning and stochastic optimization) with the gradient of $1,
which never exists as a tensor. For every k in turn, where the k-th index r = indices[k] stands in
segment s at place p,

    g = $2 + weight_decay param[r]
    moment[r] = moment[r] + $3
    param[r] = param[r] + lr g / (sqrt(moment[r]) + epsilon)
$4
A row that stands in indices twice takes two steps. Other rows stay as they are. The operators with
and without Approx in their names, which differ on GPUs, are the same here.

Example: param [[10],[20]], moment $5, $6, indices [0,1],
lengths [2], lr [-1] and epsilon=0 give output_param [[9.2],[19.2]].
)DOC";

constexpr char kWeights[] = R"DOC(
and before all that, of the parameters as they were, the gradients of the weights (in Caffe2 those of
the operator with Approx are of parameters that indices before k have changed):

    aux_grad[k] = sum(grad[s] param[r])
)DOC";

template <Reduction kReduction, bool kIsRowWise>
class FusedAdagradOp final : public UpdateOperator {
 public:
  explicit FusedAdagradOp(OperatorInit* init) : UpdateOperator(init), rule_(init) {
    init->Fail(CheckNoDecay(init));
    if constexpr (kIsRowWise) {
      if (rule_.NeedsCounter()) init->Fail(CheckHasInput(kCounter));
    }
  }

  static void State(OpSchema& schema) {
    schema.NumInputs(kLengths + 1, kIsRowWise ? kCounter + 1 : kLengths + 1)
        .NumOutputs(kIsWeighted ? 3 : 2)
        .Doc(Documentation())
        .Arg<float>("decay", "must be 1: rows without an index could not decay", 1.0f)
        .Input(0, "param", "float, at least a vector: the table that is trained")
        .Input(1, "moment",
               kIsRowWise ? "float, an element for each row of param: sums of mean squares"
                          : "float, as many elements as param: sums of squares of gradients")
        .Input(kIndices, "indices", "vector of int32 or int64: rows of param")
        .Input(kGrad, "grad", "float: for each segment, a gradient of the shape of a row of param")
        .Input(kLr, "lr", "one float")
        .Input(kLengths, "lengths",
               "vector of int32, none negative, which sum to the number of indices")
        .Output(0, "output_param", "param's shape: the new parameters")
        .Output(1, "output_moment", "moment's shape: the new moment");
    Rule::State(schema);
    if constexpr (kIsRowWise) {
      schema.OptionalArg<int64_t>("round_option", "without effect: of tables in float16 on GPUs")
          .Input(kCounter, "counter",
                 "double, an element for each row of param, as RowWiseCounter counts; needed only "
                 "where counter_halflife is above 0 and weight_decay is not 0");
    }
    if constexpr (kIsWeighted) {
      schema.EnforceInplace({{0, 0}, {1, 1}})
          .Input(2, "aux_param",
                 "vector of float: the weights of places in a segment, of which the longest one "
                 "has no more")
          .Output(2, "aux_grad", "vector of float: for each index the gradient of its weight")
          .TensorInference([](InferenceContext* context) {
            context->SetOutput(0, context->dtype(0), context->dims(0));
            context->SetOutput(1, context->dtype(1), context->dims(1));
            context->SetOutput(2, DataType::kFloat, context->dims(kIndices));
            return absl::OkStatus();
          });
    } else {
      schema.EnforceOneToOneInplace().TensorInference(OutputsLikeInputs({0, 1}));
    }
    schema.Flops([](const OperatorDef&, const std::vector<TensorInfo>& inputs, const auto&) {
      const Dims& table = *inputs[0].dims;
      if (table.empty()) return int64_t{0};
      return (kIsWeighted ? 10 : 8) * SizeFromDim(*inputs[kIndices].dims, 0) *
             SizeFromDim(table, 1);
    });
  }

  absl::Status RunOnDevice() override {
    DOPPIO_RETURN_IF_ERROR(CheckTable(0, kIndices));
    const int64_t rows = Input(0).dim(0);
    const int64_t block = RowSize(0);
    DOPPIO_RETURN_IF_ERROR(CheckSizes<float>({1}, kIsRowWise ? rows : Input(0).numel()));
    DOPPIO_RETURN_IF_ERROR(CheckIsVector(Input(kIndices).dims(), "indices"));
    DOPPIO_RETURN_IF_ERROR(CheckVector<int32_t>(Input(kLengths), "lengths"));
    const auto lengths = Input(kLengths).template span<int32_t>();
    DOPPIO_RETURN_IF_ERROR(
        CheckLengths(lengths, "lengths", Input(kIndices).numel(), "the vector of indices"));
    DOPPIO_RETURN_IF_ERROR(CheckRowGradients(0, kLengths, kGrad));
    DOPPIO_ASSIGN_OR_RETURN(const float lr, Single<float>(kLr));
    rule_.SetRate(lr);
    if constexpr (kIsRowWise) {
      if (rule_.NeedsCounter()) {
        DOPPIO_RETURN_IF_ERROR(CheckSizes<double>({kCounter}, rows));
        rule_.SetCounter(Input(kCounter).template data<double>());
      }
    }
    DOPPIO_RETURN_IF_ERROR(FindPlaces(lengths));
    DOPPIO_RETURN_IF_ERROR(MakeOutputsLike({0, 1}));
    float* param = Out(0);
    float* moment = Out(1);
    const float* grad = In(kGrad);
    if constexpr (kIsWeighted) {
      DOPPIO_RETURN_IF_ERROR(Output(2, DataType::kFloat, Input(kIndices).dims()).status());
      float* weight_grad = Out(2);
      DOPPIO_RETURN_IF_ERROR(
          ForEachIndex(kIndices, rows, {{param, block}}, [&](int64_t row, int64_t k) {
            const float* g = grad + places_[static_cast<size_t>(k)].segment * block;
            weight_grad[k] = static_cast<float>(SumOfProducts(g, param + row * block, block));
          }));
    }
    if (block == 0) return absl::OkStatus();  // rows without elements have no mean
    return ForEachIndex(kIndices, rows, {{param, block}, {moment, kIsRowWise ? 1 : block}},
                        [&](int64_t row, int64_t k) {
                          const Place& place = places_[static_cast<size_t>(k)];
                          rule_.Update(row, block, place.weight, grad + place.segment * block,
                                       param, moment);
                        });
  }

 private:
  static constexpr bool kIsWeighted = kReduction == Reduction::kWeightedSum;
  // Where inputs stand: the weights of a weighted sum come after the moment.
  static constexpr int kIndices = kIsWeighted ? 3 : 2;
  static constexpr int kGrad = kIndices + 1;
  static constexpr int kLr = kIndices + 2;
  static constexpr int kLengths = kIndices + 3;
  static constexpr int kCounter = kIndices + 4;

  // What an index has for its gradient: that of a segment, times a number.
  struct Place {
    int64_t segment;
    float weight;
  };

  using Rule = std::conditional_t<kIsRowWise, RowWiseAdagrad, ElementAdagrad>;

  static std::string Documentation() {
    constexpr absl::string_view kNames[] = {"SparseLengthsSum", "SparseLengthsMean",
                                            "SparseLengthsWeightedSum"};
    constexpr absl::string_view kGradients[] = {"grad[s]", "grad[s] / lengths[s]",
                                                "aux_param[p] grad[s]"};
    constexpr absl::string_view kExamples[] = {"grad [[4]]", "grad [[8]]",
                                               "aux_param [2,2], grad [[2]]"};
    constexpr auto kIndex = static_cast<size_t>(kReduction);
    return absl::Substitute(kDoc, kIsRowWise ? "RowWiseSparseAdagrad" : "SparseAdagrad",
                            kNames[kIndex], kGradients[kIndex], kIsRowWise ? "mean(g^2)" : "g^2",
                            kIsWeighted ? kWeights : "", kIsRowWise ? "[9,9]" : "[[9],[9]]",
                            kExamples[kIndex]);
  }

  absl::Status FindPlaces(absl::Span<const int32_t> lengths) {
    absl::Span<const float> weights;
    if constexpr (kIsWeighted) {
      DOPPIO_RETURN_IF_ERROR(CheckVector<float>(Input(2), "aux_param"));
      weights = Input(2).template span<float>();
    }
    places_.clear();
    for (size_t s = 0; s < lengths.size(); ++s) {
      const auto length = static_cast<size_t>(lengths[s]);
      if (kIsWeighted && length > weights.size()) {
        return absl::InvalidArgumentError(absl::StrCat(
            "lengths[", s, "] is ", length, ", but aux_param has ", weights.size(), " weights"));
      }
      for (size_t p = 0; p < length; ++p) {
        float weight = 1;
        if (kReduction == Reduction::kMean) weight = 1 / static_cast<float>(length);
        if (kIsWeighted) weight = weights[p];
        places_.push_back({static_cast<int64_t>(s), weight});
      }
    }
    return absl::OkStatus();
  }

  Rule rule_;
  std::vector<Place> places_;
};

// Caffe2's operators with Approx differ from the others on GPUs only, but for the gradient of the
// weights.
#define DOPPIO_FUSED_ADAGRAD_(Name, ...)                      \
  DOPPIO_OPERATOR_SCHEMA(Name).FillUsing(__VA_ARGS__::State); \
  DOPPIO_REGISTER_CPU_OPERATOR(Name, __VA_ARGS__);            \
  DOPPIO_SHOULD_NOT_DO_GRADIENT(Name)
#define DOPPIO_FUSED_ADAGRAD(Name)                                                        \
  DOPPIO_FUSED_ADAGRAD_(SparseAdagradFusedWithSparseLengths##Name##Gradient,              \
                        FusedAdagradOp<Reduction::k##Name, false>);                       \
  DOPPIO_FUSED_ADAGRAD_(SparseAdagradFusedWithSparseLengths##Name##GradientApprox,        \
                        FusedAdagradOp<Reduction::k##Name, false>);                       \
  DOPPIO_FUSED_ADAGRAD_(RowWiseSparseAdagradFusedWithSparseLengths##Name##Gradient,       \
                        FusedAdagradOp<Reduction::k##Name, true>);                        \
  DOPPIO_FUSED_ADAGRAD_(RowWiseSparseAdagradFusedWithSparseLengths##Name##GradientApprox, \
                        FusedAdagradOp<Reduction::k##Name, true>)
DOPPIO_FUSED_ADAGRAD(Sum);
DOPPIO_FUSED_ADAGRAD(Mean);
DOPPIO_FUSED_ADAGRAD(WeightedSum);

}  // namespace
}  // namespace doppio
