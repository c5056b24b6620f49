#ifndef DOPPIO_TESTS_LINK_CONSUMER_OPERATOR_COUNT_H_
#define DOPPIO_TESTS_LINK_CONSUMER_OPERATOR_COUNT_H_

// These are all that the program sees of doppio, so that a library can stand between the two.

// Says on stderr what went wrong.
bool LoadPlugin(const char* path);

// Prints the registered operators, a line each, and what went wrong when they registered. Returns
// whether all went well.
bool PrintOperators();

#endif  // DOPPIO_TESTS_LINK_CONSUMER_OPERATOR_COUNT_H_
