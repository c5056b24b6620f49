#include <algorithm>
#include <cstdio>

#include "absl/strings/str_cat.h"
#include "tests/table/op_table.h"

namespace doppio {
namespace {

using Text = std::string;

// Words such as "w12", of up to four bytes.
void StringsCase(CaseMaker& c, const char* argument, const char* text) {
  c.Input("strings", c.Random(DataType::kString, c.Shape()));
  c.Arg(argument, Text(text));
  c.Output("Y");
}

void TestRow(const char* type, const char* argument, const char* text,
             bool (*f)(const Text& word, const Text& text)) {
  NewOpRow(type)
      .Case([=](CaseMaker& c) { StringsCase(c, argument, text); })
      .Reference([=](const OpCase& c) -> std::vector<Tensor> {
        const Tensor& x = c.in(0);
        return {Generate(DataType::kBool, x.dims(), [&](const Dims& i) {
          return f(x.data<Text>()[FlatIndex(x.dims(), i)], text);
        })};
      });
}

void PartRow(const char* type, Text (*f)(const Text& word, size_t length)) {
  NewOpRow(type)
      .Case([](CaseMaker& c) {
        c.Input("strings", c.Random(DataType::kString, c.Shape()));
        if (c.Chance(0.7)) c.Arg("length", static_cast<int>(c.Int(0, 5)));
        c.Output("Y");
      })
      .Reference([=](const OpCase& c) -> std::vector<Tensor> {
        Tensor y = DeepCopy(c.in(0));
        const auto length = static_cast<size_t>(c.Arg<int>("length", 3));
        for (int64_t i = 0; i < y.numel(); ++i) {
          y.mutable_data<Text>()[i] = f(c.in(0).data<Text>()[i], length);
        }
        return {y};
      });
}

[[maybe_unused]] const bool string_rows = [] {
  TestRow("StringStartsWith", "prefix", "w1", [](const Text& word, const Text& text) {
    return word.compare(0, text.size(), text) == 0;
  });
  TestRow("StringEndsWith", "suffix", "11", [](const Text& word, const Text& text) {
    return word.size() >= text.size() && word.substr(word.size() - text.size()) == text;
  });
  TestRow("StringEquals", "text", "w7",
          [](const Text& word, const Text& text) { return word == text; });
  PartRow("StringPrefix", [](const Text& word, size_t n) { return word.substr(0, n); });
  PartRow("StringSuffix", [](const Text& word, size_t n) {
    return word.substr(word.size() - std::min(n, word.size()));
  });
  return true;
}();

Text Written(const Tensor& x, int64_t i) {
  if (x.Is<Text>()) return x.data<Text>()[i];
  char text[40];
  std::snprintf(text, sizeof(text), "%g", ElementAsDouble(x, i));
  return text;
}

DOPPIO_OP_ROW(StringJoin)
    .Case([](CaseMaker& c) {
      const DataType type =
          c.ValueType({DataType::kFloat, DataType::kDouble, DataType::kInt8, DataType::kUInt8,
                       DataType::kInt16, DataType::kUInt16, DataType::kInt32, DataType::kInt64,
                       DataType::kString, DataType::kBool});
      const Dims x = c.Shape(1, 2);
      c.Input("X", c.Random(type, x, -99, 99));
      if (x.size() == 2 && c.Chance()) c.Arg("axis", 1);
      if (c.Chance()) c.Arg("delimiter", Text(c.Chance() ? "" : "; "));
      c.Output("Y");
    })
    .Reference([](const OpCase& c) -> std::vector<Tensor> {
      const Tensor& x = c.in(0);
      const bool columns = c.Arg<int>("axis") == 1;
      const int64_t width = x.rank() == 2 ? x.dim(1) : 1;
      Tensor y = *Tensor::Create(DataType::kString, {columns ? width : x.dim(0)});
      for (int64_t i = 0; i < x.numel(); ++i) {
        y.mutable_data<Text>()[columns ? i % width : i / width] +=
            Written(x, i) + c.Arg<Text>("delimiter", ",");
      }
      return {y};
    })
    .NeverScalar("there are rows");

}  // namespace
}  // namespace doppio
