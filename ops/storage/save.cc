#include "doppio/gradient_maker.h"
#include "doppio/registry.h"
#include "ops/storage/blob_saver.h"

namespace doppio {
namespace {

DOPPIO_OPERATOR_SCHEMA(Save)
    .NumInputs(1, OpSchema::kMany)
    .NumOutputs(0)
    .AllowAnyInput(OpSchema::kMany)
    .Doc(R"DOC(
Writes blobs into a new database, from which Load reads them. A tensor "X" is there as the records
"X#%0", "X#%1" and so on, a million elements in each; other blobs (a counter, a map, a string) are
records of their names. Blobs that can not be written are an error.

The database is written beside its path, brought to disk and renamed: whatever happens meanwhile, the
last good one stays until the new one is complete. A database of the same type that is there already is
replaced; Caffe2 does so with a minidb, and refuses to with the other types. A database that another
process holds is an error.

Example: Save(X, Y) with `db` "model.minidb" and `db_type` "minidb" writes "X#%0" and "Y#%0".
)DOC")
    .RequiredArg<std::string>(kDb, "path of the database")
    .FillUsing(StateArgumentsOfSaver)
    .Input(0, "X", "blob; any number of them")
    .TensorInference([](InferenceContext*) { return absl::OkStatus(); })
    .HasSideEffects();

template <class Context>
class SaveOp final : public Operator<Context> {
 public:
  DOPPIO_USE_OPERATOR_FUNCTIONS;
  explicit SaveOp(OperatorInit* init) : Operator<Context>(init), saver_(init) {}

  absl::Status RunOnDevice() override { return saver_.Save(*this, saver_.db()); }

 private:
  const BlobSaver saver_;
};

DOPPIO_REGISTER_CPU_OPERATOR(Save, SaveOp<CPUContext>);
DOPPIO_SHOULD_NOT_DO_GRADIENT(Save);

}  // namespace
}  // namespace doppio
