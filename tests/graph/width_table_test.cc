#include "doppio/width_table.h"

#include "doppio/net_builder.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace doppio {
namespace {

using testing::HasSubstr;

constexpr char kTable[] = R"(
# comments and empty lines say nothing

net Small
source a book
name small*
where conv1_w kernel=3
width conv1_w 64
width fire*/expand*_w 128
guess *_w 7
net Other
name other
width w 5
)";

NetDef Net(const std::string& name, int kernel) {
  return NetBuilder(name)
      .Op("Conv", {"X", "conv1_w"}, {"Y"}, {MakeArgument<int>("kernel", kernel)})
      .def();
}

std::vector<PublishedWidths> Table() { return ParseWidthTable(kTable).value(); }

TEST(WidthTableTest, FindsTheSectionOfANetByItsNameAndItsOperators) {
  const std::vector<PublishedWidths> table = Table();
  const PublishedWidths* found = FindPublishedWidths(table, Net("small_net", 3));
  ASSERT_NE(found, nullptr);
  EXPECT_EQ(found->title, "Small");
  EXPECT_EQ(found->source, "a book");
  EXPECT_EQ(FindPublishedWidths(table, Net("small_net", 7)), nullptr);
  EXPECT_EQ(FindPublishedWidths(table, Net("a_small_net", 3)), nullptr);
  EXPECT_EQ(FindPublishedWidths(table, Net("other", 3))->title, "Other");
}

TEST(WidthTableTest, TheFirstPatternThatFitsCounts) {
  const PublishedWidths section = Table()[0];
  EXPECT_EQ(section.Find("conv1_w")->outputs, 64);
  EXPECT_EQ(section.Find("fire2/expand3x3_w")->outputs, 128);
  EXPECT_FALSE(section.Find("fire2/expand3x3_w")->is_guess);
  EXPECT_EQ(section.Find("fire2/squeeze_w")->outputs, 7);
  EXPECT_TRUE(section.Find("fire2/squeeze_w")->is_guess);
  EXPECT_EQ(section.Find("conv1_b"), nullptr);
}

TEST(WidthTableTest, ManyStarsTakeNoTime) {
  PublishedWidths section;
  section.widths.push_back({std::string(200, '*') + "x", 1, false});
  EXPECT_EQ(section.Find(std::string(10000, 'a')), nullptr);
}

TEST(WidthTableTest, RefusesWhatIsNoTableAndSaysWhere) {
  const auto error = [](const char* text) {
    return std::string(ParseWidthTable(text).status().message());
  };
  EXPECT_THAT(error("width w 5\n"), HasSubstr("line 1: a section begins with"));
  EXPECT_THAT(error("net A\nname a\nwidth w 0\n"), HasSubstr("line 3: write \"width BLOB N\""));
  EXPECT_THAT(error("net A\nname a\nwidth w\n"), HasSubstr("line 3"));
  EXPECT_THAT(error("net A\nname a\nwidth w 99999999999999999999\n"), HasSubstr("line 3"));
  EXPECT_THAT(error("net A\nwhere b kernel\n"), HasSubstr("line 2: write \"where BLOB\""));
  EXPECT_THAT(error("net A\nwidht w 5\n"), HasSubstr("\"widht\" is none of"));
  EXPECT_THAT(error("net A\nwidth w 5\n"), HasSubstr("say which nets it is for"));
  EXPECT_THAT(error("net\n"), HasSubstr("line 1"));
}

}  // namespace
}  // namespace doppio
