#ifndef DOPPIO_OPERATOR_GRADIENT_SOURCES_H_
#define DOPPIO_OPERATOR_GRADIENT_SOURCES_H_

#include <string>
#include <vector>

#include "doppio/gradient_maker.h"

namespace doppio {

// What a name that a gradient maker returned stands for. Names alone do not say it: an operator in
// place has an input and an output of the same name, and the gradient of its input may be named as
// the one of its output.
struct GradientSource {
  enum class Kind {
    kUnknown,         // no blob that the maker could have meant
    kInput,           // input `index` of the forward operator
    kOutput,          // its output `index`
    kOutputGradient,  // the gradient of its output `index`; `part` says which blob of it
    kMade,            // output `part` of gradient operator `index`
    kInner,           // `blob`, which nets in the operator write, and the operator does not list
    kSaved,           // nothing that has to be there: the operator has kept what is needed of it
  };
  enum Part { kDense, kIndices, kValues };

  Kind kind = Kind::kUnknown;
  int index = 0;
  int part = 0;
  std::string blob = {};
};

// The gradient operators of one operator, with the sources of all that they read.
struct SourcedGradient {
  struct OfInput {
    GradientSource dense;
    GradientSource indices;
    GradientSource values;
  };

  GradientOpsMeta meta;
  std::vector<std::vector<GradientSource>> reads;  // for each operator, for each of its inputs
  std::vector<OfInput> g_input;  // of the parts of meta.g_input[i] that are not empty

  // Of a SourcedGradientMaker only.
  //
  // Output `output` of gradient operator `op` gives forward input `input` back as the operator
  // found it: a scope, from which the gradient takes what the operator put there. With `as_new` it
  // takes all there is, which is the same where the operator found it new.
  struct Restored {
    int op;
    int output;
    int input;
    bool as_new;
  };
  std::vector<Restored> restored;
  // Outputs that may be left as they were, so that gradients of them belong to the values before
  // too. Those values are no inputs, and nothing here computes their gradients.
  std::vector<int> kept;
  // Whether the maker answers for all gradients of outputs, also those that nothing reads.
  bool is_complete = false;
};

// A maker that says itself what the names stand for. One of an operator that runs nets has to,
// since its blobs have the names that these nets know, and can not be asked for under other names.
class SourcedGradientMaker : public GradientMakerBase {
 public:
  using GradientMakerBase::GradientMakerBase;
  bool CopyArguments() const override { return false; }
  // After Get(), which gives the rest of it.
  SourcedGradient Take(GradientOpsMeta meta);

 protected:
  // `reads` has the source of each input.
  void AddOp(OperatorDef op, std::vector<GradientSource> reads);
  void AddGradient(int input, const std::string& name, GradientSource source);
  int OpCount() const { return static_cast<int>(ops_.size()); }
  void AddRestored(SourcedGradient::Restored restored) { sourced_.restored.push_back(restored); }
  void AddKept(int output) { sourced_.kept.push_back(output); }

  // Calls the above.
  virtual absl::Status MakeGradient() = 0;

 private:
  std::vector<OperatorDef> GetGradientDefs() final;

  std::vector<OperatorDef> ops_;
  SourcedGradient sourced_;
};

// As GetGradientForOp, with its errors.
absl::StatusOr<SourcedGradient> GetSourcedGradient(const OperatorDef& def,
                                                   const std::vector<GradientWrapper>& g_output);

}  // namespace doppio

#endif  // DOPPIO_OPERATOR_GRADIENT_SOURCES_H_
