#include "state/hot/key_tree.h"

namespace weir {
namespace {

// A bijection (MurmurHash3's finalizer): numbers given out in a row get unrelated priorities.
uint32_t Priority(uint32_t number) {
  uint32_t h = number;
  h = (h ^ (h >> 16)) * 0x85ebca6b;
  h = (h ^ (h >> 13)) * 0xc2b2ae35;
  return h ^ (h >> 16);
}

}  // namespace

void KeyTree::Insert(uint32_t number) {
  HotEntry* entry = store_->At(number);
  const std::string_view sub = store_->Sub(entry);
  uint32_t* link = &root_;
  while (*link != kNoEntry && Priority(*link) > Priority(number)) {
    HotEntry* at = store_->At(*link);
    link = sub < store_->Sub(at) ? &at->left : &at->right;
  }
  // What stands here goes below the new entry, split by its sub key.
  uint32_t rest = *link;
  uint32_t* less = &entry->left;
  uint32_t* greater = &entry->right;
  while (rest != kNoEntry) {
    HotEntry* at = store_->At(rest);
    if (store_->Sub(at) < sub) {
      *less = rest;
      less = &at->right;
      rest = at->right;
    } else {
      *greater = rest;
      greater = &at->left;
      rest = at->left;
    }
  }
  *less = *greater = kNoEntry;
  *link = number;
}

void KeyTree::Erase(uint32_t number) {
  const HotEntry* entry = store_->At(number);
  const std::string_view sub = store_->Sub(entry);
  uint32_t* link = &root_;
  while (*link != number) {
    WEIR_CHECK(*link != kNoEntry, "an entry is missing in the tree of its key");
    HotEntry* at = store_->At(*link);
    link = sub < store_->Sub(at) ? &at->left : &at->right;
  }
  uint32_t a = entry->left;
  uint32_t b = entry->right;
  while (a != kNoEntry && b != kNoEntry) {
    if (Priority(a) > Priority(b)) {
      *link = a;
      link = &store_->At(a)->right;
      a = *link;
    } else {
      *link = b;
      link = &store_->At(b)->left;
      b = *link;
    }
  }
  *link = a != kNoEntry ? a : b;
}

}  // namespace weir
