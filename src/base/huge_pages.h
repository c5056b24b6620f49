#ifndef DOPPIO_BASE_HUGE_PAGES_H_
#define DOPPIO_BASE_HUGE_PAGES_H_

#include <cstddef>

namespace doppio {

// Asks the kernel for huge pages in this memory, which is best not touched yet: most of the time
// that new memory takes is an interrupt for each page. It is advice: without huge pages the memory
// is as good. What is less than 1 MiB is not worth asking for.
void AskForHugePages(void* memory, size_t bytes);

}  // namespace doppio

#endif  // DOPPIO_BASE_HUGE_PAGES_H_
