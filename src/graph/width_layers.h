#ifndef DOPPIO_GRAPH_WIDTH_LAYERS_H_
#define DOPPIO_GRAPH_WIDTH_LAYERS_H_

// Published nets by the sequence of their layers (width_table.h), whatever their blobs are called.

#include <string>
#include <utility>
#include <vector>

#include "doppio/width_table.h"

namespace doppio {

// Reads "7:64 max 2*(1:64 3g:64)", and adds the layers.
absl::Status ReadLayers(absl::string_view text, std::vector<PublishedWidths::Layer>* layers);

// What a net has of such layers, in its order: what each is, and the blob of its weights.
struct NetLayer {
  std::string kind;
  std::string weights;
};
std::vector<NetLayer> LayersOf(const NetDef& net);

bool AreLayersOf(const std::vector<PublishedWidths::Layer>& layers,
                 const std::vector<NetLayer>& of_net);

}  // namespace doppio

#endif  // DOPPIO_GRAPH_WIDTH_LAYERS_H_
