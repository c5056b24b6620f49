#ifndef DOPPIO_MODEL_IO_H_
#define DOPPIO_MODEL_IO_H_

// Models in files: a net with its weights, and the names of its inputs and outputs.
//
//   absl::StatusOr<Model> model = LoadModel("predictor.minidb");
//   absl::StatusOr<std::unique_ptr<Predictor>> predictor = Predictor::Create(*std::move(model));
//
// Files are not trusted; proto_io.h says what holds for every reader. A database is read record by
// record, each bounded by limits.max_file_bytes, so that little more than the weights is in memory.
//
// Threads: all functions may be called from many at once.

#include <string>

#include "absl/strings/string_view.h"
#include "doppio/limits.h"
#include "doppio/model.h"
#include "doppio/status.h"

namespace doppio {

// Reads, as its content decides,
//   - a predictor database of any type (database.h), as Caffe2's save_to_db writes it: a MetaNetDef
//     and all parameters;
//   - a MetaNetDef, binary, text or JSON: nets, inputs and outputs. Its GLOBAL_INIT_NET_TYPE loads
//     parameters from the database that it was taken out of; they have to come from elsewhere;
//   - a NetDef, which becomes Model::predict;
//   - an ONNX model (onnx.h).
// `name` chooses among the models of a MetaNetDef that holds several (PREDICT_NET_TYPE_name); empty
// means the only one. Errors: NotFound (with the names that are there) for a model that is not in
// the file, DataLoss for parameters that the MetaNetDef names and that are not there.
absl::StatusOr<Model> LoadModel(const std::string& path, absl::string_view name = "",
                                const Limits& limits = {});

// The MetaNetDef of a predictor database or of a file of its own.
absl::StatusOr<MetaNetDef> LoadMetaNetDef(const std::string& path, const Limits& limits = {});

// Writes a predictor database, or replaces it, in one step, as SaveProto does, fit for Caffe2's
// load_from_db too, if the model says its inputs and outputs. Init nets are kept as one net, to be
// run after the weights were loaded; so the result is smallest when all weights are in
// model.weights.
absl::Status SaveModel(const Model& model, const std::string& path);

}  // namespace doppio

#endif  // DOPPIO_MODEL_IO_H_
