// The entries of one key in the order of their sub keys: a treap whose links are in the entries, so
// that it costs no memory of its own. Priorities are mixed entry numbers; depth is logarithmic.
#pragma once

#include <cstdint>
#include <vector>

#include "state/hot/entry_store.h"

namespace weir {

class KeyTree {
 public:
  KeyTree(EntryStore* store, uint32_t root) : store_(store), root_(root) {}
  uint32_t root() const { return root_; }  // kNoEntry when empty

  void Insert(uint32_t number);
  void Erase(uint32_t number);

  // Calls fn(number) ascending until it returns false. The tree must not change meanwhile.
  template <typename Fn>
  void Visit(Fn&& fn) const {
    std::vector<uint32_t> path;
    for (uint32_t n = root_; n != kNoEntry || !path.empty();) {
      if (n != kNoEntry) {
        path.push_back(n);
        n = store_->At(n)->left;
        continue;
      }
      n = path.back();
      path.pop_back();
      if (!fn(n)) return;
      n = store_->At(n)->right;
    }
  }

 private:
  EntryStore* store_;
  uint32_t root_;
};

}  // namespace weir
