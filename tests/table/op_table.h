#ifndef DOPPIO_TESTS_TABLE_OP_TABLE_H_
#define DOPPIO_TESTS_TABLE_OP_TABLE_H_

// One table for all operators: a row says how to make a random case of an operator and what the
// outputs must be, and op_table_test.cc does the rest (see there for what is checked). An operator
// without a row fails the test. Rows stand in rows/<family>_rows.cc:
//
//   DOPPIO_OP_ROW(Scale)
//       .Case([](CaseMaker& c) {
//         const DataType type = c.ValueType({DataType::kFloat, DataType::kDouble});
//         c.Input("X", c.Random(type, c.Shape()));
//         c.Arg("scale", c.Real(-2, 2));
//         c.Output("Y");
//       })
//       .Reference([](const OpCase& c) -> std::vector<Tensor> {
//         const Tensor& x = c.in(0);
//         const double scale = c.Arg<float>("scale", 1);
//         return {Generate(x.dtype(), x.dims(), [&](const Dims& i) { return scale * At(x, i); })};
//       })
//       .Differentiable({0});
//
// A gradient operator that the finite differences of its forward operator exercise needs no more:
//
//   DOPPIO_OP_ROW(ScaleGradient).CheckedByGradientOf("Scale");
//
// Draw sizes from c.Size() and c.Shape(): they give zeros, scalars and large tensors where the
// test asks for those. DOPPIO_TABLE_SEED=n in the environment gives other random cases.

#include <functional>
#include <initializer_list>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "doppio/op_def.h"
#include "doppio/registry.h"
#include "tests/support/choices.h"
#include "tests/table/reference.h"

namespace doppio {

// DOPPIO_TABLE_SEED, or 1.
uint64_t TableSeed();
// For the i-th random case of that operator: of TableSeed(), and other for every operator.
uint64_t CaseSeed(absl::string_view type, int i);

// An operator's definition and the values of its inputs.
struct OpCase {
  OperatorDef def;
  std::vector<std::pair<std::string, Tensor>> feeds;  // by blob name

  // The value of input i.
  const Tensor& in(int i) const;
  // An argument of `def`, or `fallback`.
  template <typename T>
  T Arg(absl::string_view name, const T& fallback = T()) const {
    return ArgumentReader(def, nullptr).GetSingleArgument<T>(name, fallback);
  }
  template <typename T>
  std::vector<T> Args(absl::string_view name) const {
    return ArgumentReader(def, nullptr).GetRepeatedArgument<T>(name);
  }
  // "Expand(X, shape) -> Y with X float[2,1], shape int64[2]".
  std::string ToString() const;
};

// What a test wants of a random case.
struct CaseRequest {
  uint64_t seed = 1;
  Choices* choices = nullptr;          // in place of the seed, where it is set
  std::optional<DataType> value_type;  // ValueType() gives this
  bool scalar = false;                 // shapes of the lowest rank that is allowed
  bool zero = false;                   // sizes of 0 are likely
  bool large = false;                  // sizes that make several threads work
  bool never_empty = false;            // no sizes of 0 at all
};

// Draws random numbers and builds an OpCase with them.
class CaseMaker {
 public:
  CaseMaker(absl::string_view type, const CaseRequest& request)
      : request_(request),
        of_seed_(request.seed),
        choices_(request.choices == nullptr ? &of_seed_ : request.choices) {
    case_.def = CreateOperatorDef(type, "", {}, {});
    // What is drawn at random is the same in every run of the case.
    case_.def.mutable_device_option()->set_random_seed(static_cast<uint32_t>(request.seed));
  }

  CaseMaker(const CaseMaker&) = delete;
  CaseMaker& operator=(const CaseMaker&) = delete;

  // --- Drawing. Bounds belong to the range. ---
  int64_t Int(int64_t least, int64_t most);
  double Real(double least, double most);
  bool Chance(double probability = 0.5) { return Real(0, 1) < probability; }
  template <typename T>
  T OneOf(std::initializer_list<T> choices) {
    return choices.begin()[Int(0, static_cast<int64_t>(choices.size()) - 1)];
  }
  // One of the types; where the test wants a certain one (double for finite differences) that one.
  // For what is computed with; not for indices and the like, which take OneOf.
  DataType ValueType(std::initializer_list<DataType> types);
  DataType RealType() { return ValueType({DataType::kFloat, DataType::kDouble}); }
  DataType IndexType() { return OneOf({DataType::kInt32, DataType::kInt64}); }

  int64_t Size();  // of a dimension
  // `each`: how many elements the tensor will have for each of this shape, which is smaller by that
  // where large ones are asked for.
  Dims Shape(int min_rank = 0, int max_rank = 4, int64_t each = 1);
  // A shape that NumPy's rule broadcasts to `shape`.
  Dims BroadcastsTo(DimsView shape);
  std::vector<int> Permutation(int count);

  // Uniform in [least, most]; whole numbers for integer types, short words for strings. Floating
  // point values are those that a float can hold, so that a case is the same in float and double.
  Tensor Random(DataType type, DimsView dims, double least = -2, double most = 2);
  template <typename T>
  Tensor Vector(absl::Span<const T> values) {
    return *Tensor::FromSpan<T>({static_cast<int64_t>(values.size())}, values);
  }
  // Sizes, axes and the like as a vector of int32 or int64, by chance.
  Tensor IndexVector(DimsView values);

  // --- Building. ---
  void Input(absl::string_view name, Tensor value);
  void Output(absl::string_view name) { case_.def.add_output(std::string(name)); }
  template <typename T>
  void Arg(absl::string_view name, const T& value) {
    *case_.def.add_arg() = MakeArgument<T>(name, value);
  }
  OperatorDef& def() { return case_.def; }
  Choices* choices() { return choices_; }
  const OpCase& result() const { return case_; }

 private:
  CaseRequest request_;
  Choices of_seed_;
  Choices* choices_;
  OpCase case_;
};

class OpRow {
 public:
  using MakeFunction = std::function<void(CaseMaker&)>;
  using ReferenceFunction = std::function<std::vector<Tensor>(const OpCase&)>;
  // Looks at outputs that no reference can foretell; an empty string says that they are right.
  using PropertyFunction =
      std::function<std::string(const OpCase&, const std::vector<Tensor>& outputs)>;

  explicit OpRow(std::string type) : type_(std::move(type)) {}

  // --- Stating it. ---
  OpRow& Case(MakeFunction make);
  // The outputs as the obvious, slow program computes them.
  OpRow& Reference(ReferenceFunction reference);
  OpRow& Property(PropertyFunction property);
  OpRow& CheckedByGradientOf(absl::string_view forward_type);
  // Inputs whose gradient is checked by finite differences. Every gradient that the maker makes
  // must be named.
  OpRow& Differentiable(std::vector<int> inputs);
  // Outputs whose gradient is given; default: all that are double then.
  OpRow& OutputGradients(std::vector<int> outputs);
  // Of float; double gets 1e-5 of it, float16 200 times and bfloat16 2000 times as much. The
  // default is 1e-5; 0 asks for equality in all types.
  OpRow& Tolerance(double tolerance);
  OpRow& GradientTolerance(double tolerance);
  OpRow& Cases(int count);
  // An operator that reads or makes blobs that are no tensors; tests/ops says what it does.
  OpRow& NoTensors(absl::string_view why);
  // Exceptions, each with its reason, which the reader of the row sees.
  OpRow& NeverEmpty(absl::string_view why);     // zero-sized inputs are refused
  OpRow& NeverScalar(absl::string_view why);    // no input may be a scalar
  OpRow& InferenceOpen(absl::string_view why);  // shapes depend on the data
  OpRow& MayAllocate(absl::string_view why);    // also in a second run
  // The same for what a library keeps for its own: in a second run only tensors' memory counts.
  OpRow& LibraryMayAllocate(absl::string_view why);
  OpRow& GradientUnchecked(absl::string_view why);  // differences in double say nothing

  // --- Asking it. ---
  const std::string& type() const { return type_; }
  bool no_tensors() const { return no_tensors_; }
  bool has_case() const { return make_ != nullptr || !forward_type_.empty(); }
  bool has_reference() const { return reference_ != nullptr || property_ != nullptr; }
  const ReferenceFunction& reference() const { return reference_; }
  const PropertyFunction& property() const { return property_; }
  const std::string& forward_type() const { return forward_type_; }
  const std::vector<int>& differentiable() const { return differentiable_; }
  const std::optional<std::vector<int>>& output_gradients() const { return output_gradients_; }
  double ToleranceFor(DataType type) const;
  double gradient_tolerance() const { return gradient_tolerance_; }
  int cases() const { return cases_; }
  bool never_empty() const { return never_empty_; }
  bool never_scalar() const { return never_scalar_; }
  bool inference_open() const { return inference_open_; }
  bool may_allocate() const { return may_allocate_; }
  bool library_may_allocate() const { return library_may_allocate_; }
  bool gradient_unchecked() const { return gradient_unchecked_; }

  // The cases of one request: one that Case() makes, or those of this type that the gradient of
  // such a case of the forward operator runs.
  std::vector<OpCase> MakeCases(const CaseRequest& request) const;

 private:
  std::string type_;
  MakeFunction make_;
  ReferenceFunction reference_;
  PropertyFunction property_;
  std::string forward_type_;
  std::vector<int> differentiable_;
  std::optional<std::vector<int>> output_gradients_;
  double tolerance_ = 1e-5;
  double gradient_tolerance_ = 1e-6;
  int cases_ = 40;
  bool no_tensors_ = false;
  bool never_empty_ = false;
  bool never_scalar_ = false;
  bool inference_open_ = false;
  bool may_allocate_ = false;
  bool library_may_allocate_ = false;
  bool gradient_unchecked_ = false;
};

// The row of that operator, or null.
const OpRow* FindOpRow(absl::string_view type);
// The types that have a row, sorted.
std::vector<std::string> OpRowTypes();
// Types for which more than one row was made.
std::vector<std::string> DuplicateOpRows();
// A new row to be stated, for DOPPIO_OP_ROW and for functions that state many.
OpRow& NewOpRow(absl::string_view type);

#define DOPPIO_OP_ROW(Type) \
  [[maybe_unused]] static ::doppio::OpRow& doppio_row_##Type = ::doppio::NewOpRow(#Type)

}  // namespace doppio

#endif  // DOPPIO_TESTS_TABLE_OP_TABLE_H_
