#ifndef DOPPIO_TESTS_TABLE_HARD_VALUES_H_
#define DOPPIO_TESTS_TABLE_HARD_VALUES_H_

// Random cases that nobody would write: of any operator, from its schema alone, so that a new one
// is swept without an edit. Types, ranks (0 to 6, and up to 32 and 33) and sizes of inputs that do
// not go together, inputs that are missing, too many or have no value, one blob in two places,
// arguments from 0 and NaN to -2^63, of another type or too long, and outputs that are inputs.
//
// Tensors are small. What an argument or a value asks for may be of any size; the test gives no
// memory for it.

#include <vector>

#include "doppio/schema.h"
#include "tests/table/op_table.h"

namespace doppio {

// A case of that operator. `usual` are cases that the operator can run: one of them with one to
// three things changed gets further than what is drawn from the schema, which comes in turn (and
// always where `usual` is empty). A fed tensor of no type stands for a blob without a value.
OpCase HardCase(const OpSchema& schema, const std::vector<OpCase>& usual, Choices* choices);

}  // namespace doppio

#endif  // DOPPIO_TESTS_TABLE_HARD_VALUES_H_
