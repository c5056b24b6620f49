#ifndef DOPPIO_TESTS_TABLE_TABLE_REQUEST_H_
#define DOPPIO_TESTS_TABLE_TABLE_REQUEST_H_

// Which random cases the tests of the table ask for.

#include <string>
#include <vector>

#include "tests/table/op_table.h"

namespace doppio {

constexpr uint64_t kUsualSeed = 1;

// The i-th of a test's requests: the first ones ask for scalars and for zero-sized tensors.
CaseRequest Request(absl::string_view type, int i);

// The case and the seed, for messages.
std::string Where(const OpCase& op_case);

// The operators whose gradients can be checked by finite differences.
std::vector<std::string> TypesWithGradient();

}  // namespace doppio

#endif  // DOPPIO_TESTS_TABLE_TABLE_REQUEST_H_
