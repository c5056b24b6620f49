#ifndef DOPPIO_OPERATOR_PACKED_RECORDS_H_
#define DOPPIO_OPERATOR_PACKED_RECORDS_H_

#include <memory>
#include <vector>

#include "doppio/tensor.h"

namespace doppio {

// What a blob that PackRecords makes holds: each record with a tensor for each field.
struct PackedRecords {
  std::shared_ptr<const std::vector<std::vector<Tensor>>> records;
};

}  // namespace doppio

#endif  // DOPPIO_OPERATOR_PACKED_RECORDS_H_
