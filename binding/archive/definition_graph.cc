#include "archive/definition_graph.h"

#include <algorithm>
#include <utility>

namespace semisup {

DefinitionGraph::Id DefinitionGraph::Define(const std::string& name, std::string record,
                                            size_t line) {
  const auto [entry, is_new] = ids_.try_emplace(name, static_cast<Id>(nodes_.size()));
  if (is_new) nodes_.push_back({std::move(record), line});
  return entry->second;
}

void DefinitionGraph::SetNesting(Id definition, size_t nesting) {
  nodes_[definition].nesting = std::max(nodes_[definition].nesting, nesting);
}

void DefinitionGraph::Refer(Id from, std::string name) {
  auto& references = nodes_[from].references;
  if (references.empty() || references.back() != name) references.push_back(std::move(name));
}

std::vector<std::vector<DefinitionGraph::Id>> DefinitionGraph::Edges() const {
  std::vector<std::vector<Id>> edges(nodes_.size());
  for (size_t from = 0; from < nodes_.size(); from++) {
    for (std::string_view name : nodes_[from].references) {
      // The longest part that is a definition.
      while (!name.empty()) {
        const auto found = ids_.find(std::string(name));
        if (found != ids_.end()) {
          edges[from].push_back(found->second);
          break;
        }
        const auto dot = name.rfind('.');
        if (dot == name.npos) break;
        name = name.substr(0, dot);
      }
    }
    auto& targets = edges[from];
    std::sort(targets.begin(), targets.end());
    targets.erase(std::unique(targets.begin(), targets.end()), targets.end());
  }
  return edges;
}

// Tarjan's algorithm for strongly connected components, without recursion. It completes a
// component after all those that it refers to, so their chains are known by then.
DefinitionGraph::Chain DefinitionGraph::Longest() const {
  constexpr uint32_t kUnvisited = ~uint32_t{0};
  struct Frame {
    Id node;
    size_t next_edge;
  };
  const auto edges = Edges();
  std::vector<uint32_t> index(nodes_.size(), kUnvisited);
  std::vector<uint32_t> low(nodes_.size());
  // The nesting of the longest chain from a node on; of completed components only.
  std::vector<size_t> chains(nodes_.size());
  std::vector<bool> is_open(nodes_.size());
  std::vector<Id> open;
  std::vector<Frame> calls;
  uint32_t next_index = 0;
  Chain longest{};
  const auto enter = [&](Id node) {
    index[node] = low[node] = next_index++;
    is_open[node] = true;
    open.push_back(node);
    calls.push_back({node, 0});
  };
  const auto complete = [&](Id root) {
    const auto begin = std::find(open.rbegin(), open.rend(), root).base() - 1;
    size_t own = 0;
    size_t onward = 0;
    for (auto member = begin; member != open.end(); ++member) {
      is_open[*member] = false;
      own += 1 + nodes_[*member].nesting;
    }
    for (auto member = begin; member != open.end(); ++member) {
      for (const auto target : edges[*member]) onward = std::max(onward, chains[target]);
    }
    for (auto member = begin; member != open.end(); ++member) chains[*member] = own + onward;
    if (own + onward > longest.nesting) {
      longest = {own + onward, nodes_[root].record, nodes_[root].line};
    }
    open.erase(begin, open.end());
  };
  for (Id start = 0; start < nodes_.size(); start++) {
    if (index[start] != kUnvisited) continue;
    enter(start);
    while (!calls.empty()) {
      auto& [node, next_edge] = calls.back();
      if (next_edge < edges[node].size()) {
        const auto target = edges[node][next_edge++];
        if (index[target] == kUnvisited) {
          enter(target);
        } else if (is_open[target]) {
          low[node] = std::min(low[node], index[target]);
        }
        continue;
      }
      const auto done = node;
      calls.pop_back();
      if (low[done] == index[done]) complete(done);
      if (!calls.empty()) low[calls.back().node] = std::min(low[calls.back().node], low[done]);
    }
  }
  return longest;
}

}  // namespace semisup
