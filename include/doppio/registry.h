#ifndef DOPPIO_REGISTRY_H_
#define DOPPIO_REGISTRY_H_

// Which operators there are. The key is (type, device, engine).
//
//   DOPPIO_REGISTER_CPU_OPERATOR(Scale, ScaleOp<CPUContext>);
//   DOPPIO_REGISTER_CPU_OPERATOR_WITH_ENGINE(Scale, FAST, FastScaleOp<CPUContext>);
//
// An OperatorDef names engines in its field `engine`, separated by commas. They are tried in that
// order and then the default one; engines that do not exist here are skipped. Threads may create
// operators while a library with more of them is loaded.

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "doppio/operator.h"

namespace doppio {

using OperatorFactory = std::unique_ptr<OperatorBase> (*)(OperatorInit*);

// The operator of that definition, bound to the blobs of `scope`. Errors: no such operator (with
// near names), what its schema forbids, missing input blobs, arguments that it can not read. `def`
// is shared with the operator; the overload copies it.
absl::StatusOr<std::unique_ptr<OperatorBase>> CreateOperator(std::shared_ptr<const OperatorDef> def,
                                                             BlobScope* scope);
absl::StatusOr<std::unique_ptr<OperatorBase>> CreateOperator(const OperatorDef& def,
                                                             BlobScope* scope);

struct OperatorKey {
  std::string type;
  DeviceType device = DeviceType::kCpu;
  std::string engine;  // empty: default
};

class OperatorRegistry {
 public:
  // False for the second registration of one key, which is reported (RegistrationProblems()) and
  // not used.
  static bool Register(const char* type, DeviceType device, const char* engine,
                       OperatorFactory factory, const char* file, int line);

  // Every registered key that has a schema, sorted by type, then engine.
  static std::vector<OperatorKey> Keys();
  // Types with an operator for that device, sorted.
  static std::vector<std::string> Types(DeviceType device = DeviceType::kCpu);
  static bool Has(absl::string_view type, DeviceType device = DeviceType::kCpu);
  // Names of operators that one may have meant, nearest first; at most three.
  static std::vector<std::string> NearNames(absl::string_view type);
  // `there is no operator "Exapnd" for the CPU; did you mean Expand?`
  static std::string MissingMessage(absl::string_view type, DeviceType device);
};

// The names of `candidates` within edit distance 3 of `name` (Levenshtein, case counts half),
// nearest first.
std::vector<std::string> NearestNames(absl::string_view name,
                                      const std::vector<std::string>& candidates, size_t most = 3);

// The same as a piece of an error message: "; did you mean A or B?", or nothing where no name is
// near.
std::string DidYouMean(absl::string_view name, const std::vector<std::string>& candidates);

#define DOPPIO_REGISTER_OPERATOR_(Type, Device, EngineName, Id, ...)                    \
  [[maybe_unused]] static const bool doppio_operator_##Type##_##Id =                    \
      ::doppio::OperatorRegistry::Register(                                             \
          #Type, Device, EngineName,                                                    \
          [](::doppio::OperatorInit* init) -> std::unique_ptr<::doppio::OperatorBase> { \
            return std::make_unique<__VA_ARGS__>(init);                                 \
          },                                                                            \
          __FILE__, __LINE__)

#define DOPPIO_REGISTER_CPU_OPERATOR(Type, ...) \
  DOPPIO_REGISTER_OPERATOR_(Type, ::doppio::DeviceType::kCpu, "", DEFAULT, __VA_ARGS__)
#define DOPPIO_REGISTER_CPU_OPERATOR_WITH_ENGINE(Type, Engine, ...) \
  DOPPIO_REGISTER_OPERATOR_(Type, ::doppio::DeviceType::kCpu, #Engine, Engine, __VA_ARGS__)

}  // namespace doppio

#endif  // DOPPIO_REGISTRY_H_
