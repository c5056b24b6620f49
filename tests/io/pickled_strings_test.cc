#include "src/io/pickled_strings.h"

#include <limits>

#include "doppio/npy.h"
#include "tests/io/test_files.h"

namespace doppio {
namespace {

using absl::StatusCode;
using testing::ElementsAre;

constexpr int64_t kNoLimit = std::numeric_limits<int64_t>::max();

// The text with the zeros in it.
template <size_t kSize>
std::string Bytes(const char (&text)[kSize]) {
  return std::string(text, kSize - 1);
}

// What NumPy writes behind the header of an array of objects with these elements, which are
// instructions that push something: protocol 3.
std::string Pickle(const std::string& elements) {
  return Bytes(
             "\x80\x03"
             "cnumpy.core.multiarray\n_reconstruct\nq\x00"
             "cnumpy\nndarray\nq\x01"
             "K\x00\x85q\x02"
             "C\x01"
             "bq\x03\x87q\x04Rq\x05"
             "(K\x01K\x03\x85q\x06"
             "cnumpy\ndtype\nq\x07X\x02\x00\x00\x00O8q\x08\x89\x88\x87q\x09Rq\x0a"
             "(K\x03X\x01\x00\x00\x00|q\x0bNNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK?tq\x0c"
             "b\x89]q\x0d(") +
         elements + "etq\x10" + "b.";
}

// "ab", nothing, and "ab" again, which is remembered from the first time.
const std::string kElements = Bytes(
    "C\x02"
    "abq\x0e"
    "C\x00q\x0fh\x0e");

absl::StatusOr<std::vector<std::string>> Read(const std::string& pickle, size_t count,
                                              int64_t max_bytes = kNoLimit) {
  std::vector<std::string> strings(count);
  DOPPIO_RETURN_IF_ERROR(io::ReadPickledStrings(pickle, max_bytes, absl::MakeSpan(strings)));
  return strings;
}

TEST(PickledStringsTest, AreTheElements) {
  const auto strings = Read(Pickle(kElements), 3);
  ASSERT_TRUE(strings.ok()) << strings.status();
  EXPECT_THAT(*strings, ElementsAre("ab", "", "ab"));
}

TEST(PickledStringsTest, KeepZerosAtTheirEnd) {
  const auto strings = Read(Pickle(Bytes("C\x02"
                                         "a\x00")),
                            1);
  ASSERT_TRUE(strings.ok()) << strings.status();
  EXPECT_THAT(*strings, ElementsAre(Bytes("a\x00")));
}

TEST(PickledStringsTest, MayBeText) {
  const auto strings = Read(Pickle(Bytes("X\x03\x00\x00\x00\xe5\x9b\xbe\x8c\x01z")), 2);
  ASSERT_TRUE(strings.ok()) << strings.status();
  EXPECT_THAT(*strings, ElementsAre("\xe5\x9b\xbe", "z"));
}

TEST(PickledStringsTest, MayBeThoseOfPython2) {
  const auto strings = Read(Pickle(Bytes("U\x02\xff"
                                         "aT\x01\x00\x00\x00z")),
                            2);
  ASSERT_TRUE(strings.ok()) << strings.status();
  EXPECT_THAT(*strings, ElementsAre(Bytes("\xff"
                                          "a"),
                                    "z"));
}

TEST(PickledStringsTest, MayBeBytesThatOldProtocolsEncodeAsText) {
  const std::string encode = "c_codecs\nencode\n";
  const std::string latin = Bytes("X\x06\x00\x00\x00latin1\x86R");
  const auto strings = Read(Pickle(encode + Bytes("X\x05\x00\x00\x00\xc3\xbf\xc2\x80z") + latin +
                                   "c__builtin__\nbytes\n)R"),
                            2);
  ASSERT_TRUE(strings.ok()) << strings.status();
  EXPECT_THAT(*strings, ElementsAre("\xff\x80z", ""));
  for (const std::string& text :
       {Bytes("X\x03\x00\x00\x00\xe5\x9b\xbe"), Bytes("X\x01\x00\x00\x00\xc3"),
        Bytes("X\x02\x00\x00\x00\xc3z")}) {
    EXPECT_THAT(Read(Pickle(encode + text + latin), 1).status(),
                FailsWith(StatusCode::kInvalidArgument, "is broken"));
  }
}

TEST(PickledStringsTest, RejectEverythingElse) {
  const std::vector<std::pair<std::string, std::string>> elements_and_words = {
      {"cos\nsystem\n", "this one holds os.system"},
      {Bytes("\x8c\x02os\x8c\x06system\x93"), "this one holds os.system"},
      {"cos\nsystem\nC\x04true\x85R", "os.system"},
      {"N", "something else as element 0"},
      {"K\x01", "something else as element 0"},
      {"C\x01zK\x01", "something else as element 1"},
      {"]", "something else as element 0"},
      {"G12345678", "an instruction (71 at byte"},
      {"}", "an instruction (125 at byte"},
      {"i__builtin__\neval\n", "an instruction (105 at byte"},
      {"C\x01z)R", "a call of something that is no function"},
      {"c__builtin__\nbytes\nK\x05\x85R", "bytes that are made of something"},
      {"c_codecs\nencode\nC\x01zC\x06"
       "rot_13\x86R",
       "encoded otherwise"},
      {"h\x05", "an object twice"},
      {"h\x63", "is broken before byte"},
      {"K\x01\x85\x85\x85", "tuples"},
      {"K\x01)b", "something else than a list of strings"},
  };
  for (const auto& [elements, words] : elements_and_words) {
    EXPECT_THAT(Read(Pickle(elements), 1).status(), FailsWith(StatusCode::kInvalidArgument, words))
        << elements;
  }
}

TEST(PickledStringsTest, RejectWhatIsNoArray) {
  for (const std::string& pickle : {Bytes("\x80\x03N."), Bytes("\x80\x03]."), Bytes("."),
                                    Bytes("\x80\x03"
                                          "cnumpy.core.multiarray\n_reconstruct\n)R.")}) {
    EXPECT_THAT(Read(pickle, 0).status(), FailsWith(StatusCode::kInvalidArgument, "no array"));
  }
}

TEST(PickledStringsTest, RejectProgramsThatTakeWhatIsNotThere) {
  for (const char* pickle :
       {"R", "b", "a", "e", "t", "\x85", "\x93", "q\x01", "\x94", "NR", "Nb"}) {
    EXPECT_THAT(Read(pickle, 0).status(), FailsWith(StatusCode::kInvalidArgument, "is broken"))
        << pickle;
  }
}

TEST(PickledStringsTest, RejectOtherNumbersOfElements) {
  for (size_t count : {2, 4}) {
    EXPECT_THAT(
        Read(Pickle(kElements), count).status(),
        FailsWith(StatusCode::kInvalidArgument, absl::StrCat("the header says ", count,
                                                             " elements, but the pickle has "
                                                             "3")));
  }
  EXPECT_THAT(Read(Pickle(kElements) + "x", 3).status(),
              FailsWith(StatusCode::kInvalidArgument, "followed by 1 more bytes"));
}

TEST(PickledStringsTest, RejectAPickleThatIsCutAnywhere) {
  const std::string pickle = Pickle(kElements);
  for (size_t length = 0; length < pickle.size(); ++length) {
    EXPECT_FALSE(Read(pickle.substr(0, length), 3).ok()) << length;
  }
  EXPECT_THAT(Read(pickle.substr(0, pickle.size() - 1), 3).status(),
              FailsWith(StatusCode::kDataLoss, "ends at byte"));
}

TEST(PickledStringsTest, SurviveAnyWrongByte) {
  const std::string pickle = Pickle(kElements);
  for (size_t i = 0; i < pickle.size(); ++i) {
    for (int byte = 0; byte < 256; ++byte) {
      std::string damaged = pickle;
      damaged[i] = static_cast<char>(byte);
      Read(damaged, 3).IgnoreError();
    }
  }
}

TEST(PickledStringsTest, AreRefusedAboveTheLimit) {
  // A string of 1000 bytes, and then the same again for two bytes each.
  std::string elements = Bytes("B\xe8\x03\x00\x00") + std::string(1000, 'z') + "q\x0e";
  for (int i = 0; i < 999; ++i) elements += "h\x0e";
  EXPECT_TRUE(Read(Pickle(elements), 1000, 1'100'000).ok());
  EXPECT_THAT(Read(Pickle(elements), 1000, 1'000'000).status(),
              FailsWith(StatusCode::kResourceExhausted, "above the limit"));
  EXPECT_THAT(Read(Bytes("\x80\x03") + std::string(1000, 'N'), 0, 1000).status(),
              FailsWith(StatusCode::kResourceExhausted, "above the limit"));
}

// An .npy file of version 1 with that shape and pickle.
std::string ObjectNpy(const std::string& shape, const std::string& pickle) {
  const std::string header =
      absl::StrCat("{'descr': '|O', 'fortran_order': True, 'shape': ", shape, ", }\n");
  return Bytes("\x93NUMPY\x01\x00") + static_cast<char>(header.size()) + '\0' + header + pickle;
}

TEST(NpyObjectsTest, BecomeStringsOfTheShapeThatTheHeaderSays) {
  const absl::StatusOr<Tensor> tensor = ParseNpy(ObjectNpy("(1, 3)", Pickle(kElements)));
  ASSERT_TRUE(tensor.ok()) << tensor.status();
  EXPECT_EQ(tensor->TypeAndShape(), "string[1,3]");
  EXPECT_THAT(tensor->span<std::string>(), ElementsAre("ab", "", "ab"));
}

TEST(NpyObjectsTest, RejectShapesThatTheFileDoesNotHold) {
  EXPECT_THAT(ParseNpy(ObjectNpy("(1000000000,)", Pickle(kElements))).status(),
              FailsWith(StatusCode::kDataLoss, "npy array [1000000000] of objects has only"));
  EXPECT_THAT(ParseNpy(ObjectNpy("(4,)", Pickle(kElements))).status(),
              FailsWith(StatusCode::kInvalidArgument, "the header says 4 elements"));
  Limits limits;
  limits.max_tensor_bytes = 64;
  EXPECT_THAT(ParseNpy(ObjectNpy("(3,)", Pickle(kElements)), limits).status(),
              FailsWith(StatusCode::kResourceExhausted, "above the limit of 64 bytes"));
}

}  // namespace
}  // namespace doppio
