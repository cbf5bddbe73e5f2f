// Part of <postbus/sdk/topic_index.hpp>: the patterns with a wildcard, as a trie over segments.
//
// All edges to literal children lie in one table keyed by (node, segment); the child holds the
// segment's text, so one probe and one cache line settle a step. A `*` that ends its pattern and a
// `**` need no node of their own: the node before keeps a list for each.
#pragma once

#include <postbus/sdk/detail/index_storage.hpp>
#include <postbus/sdk/hash.hpp>
#include <postbus/sdk/topic.hpp>

#include <array>
#include <cstdint>
#include <cstring>
#include <string_view>

namespace postbus::sdk::detail {

// How a pattern ends at its node; each end is a list of entries.
enum class trie_end : std::uint8_t {
  here,     // with the node's own segment
  any_one,  // with `*` or {name} behind it
  any_many  // with `**` behind it
};

struct trie_place {
  index_ref node = 0;
  trie_end end = trie_end::here;
};

class pattern_trie {
 public:
  // The place of `pattern`, with the nodes that lead there. Requires a checked pattern with a
  // wildcard. Errors: std::bad_alloc, nothing changed.
  [[nodiscard]] trie_place find_or_add(std::string_view pattern) {
    if (root_ == 0) root_ = add_node(0, {});
    index_ref node = root_;
    for (segment_reader reader{pattern};;) {
      const std::string_view segment = reader.next();
      if (segment == "**") return {node, trie_end::any_many};
      if (reader.done() && is_wildcard(segment)) return {node, trie_end::any_one};
      try {
        node = is_wildcard(segment) ? any_child_or_add(node) : literal_child_or_add(node, segment);
      } catch (...) {
        prune(node);
        throw;
      }
      if (reader.done()) return {node, trie_end::here};
    }
  }

  // Removes `node` and what leads to it, as far as nothing else needs them.
  void prune(index_ref node) noexcept {
    while (node != root_ && is_bare(nodes_[node])) {
      const index_ref parent = nodes_[node].link;
      if (nodes_[node].size == 0) {
        nodes_[parent].any_child = 0;
      } else {
        edges_.erase(edge_hash(parent, text(node)), node);
        --nodes_[parent].literal_children;
        forget_text(nodes_[node]);
      }
      nodes_.give_back(node);
      node = parent;
    }
  }

  [[nodiscard]] index_ref first(trie_place place) const noexcept {
    return nodes_[place.node].ends[static_cast<std::size_t>(place.end)];
  }
  void set_first(trie_place place, index_ref entry) noexcept {
    nodes_[place.node].ends[static_cast<std::size_t>(place.end)] = entry;
  }

  // Calls fn(segment) for the literal segments patterns at `node` begin with, up to a wildcard and
  // up to two.
  template <class Fn>
  void literal_prefix(index_ref node, Fn&& fn) const {
    std::array<index_ref, 2> path{};  // the two nodes nearest to the root
    for (; node != root_; node = nodes_[node].link) path = {node, path[0]};
    for (const index_ref step : path) {
      if (step == 0 || nodes_[step].size == 0) return;
      fn(text(step));
    }
  }

  // Calls fn(first entry) for each place that matches `topic`. At each node: `**`, then the last
  // `*`, then the literal child with all below it, then the `*` child with all below it.
  template <class Fn>
  void walk(std::string_view topic, Fn&& fn) const {
    if (root_ == 0) return;
    // One alternative waits at most per node of the path, and no pattern has more segments.
    std::array<alternative, (pattern_bytes_max + 1) / 2> waiting;
    std::size_t waiting_n = 0;
    bool wildcards = !is_reserved(topic);
    index_ref at = root_;
    segment_reader reader{topic};
    for (;;) {
      const trie_node& here = nodes_[at];
      if (wildcards) visit(here, trie_end::any_many, fn);
      index_ref next = 0;
      if (reader.done()) {
        visit(here, trie_end::here, fn);
      } else {
        const std::string_view segment = reader.next();
        if (wildcards) {
          if (reader.done()) visit(here, trie_end::any_one, fn);
          if (here.any_child != 0) {
            waiting[waiting_n++] = {here.any_child, static_cast<std::uint32_t>(reader.offset())};
          }
        }
        if (here.literal_children != 0) next = literal_child(at, segment);
      }
      wildcards = true;
      if (next == 0) {
        if (waiting_n == 0) return;
        next = waiting[--waiting_n].node;
        reader = segment_reader{topic, waiting[waiting_n].offset};
      }
      at = next;
    }
  }

  [[nodiscard]] std::size_t memory_bytes() const noexcept {
    return nodes_.memory_bytes() + edges_.memory_bytes() + long_texts_.memory_bytes();
  }

 private:
  static constexpr std::size_t inline_bytes = 39;  // a UUID fits

  struct alignas(64) trie_node {  // one cache line
    index_ref link;               // the parent
    index_ref any_child;          // for a `*` or {name} with more behind it
    std::array<index_ref, 3> ends;
    std::uint32_t literal_children;
    std::uint8_t size;                    // of the segment; 0: the root or an any_child
    std::array<char, inline_bytes> text;  // or, when longer, the number of its block
  };
  static_assert(sizeof(trie_node) == 64);

  struct alternative {
    index_ref node;
    std::uint32_t offset;  // where the rest of the topic begins
  };

  template <class Fn>
  static void visit(const trie_node& at, trie_end end, Fn& fn) {
    if (const index_ref entry = at.ends[static_cast<std::size_t>(end)]; entry != 0) fn(entry);
  }

  [[nodiscard]] static bool is_bare(const trie_node& n) noexcept {
    return n.any_child == 0 && n.literal_children == 0 && n.ends == std::array<index_ref, 3>{};
  }

  [[nodiscard]] static std::uint64_t edge_hash(index_ref parent, std::string_view segment) noexcept {
    return hash_bytes(segment, parent);
  }

  [[nodiscard]] std::string_view text(index_ref ref) const noexcept {
    const trie_node& n = nodes_[ref];
    if (n.size <= inline_bytes) return {n.text.data(), n.size};
    return {long_texts_.bytes(load_word<index_ref>(n.text.data())), n.size};
  }

  void forget_text(const trie_node& n) noexcept {
    if (n.size > inline_bytes) long_texts_.give_back(load_word<index_ref>(n.text.data()), n.size);
  }

  [[nodiscard]] index_ref literal_child(index_ref parent, std::string_view segment) const noexcept {
    const auto is_it = [&](index_slot edge) {
      return nodes_[edge.ref].link == parent && text(edge.ref) == segment;
    };
    const index_slot* const edge = edges_.find(edge_hash(parent, segment), is_it);
    return edge != nullptr ? edge->ref : 0;
  }

  [[nodiscard]] index_ref literal_child_or_add(index_ref parent, std::string_view segment) {
    if (const index_ref child = literal_child(parent, segment); child != 0) return child;
    edges_.reserve_one();
    const index_ref child = add_node(parent, segment);
    edges_.insert(edge_hash(parent, segment), child);
    ++nodes_[parent].literal_children;
    return child;
  }

  [[nodiscard]] index_ref any_child_or_add(index_ref parent) {
    if (nodes_[parent].any_child == 0) {
      const index_ref child = add_node(parent, {});
      nodes_[parent].any_child = child;
    }
    return nodes_[parent].any_child;
  }

  [[nodiscard]] index_ref add_node(index_ref parent, std::string_view segment) {
    const index_ref ref = nodes_.take();
    trie_node& n = nodes_[ref];
    n = {parent, 0, {}, 0, static_cast<std::uint8_t>(segment.size()), {}};
    if (segment.size() <= inline_bytes) {
      segment.copy(n.text.data(), segment.size());
      return ref;
    }
    try {
      const index_ref block = long_texts_.take(segment.size());
      segment.copy(long_texts_.bytes(block), segment.size());
      std::memcpy(n.text.data(), &block, sizeof block);
    } catch (...) {
      nodes_.give_back(ref);
      throw;
    }
    return ref;
  }

  index_ref root_ = 0;
  index_pool<trie_node> nodes_;
  index_table<> edges_;
  index_arena long_texts_;
};

}  // namespace postbus::sdk::detail
