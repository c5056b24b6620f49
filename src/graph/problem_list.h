#ifndef DOPPIO_GRAPH_PROBLEM_LIST_H_
#define DOPPIO_GRAPH_PROBLEM_LIST_H_

#include <map>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "doppio/check.h"
#include "src/graph/net_text.h"

namespace doppio {

// The problems of a net, those that many operators share once.
class ProblemList {
 public:
  void Add(const NetDef& net, std::string what) {
    problems_.push_back({-1, NetPlace(net), std::move(what)});
  }
  void Add(const NetDef& net, int op, std::string what, bool is_missing_operator = false) {
    const auto [found, is_new] = places_.try_emplace({&net, net.op(op).type(), what}, size());
    if (is_new) {
      problems_.push_back({op, OpPlace(net, op), std::move(what), is_missing_operator});
      return;
    }
    NetProblem& first = problems_[found->second];
    const int last = first.also.empty() ? first.op : first.also.back();
    if (last != op) first.also.push_back(op);
  }
  size_t size() const { return problems_.size(); }
  std::vector<NetProblem> Take() { return std::move(problems_); }

 private:
  std::vector<NetProblem> problems_;
  std::map<std::tuple<const NetDef*, std::string, std::string>, size_t> places_;
};

}  // namespace doppio

#endif  // DOPPIO_GRAPH_PROBLEM_LIST_H_
