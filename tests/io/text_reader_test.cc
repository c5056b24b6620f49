#include "src/io/text_reader.h"

#include <google/protobuf/io/tokenizer.h>
#include <google/protobuf/text_format.h>

#include <limits>

#include "doppio/proto_io.h"
#include "src/io/encodings.h"
#include "tests/io/random_messages.h"
#include "tests/io/test_files.h"

namespace doppio {
namespace {

using google::protobuf::Descriptor;
using google::protobuf::FieldDescriptor;
using google::protobuf::Message;

constexpr int kMaxNesting = 20;

struct FirstError final : google::protobuf::io::ErrorCollector {
  void AddError(int line, google::protobuf::io::ColumnNumber column,
                const std::string& message) override {
    if (text.empty()) text = absl::StrCat("line ", line + 1, ":", column + 1, ": ", message);
  }
  std::string text;
};

// What protobuf's own parser says of the text.
bool ProtobufReads(const std::string& text, Message* message, FirstError* error) {
  google::protobuf::TextFormat::Parser parser;
  parser.RecordErrorsTo(error);
  parser.AllowPartialMessage(true);
  parser.SetRecursionLimit(kMaxNesting);
  return parser.ParseFromString(text, message);
}

// Reads the text both ways; they must agree, unless ReadText leaves the text to protobuf. Gives
// whether it did not.
bool ReadsAsProtobufDoes(const std::string& text, const Descriptor* type = NetDef::descriptor()) {
  const Message* empty = google::protobuf::MessageFactory::generated_factory()->GetPrototype(type);
  std::unique_ptr<Message> message(empty->New()), expected(empty->New());
  size_t right = 0;
  if (!io::ReadText(text, kMaxNesting, message.get(), &right)) return false;
  FirstError error;
  EXPECT_TRUE(ProtobufReads(text, expected.get(), &error)) << error.text << "\n" << text;
  EXPECT_EQ(message->SerializePartialAsString(), expected->SerializePartialAsString()) << text;
  return true;
}

TEST(TextReaderTest, NetProtoHasOnlyWhatTheReaderAndTheWriterKnow) {
  for (const Descriptor* type : NetProtoTypes()) {
    EXPECT_EQ(type->extension_range_count(), 0) << type->full_name();
    EXPECT_EQ(type->oneof_decl_count(), 0) << type->full_name();
    for (int i = 0; i < type->field_count(); ++i) {
      const FieldDescriptor* field = type->field(i);
      EXPECT_FALSE(field->is_map() || field->type() == FieldDescriptor::TYPE_GROUP ||
                   field->cpp_type() == FieldDescriptor::CPPTYPE_UINT64)
          << field->full_name();
    }
  }
}

TEST(TextReaderTest, ReadsAllThatIsWritten) {
  for (const Descriptor* type : NetProtoTypes()) {
    for (uint32_t seed = 0; seed < 40; ++seed) {
      SCOPED_TRACE(absl::StrCat(type->full_name(), ", seed ", seed));
      std::mt19937 random(seed);
      std::string text;
      google::protobuf::TextFormat::Printer printer;
      printer.SetSingleLineMode(seed % 2 == 0);
      printer.SetUseShortRepeatedPrimitives(seed % 4 < 2);
      printer.PrintToString(*RandomMessage(type, 4, &random), &text);
      ASSERT_TRUE(ReadsAsProtobufDoes(text, type)) << text;
    }
  }
}

TEST(TextReaderTest, ReadsEveryStyle) {
  for (const char* text :
       {"", "# nothing", "name:'a'", "name : \"a\" ;", "name:\"a\"# and\n\"b\" 'c'\nop{}op<>",
        "op { arg { floats: [1, -2.5 , 3e-5,inf,-inf,nan] floats:4 floats: [] } }",
        "op { arg { ints: 1, ints: 2; ints: 3 ints:4\nints:\t5 ints\n:\n6 } }",
        "op { arg { floats:0 floats:-0 floats:0.f floats:1f floats:1.e5 floats:16777217 } }",
        "op { arg { floats:1e-60 floats:0.1000000000000000055511151231257827 } }",
        "op: { type: 'Relu' input: ['X', \"Y\" 'Z'] } op: [ { name: 'a' }, < name: 'b' > ]",
        "op { name: '\\n\\x41\\101\\'\\\"\\?\\\\\xff' is_gradient_op: true } # end",
        "op { arg { t { data_type: FLOAT dims: 3 } } arg { i: -9223372036854775808 } }",
        "device_option { random_seed: 4294967295 }\r\n\v\fnum_workers: -2147483648",
        "op { arg { f: 3.4028234e38 } }"}) {
    EXPECT_TRUE(ReadsAsProtobufDoes(text)) << text;
  }
}

TEST(TextReaderTest, LeavesWhatIsWrongToProtobuf) {
  const std::string zero("name: 'a\0'", 10), comment("#\0\nname: 'a'", 12);
  for (const std::string& text : {zero,
                                  comment,
                                  std::string("name: 'a"),
                                  std::string("name: 'a\n'"),
                                  std::string("name 'a'"),
                                  std::string("name: 'a' name: 'b'"),
                                  std::string("name: ['a']"),
                                  std::string("name: '\\q'"),
                                  std::string("name: '\\x'"),
                                  std::string("name: '\\"),
                                  std::string("nope: 1"),
                                  std::string("op { } }"),
                                  std::string("op { >"),
                                  std::string("op < }"),
                                  std::string("op ["),
                                  std::string("op [ {} {} ]"),
                                  std::string("op { arg { ints: [1, ] } }"),
                                  std::string("op { arg { ints: [, 1] } }"),
                                  std::string("op { arg { ints: 1;; } }"),
                                  std::string("op { arg { ints: 9223372036854775808 } }"),
                                  std::string("op { arg { ints: -9223372036854775809 } }"),
                                  std::string("op { arg { ints: 1.5 } }"),
                                  std::string("op { arg { ints: 1a } }"),
                                  std::string("op { arg { floats: 1.2.3 } }"),
                                  std::string("op { arg { floats: infinite } }"),
                                  std::string("op { arg { floats: 010 } }"),
                                  std::string("op { arg { floats: 1ints: 2 } }"),
                                  std::string("num_workers: 2147483648"),
                                  std::string("device_option { random_seed: -1 }"),
                                  std::string("op { is_gradient_op: maybe }"),
                                  std::string("// no comment"),
                                  std::string("op { arg { t { data_type: NOPE } } }"),
                                  std::string("\xef\xbb\xbfname: 'a'")}) {
    EXPECT_FALSE(ReadsAsProtobufDoes(text)) << text;
    NetDef net;
    FirstError error;
    EXPECT_FALSE(ProtobufReads(text, &net, &error)) << text;
  }
}

TEST(TextReaderTest, WhatOnlyPeopleWriteIsReadAllTheSame) {
  NetDef net;
  const absl::Status status = ParseProto(
      "op { is_gradient_op: True arg { name: '\\u00e9' ints: 0x10 ints: 010 ints: - 3 } "
      "arg { floats: 1 floats: 1e39 floats: -nan floats: Infinity floats: .5 t { data_type: 2 } } "
      "}",
      &net);
  ASSERT_TRUE(status.ok()) << status;
  ASSERT_EQ(net.op(0).arg_size(), 2);
  EXPECT_TRUE(net.op(0).is_gradient_op());
  EXPECT_EQ(net.op(0).arg(0).name(), "\xc3\xa9");
  EXPECT_THAT(net.op(0).arg(0).ints(), testing::ElementsAre(16, 8, -3));
  ASSERT_EQ(net.op(0).arg(1).floats_size(), 5);
  EXPECT_EQ(net.op(0).arg(1).floats(1), std::numeric_limits<float>::infinity());
  EXPECT_EQ(net.op(0).arg(1).floats(4), 0.5f);
  EXPECT_EQ(net.op(0).arg(1).t().data_type(), TensorProto::INT32);
}

TEST(TextReaderTest, NestingEndsWhereProtobufsDoes) {
  for (int depth : {kMaxNesting, kMaxNesting + 1}) {
    std::string text;
    for (int i = 0; i < depth; ++i)
      absl::StrAppend(&text, i % 3 == 0 ? "op{" : i % 3 == 1 ? "arg{" : "n{");
    text.append(static_cast<size_t>(depth), '}');
    EXPECT_EQ(ReadsAsProtobufDoes(text), depth == kMaxNesting);
  }
  EXPECT_TRUE(ReadsAsProtobufDoes("op{arg{n{}}} op{arg{n{op{}}}}"));
}

// The whole encoding, which asks protobuf for what ReadText leaves.
void ExpectParsedAsByProtobuf(const std::string& text) {
  NetDef net, expected;
  FirstError error;
  const bool right = ProtobufReads(text, &expected, &error);
  Limits limits;
  limits.max_nesting = kMaxNesting;
  io::Fit fit;
  const absl::Status status = io::TextEncoding().Parse(text, limits, &net, &fit);
  ASSERT_EQ(status.ok(), right) << status << "\n" << text;
  ASSERT_EQ(std::string(status.message()), error.text) << text;
  if (!right) return;
  ASSERT_EQ(net.SerializePartialAsString(), expected.SerializePartialAsString()) << text;
}

TEST(TextReaderTest, WhatIsLeftToProtobufIsReadWithTheRest) {
  const std::string head =
      "external_input: 'x' name: 'a\\n' device_option { extra_info: 'y' } op { input: 'x' }\n\t "
      "op{type:'A'}\t";
  for (const char* odd : {"op { is_gradient_op: True }", "name: 'b'", "op { ", "nope: 1", "\xff",
                          "op { type: 'a' type: 'b' }", "op { arg { ints: 0x10 } } name: 'b' nope",
                          "op { arg { floats: Inf } }\n\n\top { nope: 1 }", "'a'", "name: 3", ""}) {
    for (const char* tail : {"", " op { type: 'B' }", "\nnum_workers: 3", "\n type: 1", " }"}) {
      ExpectParsedAsByProtobuf(absl::StrCat(head, odd, tail));
      ExpectParsedAsByProtobuf(absl::StrCat(odd, tail));
    }
  }
}

TEST(TextReaderTest, DamagedTextIsParsedAsByProtobuf) {
  for (uint32_t seed = 0; seed < 4; ++seed) {
    std::mt19937 random(seed);
    google::protobuf::TextFormat::Printer printer;
    printer.SetSingleLineMode(seed % 2 == 0);
    std::string text;
    printer.PrintToString(*RandomMessage(NetDef::descriptor(), 4, &random), &text);
    ForEachDamage(text, 100, 500, ExpectParsedAsByProtobuf);
  }
}

TEST(TextReaderTest, DamagedTextIsReadAsProtobufDoesOrLeftToIt) {
  std::mt19937 random(1);
  const Descriptor* type = NetDef::descriptor();
  const auto message = RandomMessage(type, 4, &random);
  std::string text;
  google::protobuf::TextFormat::PrintToString(*message, &text);
  int taken = 0;
  ForEachDamage(text, 500, 3000, [&](const std::string& damaged) {
    if (ReadsAsProtobufDoes(damaged)) ++taken;
  });
  EXPECT_GT(taken, 100);
}

// Words of the language in any order: most of it is wrong, and now and then something is right.
TEST(TextReaderTest, AnyWordsAreReadAsProtobufDoesOrLeftToIt) {
  const char* const words[] = {
      "floats", ":",        "1",     "-",    "2.5",       "[",         "]",   ",",
      ";",      "ints",     "{",     "}",    "<",         ">",         "t",   "s",
      "'a'",    "\"\\x1\"", "#c\n",  " ",    "\n",        "inf",       "nan", "1e5",
      "0",      "f",        "i",     "name", "floats:1 ", "ints: 2\n", "0x1", "strings:'b' ",
      "t{",     "n:<",      "i: 1 ", "\\",   ".",         "_",         "e1"};
  int taken = 0;
  for (uint32_t seed = 0; seed < 20'000; ++seed) {
    SCOPED_TRACE(absl::StrCat("seed ", seed));
    std::mt19937 random(seed);
    std::string text;
    for (uint32_t count = 1 + random() % 8; count > 0; --count) {
      text += words[random() % std::size(words)];
    }
    if (ReadsAsProtobufDoes(text, Argument::descriptor())) ++taken;
  }
  EXPECT_GT(taken, 500);
}

}  // namespace
}  // namespace doppio
