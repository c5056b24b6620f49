#ifndef DOPPIO_TESTS_SUPPORT_CHOICES_H_
#define DOPPIO_TESTS_SUPPORT_CHOICES_H_

// Where what is drawn at random comes from: a seed, or the bytes of a fuzzer, which finds out what
// each of them decides and changes it.

#include <cstdint>
#include <random>

#include "absl/strings/string_view.h"

namespace doppio {

class Choices {
 public:
  explicit Choices(uint64_t seed) : generator_(seed) {}
  // A choice takes as few bytes as it can. Behind the last one they come from a seed.
  explicit Choices(absl::string_view bytes) : bytes_(bytes) {}

  // A number in [0, count), of 64 bits where `count` is 0.
  uint64_t Below(uint64_t count) {
    const uint64_t drawn = bytes_.empty() || in_bulk_ ? generator_() : Take(count - 1);
    return count == 0 ? drawn : drawn % count;
  }
  // A number in [0, 1).
  double Unit() {
    if (bytes_.empty() || in_bulk_) return static_cast<double>(generator_() >> 11) * 0x1p-53;
    return static_cast<double>(Take(0xff)) / 0x100;
  }

  // While it is there, many numbers are drawn of which none counts for much, such as the elements
  // of a tensor: a fuzzer's bytes only say the seed of them.
  class Bulk {
   public:
    explicit Bulk(Choices* choices) : choices_(choices), before_(choices->in_bulk_) {
      if (before_ || choices->bytes_.empty()) return;
      choices->generator_.seed(choices->Take(0xff));
      choices->in_bulk_ = true;
    }
    ~Bulk() { choices_->in_bulk_ = before_; }
    Bulk(const Bulk&) = delete;
    Bulk& operator=(const Bulk&) = delete;

   private:
    Choices* choices_;
    bool before_;
  };

 private:
  // As many bytes as hold numbers up to `most`, if there are as many.
  uint64_t Take(uint64_t most) {
    uint64_t drawn = 0;
    for (; most > 0 && !bytes_.empty(); most >>= 8) {
      drawn = drawn << 8 | static_cast<unsigned char>(bytes_[0]);
      bytes_.remove_prefix(1);
    }
    return drawn;
  }

  absl::string_view bytes_;
  bool in_bulk_ = false;
  std::mt19937_64 generator_;
};

}  // namespace doppio

#endif  // DOPPIO_TESTS_SUPPORT_CHOICES_H_
