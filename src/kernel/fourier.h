#ifndef DOPPIO_KERNEL_FOURIER_H_
#define DOPPIO_KERNEL_FOURIER_H_

#include <complex>
#include <cstdint>

namespace doppio {

// The discrete Fourier transform of `size` numbers, at least one: out[k] = sum over n of
// in[n] exp(-2 pi i n k / size), or with `inverse` exp(2 pi i n k / size) / size. By the
// mixed-radix algorithm of Cooley and Tukey (1965): the time for each number is the sum of the
// prime factors of `size`.

// Fills `size` numbers that all transforms of that kind read.
void FourierRoots(int64_t size, bool inverse, std::complex<double>* roots);

// `room` has `size` numbers too. None of them overlap.
void FourierTransform(const std::complex<double>* roots, int64_t size, bool inverse,
                      const std::complex<double>* in, std::complex<double>* room,
                      std::complex<double>* out);

}  // namespace doppio

#endif  // DOPPIO_KERNEL_FOURIER_H_
