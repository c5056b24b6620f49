#include "src/io/wire.h"

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <string>

#include "absl/container/inlined_vector.h"
#include "doppio/cancellation.h"
#include "doppio/net.pb.h"
#include "src/io/piece_stream.h"

namespace doppio {
namespace io {
namespace {

using google::protobuf::Descriptor;
using google::protobuf::FieldDescriptor;

enum WireType {
  kVarint = 0,
  kFixed64 = 1,
  kLength = 2,
  kStartGroup = 3,
  kEndGroup = 4,
  kFixed32 = 5
};

WireType WireTypeOf(const FieldDescriptor* field) {
  switch (field->type()) {
    case FieldDescriptor::TYPE_DOUBLE:
    case FieldDescriptor::TYPE_FIXED64:
    case FieldDescriptor::TYPE_SFIXED64:
      return kFixed64;
    case FieldDescriptor::TYPE_FLOAT:
    case FieldDescriptor::TYPE_FIXED32:
    case FieldDescriptor::TYPE_SFIXED32:
      return kFixed32;
    case FieldDescriptor::TYPE_STRING:
    case FieldDescriptor::TYPE_BYTES:
    case FieldDescriptor::TYPE_MESSAGE:
      return kLength;
    case FieldDescriptor::TYPE_GROUP:
      return kStartGroup;
    default:
      return kVarint;
  }
}

constexpr ptrdiff_t kTaggedFloat = 1 + sizeof(float);
constexpr ptrdiff_t kLongList = 1024 * kTaggedFloat;

// Where the fields of four bytes with this tag end that stand at `p`.
const char* SkipTaggedFloats(char tag, const char* p, const char* end) {
  constexpr int kTogether = 8;  // are looked at without a jump
  for (; end - p >= kTogether * kTaggedFloat; p += kTogether * kTaggedFloat) {
    int difference = 0;
    for (int i = 0; i < kTogether; ++i) difference |= p[i * kTaggedFloat] ^ tag;
    if (difference != 0) break;
  }
  while (end - p >= kTaggedFloat && *p == tag) p += kTaggedFloat;
  return p;
}

// Where the walk is: a message and the field of the message around it that holds it.
struct Frame {
  const Frame* parent;
  const FieldDescriptor* field;  // null for the outermost message
  int index;
};

std::string PathOf(const Frame* frame) {
  if (frame == nullptr || frame->field == nullptr) return "";
  const std::string parent = PathOf(frame->parent);
  std::string path = absl::StrCat(parent, parent.empty() ? "" : ".", frame->field->name());
  if (frame->field->is_repeated()) absl::StrAppend(&path, "[", frame->index, "]");
  return path;
}

class Walker {
 public:
  Walker(absl::string_view bytes, const Limits& limits, WireReport* report)
      : begin_(bytes.data()), limits_(limits), report_(report), asked_(begin_) {}

  absl::Status Message(const char* p, const char* end, const Descriptor* type, const Frame* frame,
                       int depth);

 private:
  // What is left of one field after its tag.
  struct Field {
    const char* start;
    const FieldDescriptor* descriptor;  // null when unknown
    int number;
    int wire;
  };

  absl::Status ReadVarint(const char** p, const char* end, const Frame* frame, uint64_t* value);
  absl::Status Skip(const Field& field, const char** p, const char* end, const Frame* frame,
                    int depth, absl::string_view* content, uint64_t* number);
  absl::Status SkipGroup(int number, const char** p, const char* end, const Frame* frame,
                         int depth);
  absl::Status Check(const Field& field, absl::string_view content, uint64_t number,
                     const Frame* frame, int index, int depth);
  absl::Status Packed(const Field& field, absl::string_view content, const Frame* frame);
  // Fields of four bytes with this tag, as far as they follow each other.
  absl::Status SkipFloats(char tag, const char** p, const char* end);
  void CheckString(const FieldDescriptor* field, absl::string_view text, const Frame* frame,
                   int index);
  void CountUnknown(int number, const Frame* frame);

  absl::Status Error(const char* p, const Frame* frame, absl::string_view what) const {
    const std::string path = PathOf(frame);
    return absl::DataLossError(absl::StrCat("byte ", p - begin_, path.empty() ? "" : " (in ", path,
                                            path.empty() ? ": " : "): ", what));
  }
  absl::Status TooDeep(const Frame* frame) const {
    return absl::ResourceExhaustedError(absl::StrCat("messages are nested more than ",
                                                     limits_.max_nesting, " deep, ",
                                                     PathOf(frame).substr(0, 60), "..."));
  }

  const char* const begin_;
  const Limits& limits_;
  WireReport* const report_;
  int64_t operators_ = 0;
  const char* asked_;  // where it was last seen whether to go on
};

absl::Status Walker::ReadVarint(const char** p, const char* end, const Frame* frame,
                                uint64_t* value) {
  const char* const start = *p;
  *value = 0;
  for (int shift = 0; shift < 70; shift += 7) {
    if (*p == end) return Error(start, frame, "the data ends within a number");
    const uint8_t byte = static_cast<uint8_t>(*(*p)++);
    if (shift < 64) *value |= static_cast<uint64_t>(byte & 0x7f) << shift;
    if (byte < 0x80) return absl::OkStatus();
  }
  return Error(start, frame, "a number of more than 10 bytes");
}

void Walker::CountUnknown(int number, const Frame* frame) {
  if (report_->unknown_fields++ == 0) {
    const std::string path = PathOf(frame);
    report_->first_unknown = absl::StrCat(path, path.empty() ? "" : ": ", "field ", number);
  }
}

absl::Status Walker::SkipGroup(int number, const char** p, const char* end, const Frame* frame,
                               int depth) {
  if (depth > limits_.max_nesting) return TooDeep(frame);
  while (true) {
    if (*p == end) return Error(*p, frame, "the data ends within a group");
    Field field = {*p, nullptr, 0, 0};
    uint64_t tag;
    DOPPIO_RETURN_IF_ERROR(ReadVarint(p, end, frame, &tag));
    field.number = static_cast<int>(tag >> 3);
    field.wire = static_cast<int>(tag & 7);
    if (field.wire == kEndGroup) {
      if (field.number == number) return absl::OkStatus();
      return Error(field.start, frame, "a group ends that has not begun");
    }
    absl::string_view content;
    uint64_t value;
    DOPPIO_RETURN_IF_ERROR(Skip(field, p, end, frame, depth, &content, &value));
  }
}

absl::Status Walker::Skip(const Field& field, const char** p, const char* end, const Frame* frame,
                          int depth, absl::string_view* content, uint64_t* number) {
  if (field.number == 0) return Error(field.start, frame, "a field with number 0");
  *number = 0;
  switch (field.wire) {
    case kVarint:
      return ReadVarint(p, end, frame, number);
    case kFixed64:
    case kFixed32: {
      const ptrdiff_t size = field.wire == kFixed64 ? 8 : 4;
      if (end - *p < size) {
        return Error(field.start, frame, absl::StrCat("the data ends within field ", field.number));
      }
      *p += size;
      return absl::OkStatus();
    }
    case kLength: {
      uint64_t size;
      DOPPIO_RETURN_IF_ERROR(ReadVarint(p, end, frame, &size));
      const uint64_t left = static_cast<uint64_t>(end - *p);
      if (size > left) {
        return Error(field.start, frame,
                     absl::StrCat("field ", field.number, " claims ", size, " bytes, but only ",
                                  left, " are left"));
      }
      *content = absl::string_view(*p, size);
      *p += size;
      return absl::OkStatus();
    }
    case kStartGroup:
      return SkipGroup(field.number, p, end, frame, depth + 1);
    default:
      return Error(field.start, frame,
                   absl::StrCat("field ", field.number, " has no valid type (", field.wire, ")"));
  }
}

absl::Status Walker::Packed(const Field& field, absl::string_view content, const Frame* frame) {
  const WireType wire = WireTypeOf(field.descriptor);
  const size_t size = wire == kFixed64 ? 8 : 4;
  const bool whole = wire == kVarint
                         ? content.empty() || static_cast<uint8_t>(content.back()) < 0x80
                         : content.size() % size == 0;
  if (whole) return absl::OkStatus();
  return Error(field.start, frame,
               absl::StrCat(field.descriptor->name(), " ends within an element"));
}

void Walker::CheckString(const FieldDescriptor* field, absl::string_view text, const Frame* frame,
                         int index) {
  if (IsPrintableUtf8(text)) return;
  ++report_->odd_strings;
  if (report_->first_not_utf8.empty() && !IsUtf8(text)) {
    const Frame here = {frame, field, index};
    report_->first_not_utf8 = PathOf(&here);
  }
}

absl::Status Walker::Check(const Field& field, absl::string_view content, uint64_t number,
                           const Frame* frame, int index, int depth) {
  const FieldDescriptor* descriptor = field.descriptor;
  const bool fits = descriptor != nullptr && field.wire == WireTypeOf(descriptor);
  if (descriptor != nullptr && !fits && field.wire == kLength && descriptor->is_packable()) {
    return Packed(field, content, frame);
  }
  if (!fits) {
    CountUnknown(field.number, frame);
    return absl::OkStatus();
  }
  if (!descriptor->is_repeated() && index > 0) ++report_->repeated_singles;
  switch (descriptor->type()) {
    case FieldDescriptor::TYPE_STRING:
      CheckString(descriptor, content, frame, index);
      return absl::OkStatus();
    case FieldDescriptor::TYPE_ENUM:
      if (descriptor->enum_type()->FindValueByNumber(static_cast<int>(number)) == nullptr) {
        CountUnknown(field.number, frame);
      }
      return absl::OkStatus();
    case FieldDescriptor::TYPE_MESSAGE: {
      const Frame inner = {frame, descriptor, index};
      return Message(content.data(), content.data() + content.size(), descriptor->message_type(),
                     &inner, depth + 1);
    }
    default:
      return absl::OkStatus();
  }
}

absl::Status Walker::SkipFloats(char tag, const char** p, const char* end) {
  while (true) {
    const char* const stop = *p + std::min<ptrdiff_t>(end - *p, kPieceBytes);
    *p = SkipTaggedFloats(tag, *p, stop);
    if (stop == end || stop - *p >= kTaggedFloat) return absl::OkStatus();
    DOPPIO_RETURN_IF_ERROR(CancellationStatus());
    asked_ = *p;
  }
}

absl::Status Walker::Message(const char* p, const char* end, const Descriptor* type,
                             const Frame* frame, int depth) {
  if (depth > limits_.max_nesting) return TooDeep(frame);
  if (type == OperatorDef::descriptor() && ++operators_ > limits_.max_operators) {
    return absl::ResourceExhaustedError(
        absl::StrCat("more than ", limits_.max_operators, " operators"));
  }
  absl::InlinedVector<int, 16> seen(static_cast<size_t>(type->field_count()), 0);
  while (p != end) {
    if (p - asked_ >= kPieceBytes) {
      DOPPIO_RETURN_IF_ERROR(CancellationStatus());
      asked_ = p;
    }
    Field field = {p, nullptr, 0, 0};
    uint64_t tag;
    DOPPIO_RETURN_IF_ERROR(ReadVarint(&p, end, frame, &tag));
    if (tag >> 32 != 0) return Error(field.start, frame, "a field's number is too large");
    field.number = static_cast<int>(tag >> 3);
    field.wire = static_cast<int>(tag & 7);
    field.descriptor = type->FindFieldByNumber(field.number);
    absl::string_view content;
    uint64_t number;
    DOPPIO_RETURN_IF_ERROR(Skip(field, &p, end, frame, depth, &content, &number));
    int index = 0;
    if (field.descriptor != nullptr) index = seen[field.descriptor->index()]++;
    DOPPIO_RETURN_IF_ERROR(Check(field, content, number, frame, index, depth));
    // Weights come as millions of single floats with the same one-byte tag.
    if (field.wire == kFixed32 && p - field.start == kTaggedFloat) {
      DOPPIO_RETURN_IF_ERROR(SkipFloats(*field.start, &p, end));
      if (field.number == Argument::kFloatsFieldNumber && type == Argument::descriptor() &&
          p - field.start >= kLongList) {
        report_->floats.emplace_back(field.start, static_cast<size_t>(p - field.start));
      }
    }
  }
  return absl::OkStatus();
}

// Length of the UTF-8 sequence at the start of `text`, or 0.
size_t Utf8Length(absl::string_view text) {
  const uint8_t lead = static_cast<uint8_t>(text[0]);
  if (lead < 0x80) return 1;
  const size_t length = lead < 0xc2 ? 0 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : lead < 0xf5 ? 4 : 0;
  if (length == 0 || text.size() < length) return 0;
  for (size_t i = 1; i < length; ++i) {
    if ((static_cast<uint8_t>(text[i]) & 0xc0) != 0x80) return 0;
  }
  const uint8_t second = static_cast<uint8_t>(text[1]);
  const bool overlong = (lead == 0xe0 && second < 0xa0) || (lead == 0xf0 && second < 0x90);
  const bool surrogate = lead == 0xed && second >= 0xa0;
  const bool beyond = lead == 0xf4 && second >= 0x90;
  return overlong || surrogate || beyond ? 0 : length;
}

template <typename Accept>
bool EveryCharacter(absl::string_view text, Accept accept) {
  while (!text.empty()) {
    const size_t length = Utf8Length(text);
    if (length == 0 || !accept(static_cast<uint8_t>(text[0]))) return false;
    text.remove_prefix(length);
  }
  return true;
}

// Of at most so many bits; the place behind it, or null.
const char* TakeVarint(const char* p, const char* end, int bits, uint64_t* value) {
  *value = 0;
  for (int shift = 0; p != end && shift < bits; shift += 7) {
    const uint8_t byte = static_cast<uint8_t>(*p++);
    *value |= static_cast<uint64_t>(byte & 0x7f) << shift;
    if (byte < 0x80) return p;
  }
  return nullptr;
}

}  // namespace

bool TakeField(absl::string_view* bytes, WireField* field) {
  const char* const end = bytes->data() + bytes->size();
  uint64_t tag;
  const char* begin = TakeVarint(bytes->data(), end, 32, &tag);
  if (begin == nullptr || tag >> 32 != 0) return false;
  uint64_t size = 0;
  uint64_t number;
  switch (tag & 7) {
    case kVarint: {
      const char* const stop = TakeVarint(begin, end, 64, &number);
      if (stop == nullptr) return false;
      size = static_cast<uint64_t>(stop - begin);
      break;
    }
    case kFixed64:
      size = 8;
      break;
    case kFixed32:
      size = 4;
      break;
    case kLength:
      begin = TakeVarint(begin, end, 32, &size);
      if (begin == nullptr) return false;
      break;
    default:
      return false;
  }
  if (size > static_cast<uint64_t>(end - begin)) return false;
  field->tag = static_cast<uint32_t>(tag);
  field->content = absl::string_view(begin, size);
  bytes->remove_prefix(static_cast<size_t>(begin - bytes->data()) + size);
  return true;
}

bool IsUtf8(absl::string_view text) {
  return EveryCharacter(text, [](uint8_t) { return true; });
}

bool IsPrintableUtf8(absl::string_view text) {
  return EveryCharacter(text, [](uint8_t c) {
    return (c >= 0x20 && c != 0x7f) || c == '\n' || c == '\t' || c == '\r';
  });
}

absl::Status CheckWire(absl::string_view bytes, const google::protobuf::Descriptor* type,
                       const Limits& limits, WireReport* report) {
  *report = WireReport();
  return Walker(bytes, limits, report)
      .Message(bytes.data(), bytes.data() + bytes.size(), type, nullptr, 0);
}

}  // namespace io
}  // namespace doppio
