#include "src/io/binary_reader.h"

#include <google/protobuf/io/coded_stream.h>

#include <cstring>
#include <vector>

#include "absl/strings/str_cat.h"
#include "doppio/cancellation.h"
#include "doppio/net.pb.h"
#include "src/base/huge_pages.h"
#include "src/io/piece_stream.h"
#include "src/io/wire.h"

namespace doppio {
namespace io {
namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using google::protobuf::Reflection;
using google::protobuf::io::CodedInputStream;

const uint8_t* Unsigned(const char* bytes) { return reinterpret_cast<const uint8_t*>(bytes); }

// What the next field of this number, whose type is a message, is read into.
Message* NextMessage(Message* message, int number) {
  const FieldDescriptor* field = message->GetDescriptor()->FindFieldByNumber(number);
  const Reflection& to = *message->GetReflection();
  return field->is_repeated() ? to.AddMessage(message, field) : to.MutableMessage(message, field);
}

class BinaryReader {
 public:
  // `name`: of the outermost message.
  BinaryReader(const std::string& name, absl::Span<const absl::string_view> floats)
      : name_(name), floats_(floats) {}

  absl::Status Read(absl::string_view bytes, int max_nesting, Message* message) {
    const absl::string_view whole = bytes;
    absl::string_view rest = bytes;  // `bytes` begin with what is still to be merged
    const auto merge_until_rest = [&] {
      const absl::string_view before = bytes.substr(0, bytes.size() - rest.size());
      return Merge(before, max_nesting, message);
    };
    while (NextIsIn(rest)) {
      absl::string_view after = rest;
      if (floats_.front().data() == rest.data()) {
        auto* const arg = google::protobuf::DynamicCastToGenerated<Argument>(message);
        if (arg == nullptr) break;
        DOPPIO_RETURN_IF_ERROR(merge_until_rest());
        MakeList(floats_.front(), arg);
        after.remove_prefix(floats_.front().size());
        floats_.remove_prefix(1);
        bytes = after;
      } else {
        WireField field;
        if (!TakeField(&after, &field)) break;
        if (NextIsIn(field.content)) {
          DOPPIO_RETURN_IF_ERROR(merge_until_rest());
          if (max_nesting <= 0) return NotWellFormed();
          DOPPIO_RETURN_IF_ERROR(
              Read(field.content, max_nesting - 1, NextMessage(message, field.number())));
          bytes = after;
        }
      }
      rest = after;
    }
    while (NextIsIn(whole)) floats_.remove_prefix(1);  // protobuf reads these lists too
    return Merge(bytes, max_nesting, message);
  }

  // To be called at the end: lists that are all there before they are touched share huge pages.
  absl::Status FillLists() const {
    constexpr size_t kPiece = kPieceBytes / kFieldBytes;
    for (const List& list : lists_) {
      float* const values = list.arg->mutable_floats()->mutable_data() + list.begin;
      for (size_t i = 0; i * kFieldBytes < list.fields.size(); ++i) {
        if (i % kPiece == 0) DOPPIO_RETURN_IF_ERROR(CancellationStatus());
        uint32_t bits;
        CodedInputStream::ReadLittleEndian32FromArray(
            Unsigned(list.fields.data() + i * kFieldBytes + 1), &bits);
        std::memcpy(values + i, &bits, sizeof bits);
      }
    }
    return absl::OkStatus();
  }

 private:
  static constexpr size_t kFieldBytes = 1 + sizeof(float);  // with the tag

  // A part of arg->floats().
  struct List {
    absl::string_view fields;
    Argument* arg;
    int begin;
  };

  absl::Status NotWellFormed() const {
    return absl::DataLossError(absl::StrCat("not a well-formed ", name_, " message"));
  }

  // Some fields that follow each other are a message too, which protobuf merges into another.
  absl::Status Merge(absl::string_view fields, int max_nesting, Message* message) const {
    if (fields.empty()) return absl::OkStatus();
    PieceStream stream(fields);
    CodedInputStream in(&stream);
    in.SetRecursionLimit(max_nesting);
    const bool is_read = message->MergePartialFromCodedStream(&in) && in.ConsumedEntireMessage();
    DOPPIO_RETURN_IF_ERROR(stream.status());
    return is_read ? absl::OkStatus() : NotWellFormed();
  }

  bool NextIsIn(absl::string_view bytes) const {
    return !floats_.empty() && floats_.front().data() >= bytes.data() &&
           floats_.front().data() < bytes.data() + bytes.size();
  }

  void MakeList(absl::string_view fields, Argument* arg) {
    const int count = static_cast<int>(fields.size() / kFieldBytes);
    lists_.push_back({fields, arg, arg->floats_size()});
    arg->mutable_floats()->Reserve(arg->floats_size() + count);
    AskForHugePages(arg->mutable_floats()->AddNAlreadyReserved(count), count * sizeof(float));
  }

  const std::string name_;
  absl::Span<const absl::string_view> floats_;  // those that are to come
  std::vector<List> lists_;
};

}  // namespace

absl::Status ReadBinary(absl::string_view bytes, absl::Span<const absl::string_view> floats,
                        int max_nesting, Message* message) {
  BinaryReader reader(message->GetDescriptor()->name(), floats);
  DOPPIO_RETURN_IF_ERROR(reader.Read(bytes, max_nesting, message));
  return reader.FillLists();
}

}  // namespace io
}  // namespace doppio
