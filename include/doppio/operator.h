#ifndef DOPPIO_OPERATOR_H_
#define DOPPIO_OPERATOR_H_

// The base of all operators. One of your own is a class like this one, together with a schema
// (schema.h), a gradient maker (gradient_maker.h) and the registrations (registry.h), all in one
// file; examples/custom_operator is such a file.
//
//   template <class Context>
//   class ScaleOp final : public Operator<Context> {
//    public:
//     DOPPIO_USE_OPERATOR_FUNCTIONS;
//     explicit ScaleOp(OperatorInit* init)
//         : Operator<Context>(init), scale_(init->GetSingleArgument<float>("scale")) {}
//
//     absl::Status RunOnDevice() override {
//       const Tensor& x = Input(0);
//       DOPPIO_ASSIGN_OR_RETURN(Tensor* y, Output(0, x.dtype(), x.dims()));
//       ...
//     }
//   };
//
// An operator is made once and run often: arguments are read and blobs are bound in the
// constructor. It is run by one thread at a time.

#include <limits>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "doppio/arguments.h"
#include "doppio/blob.h"
#include "doppio/context.h"
#include "doppio/net.pb.h"
#include "doppio/schema.h"
#include "doppio/status.h"

namespace doppio {

// What an operator's constructor is given: its arguments, and where its blobs are. A constructor
// reports what it can not work with by Fail(); the operator is then not created. Unsupported()
// instead lets the next engine of the list try.
class OperatorInit : public ArgumentReader {
 public:
  OperatorInit(std::shared_ptr<const OperatorDef> def, const OpSchema* schema, BlobScope* scope);
  ~OperatorInit();

  const OpSchema* schema() const { return schema_; }
  BlobScope* scope() const { return scope_; }
  const std::shared_ptr<const OperatorDef>& shared_def() const { return shared_def_; }

  void Unsupported(absl::string_view why) { Fail(absl::UnimplementedError(why)); }

 private:
  std::shared_ptr<const OperatorDef> shared_def_;
  const OpSchema* schema_;
  BlobScope* scope_;
};

class OperatorBase {
 public:
  // Binds the blobs: inputs must exist, outputs are created where they do not.
  explicit OperatorBase(OperatorInit* init);
  virtual ~OperatorBase();
  OperatorBase(const OperatorBase&) = delete;
  OperatorBase& operator=(const OperatorBase&) = delete;

  // Inputs that are no tensors, or have no value yet, are an error here already (unless the schema
  // allows them). Phantoms are written out (unless the schema says that the operator takes them).
  absl::Status Run() {
    for (const std::shared_ptr<Blob>* input = blobs_.data(); input != outputs_; ++input) {
      const Tensor* tensor = std::as_const(**input).TensorAtHand();
      if (__builtin_expect(tensor == nullptr || tensor->dtype() == DataType::kUndefined, 0)) {
        return RunWithOtherInputs();
      }
    }
    return RunOnDevice();
  }

  // Called by Net::Cancel while the operator may be running, for what it waits for outside of
  // doppio. Whoever asks CancellationStatus() (cancellation.h), or runs nets, needs none.
  virtual void Cancel() {}

  const OperatorDef& def() const { return *def_; }
  const OpSchema& schema() const { return *schema_; }
  // The engine that this operator was registered under; empty for the default one.
  const std::string& engine() const { return engine_; }
  void set_engine(absl::string_view engine) { engine_.assign(engine.data(), engine.size()); }
  // Outputs of so many bytes (1 or more) may be phantoms, and larger ones, as in a net (CreateNet).
  void AllowPhantoms(int64_t least_bytes) { least_phantom_bytes_ = least_bytes; }

  int InputSize() const { return static_cast<int>(outputs_ - blobs_.data()); }
  int OutputSize() const { return static_cast<int>(blobs_.size()) - InputSize(); }
  const Blob& InputBlob(int i) const { return *blobs_[i]; }
  Blob* OutputBlob(int i) { return outputs_[i].get(); }

  // A short description of blob i, for error messages: `"X" float[2,3]`.
  std::string DescribeInput(int i) const;

 protected:
  virtual absl::Status RunOnDevice() = 0;

  // Input i; a tensor with a value (see Run).
  const Tensor& Input(int i) const {
    const Tensor* tensor = blobs_[i]->TensorAtHand();
    return __builtin_expect(tensor != nullptr, 1) ? *tensor : WrittenInput(i);
  }
  // Input i as those operators read it whose schema says that they take phantoms: elements that are
  // repeated, by NumPy's rules, to a tensor of the shape `dims`. It is there for the run, and stays
  // what it is when the blob becomes an output. Take it once: when asked again, another operator
  // may have had it written out.
  struct Operand {
    const Tensor& elements;
    DimsView dims;
    bool is_repeated() const { return elements.dims().data() != dims.data(); }
  };
  Operand InputOperand(int i) const {
    const Tensor* tensor = blobs_[i]->TensorAtHand();
    return __builtin_expect(tensor != nullptr, 1) ? Operand{*tensor, tensor->dims()}
                                                  : OtherOperand(i);
  }

  // Output i, as a tensor of this type and shape. Its elements are unspecified, except where the
  // output is also an input (in place) and type and number of elements stay: then they are the
  // input's. Take the data pointers of inputs after this.
  absl::StatusOr<Tensor*> Output(int i, DataType dtype, DimsView dims) {
    Tensor* tensor = outputs_[i]->TensorAtHand();
    if (__builtin_expect(tensor != nullptr && tensor->IsUniqueOf(dtype, dims), 1)) return tensor;
    return ResizedOutput(i, dtype, dims);
  }
  // Output i becomes `value`, sharing its storage.
  void SetOutput(int i, Tensor value) { *outputs_[i]->Overwrite() = std::move(value); }
  // Whether an output that repeats so many elements to the shape `dims` is to be a phantom
  // (Blob::SetPhantom): whether it may, and saves more than it costs.
  bool MakesPhantom(DataType dtype, int64_t elements, DimsView dims) const;

  // Input i may hold anything, also where its schema says otherwise: RunOnDevice itself looks at
  // InputBlob(i). To be called in constructors.
  void TakeAnyInput(int i) { any_inputs_.push_back(i); }

  // Output i is the same blob as input j.
  bool IsInplace(int input, int output) const { return blobs_[input] == outputs_[output]; }

 private:
  bool TakesAnyInput(int i) const;
  absl::Status RunWithOtherInputs();
  absl::Status PrepareInput(int i) const;
  const Tensor& WrittenInput(int i) const;
  Operand OtherOperand(int i) const;
  absl::Status KeepElements(int i);
  absl::StatusOr<Tensor*> ResizedOutput(int i, DataType dtype, DimsView dims);

  std::shared_ptr<const OperatorDef> def_;
  const OpSchema* schema_;
  std::string engine_;
  // Inputs and outputs in one list, since making a net is little else than making such lists.
  std::vector<std::shared_ptr<Blob>> blobs_;
  const std::shared_ptr<Blob>* outputs_;  // the first one, behind the inputs
  std::vector<int> any_inputs_;           // of TakeAnyInput
  int64_t least_phantom_bytes_ = std::numeric_limits<int64_t>::max();
};

template <class Context>
class Operator : public OperatorBase {
 public:
  explicit Operator(OperatorInit* init);

 protected:
  Context context_;
};

extern template class Operator<CPUContext>;

// Names of the base, for a class template that derives from Operator<Context>.
#define DOPPIO_USE_OPERATOR_FUNCTIONS          \
  using ::doppio::Operator<Context>::context_; \
  using ::doppio::OperatorBase::DescribeInput; \
  using ::doppio::OperatorBase::Input;         \
  using ::doppio::OperatorBase::InputBlob;     \
  using ::doppio::OperatorBase::InputOperand;  \
  using ::doppio::OperatorBase::InputSize;     \
  using ::doppio::OperatorBase::IsInplace;     \
  using ::doppio::OperatorBase::MakesPhantom;  \
  using ::doppio::OperatorBase::Output;        \
  using ::doppio::OperatorBase::OutputBlob;    \
  using ::doppio::OperatorBase::OutputSize;    \
  using ::doppio::OperatorBase::SetOutput

}  // namespace doppio

#endif  // DOPPIO_OPERATOR_H_
