#ifndef DOPPIO_TOOLS_COMMAND_PICTURES_H_
#define DOPPIO_TOOLS_COMMAND_PICTURES_H_

// Pictures as inputs and outputs of nets, on the command line.

#include <string>

#include "doppio/tensor.h"
#include "tools/command/command.h"

namespace doppio::tools {

void AddImageOption(Options* options, std::string* recipe);

// Whether a file is a PNG or a JPEG, by its first bytes.
bool IsPictureFile(const std::string& path);

// The picture as a tensor for `blob`. `recipe` is that of --image; where it is empty, the net of
// the file `net` decides, if it has an operator that takes pictures as they are, or else it is
// missing.
absl::StatusOr<Tensor> LoadPicture(const std::string& path, const std::string& recipe,
                                   const std::string& net, const std::string& blob);

// Whether a name ends like that of a picture: then what is fetched is written as one.
bool IsPicturePath(const std::string& path);

// As a PNG, by the recipe backwards; where it is empty: red, green and blue from 0 to 255.
absl::Status SavePicture(const Tensor& tensor, const std::string& path, const std::string& recipe);

}  // namespace doppio::tools

#endif  // DOPPIO_TOOLS_COMMAND_PICTURES_H_
