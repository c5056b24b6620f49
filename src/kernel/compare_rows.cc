#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "src/kernel/compare_rows.cc"
#include "hwy/foreach_target.h"  // must come before highway.h
//
#include "hwy/highway.h"
#include "src/kernel/compare_rows.h"
#include "src/kernel/lanes-inl.h"

HWY_BEFORE_NAMESPACE();
namespace doppio {
namespace HWY_NAMESPACE {
namespace {

struct IsEqual {
  template <typename T>
  HWY_INLINE bool operator()(T a, T b) const {
    return a == b;
  }
};
struct IsNotEqual {
  template <typename T>
  HWY_INLINE bool operator()(T a, T b) const {
    return a != b;
  }
};
struct IsLess {
  template <typename T>
  HWY_INLINE bool operator()(T a, T b) const {
    return a < b;
  }
};
struct IsLessEqual {
  template <typename T>
  HWY_INLINE bool operator()(T a, T b) const {
    return a <= b;
  }
};

template <class F, typename T>
HWY_INLINE void Row(const T* a, bool repeat_a, const T* b, bool repeat_b, bool* c, int64_t n) {
  if (repeat_a) {
    const T first = *a;
    ForLanes(n, [=](int64_t i) HWY_ATTR { c[i] = F()(first, b[i]); });
  } else if (repeat_b) {
    const T second = *b;
    ForLanes(n, [=](int64_t i) HWY_ATTR { c[i] = F()(a[i], second); });
  } else {
    ForLanes(n, [=](int64_t i) HWY_ATTR { c[i] = F()(a[i], b[i]); });
  }
}

#define DOPPIO_COMPARE_ROWS(X) \
  X(Equal, uint8_t)            \
  X(Equal, uint16_t)           \
  X(Equal, int32_t)            \
  X(Equal, int64_t)            \
  X(Equal, float)              \
  X(Equal, double)             \
  X(NotEqual, uint8_t)         \
  X(NotEqual, uint16_t)        \
  X(NotEqual, int32_t)         \
  X(NotEqual, int64_t)         \
  X(NotEqual, float)           \
  X(NotEqual, double)          \
  X(Less, int8_t)              \
  X(Less, int16_t)             \
  X(Less, int32_t)             \
  X(Less, int64_t)             \
  X(Less, uint8_t)             \
  X(Less, uint16_t)            \
  X(Less, float)               \
  X(Less, double)              \
  X(LessEqual, int8_t)         \
  X(LessEqual, int16_t)        \
  X(LessEqual, int32_t)        \
  X(LessEqual, int64_t)        \
  X(LessEqual, uint8_t)        \
  X(LessEqual, uint16_t)       \
  X(LessEqual, float)          \
  X(LessEqual, double)

#define DOPPIO_DEFINE_ROW(F, T)                                                            \
  void F##_##T(const T* a, bool repeat_a, const T* b, bool repeat_b, bool* c, int64_t n) { \
    Row<Is##F>(a, repeat_a, b, repeat_b, c, n);                                            \
  }
DOPPIO_COMPARE_ROWS(DOPPIO_DEFINE_ROW)
#undef DOPPIO_DEFINE_ROW

}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace doppio
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace doppio {

#define DOPPIO_COMPARE_ROW(F, T)          \
  HWY_EXPORT(F##_##T);                    \
  template <>                             \
  BinaryRow<T, bool> CompareRow<F, T>() { \
    return HWY_DYNAMIC_DISPATCH(F##_##T); \
  }
DOPPIO_COMPARE_ROWS(DOPPIO_COMPARE_ROW)
#undef DOPPIO_COMPARE_ROW

}  // namespace doppio
#endif  // HWY_ONCE
