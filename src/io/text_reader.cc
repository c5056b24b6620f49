#include "src/io/text_reader.h"

#include <google/protobuf/io/tokenizer.h>

#include <cmath>
#include <cstring>
#include <limits>
#include <string>

#include "absl/strings/ascii.h"
#include "src/base/run_scope.h"
#include "src/io/number_text.h"
#include "src/io/piece_stream.h"

namespace doppio {
namespace io {
namespace {

using google::protobuf::EnumValueDescriptor;
using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using google::protobuf::Reflection;

constexpr double kMaxFloat = std::numeric_limits<float>::max();

// Every function gives false where ReadText does.
class TextReader {
 public:
  TextReader(absl::string_view text, int max_nesting)
      : at_(text.data()), end_(text.data() + text.size()), nesting_left_(max_nesting) {}

  // The outermost message. Sets *field to where its last field begins.
  bool ReadMessage(Message* message, const char** field) {
    while (SkipSpace(), *field = at_, at_ != end_) {
      if (!ReadField(message)) return false;
    }
    return true;
  }

 private:
  absl::string_view Rest() const { return {at_, static_cast<size_t>(end_ - at_)}; }

  void SkipSpace() {
    for (; at_ != end_; ++at_) {
      if (*at_ == '#') {
        // A byte 0 is an error in comments too.
        while (at_ != end_ && *at_ != '\n' && *at_ != '\0') ++at_;
        if (at_ == end_) return;
      }
      if (!absl::ascii_isspace(static_cast<unsigned char>(*at_))) return;
    }
  }

  // Once for each of so many bytes.
  bool IsTimeToAsk() {
    if (at_ - asked_ < kPieceBytes) return false;
    asked_ = at_;
    return true;
  }

  bool LooksAt(char c) const { return at_ != end_ && *at_ == c; }

  // Takes this character, and the space after it, if it is there.
  bool Take(char c) {
    if (!LooksAt(c)) return false;
    ++at_;
    SkipSpace();
    return true;
  }

  // Takes a name, and the space after it; empty if there is none.
  std::string TakeName() {
    const char* const begin = at_;
    if (at_ != end_ && !absl::ascii_isdigit(static_cast<unsigned char>(*at_))) {
      while (at_ != end_ &&
             (absl::ascii_isalnum(static_cast<unsigned char>(*at_)) || *at_ == '_')) {
        ++at_;
      }
    }
    std::string name(begin, at_);
    SkipSpace();
    return name;
  }

  // A field, all those of the same name that follow it, and the space after them.
  bool ReadField(Message* message) {
    const char* const begin = at_;
    const Reflection& to = *message->GetReflection();
    const FieldDescriptor* field = message->GetDescriptor()->FindFieldByName(TakeName());
    if (field == nullptr) return false;
    if (!field->is_repeated() && to.HasField(*message, field)) return false;
    const bool has_colon = Take(':');
    if (!has_colon && field->cpp_type() != FieldDescriptor::CPPTYPE_MESSAGE) return false;
    const absl::string_view lead(begin, static_cast<size_t>(at_ - begin));
    do {
      SkipSpace();
      if (IsTimeToAsk() && internal::IsInterrupted()) return false;
      if (!ReadValues(to, field, message)) return false;
      if (!Take(';')) Take(',');
    } while (field->is_repeated() && has_colon && TakeLead(lead));
    return true;
  }

  // Takes the name, the colon and the space of the field before, if they stand there again.
  bool TakeLead(absl::string_view lead) {
    if (Rest().substr(0, lead.size()) != lead) return false;
    at_ += lead.size();
    return true;
  }

  bool ReadValues(const Reflection& to, const FieldDescriptor* field, Message* message) {
    if (!field->is_repeated() || !Take('[')) return ReadValue(to, field, message);
    if (Take(']')) return true;
    do {
      if (!ReadValue(to, field, message)) return false;
    } while (Take(','));
    return Take(']');
  }

  // A value, and the space after it.
  bool ReadValue(const Reflection& to, const FieldDescriptor* field, Message* message) {
    const bool many = field->is_repeated();
    switch (field->cpp_type()) {
      case FieldDescriptor::CPPTYPE_FLOAT: {
        double value;
        // Larger ones may round to infinity or not.
        if (!ReadDouble(&value) || (std::abs(value) > kMaxFloat && !std::isinf(value)))
          return false;
        const float narrow = static_cast<float>(value);
        many ? to.AddFloat(message, field, narrow) : to.SetFloat(message, field, narrow);
        break;
      }
      case FieldDescriptor::CPPTYPE_DOUBLE: {
        double value;
        if (!ReadDouble(&value)) return false;
        many ? to.AddDouble(message, field, value) : to.SetDouble(message, field, value);
        break;
      }
      case FieldDescriptor::CPPTYPE_INT32: {
        int64_t value;
        if (!ReadSigned(std::numeric_limits<int32_t>::max(), &value)) return false;
        const int32_t narrow = static_cast<int32_t>(value);
        many ? to.AddInt32(message, field, narrow) : to.SetInt32(message, field, narrow);
        break;
      }
      case FieldDescriptor::CPPTYPE_INT64: {
        int64_t value;
        if (!ReadSigned(std::numeric_limits<int64_t>::max(), &value)) return false;
        many ? to.AddInt64(message, field, value) : to.SetInt64(message, field, value);
        break;
      }
      case FieldDescriptor::CPPTYPE_STRING: {
        std::string value;
        if (!ReadString(&value)) return false;
        many ? to.AddString(message, field, std::move(value))
             : to.SetString(message, field, std::move(value));
        break;
      }
      case FieldDescriptor::CPPTYPE_MESSAGE:
        return ReadBody(many ? to.AddMessage(message, field) : to.MutableMessage(message, field));
      default:
        return ReadRare(to, field, message);
    }
    SkipSpace();
    return true;
  }

  // A value of a type of which there are never many.
  bool ReadRare(const Reflection& to, const FieldDescriptor* field, Message* message) {
    const bool many = field->is_repeated();
    if (field->cpp_type() == FieldDescriptor::CPPTYPE_UINT32) {
      int64_t value;
      if (LooksAt('-') || !ReadSigned(std::numeric_limits<uint32_t>::max(), &value)) return false;
      const uint32_t narrow = static_cast<uint32_t>(value);
      many ? to.AddUInt32(message, field, narrow) : to.SetUInt32(message, field, narrow);
      SkipSpace();
      return true;
    }
    const std::string name = TakeName();
    if (field->cpp_type() == FieldDescriptor::CPPTYPE_BOOL) {
      const bool value = name == "true";
      if (!value && name != "false") return false;
      many ? to.AddBool(message, field, value) : to.SetBool(message, field, value);
      return true;
    }
    if (field->cpp_type() != FieldDescriptor::CPPTYPE_ENUM) return false;
    const EnumValueDescriptor* value = field->enum_type()->FindValueByName(name);
    if (value == nullptr) return false;
    many ? to.AddEnum(message, field, value) : to.SetEnum(message, field, value);
    return true;
  }

  bool ReadBody(Message* message) {
    const char close = LooksAt('<') ? '>' : '}';
    if ((!Take('<') && !Take('{')) || nesting_left_ <= 0) return false;
    --nesting_left_;
    while (!Take(close)) {
      if (at_ == end_ || !ReadField(message)) return false;
    }
    ++nesting_left_;
    return true;
  }

  bool ReadSigned(int64_t max, int64_t* value) {
    const bool negative = LooksAt('-');
    if (negative) ++at_;
    uint64_t size;
    const char* const stop =
        ReadInteger(at_, end_, static_cast<uint64_t>(max) + (negative ? 1 : 0), &size);
    if (stop == nullptr) return false;
    at_ = stop;
    *value = static_cast<int64_t>(negative ? uint64_t{0} - size : size);
    return true;
  }

  bool ReadDouble(double* value) {
    const bool negative = LooksAt('-');
    if (negative) ++at_;
    if (LooksAt('i') || LooksAt('n')) {
      const std::string name = TakeName();
      if (name != "inf" && (name != "nan" || negative)) return false;
      *value = name == "inf" ? std::numeric_limits<double>::infinity()
                             : std::numeric_limits<double>::quiet_NaN();
    } else {
      const char* const stop = ReadDecimal(at_, end_, value);
      if (stop == nullptr) return false;
      at_ = stop;
    }
    if (negative) *value = -*value;
    return true;
  }

  // One string, or several, which are joined.
  bool ReadString(std::string* value) {
    if (!LooksAt('"') && !LooksAt('\'')) return false;
    while (LooksAt('"') || LooksAt('\'')) {
      const char* const begin = at_;
      bool has_escapes = false;
      for (++at_; !LooksAt(*begin); ++at_) {
        if (at_ == end_ || *at_ == '\n' || *at_ == '\0') return false;
        if (*at_ != '\\') continue;
        has_escapes = true;
        if (!TakeEscape()) return false;
      }
      ++at_;
      if (has_escapes) {
        google::protobuf::io::Tokenizer::ParseStringAppend(std::string(begin, at_), value);
      } else {
        value->append(begin + 1, at_ - 1);
      }
      SkipSpace();
    }
    return true;
  }

  // Goes from a backslash to the character after it that is the last that matters.
  bool TakeEscape() {
    ++at_;
    if (LooksAt('x')) {
      ++at_;
      return at_ != end_ && absl::ascii_isxdigit(static_cast<unsigned char>(*at_));
    }
    return at_ != end_ && *at_ != '\0' && std::strchr("abfnrtv\\?'\"01234567", *at_) != nullptr;
  }

  const char* at_;
  const char* asked_ = at_;  // where it was last seen whether to go on
  const char* const end_;
  int nesting_left_;
};

}  // namespace

bool ReadText(absl::string_view text, int max_nesting, Message* message, size_t* right) {
  const char* field = text.data();
  const bool all = TextReader(text, max_nesting).ReadMessage(message, &field);
  *right = static_cast<size_t>(field - text.data());
  return all;
}

}  // namespace io
}  // namespace doppio
