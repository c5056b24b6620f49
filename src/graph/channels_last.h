#ifndef DOPPIO_GRAPH_CHANNELS_LAST_H_
#define DOPPIO_GRAPH_CHANNELS_LAST_H_

#include "doppio/net.pb.h"

namespace doppio {

// Whether KeepChannelsLast would change something: the net trains convolutions.
bool TrainsConvolutions(const NetDef& net);

// Convolutions, and what is computed of their images and of the gradients of these, get the engine
// that keeps them with the channels last, as oneDNN likes them in training; so nothing is laid out
// anew in between. Operators, their blobs and what these hold for everyone else stay the same.
//
// What has been written by an operator of this net that keeps it so decides, not what blobs held
// before a run: a run computes the same bits after any other.
void KeepChannelsLast(NetDef* net);

}  // namespace doppio

#endif  // DOPPIO_GRAPH_CHANNELS_LAST_H_
