#ifndef DOPPIO_COVERAGE_H_
#define DOPPIO_COVERAGE_H_

// What doppio has of the operators that Caffe2 registered for the CPU.
//
//   for (const Caffe2Operator& op : Caffe2Operators()) {
//     if (!op.is_there) std::cout << op.type << ": " << op.why_not << "\n";
//   }
//
// Threads: all functions may be called from many at once.

#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/types/span.h"

namespace doppio {

struct Caffe2Operator {
  std::string type;
  bool is_there = false;  // an operator of this type can be created now
  std::string why_not;    // "planned", or why doppio is not going to have it; "" where it is there
};

// All of them, sorted by type (docs/coverage.md is made of it).
std::vector<Caffe2Operator> Caffe2Operators();

// What other frameworks call an operator, in lower case, and what that is here: {"gemm", "MatMul or
// FC"}.
struct OtherName {
  absl::string_view name;
  absl::string_view here;
};
absl::Span<const OtherName> OtherNames();

// What to say of an operator that is not registered beside its name: that Caffe2 has it, or what
// the same thing is called here if other frameworks call it so ("Gemm": MatMul or FC). "" if
// nothing is known of it.
std::string WhatIsKnownOf(absl::string_view type);

}  // namespace doppio

#endif  // DOPPIO_COVERAGE_H_
