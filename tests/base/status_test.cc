#include "doppio/status.h"

#include "gtest/gtest.h"

namespace doppio {
namespace {

TEST(AnnotateTest, PutsThePrefixBeforeTheMessage) {
  EXPECT_EQ(Annotate(absl::NotFoundError("no blob"), "op 1"), absl::NotFoundError("op 1: no blob"));
}

TEST(AnnotateTest, LeavesOkAlone) { EXPECT_TRUE(Annotate(absl::OkStatus(), "op 1").ok()); }

TEST(AnnotateTest, KeepsPayloads) {
  absl::Status status = absl::InternalError("x");
  status.SetPayload("key", absl::Cord("value"));
  EXPECT_EQ(Annotate(status, "op").GetPayload("key"), absl::Cord("value"));
}

absl::StatusOr<int> Half(int value) {
  if (value % 2 != 0) return absl::InvalidArgumentError("odd");
  return value / 2;
}

absl::StatusOr<int> Quarter(int value) {
  DOPPIO_ASSIGN_OR_RETURN(const int half, Half(value));
  DOPPIO_ASSIGN_OR_RETURN(const int quarter, Half(half));
  return quarter;
}

absl::Status CanBeHalved(int value) {
  DOPPIO_RETURN_IF_ERROR(Half(value).status());
  return absl::OkStatus();
}

TEST(StatusMacrosTest, PassValuesAndErrorsOn) {
  EXPECT_EQ(*Quarter(12), 3);
  EXPECT_EQ(Quarter(6).status(), absl::InvalidArgumentError("odd"));
  EXPECT_TRUE(CanBeHalved(2).ok());
  EXPECT_EQ(CanBeHalved(3), absl::InvalidArgumentError("odd"));
}

}  // namespace
}  // namespace doppio
