#ifndef DOPPIO_OPERATOR_ELEMENT_COPY_H_
#define DOPPIO_OPERATOR_ELEMENT_COPY_H_

#include <algorithm>
#include <cstring>
#include <string>

#include "doppio/tensor.h"

namespace doppio {

// Copies runs of elements between two tensors of the same type, whatever that is.
class ElementCopy {
 public:
  // Both must live on and keep their storage; `to` was given by Operator::Output.
  ElementCopy(const Tensor& from, Tensor* to)
      : is_string_(from.Is<std::string>()),
        bytes_(static_cast<int64_t>(DataTypeSize(from.dtype()))),
        from_(static_cast<const char*>(from.raw_data())),
        to_(static_cast<char*>(to->raw_mutable_data())) {}

  // to[to .. to + count) = from[from .. from + count), in elements; the caller has checked that
  // they are there.
  void operator()(int64_t from, int64_t to, int64_t count) const {
    if (count == 0) return;
    if (is_string_) {
      std::copy_n(reinterpret_cast<const std::string*>(from_) + from, count,
                  reinterpret_cast<std::string*>(to_) + to);
    } else {
      std::memcpy(to_ + to * bytes_, from_ + from * bytes_, static_cast<size_t>(count * bytes_));
    }
  }

 private:
  bool is_string_;
  int64_t bytes_;
  const char* from_;
  char* to_;
};

// Runs of elements of a tensor become 0, or empty strings, whatever its type is.
class ElementZero {
 public:
  // As for ElementCopy's `to`.
  explicit ElementZero(Tensor* tensor)
      : is_string_(tensor->Is<std::string>()),
        bytes_(static_cast<int64_t>(DataTypeSize(tensor->dtype()))),
        data_(static_cast<char*>(tensor->raw_mutable_data())) {}

  // [begin, begin + count), in elements.
  void operator()(int64_t begin, int64_t count) const {
    if (count == 0) return;
    if (is_string_) {
      std::fill_n(reinterpret_cast<std::string*>(data_) + begin, count, std::string());
    } else {
      std::memset(data_ + begin * bytes_, 0, static_cast<size_t>(count * bytes_));
    }
  }

 private:
  bool is_string_;
  int64_t bytes_;
  char* data_;
};

// All elements become 0; empty strings.
inline void SetToZero(Tensor* tensor) { ElementZero{tensor}(0, tensor->numel()); }

}  // namespace doppio

#endif  // DOPPIO_OPERATOR_ELEMENT_COPY_H_
