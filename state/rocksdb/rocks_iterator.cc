#include "state/rocksdb/rocks_iterator.h"

#include "absl/strings/str_cat.h"
#include "rocksdb/iterator.h"
#include "state/rocksdb/rocks_key.h"
#include "state/rocksdb/rocks_options.h"

namespace weir {
namespace {

class RocksIterator : public StoreIterator {
 public:
  explicit RocksIterator(rocksdb::DB* db) : db_(db) {}

  void Seek(const StoreAddress& from) override { SeekTo(from, RocksScanOptions(), false); }
  void SeekKey(const StoreAddress& key) override { SeekTo(key, RocksPrefixOptions(), true); }
  bool Valid() const override { return at_ != nullptr && status_.ok() && at_->Valid(); }
  void Next() override {
    at_->Next();
    Parse();
  }
  StoreAddress address() const override { return address_; }
  StoreValue value() const override { return value_; }
  Status status() const override {
    if (!status_.ok() || at_ == nullptr) return status_;
    return FromRocks(at_->status(), db_->GetName());
  }

 private:
  void SeekTo(const StoreAddress& from, const rocksdb::ReadOptions& options, bool of_key) {
    if (db_ == nullptr) return;
    if (at_ == nullptr || of_key != of_key_) at_.reset(db_->NewIterator(options));
    of_key_ = of_key;
    bytes_.clear();
    AppendRocksKey(from, &bytes_);
    at_->Seek(bytes_);
    Parse();
  }
  void Parse() {
    if (!at_->Valid()) return;
    if (!ParseRocksKey(at_->key().ToStringView(), &address_) ||
        !ParseRocksValue(at_->value().ToStringView(), &value_)) {
      status_ = BadStore(db_->GetName());
    }
  }

  rocksdb::DB* const db_;
  std::unique_ptr<rocksdb::Iterator> at_;
  bool of_key_ = false;
  std::string bytes_;
  StoreAddress address_;
  StoreValue value_;
  Status status_;
};

}  // namespace

Status FromRocks(const rocksdb::Status& status, const std::string& what) {
  if (status.ok()) return absl::OkStatus();
  return Err(ErrorCode::kStateIo, absl::StrCat(what, ": ", status.ToString()),
             "the working state is rebuilt from the checkpoint when the job starts again");
}

Status BadStore(const std::string& what) {
  return Err(ErrorCode::kStateIo, absl::StrCat(what, ": an entry that this program never wrote"),
             "the working state is rebuilt from the checkpoint when the job starts again");
}

std::unique_ptr<StoreIterator> NewRocksIterator(rocksdb::DB* db) {
  return std::make_unique<RocksIterator>(db);
}

}  // namespace weir
