// Rows of ONNX's operators on signals.

#include <cmath>
#include <complex>

#include "tests/table/op_table.h"

namespace doppio {
namespace {

using Complex = std::complex<double>;

// exp(2 pi i turns).
Complex Turn(double turns) { return std::polar(1.0, 2 * std::acos(-1.0) * turns); }

// The part, 0 or 1, of a number of a tensor whose last dimension holds both.
Complex NumberAt(const Tensor& x, Dims place) {
  place.back() = 0;
  const double real = At(x, place);
  place.back() = 1;
  return {real, x.dims().back() == 1 ? 0 : At(x, place)};
}
double PartOf(const Complex& number, int64_t part) {
  return part == 0 ? number.real() : number.imag();
}

DOPPIO_OP_ROW(DFT)
    .Case([](CaseMaker& c) {
      const int64_t size = c.Int(1, 13);
      const bool is_real = c.Chance();
      const bool is_onesided = is_real && c.Chance();
      const Dims dims = {c.Int(1, 3), size, c.Int(1, 3), is_real ? 1 : 2};
      c.Input("X", c.Random(c.ValueType({DataType::kFloat, DataType::kDouble}), dims, -3, 3));
      if (c.Chance()) c.Input("length", c.IndexVector({c.Int(1, 13)}));
      c.Arg("axis", c.Chance() ? int64_t{1} : int64_t{-3});
      c.Arg("onesided", is_onesided);
      c.Arg("inverse", !is_onesided && c.Chance());
      c.Output("Y");
    })
    .Reference([](const OpCase& c) -> std::vector<Tensor> {
      const Tensor& x = c.in(0);
      const int64_t length = c.feeds.size() > 1 ? IntegerAt(c.in(1), 0) : x.dim(1);
      const bool is_inverse = c.Arg<bool>("inverse");
      const int64_t out = c.Arg<bool>("onesided") ? length / 2 + 1 : length;
      return {Generate(x.dtype(), {x.dim(0), out, x.dim(2), 2}, [&](const Dims& i) {
        Complex sum = 0;
        for (int64_t n = 0; n < std::min(length, x.dim(1)); ++n) {
          const double turns = static_cast<double>(n * i[1]) / static_cast<double>(length);
          sum += NumberAt(x, {i[0], n, i[2], 0}) * Turn(is_inverse ? turns : -turns);
        }
        return PartOf(is_inverse ? sum / static_cast<double>(length) : sum, i[3]);
      })};
    })
    .Tolerance(1e-4)
    .NeverScalar("X has an axis and a number's parts")
    .NeverEmpty("a transform is of one number at least");

DOPPIO_OP_ROW(STFT)
    .Case([](CaseMaker& c) {
      const DataType type = c.ValueType({DataType::kFloat, DataType::kDouble});
      const int64_t length = c.Int(1, 8);
      const bool is_real = c.Chance();
      c.Input("signal",
              c.Random(type, {c.Int(1, 3), length + c.Int(0, 9), is_real ? 1 : 2}, -3, 3));
      c.Input("frame_step", c.IndexVector({c.Int(1, 4)}));
      c.Input("window", c.Random(type, {length}, 0, 1));
      c.Arg("onesided", is_real && c.Chance());
      c.Output("Y");
    })
    .Reference([](const OpCase& c) -> std::vector<Tensor> {
      const Tensor& signal = c.in(0);
      const int64_t step = IntegerAt(c.in(1), 0);
      const int64_t length = c.in(2).dim(0);
      const Dims dims = {signal.dim(0), (signal.dim(1) - length) / step + 1,
                         c.Arg<bool>("onesided") ? length / 2 + 1 : length, 2};
      return {Generate(signal.dtype(), dims, [&](const Dims& i) {
        Complex sum = 0;
        for (int64_t n = 0; n < length; ++n) {
          const double turns = static_cast<double>(n * i[2]) / static_cast<double>(length);
          sum += NumberAt(signal, {i[0], i[1] * step + n, 0}) * At(c.in(2), {n}) * Turn(-turns);
        }
        return PartOf(sum, i[3]);
      })};
    })
    .Tolerance(1e-4)
    .NeverScalar("the signal has three dimensions")
    .NeverEmpty("a transform is of one number at least");

DOPPIO_OP_ROW(MelWeightMatrix)
    .Case([](CaseMaker& c) {
      c.Input("num_mel_bins", c.IndexVector({c.Int(1, 6)}));
      c.Input("dft_length", c.IndexVector({c.Int(8, 40)}));
      c.Input("sample_rate", c.IndexVector({8000}));
      c.Input("lower_edge_hertz", c.Random(DataType::kFloat, {1}, 0, 500));
      c.Input("upper_edge_hertz", c.Random(DataType::kFloat, {1}, 600, 3500));
      c.Output("Y");
    })
    .Reference([](const OpCase& c) -> std::vector<Tensor> {
      const int64_t bands = IntegerAt(c.in(0), 0);
      const int64_t length = IntegerAt(c.in(1), 0);
      const auto mel = [](double hertz) { return 2595 * std::log10(1 + hertz / 700); };
      const double low = mel(At(c.in(3), {0}));
      const double step = (mel(At(c.in(4), {0})) - low) / static_cast<double>(bands + 2);
      const auto edge = [&](int64_t i) {
        const double hertz = 700 * (std::pow(10, (low + static_cast<double>(i) * step) / 2595) - 1);
        return std::floor(static_cast<double>(length + 1) * hertz / 8000);
      };
      return {Generate(DataType::kFloat, {length / 2 + 1, bands}, [&](const Dims& i) {
        const auto row = static_cast<double>(i[0]);
        const double begin = edge(i[1]), top = edge(i[1] + 1), end = edge(i[1] + 2);
        if (row >= top && row < end) return (end - row) / (end - top);
        if (row >= begin && row <= top) return top == begin ? 1.0 : (row - begin) / (top - begin);
        return 0.0;
      })};
    })
    .Tolerance(1e-5)
    .NeverScalar("all sizes are single numbers")
    .NeverEmpty("there is a band at least");

}  // namespace
}  // namespace doppio
