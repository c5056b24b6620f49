#ifndef DOPPIO_TESTS_LINK_CONSUMER_OPERATOR_COUNT_H_
#define DOPPIO_TESTS_LINK_CONSUMER_OPERATOR_COUNT_H_

// Prints the registered operators, a line each, and what went wrong when they registered. Returns
// whether all went well.
bool PrintOperators();

#endif  // DOPPIO_TESTS_LINK_CONSUMER_OPERATOR_COUNT_H_
