#ifndef DOPPIO_TESTS_SUPPORT_OP_TESTER_H_
#define DOPPIO_TESTS_SUPPORT_OP_TESTER_H_

// Runs one operator in a test:
//
//   OpTester("Expand")
//       .Input("X", Tensor::Of<float>({2, 1}, {1, 2}))
//       .Input("shape", Tensor::Of<int64_t>({2}, {2, 2}))
//       .Outputs({"Y"})
//       .ExpectOutput(0, Tensor::Of<float>({2, 2}, {1, 1, 2, 2}));
//
//   OpTester("Expand").Input(...).Input(...).Outputs({"Y"})
//       .ExpectError(absl::StatusCode::kInvalidArgument, "dimension 1 is 2, must be 1 or 4");
//
// Besides what is asked, each run fails the test when
// - inference says something else about the outputs than the run gives, or refuses what runs;
// - an input that is not an output too has changed;
// - a second run with the same inputs gives other bits (not asked of schemas with HasSideEffects).

#include <functional>
#include <initializer_list>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "doppio/op_def.h"
#include "doppio/registry.h"
#include "tests/support/map_scope.h"
#include "tests/support/tensor_match.h"

namespace doppio {

// What most refusals are.
inline constexpr absl::StatusCode kInvalid = absl::StatusCode::kInvalidArgument;

class OpTester {
 public:
  explicit OpTester(absl::string_view type) { def_ = CreateOperatorDef(type, "", {}, {}); }
  // Takes a finished definition; the inputs are then given by Feed.
  explicit OpTester(OperatorDef def) : def_(std::move(def)) {}

  // The next input: a blob of that name with this value.
  OpTester& Input(absl::string_view name, absl::StatusOr<Tensor> value) {
    def_.add_input(std::string(name));
    return Feed(name, std::move(value));
  }
  // The next input, by name alone: a blob that was fed before, or one that does not exist.
  OpTester& Input(absl::string_view name) {
    def_.add_input(std::string(name));
    return *this;
  }
  OpTester& Feed(absl::string_view name, absl::StatusOr<Tensor> value);
  // A blob that is no tensor, or an empty one: `fill` makes its value.
  OpTester& FeedBlob(absl::string_view name, std::function<void(Blob*)> fill);

  template <typename T>
  OpTester& Arg(absl::string_view name, const T& value) {
    return Arg(MakeArgument<T>(name, value));
  }
  OpTester& Arg(absl::string_view name, const char* value) {
    return Arg(MakeArgument<std::string>(name, value));
  }
  OpTester& Arg(Argument argument) {
    *def_.add_arg() = std::move(argument);
    return *this;
  }
  // Names of the outputs; one that is an input's name too makes the operator run in place.
  OpTester& Outputs(std::initializer_list<const char*> names) {
    for (const char* name : names) def_.add_output(name);
    return *this;
  }
  // Gives `output`, already named, the name of `input`.
  OpTester& Inplace(int input, int output);
  OpTester& Engine(absl::string_view engine) {
    def_.set_engine(std::string(engine));
    return *this;
  }
  OpTester& RandomSeed(uint32_t seed) {
    def_.mutable_device_option()->set_random_seed(seed);
    return *this;
  }
  // Blobs live in `scope` (which outlives the tester) and not in one of the tester's own: for
  // operators that need a whole workspace.
  OpTester& In(BlobScope* scope) {
    scope_ = scope;
    return *this;
  }

  const OperatorDef& def() const { return def_; }

  // Makes the operator and runs it, as described above; a second call only repeats the status.
  absl::Status Run();
  // Output i of a run that went well; an empty tensor otherwise.
  const Tensor& Output(int i);

  // These run the operator where Run() was not called yet.
  OpTester& ExpectOutput(int i, const absl::StatusOr<Tensor>& expected, double tolerance = 0,
                         const char* file = __builtin_FILE(), int line = __builtin_LINE());
  void ExpectError(absl::StatusCode code, absl::string_view part_of_message,
                   const char* file = __builtin_FILE(), int line = __builtin_LINE());

 private:
  struct Fed {
    std::string name;
    Tensor value;     // shared with what the operator is given
    Tensor original;  // a copy of its own
  };

  BlobScope* scope() { return scope_ != nullptr ? scope_ : &own_scope_; }
  absl::Status RunOnce();
  absl::StatusOr<std::vector<TensorInfo>> Infer(bool with_values) const;
  void CheckInference() const;
  bool IsOutput(absl::string_view name) const;

  OperatorDef def_;
  std::vector<Fed> fed_;
  std::vector<std::pair<std::string, std::function<void(Blob*)>>> fed_blobs_;
  MapScope own_scope_;
  BlobScope* scope_ = nullptr;  // null: own_scope_
  std::optional<absl::Status> status_;
  std::vector<Tensor> outputs_;
};

}  // namespace doppio

#endif  // DOPPIO_TESTS_SUPPORT_OP_TESTER_H_
