#include "src/io/npy_header.h"

#include <algorithm>
#include <limits>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/strip.h"

namespace doppio {
namespace io {
namespace {

constexpr absl::string_view kMagic = "\x93NUMPY";

// Reads the header's text, which is the literal of a Python dictionary with three entries:
// {'descr': '<f4', 'fortran_order': False, 'shape': (3, 4), }
class HeaderParser {
 public:
  explicit HeaderParser(absl::string_view text) : text_(text), rest_(text) {}

  absl::StatusOr<NpyHeader> Parse();

 private:
  absl::Status Error(absl::string_view what) const {
    return absl::InvalidArgumentError(absl::StrCat("npy header, character ",
                                                   text_.size() - rest_.size(), ": ", what));
  }

  bool Take(absl::string_view token) {
    rest_ = absl::StripLeadingAsciiWhitespace(rest_);
    return absl::ConsumePrefix(&rest_, token);
  }

  absl::Status Expect(absl::string_view token) {
    return Take(token) ? absl::OkStatus() : Error(absl::StrCat("expected ", token));
  }

  absl::StatusOr<std::string> String();
  absl::StatusOr<bool> Bool();
  absl::StatusOr<int64_t> Number();
  absl::StatusOr<Dims> Shape();
  absl::Status Entry(NpyHeader* header);

  const absl::string_view text_;
  absl::string_view rest_;
  bool has_descr_ = false;
  bool has_order_ = false;
  bool has_shape_ = false;
};

absl::StatusOr<std::string> HeaderParser::String() {
  rest_ = absl::StripLeadingAsciiWhitespace(rest_);
  if (rest_.empty() || (rest_[0] != '\'' && rest_[0] != '"')) return Error("expected a string");
  const size_t end = rest_.find(rest_[0], 1);
  if (end == absl::string_view::npos) return Error("the string does not end");
  const std::string value(rest_.substr(1, end - 1));
  rest_.remove_prefix(end + 1);
  return value;
}

absl::StatusOr<bool> HeaderParser::Bool() {
  if (Take("True")) return true;
  if (Take("False")) return false;
  return Error("expected True or False");
}

absl::StatusOr<int64_t> HeaderParser::Number() {
  rest_ = absl::StripLeadingAsciiWhitespace(rest_);
  if (rest_.empty() || !absl::ascii_isdigit(static_cast<unsigned char>(rest_[0]))) {
    return Error("expected a size");
  }
  int64_t value = 0;
  while (!rest_.empty() && absl::ascii_isdigit(static_cast<unsigned char>(rest_[0]))) {
    if (value > (std::numeric_limits<int64_t>::max() - 9) / 10) {
      return Error("the size does not fit into 64 bits");
    }
    value = 10 * value + (rest_[0] - '0');
    rest_.remove_prefix(1);
  }
  absl::ConsumePrefix(&rest_, "L");  // Python 2 writes long numbers so.
  return value;
}

absl::StatusOr<Dims> HeaderParser::Shape() {
  DOPPIO_RETURN_IF_ERROR(Expect("("));
  Dims shape;
  while (!Take(")")) {
    DOPPIO_ASSIGN_OR_RETURN(const int64_t size, Number());
    shape.push_back(size);
    if (shape.size() > static_cast<size_t>(kMaxRank)) {
      return Error(absl::StrCat("more than ", kMaxRank, " dimensions"));
    }
    if (Take(",")) continue;
    if (shape.size() == 1) return Error("(n) is no shape; (n,) is");
    DOPPIO_RETURN_IF_ERROR(Expect(")"));
    break;
  }
  return shape;
}

absl::Status HeaderParser::Entry(NpyHeader* header) {
  DOPPIO_ASSIGN_OR_RETURN(const std::string key, String());
  DOPPIO_RETURN_IF_ERROR(Expect(":"));
  bool* seen = nullptr;
  if (key == "descr") {
    if (Take("[")) return Error("arrays of records are not supported");
    DOPPIO_ASSIGN_OR_RETURN(header->descr, String());
    seen = &has_descr_;
  } else if (key == "fortran_order") {
    DOPPIO_ASSIGN_OR_RETURN(header->fortran_order, Bool());
    seen = &has_order_;
  } else if (key == "shape") {
    DOPPIO_ASSIGN_OR_RETURN(header->shape, Shape());
    seen = &has_shape_;
  } else {
    return Error("a key other than descr, fortran_order and shape");
  }
  if (*seen) return Error(absl::StrCat(key, " stands there twice"));
  *seen = true;
  return absl::OkStatus();
}

absl::StatusOr<NpyHeader> HeaderParser::Parse() {
  NpyHeader header;
  DOPPIO_RETURN_IF_ERROR(Expect("{"));
  while (!Take("}")) {
    DOPPIO_RETURN_IF_ERROR(Entry(&header));
    if (Take(",")) continue;
    DOPPIO_RETURN_IF_ERROR(Expect("}"));
    break;
  }
  if (!absl::StripAsciiWhitespace(rest_).empty()) return Error("text after the dictionary");
  if (!has_descr_ || !has_order_ || !has_shape_) {
    return Error("descr, fortran_order or shape is missing");
  }
  return header;
}

uint32_t LittleEndian(absl::string_view bytes) {
  uint32_t value = 0;
  for (size_t i = bytes.size(); i-- > 0;) value = value << 8 | static_cast<uint8_t>(bytes[i]);
  return value;
}

}  // namespace

absl::StatusOr<NpyHeader> ParseNpyHeader(absl::string_view bytes) {
  if (!absl::StartsWith(bytes, kMagic)) return absl::InvalidArgumentError("not an npy file");
  if (bytes.size() < 12) return absl::DataLossError("the npy file ends within its header");
  const int version = static_cast<uint8_t>(bytes[6]);
  if (version < 1 || version > 3) {
    return absl::UnimplementedError(absl::StrCat("npy version ", version));
  }
  const size_t length_bytes = version == 1 ? 2 : 4;
  const size_t length = LittleEndian(bytes.substr(8, length_bytes));
  const size_t begin = 8 + length_bytes;
  if (length > bytes.size() - begin) {
    return absl::DataLossError(absl::StrCat("the npy header claims ", length, " bytes, but only ",
                                            bytes.size() - begin, " are there"));
  }
  DOPPIO_ASSIGN_OR_RETURN(NpyHeader header, HeaderParser(bytes.substr(begin, length)).Parse());
  header.data_offset = begin + length;
  return header;
}

std::string FormatNpyHeader(absl::string_view descr, DimsView shape) {
  std::string text = absl::StrCat("{'descr': '", descr, "', 'fortran_order': False, 'shape': (");
  for (int64_t size : shape) absl::StrAppend(&text, size, shape.size() == 1 ? "," : ", ");
  if (shape.size() > 1) text.resize(text.size() - 2);
  text += "), }";
  const size_t prefix = kMagic.size() + 4;
  const size_t padded = (prefix + text.size() + 1 + 63) / 64 * 64;
  text.append(padded - prefix - text.size() - 1, ' ').append("\n");
  const char version_and_length[] = {1, 0, static_cast<char>(text.size() & 0xff),
                                     static_cast<char>(text.size() >> 8)};
  return absl::StrCat(kMagic, absl::string_view(version_and_length, 4), text);
}

}  // namespace io
}  // namespace doppio
