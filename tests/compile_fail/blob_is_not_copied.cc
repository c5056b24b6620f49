// expected: deleted function|deleted constructor
#include <doppio/blob.h>

const doppio::Blob& Pass(const doppio::Blob& blob) {
#ifdef MUST_NOT_COMPILE
  doppio::Blob copy = blob;
#endif
  return blob;
}
