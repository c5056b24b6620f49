#include "src/io/binary_reader.h"

#include <google/protobuf/io/coded_stream.h>

#include <cstring>
#include <memory>
#include <random>

#include "doppio/net.pb.h"
#include "src/io/wire.h"
#include "tests/io/random_messages.h"
#include "tests/io/test_files.h"

namespace doppio {
namespace {

using google::protobuf::Message;

constexpr int kMaxNesting = 12;

bool ProtobufReads(const std::string& bytes, Message* message) {
  google::protobuf::io::CodedInputStream in(reinterpret_cast<const uint8_t*>(bytes.data()),
                                            static_cast<int>(bytes.size()));
  in.SetRecursionLimit(kMaxNesting);
  return message->MergePartialFromCodedStream(&in) && in.ConsumedEntireMessage();
}

// What CheckWire has nothing to say against: it alone takes data that anyone may have made.
bool IsWellFormed(const std::string& bytes, io::WireReport* report) {
  Limits limits;
  limits.max_nesting = kMaxNesting;
  return io::CheckWire(bytes, NetDef::descriptor(), limits, report).ok();
}

// Reads the bytes both ways, which must agree; gives whether they can be read.
bool ReadsAsProtobufDoes(const std::string& bytes) {
  io::WireReport report;
  if (!IsWellFormed(bytes, &report)) return false;
  NetDef net, expected;
  const bool ok = ProtobufReads(bytes, &expected);
  EXPECT_EQ(io::ReadBinary(bytes, report.floats, kMaxNesting, &net).ok(), ok);
  if (ok) {
    EXPECT_TRUE(net.SerializePartialAsString() == expected.SerializePartialAsString());
  }
  return ok;
}

std::string Field(int number, const std::string& content) {
  std::string field(1, static_cast<char>(number << 3 | 2));
  size_t size = content.size();
  for (; size > 0x7f; size >>= 7) field += static_cast<char>((size & 0x7f) | 0x80);
  return field + static_cast<char>(size) + content;
}

// Of any bits, each with its tag.
std::string Floats(size_t count, std::mt19937* random) {
  std::string fields;
  for (size_t i = 0; i < count; ++i) {
    fields += static_cast<char>(Argument::kFloatsFieldNumber << 3 | 5);
    for (int k = 0; k < 4; ++k) fields += static_cast<char>((*random)());
  }
  return fields;
}

std::string RandomFields(const google::protobuf::Descriptor* type, std::mt19937* random) {
  return RandomMessage(type, 2, random)->SerializePartialAsString();
}

// Fields in any order and many times, as no writer leaves them, but as what two wrote that was put
// together may have them.
std::string RandomNet(int depth, std::mt19937* random) {
  std::string net;
  for (int i = 0; i < 3; ++i) {
    std::string op;
    for (int k = 0; k < 2; ++k) {
      std::string arg;
      for (int n = 0; n < 4; ++n) {
        arg += RandomFields(Argument::descriptor(), random) + Floats((*random)() % 2000, random);
      }
      if (depth > 0) arg += Field(Argument::kNFieldNumber, RandomNet(depth - 1, random));
      arg += Field(77, std::string(5000, 'u'));                     // unknown
      if ((*random)() % 4 == 0) arg += "\x9b\x06\x08\x01\x9c\x06";  // a group, 99
      op += RandomFields(OperatorDef::descriptor(), random);
      op += Field(OperatorDef::kArgFieldNumber, arg);
    }
    net += RandomFields(NetDef::descriptor(), random) + Field(NetDef::kOpFieldNumber, op);
  }
  return net;
}

TEST(BinaryReaderTest, ReadsWhatProtobufReads) {
  for (uint32_t seed = 0; seed < 20; ++seed) {
    SCOPED_TRACE(absl::StrCat("seed ", seed));
    std::mt19937 random(seed);
    ASSERT_TRUE(ReadsAsProtobufDoes(RandomNet(seed % 3, &random)));
  }
}

TEST(BinaryReaderTest, ListsOfFloatsTakeAsMuchMemoryAsTheyNeed) {
  std::mt19937 random(1);
  const std::string arg = Floats(100'000, &random);
  const std::string bytes = Field(NetDef::kOpFieldNumber, Field(OperatorDef::kArgFieldNumber, arg));
  io::WireReport report;
  NetDef net;
  ASSERT_TRUE(IsWellFormed(bytes, &report));
  ASSERT_EQ(report.floats.size(), 1U);
  ASSERT_TRUE(io::ReadBinary(bytes, report.floats, kMaxNesting, &net).ok());
  const auto& floats = net.op(0).arg(0).floats();
  ASSERT_EQ(floats.size(), 100'000);
  EXPECT_EQ(floats.Capacity(), 100'000);
  EXPECT_EQ(std::memcmp(&floats[99'999], &arg[arg.size() - 4], 4), 0);
}

TEST(BinaryReaderTest, NestingEndsWhereProtobufEndsIt) {
  std::mt19937 random(1);
  const std::string floats = Floats(2000, &random);
  for (int nets = 0; nets < 6; ++nets) {
    std::string net = Field(NetDef::kOpFieldNumber, Field(OperatorDef::kArgFieldNumber, floats));
    for (int i = 0; i < nets; ++i) {
      net = Field(NetDef::kOpFieldNumber,
                  Field(OperatorDef::kArgFieldNumber, Field(Argument::kNFieldNumber, net)));
    }
    EXPECT_EQ(ReadsAsProtobufDoes(net), 3 * nets + 2 <= kMaxNesting) << nets;
  }
}

TEST(BinaryReaderTest, ReadsDamagedDataAsProtobufDoes) {
  std::mt19937 random(3);
  const std::string floats = Floats(1500, &random);
  const std::string bytes =
      Field(NetDef::kOpFieldNumber,
            Field(OperatorDef::kArgFieldNumber, Field(1, "values") + floats + Field(4, "s"))) +
      Field(NetDef::kNameFieldNumber, "net");
  ASSERT_TRUE(ReadsAsProtobufDoes(bytes));
  // Not the values themselves, of which there are most.
  const size_t begin = bytes.find(floats);
  for (size_t size = 0; size < bytes.size(); ++size) {
    const bool is_inside = size > begin + 20 && size + 20 < begin + floats.size();
    if (!is_inside) ReadsAsProtobufDoes(bytes.substr(0, size));
  }
  for (size_t at = 0; at < bytes.size(); ++at) {
    if (at > begin + 50 && at + 50 < begin + floats.size()) continue;
    for (int bit = 0; bit < 8; ++bit) {
      std::string damaged = bytes;
      damaged[at] = static_cast<char>(damaged[at] ^ 1 << bit);
      SCOPED_TRACE(absl::StrCat("bit ", bit, " of byte ", at));
      ReadsAsProtobufDoes(damaged);
    }
  }
}

}  // namespace
}  // namespace doppio
