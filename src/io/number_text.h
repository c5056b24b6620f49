#ifndef DOPPIO_IO_NUMBER_TEXT_H_
#define DOPPIO_IO_NUMBER_TEXT_H_

#include <cstdint>
#include <string>

namespace doppio {
namespace io {

// Numbers as protobuf's text format has them, to the letter and to the bit, in a tenth of the time.

// Appends what protobuf's printer writes: the 6 digits of a float (15 of a double) where they are
// enough to tell the number from all others, else 9 (17).
void AppendNumber(float value, std::string* text);
void AppendNumber(double value, std::string* text);

// Reads a number without a sign at `begin`, which must not be at the end. Gives the place after it,
// or null where there is no plain decimal number: protobuf's parser may know better.
const char* ReadDecimal(const char* begin, const char* end, double* value);
const char* ReadInteger(const char* begin, const char* end, uint64_t max, uint64_t* value);

}  // namespace io
}  // namespace doppio

#endif  // DOPPIO_IO_NUMBER_TEXT_H_
