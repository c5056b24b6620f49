// Prints the operators that this program was linked with, and those of the plug-ins named.
#include <cstdio>

#include "operator_count.h"

int main(int argc, char** argv) {
  for (int i = 1; i < argc; ++i) {
    if (!LoadPlugin(argv[i])) return 1;
  }
  return PrintOperators() ? 0 : 1;
}
