#include "tools/command/json.h"

#include <cmath>

#include "absl/strings/str_format.h"

namespace doppio::tools {
namespace {

// How many bytes the UTF-8 character at the front of `text` has; 0 when there is none.
size_t CharacterLength(absl::string_view text) {
  const auto byte = [&](size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char lead = byte(0);
  size_t length = 1;
  uint32_t code = lead;
  if (lead >= 0xc2 && lead <= 0xdf) {
    length = 2, code = lead & 0x1f;
  } else if (lead >= 0xe0 && lead <= 0xef) {
    length = 3, code = lead & 0x0f;
  } else if (lead >= 0xf0 && lead <= 0xf4) {
    length = 4, code = lead & 0x07;
  } else if (lead >= 0x80) {
    return 0;
  }
  if (text.size() < length) return 0;
  for (size_t i = 1; i < length; ++i) {
    if ((byte(i) & 0xc0) != 0x80) return 0;
    code = code << 6 | (byte(i) & 0x3f);
  }
  const bool is_overlong = (length == 3 && code < 0x800) || (length == 4 && code < 0x10000);
  const bool is_surrogate = code >= 0xd800 && code <= 0xdfff;
  return is_overlong || is_surrogate || code > 0x10ffff ? 0 : length;
}

std::string Quoted(absl::string_view text) {
  std::string quoted = "\"";
  while (!text.empty()) {
    const size_t length = CharacterLength(text);
    const char c = text[0];
    if (length == 0) {
      quoted += "\\ufffd";
    } else if (c == '"' || c == '\\') {
      quoted += '\\';
      quoted += c;
    } else if (c == '\n') {
      quoted += "\\n";
    } else if (length == 1 && (static_cast<unsigned char>(c) < 0x20 || c == 0x7f)) {
      absl::StrAppendFormat(&quoted, "\\u%04x", static_cast<unsigned>(c));
    } else {
      quoted.append(text.data(), length);
    }
    text.remove_prefix(length == 0 ? 1 : length);
  }
  return quoted + "\"";
}

}  // namespace

void JsonWriter::BeforeValue() {
  if (is_after_key_) {
    is_after_key_ = false;
    return;
  }
  if (depth_ == 0) return;
  if (!is_first_) text_ += ',';
  if (is_flat_) {
    if (!is_first_) text_ += ' ';
  } else {
    text_ += '\n';
    text_.append(2 * static_cast<size_t>(depth_), ' ');
  }
  is_first_ = false;
}

JsonWriter& JsonWriter::Begin(char bracket) {
  BeforeValue();
  text_ += bracket;
  ++depth_;
  is_first_ = true;
  return *this;
}

JsonWriter& JsonWriter::End(char bracket) {
  --depth_;
  if (!is_first_ && !is_flat_) {
    text_ += '\n';
    text_.append(2 * static_cast<size_t>(depth_), ' ');
  }
  text_ += bracket;
  is_first_ = false;
  return *this;
}

JsonWriter& JsonWriter::Key(absl::string_view key) {
  BeforeValue();
  text_ += Quoted(key) + ": ";
  is_after_key_ = true;
  return *this;
}

JsonWriter& JsonWriter::Raw(absl::string_view token) {
  BeforeValue();
  text_.append(token.data(), token.size());
  return *this;
}

JsonWriter& JsonWriter::Number(double value, int digits) {
  return std::isfinite(value) ? Raw(absl::StrFormat("%.*g", digits, value)) : Null();
}

JsonWriter& JsonWriter::Text(absl::string_view text) { return Raw(Quoted(text)); }

}  // namespace doppio::tools
