#ifndef DOPPIO_DOT_H_
#define DOPPIO_DOT_H_

// Threads: all functions may be called from many at once.

#include <string>

#include "doppio/net.pb.h"

namespace doppio {

// The net in the language of Graphviz (https://graphviz.org/doc/info/lang.html): operators are
// boxes, blobs are ellipses. A blob that is written more than once has an ellipse for each of its
// values. Control characters in names become question marks.
std::string NetToDot(const NetDef& net);

}  // namespace doppio

#endif  // DOPPIO_DOT_H_
