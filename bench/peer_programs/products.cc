// The peers' half of `tools/bench-peers matmul`: products of matrices of floats, in OpenBLAS or
// oneDNN, once for every line on standard input, answering with the nanoseconds it took.
//
//   peer_products METHOD OPENBLAS THREADS COUNT M N K A_FILE B_FILE C_FILE
//
// COUNT products c [m,n] = a [m,k] b', where b is stored as [n,k]. METHOD is openblas (the library
// is OPENBLAS), sgemm (oneDNN's), or packed: oneDNN's matmul, with b laid out before as it likes.

#include <dlfcn.h>

#include <cstdint>
#include <cstdlib>
#include <fstream>
#include <functional>
#include <iostream>
#include <iterator>
#include <oneapi/dnnl/dnnl.hpp>
#include <string>
#include <unordered_map>
#include <vector>

#include "bench/answer_lines.h"

namespace {

struct Products {
  int64_t count, m, n, k;
  std::vector<float> a, b, c;

  const float* A(int64_t i) const { return a.data() + i * m * k; }
  const float* B(int64_t i) const { return b.data() + i * n * k; }
  float* C(int64_t i) { return c.data() + i * m * n; }
};

std::vector<float> Floats(const char* path) {
  std::ifstream in(path, std::ios::binary);
  const std::vector<char> bytes(std::istreambuf_iterator<char>(in), {});
  const auto* floats = reinterpret_cast<const float*>(bytes.data());
  return std::vector<float>(floats, floats + bytes.size() / sizeof(float));
}

using Run = std::function<absl::Status()>;

absl::StatusOr<Run> OpenBlas(const char* library, int threads, Products* p) {
  void* handle = dlopen(library, RTLD_NOW | RTLD_LOCAL);
  if (handle == nullptr) return absl::NotFoundError(dlerror());
  constexpr int kRowMajor = 101;
  constexpr int kAsItIs = 111;
  constexpr int kTransposed = 112;
  using Sgemm = void (*)(int, int, int, int, int, int, float, const float*, int, const float*, int,
                         float, float*, int);
  const auto sgemm = reinterpret_cast<Sgemm>(dlsym(handle, "cblas_sgemm"));
  const auto set_threads =
      reinterpret_cast<void (*)(int)>(dlsym(handle, "openblas_set_num_threads"));
  if (sgemm == nullptr || set_threads == nullptr) return absl::NotFoundError("this is no OpenBLAS");
  set_threads(threads);
  return [=] {
    const auto m = static_cast<int>(p->m);
    const auto n = static_cast<int>(p->n);
    const auto k = static_cast<int>(p->k);
    for (int64_t i = 0; i < p->count; ++i) {
      sgemm(kRowMajor, kAsItIs, kTransposed, m, n, k, 1, p->A(i), k, p->B(i), k, 0, p->C(i), n);
    }
    return absl::OkStatus();
  };
}

Run DnnlSgemm(Products* p) {
  return [=] {
    for (int64_t i = 0; i < p->count; ++i) {
      if (dnnl_sgemm('N', 'T', p->m, p->n, p->k, 1, p->A(i), p->k, p->B(i), p->k, 0, p->C(i),
                     p->n) != dnnl_success) {
        return absl::InternalError("oneDNN refused");
      }
    }
    return absl::OkStatus();
  };
}

Run DnnlPacked(Products* p) {
  using Desc = dnnl::memory::desc;
  using Tag = dnnl::memory::format_tag;
  constexpr auto kFloat = dnnl::memory::data_type::f32;
  const dnnl::engine engine(dnnl::engine::kind::cpu, 0);
  dnnl::stream stream(engine);
  const Desc a({p->count, p->m, p->k}, kFloat, Tag::abc);
  const Desc b({p->count, p->k, p->n}, kFloat, Tag::acb);
  const Desc any({p->count, p->k, p->n}, kFloat, Tag::any);
  const Desc c({p->count, p->m, p->n}, kFloat, Tag::abc);
  const dnnl::matmul::primitive_desc pd({a, any, c}, engine);
  const dnnl::memory packed(pd.weights_desc(), engine);
  dnnl::memory plain(b, engine, p->b.data());
  dnnl::memory target = packed;
  dnnl::reorder(plain, target).execute(stream, plain, target);
  const dnnl::matmul product(pd);
  const std::unordered_map<int, dnnl::memory> arguments = {
      {DNNL_ARG_SRC, dnnl::memory(a, engine, p->a.data())},
      {DNNL_ARG_WEIGHTS, packed},
      {DNNL_ARG_DST, dnnl::memory(c, engine, p->c.data())}};
  return [=]() mutable {
    product.execute(stream, arguments);
    stream.wait();
    return absl::OkStatus();
  };
}

absl::Status Serve(char** argv) {
  const std::string method = argv[1];
  Products p{std::atoll(argv[4]),
             std::atoll(argv[5]),
             std::atoll(argv[6]),
             std::atoll(argv[7]),
             Floats(argv[8]),
             Floats(argv[9]),
             {}};
  p.c.resize(static_cast<size_t>(p.count * p.m * p.n));
  Run run;
  if (method == "openblas") {
    DOPPIO_ASSIGN_OR_RETURN(run, OpenBlas(argv[2], std::atoi(argv[3]), &p));
  } else {
    run = method == "sgemm" ? DnnlSgemm(&p) : DnnlPacked(&p);
  }
  DOPPIO_RETURN_IF_ERROR(run());
  std::ofstream(argv[10], std::ios::binary)
      .write(reinterpret_cast<const char*>(p.c.data()),
             static_cast<std::streamsize>(p.c.size() * sizeof(float)));
  return doppio::AnswerLines(run);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 11) {
    std::cerr << "peer_products: method, OpenBLAS, threads, count, m, n, k, and the files of a, b "
                 "and c\n";
    return 2;
  }
  const absl::Status status = Serve(argv);
  if (!status.ok()) std::cerr << "peer_products: " << status << "\n";
  return status.ok() ? 0 : 1;
}
