#include "src/io/number_text.h"

#include <google/protobuf/io/tokenizer.h>
#include <google/protobuf/text_format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

#include "absl/numeric/int128.h"
#include "absl/strings/ascii.h"
#include "absl/strings/charconv.h"
#include "absl/strings/str_cat.h"

namespace doppio {
namespace io {
namespace {

using absl::uint128;

template <typename T>
struct Format {
  static constexpr int kBits = std::numeric_limits<T>::digits;
  static constexpr int kShort = std::numeric_limits<T>::digits10;
  static constexpr int kLong = std::numeric_limits<T>::max_digits10;
  // The largest n for which mantissa * 5^n has less than 128 bits.
  static constexpr int kMaxPower = (127 - kBits) * 3 / 7;
};

// 5^0, 5^1, ...
const std::array<uint128, Format<float>::kMaxPower + 1>& PowersOf5() {
  static const auto powers = [] {
    std::array<uint128, Format<float>::kMaxPower + 1> result;
    result[0] = 1;
    for (size_t i = 1; i < result.size(); ++i) result[i] = result[i - 1] * 5;
    return result;
  }();
  return powers;
}

// value = mantissa * 2^exponent
struct Binary {
  uint64_t mantissa;
  int exponent;
};

// A number rounded to the nearest decimal, half to even: value ~ digits / 10^scale.
struct Decimal {
  uint64_t digits;
  bool identifies;  // no other number of the type is nearer to it
};

template <typename T>
Decimal Round(Binary value, int scale) {
  const uint128 five = PowersOf5()[static_cast<size_t>(scale)];
  const uint128 product = value.mantissa * five;
  const int shift = -(value.exponent + scale);
  if (shift <= 0) return {absl::Uint128Low64(product << -shift), true};
  uint128 digits = product >> shift;
  uint128 distance = product - (digits << shift);
  const uint128 half = uint128(1) << (shift - 1);
  const bool up = distance > half || (distance == half && (absl::Uint128Low64(digits) & 1) != 0);
  if (up) {
    ++digits;
    distance = (half << 1) - distance;
  }
  // Neighbours are 5^scale away, but half of that below a power of two.
  const bool near_below = !up && value.mantissa == uint64_t{1} << (Format<T>::kBits - 1);
  return {absl::Uint128Low64(digits), (distance << (near_below ? 2 : 1)) < five};
}

constexpr double kLog10Of2 = 0.30102999566398120;

uint64_t PowerOf10(int n) {
  uint64_t power = 1;
  for (; n > 0; --n) power *= 10;
  return power;
}

// Appends digits / 10^(count - 1 - exponent) as printf's %.<count>g does.
void AppendDigits(uint64_t digits, int count, int exponent, std::string* text) {
  char buffer[20];
  for (int i = count - 1; i >= 0; --i, digits /= 10) {
    buffer[i] = static_cast<char>('0' + digits % 10);
  }
  while (count > 1 && buffer[count - 1] == '0') --count;
  const bool scientific = exponent < -4;
  if (exponent < 0 && !scientific) {
    text->append("0.").append(static_cast<size_t>(-exponent - 1), '0');
    text->append(buffer, static_cast<size_t>(count));
    return;
  }
  const int whole = scientific ? 1 : exponent + 1;
  text->append(buffer, static_cast<size_t>(std::min(count, whole)));
  if (count > whole) {
    text->append(1, '.').append(buffer + whole, static_cast<size_t>(count - whole));
  } else {
    text->append(static_cast<size_t>(whole - count), '0');
  }
  if (scientific) {
    absl::StrAppend(text, exponent > -10 ? "e-0" : "e-", -exponent);
  }
}

// Appends the number with `count` digits; gives false, and appends nothing, where these would not
// identify it (if they must), or the numbers above are too small for it.
template <typename T>
bool AppendRounded(Binary value, int count, bool must_identify, std::string* text) {
  // That of 2^n, or one less than the number's. Rounding may add one, but not if that does.
  int exponent = static_cast<int>(std::floor((value.exponent + Format<T>::kBits - 1) * kLog10Of2));
  for (int tries = 0; tries < 2; ++tries, ++exponent) {
    const int scale = count - 1 - exponent;
    if (scale < 0 || scale > Format<T>::kMaxPower) return false;
    const Decimal decimal = Round<T>(value, scale);
    if (decimal.digits >= PowerOf10(count)) continue;
    if (must_identify && !decimal.identifies) return false;
    AppendDigits(decimal.digits, count, exponent, text);
    return true;
  }
  return false;
}

std::string SlowText(float value) {
  return google::protobuf::TextFormat::FieldValuePrinter().PrintFloat(value);
}
std::string SlowText(double value) {
  return google::protobuf::TextFormat::FieldValuePrinter().PrintDouble(value);
}

// 10^digits10
template <typename T>
constexpr T kLargest = sizeof(T) == sizeof(float) ? 1e6 : 1e15;

template <typename T>
void Append(T value, std::string* text) {
  if (value == 0) {
    text->append(std::signbit(value) ? "-0" : "0");
    return;
  }
  const T size = std::abs(value);
  // Not those with fewer bits than others, nor those whose digits end before the point, nor NaN.
  if (size >= std::numeric_limits<T>::min() && size < kLargest<T>) {
    Binary binary;
    const T fraction = std::frexp(size, &binary.exponent);
    binary.mantissa = static_cast<uint64_t>(std::ldexp(fraction, Format<T>::kBits));
    binary.exponent -= Format<T>::kBits;
    if (value < 0) text->push_back('-');
    if (AppendRounded<T>(binary, Format<T>::kShort, true, text) ||
        AppendRounded<T>(binary, Format<T>::kLong, false, text)) {
      return;
    }
    if (value < 0) text->pop_back();
  }
  text->append(SlowText(value));
}

bool IsDigit(const char* at, const char* end) { return at != end && absl::ascii_isdigit(*at); }

const char* SkipDigits(const char* at, const char* end) {
  while (IsDigit(at, end)) ++at;
  return at;
}

// Whether a number may end here, and began with no zero that would make it octal.
bool IsWhole(const char* begin, const char* at, const char* end) {
  if (*begin == '0' && IsDigit(begin + 1, end)) return false;
  return at == end || !(absl::ascii_isalnum(*at) || *at == '_' || *at == '.');
}

// The powers of ten that a double holds exactly.
constexpr double kExactPowers[] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
                                   1e8,  1e9,  1e10, 1e11, 1e12, 1e13, 1e14, 1e15,
                                   1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};
constexpr int kMaxExactPower = 22;
constexpr uint64_t kMaxExactInteger = uint64_t{1} << 53;

// Appends digits to a number for as long as all that is kept of it is exact; gives where it stops.
const char* AddDigits(const char* at, const char* end, uint64_t* number) {
  for (; IsDigit(at, end) && *number <= kMaxExactInteger; ++at) {
    *number = 10 * *number + static_cast<uint64_t>(*at - '0');
  }
  return at;
}

}  // namespace

void AppendNumber(float value, std::string* text) { Append(value, text); }
void AppendNumber(double value, std::string* text) { Append(value, text); }

const char* ReadInteger(const char* begin, const char* end, uint64_t max, uint64_t* value) {
  constexpr int kSafeDigits = 19;  // of a number below 2^64
  const char* const at = SkipDigits(begin, end);
  if (at == begin || at - begin > kSafeDigits || !IsWhole(begin, at, end)) return nullptr;
  *value = 0;
  for (const char* digit = begin; digit != at; ++digit) {
    *value = 10 * *value + static_cast<uint64_t>(*digit - '0');
  }
  return *value <= max ? at : nullptr;
}

const char* ReadDecimal(const char* begin, const char* end, double* value) {
  uint64_t digits = 0;
  const char* at = AddDigits(begin, end, &digits);
  if (at == begin) return nullptr;
  bool exact = !IsDigit(at, end);
  at = SkipDigits(at, end);
  int64_t exponent = 0;
  if (at != end && *at == '.') {
    const char* const point = at++;
    const char* const stop = AddDigits(at, end, &digits);
    exact = exact && !IsDigit(stop, end);
    at = SkipDigits(stop, end);
    exponent = point + 1 - stop;
  }
  if (at != end && (*at == 'e' || *at == 'E')) {
    ++at;
    const bool negative = at != end && *at == '-';
    if (at != end && (*at == '-' || *at == '+')) ++at;
    uint64_t power = 0;
    const char* const stop = AddDigits(at, end, &power);
    if (stop == at) return nullptr;
    exact = exact && !IsDigit(stop, end);
    at = SkipDigits(stop, end);
    exponent += negative ? -static_cast<int64_t>(power) : static_cast<int64_t>(power);
  }
  const char* const number_end = at;
  if (at != end && (*at == 'f' || *at == 'F')) ++at;
  if (!IsWhole(begin, at, end)) return nullptr;
  // One rounding of two exact numbers is what the best of readers does.
  exact = exact && digits <= kMaxExactInteger;
  if (exact && exponent >= 0 && exponent <= kMaxExactPower) {
    *value = static_cast<double>(digits) * kExactPowers[exponent];
  } else if (exact && exponent < 0 && exponent >= -kMaxExactPower) {
    *value = static_cast<double>(digits) / kExactPowers[-exponent];
  } else {
    const absl::from_chars_result read = absl::from_chars(begin, number_end, *value);
    if (read.ec != std::errc() || read.ptr != number_end) {  // too large or small, mostly
      *value = google::protobuf::io::Tokenizer::ParseFloat(std::string(begin, number_end));
    }
  }
  return at;
}

}  // namespace io
}  // namespace doppio
