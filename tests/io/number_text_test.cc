#include "src/io/number_text.h"

#include <gmock/gmock.h>
#include <google/protobuf/io/tokenizer.h>
#include <google/protobuf/text_format.h>

#include <cmath>
#include <cstring>
#include <limits>
#include <random>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"

namespace doppio {
namespace io {
namespace {

std::string Printed(float value) {
  return google::protobuf::TextFormat::FieldValuePrinter().PrintFloat(value);
}
std::string Printed(double value) {
  return google::protobuf::TextFormat::FieldValuePrinter().PrintDouble(value);
}

template <typename T>
void ExpectWrittenAsProtobufDoes(T value) {
  std::string text;
  AppendNumber(value, &text);
  ASSERT_EQ(text, Printed(value));
}

template <typename T>
class NumberTextTest : public testing::Test {};
using Types = testing::Types<float, double>;
TYPED_TEST_SUITE(NumberTextTest, Types);

TYPED_TEST(NumberTextTest, NumbersOfAnyBitsAreWrittenAsProtobufDoes) {
  std::mt19937_64 random(1);
  for (int i = 0; i < 50'000; ++i) {
    const uint64_t bits = random();
    TypeParam value;
    std::memcpy(&value, &bits, sizeof value);
    SCOPED_TRACE(absl::StrCat("number ", i, " of seed 1"));
    ExpectWrittenAsProtobufDoes(value);
  }
}

TYPED_TEST(NumberTextTest, NumbersOfUsualSizesAreWrittenAsProtobufDoes) {
  std::mt19937_64 random(2);
  std::uniform_real_distribution<double> exponent(-20, 20), sign(-1, 1);
  for (int i = 0; i < 50'000; ++i) {
    SCOPED_TRACE(absl::StrCat("number ", i, " of seed 2"));
    ExpectWrittenAsProtobufDoes(
        static_cast<TypeParam>(std::pow(10, exponent(random)) * sign(random)));
  }
}

TYPED_TEST(NumberTextTest, ShortDecimalsAndTheirNeighboursAreWrittenAsProtobufDoes) {
  std::mt19937_64 random(3);
  for (int i = 0; i < 50'000; ++i) {
    SCOPED_TRACE(absl::StrCat("number ", i, " of seed 3"));
    const double digits = static_cast<double>(random() >> (random() % 64));
    const auto value =
        static_cast<TypeParam>(digits * std::pow(10, static_cast<int>(random() % 30) - 25));
    ExpectWrittenAsProtobufDoes(value);
    ExpectWrittenAsProtobufDoes(std::nextafter(value, TypeParam{0}));
    ExpectWrittenAsProtobufDoes(std::nextafter(value, std::numeric_limits<TypeParam>::max()));
  }
}

TYPED_TEST(NumberTextTest, PowersAndTheirNeighboursAreWrittenAsProtobufDoes) {
  using Limits = std::numeric_limits<TypeParam>;
  for (double base : {2.0, 10.0}) {
    for (int n = -1100; n < 1100; ++n) {
      const auto power = static_cast<TypeParam>(std::pow(base, n));
      for (TypeParam value : {power, std::nextafter(power, TypeParam{0}),
                              std::nextafter(power, Limits::infinity())}) {
        ExpectWrittenAsProtobufDoes(value);
        ExpectWrittenAsProtobufDoes(-value);
      }
    }
  }
  ExpectWrittenAsProtobufDoes(Limits::quiet_NaN());
  ExpectWrittenAsProtobufDoes(-Limits::quiet_NaN());
}

double Read(const std::string& text) {
  double value = 0;
  const char* const stop = ReadDecimal(text.data(), text.data() + text.size(), &value);
  EXPECT_EQ(stop, text.data() + text.size()) << text;
  return value;
}

TEST(ReadDecimalTest, GivesTheBitsThatProtobufGives) {
  std::mt19937_64 random(4);
  const auto digits = [&](uint64_t most) {
    std::string text;
    for (uint64_t count = random() % (most + 1); count > 0; --count) {
      text += static_cast<char>('0' + random() % 10);
    }
    return text;
  };
  for (int i = 0; i < 100'000; ++i) {
    std::string text = absl::StrCat(1 + random() % 9, digits(random() % 4 == 0 ? 30 : 5));
    if (random() % 4 == 0) text = "0";
    if (random() % 8 != 0) absl::StrAppend(&text, ".", digits(random() % 4 == 0 ? 40 : 9));
    if (random() % 2 == 0) {
      absl::StrAppend(&text, random() % 2 == 0 ? "e" : "E", random() % 2 == 0 ? "-" : "",
                      random() % (random() % 4 == 0 ? 400 : 25));
    }
    const double value = Read(text);
    const double expected = google::protobuf::io::Tokenizer::ParseFloat(text);
    ASSERT_EQ(std::memcmp(&value, &expected, sizeof value), 0)
        << text << " is read as " << value << " (number " << i << " of seed 4)";
  }
}

TEST(ReadDecimalTest, LeavesToProtobufWhatIsNoPlainDecimalNumber) {
  for (const char* text : {"007", "0x1p3", "00.5", ".5", "1.2.3", "1e", "1e+", "1.e-", "12a", "1_",
                           "1ff", "1.5fx", "e5", "+1", "-1", " 1", "inf"}) {
    double value;
    EXPECT_EQ(ReadDecimal(text, text + std::strlen(text), &value), nullptr) << text;
  }
  EXPECT_EQ(Read("1.f"), 1.0);
  EXPECT_EQ(Read("25e-1F"), 2.5);
}

TEST(ReadIntegerTest, ReadsUpToTheLargest) {
  const auto read = [](absl::string_view text, uint64_t max) -> int64_t {
    uint64_t value = 0;
    const char* const stop = ReadInteger(text.data(), text.data() + text.size(), max, &value);
    return stop == text.data() + text.size() ? static_cast<int64_t>(value) : -1;
  };
  constexpr uint64_t kMax = std::numeric_limits<int64_t>::max();
  EXPECT_EQ(read("0", kMax), 0);
  EXPECT_EQ(read("9223372036854775807", kMax), std::numeric_limits<int64_t>::max());
  for (const char* text : {"9223372036854775808", "18446744073709551616", "01", "0x1", "1.5", "1e3",
                           "1f", "", "-1", "a"}) {
    EXPECT_EQ(read(text, kMax), -1) << text;
  }
  EXPECT_EQ(read("4294967296", 4294967295), -1);
}

}  // namespace
}  // namespace io
}  // namespace doppio
