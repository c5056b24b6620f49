#ifndef DOPPIO_GRADIENT_MAKER_H_
#define DOPPIO_GRADIENT_MAKER_H_

// How an operator's gradient operators are made: a maker is given the operator's definition and the
// names of the gradients of its outputs, and returns definitions that compute the gradients of its
// inputs.
//
//   class GetExpandGradient final : public GradientMakerBase {
//     using GradientMakerBase::GradientMakerBase;
//     std::vector<OperatorDef> GetGradientDefs() override {
//       return SingleGradientDef("ExpandGradient", "", {GO(0), I(0)}, {GI(0)});
//     }
//   };
//   DOPPIO_REGISTER_GRADIENT(Expand, GetExpandGradient);
//
// Names are those of Caffe2: GI(i) is the i-th input's name with "_grad" (a call registers that
// this gradient exists), of a sparse gradient "_grad_indices" and "_grad_values".
//
// A maker need not care which names are equal: GetGradientForOp finds out what each gradient
// operator is meant to read, and refuses one that reads an input whose elements the operator itself
// has overwritten in place. What is read for its shape alone does not count: the schema of the
// gradient operator says so (OpSchema::ShapeOnly, ShapeOnlyWhere).
//
// Threads: makers are looked up from many at once, also while a library registers more; one of them
// is used by the thread that made it.

#include <memory>
#include <string>
#include <vector>

#include "absl/types/span.h"
#include "doppio/net.pb.h"
#include "doppio/op_def.h"
#include "doppio/status.h"

namespace doppio {

// The name of a gradient: of one dense blob, or of a slice, which is a pair of blobs: rows, and the
// gradients of those rows.
struct GradientWrapper {
  std::string dense;
  std::string indices;
  std::string values;

  bool IsDense() const { return !dense.empty(); }
  bool IsSparse() const { return !indices.empty() || !values.empty(); }
  bool IsEmpty() const { return !IsDense() && !IsSparse(); }
  bool operator==(const GradientWrapper& other) const {
    return dense == other.dense && indices == other.indices && values == other.values;
  }

  static GradientWrapper Dense(std::string name) { return {std::move(name), "", ""}; }
  static GradientWrapper Sparse(std::string indices, std::string values) {
    return {"", std::move(indices), std::move(values)};
  }
};

struct GradientOpsMeta {
  std::vector<OperatorDef> ops;
  std::vector<GradientWrapper> g_input;  // one for each input; empty where there is no gradient
};

class GradientMakerBase {
 public:
  GradientMakerBase(const OperatorDef& def, const std::vector<GradientWrapper>& g_output);
  virtual ~GradientMakerBase();

  // Forward's device option, engine and arguments are added to what GetGradientDefs returns, unless
  // these say no.
  virtual bool CopyDeviceOption() const { return true; }
  virtual bool CopyEngine() const { return true; }
  virtual bool CopyArguments() const { return true; }

  absl::StatusOr<GradientOpsMeta> Get();

 protected:
  virtual std::vector<OperatorDef> GetGradientDefs() = 0;

  const OperatorDef& Def() const { return def_; }
  int InputSize() const { return def_.input_size(); }
  int OutputSize() const { return def_.output_size(); }

  // Names of the forward operator's blobs.
  std::string I(int i);
  std::string O(int i);
  // Gradients of inputs: made by the operators that are returned.
  std::string GI(int i);
  std::string GI_I(int i);
  std::string GI_V(int i);
  // Gradients of outputs: given. Of the other kind, or none given at all, is an error. GO of an
  // output that nobody used, where another one has a gradient, is zeros of that output's shape,
  // made by an operator that Get() adds; GradOut says whether there is one.
  std::string GO(int i);
  std::string GO_I(int i);
  std::string GO_V(int i);
  const GradientWrapper& GradOut(int i) const { return g_output_[i]; }
  // An input's gradient that is a blob which exists already.
  void SetDense(int i, absl::string_view name) { g_input_[i].dense = std::string(name); }
  void SetSparse(int i, absl::string_view indices, absl::string_view values) {
    g_input_[i].indices = std::string(indices);
    g_input_[i].values = std::string(values);
  }
  // What makes this operator's gradient impossible; the first call counts.
  void Fail(const absl::Status& status) {
    if (status_.ok()) status_ = status;
  }

  static std::vector<OperatorDef> SingleGradientDef(absl::string_view type, absl::string_view name,
                                                    const std::vector<std::string>& inputs,
                                                    const std::vector<std::string>& outputs,
                                                    const std::vector<Argument>& args = {});

 private:
  std::string Name(const google::protobuf::RepeatedPtrField<std::string>& names, int i,
                   absl::string_view what);

  const OperatorDef& def_;
  const std::vector<GradientWrapper>& g_output_;
  std::vector<GradientWrapper> g_input_;
  absl::Status status_;
};

enum class GradientKind {
  kUnregistered,    // nothing is known: an error on the path of a gradient
  kMaker,           // has a maker
  kNone,            // has no gradient, and needs none (Shape, Iter)
  kForbidden,       // must not stand on the path of a gradient
  kNotImplemented,  // has one that nobody wrote
};

class GradientRegistry {
 public:
  using Factory = std::unique_ptr<GradientMakerBase> (*)(const OperatorDef&,
                                                         const std::vector<GradientWrapper>&);

  static bool Register(const char* type, GradientKind kind, Factory factory, const char* file,
                       int line);
  // In the place of what is registered for that type, if anything is (see
  // OpSchemaRegistry::Replace).
  static void Replace(absl::string_view type, GradientKind kind, Factory factory,
                      absl::string_view file, int line);
  static GradientKind Kind(absl::string_view type);
  // Null unless Kind(def.type()) is kMaker. `def` and `g_output` must outlive the maker.
  static std::unique_ptr<GradientMakerBase> Create(const OperatorDef& def,
                                                   const std::vector<GradientWrapper>& g_output);
};

// The gradient operators of one operator, whose output gradients are `g_output` (one for each
// output, empty where not given). An error where one of them needs what the operator overwrites in
// place.
absl::StatusOr<GradientOpsMeta> GetGradientForOp(const OperatorDef& def,
                                                 const std::vector<GradientWrapper>& g_output);

#define DOPPIO_REGISTER_GRADIENT_(Type, Kind, Factory)                                             \
  [[maybe_unused]] static const bool doppio_gradient_##Type =                                      \
      ::doppio::GradientRegistry::Register(#Type, ::doppio::GradientKind::Kind, Factory, __FILE__, \
                                           __LINE__)

#define DOPPIO_REGISTER_GRADIENT(Type, ...)                                             \
  DOPPIO_REGISTER_GRADIENT_(Type, kMaker,                                               \
                            ([](const ::doppio::OperatorDef& def,                       \
                                const std::vector<::doppio::GradientWrapper>& g_output) \
                                 -> std::unique_ptr<::doppio::GradientMakerBase> {      \
                              return std::make_unique<__VA_ARGS__>(def, g_output);      \
                            }))
#define DOPPIO_NO_GRADIENT(Type) DOPPIO_REGISTER_GRADIENT_(Type, kNone, nullptr)
#define DOPPIO_SHOULD_NOT_DO_GRADIENT(Type) DOPPIO_REGISTER_GRADIENT_(Type, kForbidden, nullptr)
#define DOPPIO_GRADIENT_NOT_IMPLEMENTED_YET(Type) \
  DOPPIO_REGISTER_GRADIENT_(Type, kNotImplemented, nullptr)

}  // namespace doppio

#endif  // DOPPIO_GRADIENT_MAKER_H_
