#ifndef DOPPIO_OPERATOR_OPERATOR_LIST_H_
#define DOPPIO_OPERATOR_OPERATOR_LIST_H_

namespace doppio {

// Says that the operators that are there are those of the list of that name (the CMake option
// DOPPIO_OPERATORS), so that a missing one is explained. `name` must live on. True.
bool SetOperatorList(const char* name);

}  // namespace doppio

#endif  // DOPPIO_OPERATOR_OPERATOR_LIST_H_
