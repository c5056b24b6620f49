#ifndef DOPPIO_TOOLS_COMMAND_JSON_H_
#define DOPPIO_TOOLS_COMMAND_JSON_H_

#include <string>
#include <type_traits>

#include "absl/strings/string_view.h"

namespace doppio::tools {

// Writes JSON, value after value, indented:
//
//   JsonWriter json;
//   json.BeginObject().Field("net", "demo").Key("blobs").BeginArray();
//   for (...) json.Value(name);
//   json.EndArray().EndObject();
//   Print(json.Finish());
//
// Text that is not UTF-8 is written with replacement characters; numbers that are not finite as
// null.
class JsonWriter {
 public:
  JsonWriter& BeginObject() { return Begin('{'); }
  JsonWriter& EndObject() { return End('}'); }
  JsonWriter& BeginArray() { return Begin('['); }
  JsonWriter& EndArray() { return End(']'); }
  JsonWriter& Key(absl::string_view key);

  JsonWriter& Null() { return Raw("null"); }
  template <typename T>
  JsonWriter& Value(const T& value) {
    if constexpr (std::is_same_v<T, bool>) {
      return Raw(value ? "true" : "false");
    } else if constexpr (std::is_integral_v<T>) {
      return Raw(std::to_string(value));
    } else if constexpr (std::is_floating_point_v<T>) {
      return Number(value, std::is_same_v<T, float> ? 9 : 17);
    } else {
      return Text(value);
    }
  }
  template <typename T>
  JsonWriter& Field(absl::string_view key, const T& value) {
    return Key(key).Value(value);
  }
  // An array of values, on one line.
  template <typename List>
  JsonWriter& ListField(absl::string_view key, const List& values) {
    Key(key).BeginArray();
    is_flat_ = true;
    for (const auto& value : values) Value(value);
    EndArray();
    is_flat_ = false;
    return *this;
  }

  // Everything, with a newline at the end.
  std::string Finish() { return text_ + "\n"; }

 private:
  JsonWriter& Begin(char bracket);
  JsonWriter& End(char bracket);
  JsonWriter& Raw(absl::string_view token);
  JsonWriter& Number(double value, int digits);
  JsonWriter& Text(absl::string_view text);
  void BeforeValue();

  std::string text_;
  int depth_ = 0;
  bool is_first_ = true;
  bool is_after_key_ = false;
  bool is_flat_ = false;
};

}  // namespace doppio::tools

#endif  // DOPPIO_TOOLS_COMMAND_JSON_H_
