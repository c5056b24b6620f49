#include <atomic>
#include <cstdio>
#include <fstream>
#include <mutex>
#include <set>
#include <string>
#include <vector>

#include "doppio/workspace.h"
#include "gtest/gtest.h"
#include "tests/support/state_test.h"

namespace doppio {
namespace {

constexpr int64_t kFloat = 1;
constexpr int64_t kInt32 = 2;
constexpr int64_t kString = 4;
constexpr int64_t kBool = 5;
constexpr int64_t kUInt8 = 6;
constexpr int64_t kInt64 = 10;
constexpr int64_t kDouble = 13;

class TextFileReaderTest : public StateTest {
 protected:
  ~TextFileReaderTest() override { std::remove(path_.c_str()); }

  OperatorDef Create(const std::vector<int64_t>& types,
                     const std::vector<Argument>& arguments = {}) {
    OperatorDef def = Def("CreateTextFileReader", {}, {"reader"}, arguments);
    *def.add_arg() = Arg("filename", path_);
    *def.add_arg() = Arg("field_types", types);
    return def;
  }
  void Open(const std::string& text, const std::vector<int64_t>& types,
            const std::vector<Argument>& arguments = {}) {
    std::ofstream(path_, std::ios::binary) << text;
    const absl::Status status = workspace_.RunOperatorOnce(Create(types, arguments));
    ASSERT_TRUE(status.ok()) << status;
  }
  OperatorDef Reading(const Names& outputs, int64_t batch_size) {
    return Def("TextFileReaderRead", {"reader"}, outputs, {Arg("batch_size", batch_size)});
  }
  void Read(const Names& outputs, int64_t batch_size) {
    const absl::Status status = workspace_.RunOperatorOnce(Reading(outputs, batch_size));
    ASSERT_TRUE(status.ok()) << status;
  }
  void ExpectReadingFails(const Names& outputs, absl::string_view part_of_message) {
    ExpectFailure(Reading(outputs, 10), part_of_message);
  }

  const std::string path_ = testing::TempDir() + "text_" +
                            testing::UnitTest::GetInstance()->current_test_info()->name() + ".txt";
};

TEST_F(TextFileReaderTest, ReadsRecordsUntilNoneAreLeft) {
  Open("cat\t0.5\ndog\t-1e3\n\t7\n", {kString, kFloat});
  EXPECT_EQ(workspace_.FindBlob("reader")->TypeName(), "TextFileReader");
  Read({"name", "x"}, 2);
  ExpectBlob("name", Tensor::Of<std::string>({2}, {"cat", "dog"}));
  ExpectBlob("x", Tensor::Of<float>({2}, {0.5F, -1000}));
  Read({"name", "x"}, 2);
  ExpectBlob("name", Tensor::Of<std::string>({1}, {""}));
  ExpectBlob("x", Tensor::Of<float>({1}, {7}));
  Read({"name", "x"}, 2);
  ExpectBlob("name", Tensor::Of<std::string>({0}, {}));
  ExpectBlob("x", Tensor::Of<float>({0}, {}));
}

TEST_F(TextFileReaderTest, ABatchMayReachFromOnePassIntoTheNext) {
  Open("1\n2\n3\n", {kInt32}, {Arg<int64_t>("num_passes", 2)});
  Read({"x"}, 2);
  Read({"x"}, 2);
  ExpectBlob("x", Tensor::Of<int32_t>({2}, {3, 1}));
  Read({"x"}, 10);
  ExpectBlob("x", Tensor::Of<int32_t>({2}, {2, 3}));
}

TEST_F(TextFileReaderTest, FieldsMayHaveAnySeparatorAndType) {
  Open("a b;1;300;-5;1e300;true\r\n;0;255;9223372036854775807; 2 ;0\n",
       {kString, kUInt8, kInt32, kInt64, kDouble, kBool}, {Arg<std::string>("separator", ";")});
  Read({"s", "u", "i", "l", "d", "b"}, 5);
  ExpectBlob("s", Tensor::Of<std::string>({2}, {"a b", ""}));
  ExpectBlob("u", Tensor::Of<uint8_t>({2}, {1, 0}));
  ExpectBlob("i", Tensor::Of<int32_t>({2}, {300, 255}));
  ExpectBlob("l", Tensor::Of<int64_t>({2}, {-5, 9223372036854775807}));
  ExpectBlob("d", Tensor::Of<double>({2}, {1e300, 2}));
  ExpectBlob("b", Tensor::Of<bool>({2}, {true, false}));
}

TEST_F(TextFileReaderTest, TheLastLineMayDoWithoutItsBreak) {
  Open("1\n2", {kFloat}, {Arg<int64_t>("num_passes", 2)});
  Read({"x"}, 10);
  ExpectBlob("x", Tensor::Of<float>({4}, {1, 2, 1, 2}));
}

TEST_F(TextFileReaderTest, AByte0TakesTheNextByteAsItIs) {
  Open(std::string("a\0\tb\0\nc\0\0\td\n", 12), {kString, kString});
  Read({"x", "y"}, 10);
  ExpectBlob("x", Tensor::Of<std::string>({1}, {std::string("a\tb\nc\0", 6)}));
  ExpectBlob("y", Tensor::Of<std::string>({1}, {"d"}));
}

TEST_F(TextFileReaderTest, LinesMayBeLongerThanThePiecesInWhichTheFileIsRead) {
  const std::string lines[] = {std::string(70000, 'x'), std::string(65535, 'y'), "z"};
  Open(lines[0] + "\n" + lines[1] + "\n" + lines[2] + "\n", {kString});
  Read({"x"}, 10);
  ExpectBlob("x", Tensor::Of<std::string>({3}, {lines[0], lines[1], lines[2]}));
}

TEST_F(TextFileReaderTest, AnEmptyFileHasNoRecordsInAnyNumberOfPasses) {
  Open("", {kFloat}, {Arg<int64_t>("num_passes", int64_t{1} << 60)});
  Read({"x"}, 10);
  ExpectBlob("x", Tensor::Of<float>({0}, {}));
}

TEST_F(TextFileReaderTest, ThreadsShareTheLines) {
  std::string text;
  for (int i = 0; i < 1000; ++i) absl::StrAppend(&text, i, "\t", i, "\n");
  Open(text, {kInt32, kInt32});
  std::mutex mutex;
  std::set<int32_t> seen;
  OnThreads(4, [&](int thread) {
    const std::string x = absl::StrCat("x", thread);
    const std::string y = absl::StrCat("y", thread);
    while (true) {
      ASSERT_TRUE(workspace_.RunOperatorOnce(Reading({x, y}, 7)).ok());
      const Tensor left = *workspace_.Fetch(x);
      EXPECT_TRUE(TensorEquals(*workspace_.Fetch(y), left));
      if (left.numel() == 0) return;
      const std::lock_guard<std::mutex> held(mutex);
      for (int32_t value : left.span<int32_t>()) EXPECT_TRUE(seen.insert(value).second);
    }
  });
  EXPECT_EQ(seen.size(), 1000U);
}

TEST_F(TextFileReaderTest, ANewReaderBeginsAtTheFirstLine) {
  Open("1\n2\n", {kFloat});
  Read({"x"}, 1);
  Open("1\n2\n", {kFloat});
  Read({"x"}, 1);
  ExpectBlob("x", Tensor::Of<float>({1}, {1}));
}

TEST_F(TextFileReaderTest, RejectsFilesThatCanNotBeRead) {
  ExpectFailure(Create({kFloat}), path_ + ": cannot open");
  OperatorDef folder = Def("CreateTextFileReader", {}, {"reader"});
  *folder.add_arg() = Arg<std::string>("filename", testing::TempDir());
  *folder.add_arg() = Arg("field_types", std::vector<int64_t>{kFloat});
  ExpectFailure(folder, "cannot read");
}

TEST_F(TextFileReaderTest, RejectsLinesOfOtherNumbersOfFieldsAndStaysThere) {
  Open("1\t2\n1\n3\t4\n", {kFloat, kFloat});
  Read({"x", "y"}, 1);
  ExpectReadingFails({"x", "y"}, "line 2 has 1 field, but there are 2 field_types");
  ExpectReadingFails({"x", "y"}, "line 2 has 1 field, but there are 2 field_types");
  Open("1\t2\t3\n", {kFloat, kFloat});
  ExpectReadingFails({"x", "y"}, "line 1 has 3 fields, but there are 2 field_types");
  Open("1\t2\n\n", {kFloat, kFloat});
  ExpectReadingFails({"x", "y"}, "line 2 has 1 field");
}

TEST_F(TextFileReaderTest, RejectsFilesThatAreCutOff) {
  Open("1\t2\n3", {kFloat, kFloat});
  ExpectReadingFails({"x", "y"}, "line 2 has 1 field, but there are 2 field_types; the file ends");
  Open(std::string("a\0", 2), {kString});
  ExpectReadingFails({"x"}, "line 1: the file ends after a byte 0");
}

TEST_F(TextFileReaderTest, RejectsFieldsThatAreNoNumbers) {
  Open("1\t2\n3\t0.5x\n", {kFloat, kFloat});
  ExpectReadingFails({"x", "y"}, "line 2, field 2: \"0.5x\" is no float");
  Open("256\n", {kUInt8});
  ExpectReadingFails({"x"}, "line 1, field 1: \"256\" is no uint8");
  Open("1.5\n", {kInt32});
  ExpectReadingFails({"x"}, "\"1.5\" is no int32");
  Open("2\n", {kBool});
  ExpectReadingFails({"x"}, "\"2\" is no bool");
  Open("\n", {kFloat});
  ExpectReadingFails({"x"}, "\"\" is no float");
}

TEST_F(TextFileReaderTest, RejectsWrongArguments) {
  ExpectFailure(Create({}), "field_types is empty");
  ExpectFailure(Create({77}), "field_types");
  ExpectFailure(Create({12}), "element type float16 is not supported");
  ExpectFailure(Create({kFloat}, {Arg<int64_t>("num_passes", 0)}), "num_passes is 0");
  ExpectFailure(Create({kFloat}, {Arg<std::string>("separator", "")}), "separator");
  ExpectFailure(Create({kFloat}, {Arg<std::string>("separator", "\n")}), "separator");
  ExpectFailure(Create({kFloat}, {Arg<std::string>("separator", ", ")}), "separator");
}

TEST_F(TextFileReaderTest, RejectsOtherNumbersOfOutputsAndOtherBlobs) {
  Open("1\t2\n", {kFloat, kFloat});
  ExpectFailure(Reading({"x"}, 1), "the reader has 2 fields, but there are 1 outputs");
  ExpectFailure(Reading({"x", "y"}, 0), "batch_size is 0");
  Feed("tensor", Tensor::Scalar<float>(1));
  ExpectFailure(Def("TextFileReaderRead", {"tensor"}, {"x", "y"}),
                "must be a reader that CreateTextFileReader made");
}

}  // namespace
}  // namespace doppio
