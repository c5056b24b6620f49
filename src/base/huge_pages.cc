#include "src/base/huge_pages.h"

#include <sys/mman.h>
#include <unistd.h>

#include <cstdint>

namespace doppio {

void AskForHugePages(void* memory, size_t bytes) {
  constexpr size_t kLeast = size_t{1} << 20;
  if (bytes < kLeast) return;
  // From the page on in which it begins, so that mappings that touch are one to the kernel, in
  // which huge pages may begin anywhere.
  const size_t page = static_cast<size_t>(sysconf(_SC_PAGESIZE));
  const size_t lead = reinterpret_cast<uintptr_t>(memory) % page;
  (void)madvise(static_cast<char*>(memory) - lead, bytes + lead, MADV_HUGEPAGE);
}

}  // namespace doppio
