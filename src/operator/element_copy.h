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

// All elements become 0; empty strings.
inline void SetToZero(Tensor* tensor) {
  if (tensor->numel() == 0) return;
  if (tensor->Is<std::string>()) {
    std::fill_n(tensor->mutable_data<std::string>(), tensor->numel(), std::string());
  } else {
    std::memset(tensor->raw_mutable_data(), 0, tensor->bytes());
  }
}

}  // namespace doppio

#endif  // DOPPIO_OPERATOR_ELEMENT_COPY_H_
