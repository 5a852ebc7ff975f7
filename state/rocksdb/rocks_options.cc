#include "state/rocksdb/rocks_options.h"

#include <cstdarg>
#include <string>
#include <utility>

#include "rocksdb/filter_policy.h"
#include "rocksdb/slice_transform.h"
#include "rocksdb/table.h"
#include "state/rocksdb/rocks_key.h"

namespace weir {
namespace {

// Lets a filter answer "nothing under this key" before a scan of its sub keys.
class KeyPrefix : public rocksdb::SliceTransform {
 public:
  const char* Name() const override { return "weir.key"; }
  rocksdb::Slice Transform(const rocksdb::Slice& key) const override {
    return {key.data(), RocksPrefixSize(key.ToStringView())};
  }
  bool InDomain(const rocksdb::Slice& key) const override {
    return RocksPrefixSize(key.ToStringView()) > 0;
  }
};

class NoLog : public rocksdb::Logger {
 public:
  using Logger::Logv;
  void Logv(const char*, va_list) override {}
};

rocksdb::BlockBasedTableOptions TableOptions(std::shared_ptr<rocksdb::Cache> cache) {
  rocksdb::BlockBasedTableOptions table;
  // The default is 8 MiB for each database; ours is a part of state.hot_bytes.
  table.no_block_cache = cache == nullptr;
  // Else indexes and filters grow with the state, outside of any bound (reliability.md B-88).
  table.cache_index_and_filter_blocks = cache != nullptr;
  table.block_cache = std::move(cache);
  // In one piece they take more than a small cache has, and each read would load them anew
  // (measured: 114 us instead of 3 us a key); in parts of a block's size only those asked for are
  // loaded.
  table.index_type = rocksdb::BlockBasedTableOptions::kTwoLevelIndexSearch;
  table.partition_filters = true;
  // Keys that the store does not have are the common case of a ledger: 10 bits give 1 % false hits.
  table.filter_policy.reset(rocksdb::NewBloomFilterPolicy(10));
  // Finds a key in its block without a binary search; measured with the rest in performance.md 2.2.
  table.data_block_index_type = rocksdb::BlockBasedTableOptions::kDataBlockBinaryAndHash;
  // Debian's build computes the default, CRC32C, in software (ecosystem.md B.2).
  table.checksum = rocksdb::kXXH3;
  return table;
}

}  // namespace

rocksdb::Options RocksOptions(rocksdb::Env* env, std::shared_ptr<rocksdb::Cache> cache) {
  rocksdb::Options options;
  options.env = env;
  // The folder is this incarnation's own: one that is there already is a bug (reliability.md B-14).
  options.create_if_missing = true;
  options.error_if_exists = true;
  // Everything comes in as a sorted file (RocksIngestOptions); the memtable stays empty.
  options.write_buffer_size = size_t{64} * 1024;
  options.avoid_flush_during_shutdown = true;
  // Reads are CPU-bound on NVMe, and state that large is rare; Snappy is the default.
  options.compression = rocksdb::kNoCompression;
  // Each write-back covers the whole range of keys: by levels (the default) every few of them would
  // rewrite all of the next level. Measured with state of 8 times the memory (bench/README.md): 1.4
  // times the events, 0.7 of the CPU, reads no slower; takes up to twice the space on disk.
  options.compaction_style = rocksdb::kCompactionStyleUniversal;
  options.prefix_extractor = std::make_shared<KeyPrefix>();
  options.table_factory.reset(rocksdb::NewBlockBasedTableFactory(TableOptions(std::move(cache))));
  // No timer threads and no statistics files: the job has metrics of its own.
  options.stats_dump_period_sec = 0;
  options.stats_persist_period_sec = 0;
  // An error is fatal to the job (reliability.md 2.8); no thread is to try and go on after one.
  options.max_bgerror_resume_count = 0;
  // The log of a store that is deleted at the end is of use only while something is wrong.
  options.info_log_level = rocksdb::ERROR_LEVEL;
  options.keep_log_file_num = 1;
  return options;
}

void UseNoThreads(rocksdb::Options* options) {
  options->disable_auto_compactions = true;  // the store compacts by itself
  options->max_file_opening_threads = 1;
  options->info_log = std::make_shared<NoLog>();  // a timer thread flushes it
  options->db_host_id = "";  // the machine's name would stand in each file, with its length
}

rocksdb::CompactionOptions RocksCompactionOptions() {
  rocksdb::CompactionOptions options;
  options.compression = rocksdb::kDisableCompressionOption;  // that is: as for other files
  return options;
}

rocksdb::IngestExternalFileOptions RocksIngestOptions() {
  rocksdb::IngestExternalFileOptions options;
  // The file is ours: link it, do not copy it.
  options.move_files = true;
  // With an empty memtable no flush can be needed; one would mean that two ways of writing are
  // mixed, which 7.8.3 does not survive (order in L0, ecosystem.md B.2).
  options.allow_blocking_flush = false;
  // Only RocksDB before 5.16 looks for the number in the file.
  options.write_global_seqno = false;
  return options;
}

rocksdb::ReadOptions RocksScanOptions() {
  rocksdb::ReadOptions options;
  options.total_order_seek = true;  // across keys, so prefix filters do not apply
  options.fill_cache = false;       // what is scanned once would push out what is asked for again
  return options;
}

rocksdb::ReadOptions RocksPrefixOptions() {
  rocksdb::ReadOptions options;
  options.prefix_same_as_start = true;  // ends behind the key, and lets the filter answer first
  return options;
}

}  // namespace weir
