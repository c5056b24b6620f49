#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "src/kernel/select.cc"
#include "hwy/foreach_target.h"  // must come before highway.h
//
#include "hwy/highway.h"
#include "src/kernel/lanes-inl.h"
#include "src/kernel/select.h"

HWY_BEFORE_NAMESPACE();
namespace doppio {
namespace HWY_NAMESPACE {
namespace {

// Bits are chosen without a branch: a condition that nobody can foretell would cost a wrong guess
// at every other element.
template <typename T>
HWY_INLINE void Select(const bool* condition, const void* x, const void* y, void* z, int64_t n) {
  const T* const if_true = static_cast<const T*>(x);
  const T* const if_false = static_cast<const T*>(y);
  T* const to = static_cast<T*>(z);
  ForLanes(n, [=](int64_t i) HWY_ATTR {
    const T all = static_cast<T>(-static_cast<T>(condition[i]));
    to[i] = static_cast<T>((if_true[i] & all) | (if_false[i] & static_cast<T>(~all)));
  });
}

void SelectElementsHere(size_t element_size, const bool* condition, const void* x, const void* y,
                        void* z, int64_t n) {
  switch (element_size) {
    case 1:
      return Select<uint8_t>(condition, x, y, z, n);
    case 2:
      return Select<uint16_t>(condition, x, y, z, n);
    case 4:
      return Select<uint32_t>(condition, x, y, z, n);
    default:
      return Select<uint64_t>(condition, x, y, z, n);
  }
}

}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace doppio
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace doppio {

HWY_EXPORT(SelectElementsHere);

void SelectElements(size_t element_size, const bool* condition, const void* x, const void* y,
                    void* z, int64_t n) {
  HWY_DYNAMIC_DISPATCH(SelectElementsHere)(element_size, condition, x, y, z, n);
}

}  // namespace doppio
#endif  // HWY_ONCE
