// expected: incomplete type .*DataTypeOf<Pixel>|undefined template .*DataTypeOf<Pixel>
#include <doppio/tensor.h>

struct Pixel {
  float red, green, blue;
};

bool IsOf(const doppio::Tensor& tensor) {
#ifdef MUST_NOT_COMPILE
  return tensor.Is<Pixel>();
#endif
  return tensor.Is<float>();
}
