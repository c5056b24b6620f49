#include "src/base/home_process.h"

#include <gtest/gtest.h>

#include "tests/support/forked_process.h"

namespace doppio {
namespace {

absl::Status Is(bool expected, const HomeProcess& home) {
  return home.IsHere() == expected ? absl::OkStatus()
                                   : absl::InternalError("knows its home wrongly");
}

TEST(HomeProcessTest, IsHereInTheProcessThatMadeItAndInNoOther) {
  const HomeProcess home;
  EXPECT_TRUE(SucceedsInAForkedProcess([&] {
    const HomeProcess childs_home;
    DOPPIO_RETURN_IF_ERROR(Is(false, home));
    DOPPIO_RETURN_IF_ERROR(Is(true, childs_home));
    const bool ok = static_cast<bool>(SucceedsInAForkedProcess([&] {
      DOPPIO_RETURN_IF_ERROR(Is(false, home));
      return Is(false, childs_home);
    }));
    return ok ? Is(true, childs_home) : absl::InternalError("the child's child failed");
  }));
  EXPECT_TRUE(home.IsHere());
}

struct Counted {
  explicit Counted(int* deleted) : deleted(deleted) {}
  ~Counted() { ++*deleted; }
  int* deleted;
};

TEST(HomePtrTest, DeletesInTheProcessThatMadeItAndInNoOther) {
  int deleted = 0;
  HomePtr<Counted> pointer(new Counted(&deleted));
  EXPECT_TRUE(SucceedsInAForkedProcess([&] {
    pointer = HomePtr<Counted>(new Counted(&deleted));
    if (deleted != 0) return absl::InternalError("deleted what is the parent's");
    pointer.reset();
    return deleted == 1 ? absl::OkStatus() : absl::InternalError("left its own");
  }));
  EXPECT_EQ(deleted, 0);
  pointer.reset();
  EXPECT_EQ(deleted, 1);
}

}  // namespace
}  // namespace doppio
