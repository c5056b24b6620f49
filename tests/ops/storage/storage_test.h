#ifndef DOPPIO_TESTS_OPS_STORAGE_STORAGE_TEST_H_
#define DOPPIO_TESTS_OPS_STORAGE_STORAGE_TEST_H_

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <system_error>
#include <vector>

#include "doppio/database.h"
#include "tests/support/state_test.h"

namespace doppio {

// Operators over databases, in a workspace whose root folder is new.
class StorageTest : public StateTest {
 protected:
  StorageTest() {
    std::string name = (std::filesystem::temp_directory_path() / "doppio_storage_XXXXXX").string();
    EXPECT_NE(mkdtemp(name.data()), nullptr);
    folder_ = name;
    EXPECT_TRUE(workspace_.ResetWorkspace(folder_).ok());
  }
  ~StorageTest() override {
    std::error_code ignored;
    std::filesystem::remove_all(folder_, ignored);
  }

  std::string PathOf(const std::string& name) const { return folder_ + "/" + name; }
  std::string Bytes(const std::string& name) const {
    std::ifstream in(PathOf(name), std::ios::binary);
    return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
  }
  void SetBytes(const std::string& name, const std::string& bytes) const {
    std::ofstream(PathOf(name), std::ios::binary) << bytes;
  }

  static OperatorDef SaveDef(const Names& inputs, const std::string& db,
                             std::vector<Argument> arguments = {},
                             const std::string& type = "minidb") {
    arguments.push_back(Arg("db", db));
    arguments.push_back(Arg("db_type", type));
    return Def("Save", inputs, {}, arguments);
  }
  static OperatorDef LoadDef(const Names& outputs, const Names& dbs,
                             std::vector<Argument> arguments = {},
                             const std::string& type = "minidb") {
    arguments.push_back(Arg("dbs", dbs));
    arguments.push_back(Arg("db_type", type));
    return Def("Load", {}, outputs, arguments);
  }
  void Must(const OperatorDef& def) {
    const absl::Status status = workspace_.RunOperatorOnce(def);
    ASSERT_TRUE(status.ok()) << status;
  }
  // X and Y as a file "db".
  void SaveXAndY(const std::string& type = "minidb") {
    Feed("X", X());
    Feed("Y", Y());
    Must(SaveDef({"X", "Y"}, "db", {}, type));
  }
  static absl::StatusOr<Tensor> Floats(int64_t count) {
    DOPPIO_ASSIGN_OR_RETURN(Tensor tensor, Tensor::Create(DataType::kFloat, {count}));
    for (int64_t i = 0; i < count; ++i) tensor.mutable_data<float>()[i] = static_cast<float>(i);
    return tensor;
  }
  static absl::StatusOr<Tensor> X() { return Tensor::Of<float>({2, 2}, {1, 2, 3, 4}); }
  static absl::StatusOr<Tensor> Y() { return Tensor::Of<std::string>({2}, {"a", ""}); }

  std::vector<std::string> Keys(const std::string& name, const std::string& type = "minidb") const {
    std::vector<std::string> keys;
    const auto database = OpenDatabase(type, PathOf(name), DatabaseMode::kRead);
    EXPECT_TRUE(database.ok()) << database.status();
    if (!database.ok()) return keys;
    const auto cursor = (*database)->NewCursor();
    EXPECT_TRUE(cursor.ok()) << cursor.status();
    while (cursor.ok() && (*cursor)->Valid()) {
      keys.emplace_back((*cursor)->Key());
      EXPECT_TRUE((*cursor)->Next().ok());
    }
    return keys;
  }

  std::string folder_;
};

}  // namespace doppio

#endif  // DOPPIO_TESTS_OPS_STORAGE_STORAGE_TEST_H_
