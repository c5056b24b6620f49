#include "src/kernel/fourier.h"

#include <gtest/gtest.h>

#include <cmath>
#include <random>
#include <vector>

namespace doppio {
namespace {

using Complex = std::complex<double>;

TEST(FourierTransformTest, AgreesWithTheDefinitionForEverySize) {
  std::mt19937 generator(1);
  std::uniform_real_distribution<double> values(-1, 1);
  for (int64_t size : {1, 2, 3, 4, 5, 6, 7, 8, 9, 12, 30, 49, 64, 97, 210}) {
    for (const bool inverse : {false, true}) {
      std::vector<Complex> in, roots(size), room(size), out(size);
      for (int64_t n = 0; n < size; ++n) in.emplace_back(values(generator), values(generator));
      FourierRoots(size, inverse, roots.data());
      FourierTransform(roots.data(), size, inverse, in.data(), room.data(), out.data());
      for (int64_t k = 0; k < size; ++k) {
        Complex sum = 0;
        for (int64_t n = 0; n < size; ++n) {
          const double turns = static_cast<double>(n * k) / static_cast<double>(size);
          sum += in[n] * std::polar(1.0, (inverse ? 2 : -2) * std::acos(-1.0) * turns);
        }
        if (inverse) sum /= static_cast<double>(size);
        EXPECT_LT(std::abs(out[k] - sum), 1e-12 * static_cast<double>(size)) << size << " " << k;
      }
    }
  }
}

}  // namespace
}  // namespace doppio
