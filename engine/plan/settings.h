// What a topology says about the job as a whole, checked and with defaults filled in.
#pragma once

#include <cstdint>
#include <string>

namespace weir {

struct StateSettings {
  std::string backend = "memory";
  std::string dir = "./data/state";
  int64_t hot_bytes = int64_t{256} << 20;
};

struct CheckpointSettings {
  int64_t interval_ms = 10'000;
  std::string storage = "file:./data/checkpoints";
  int retain = 3;
  int64_t timeout_ms = 600'000;
  int64_t every_records = 0;  // 0 = by time only

  // The folder behind "file:".
  std::string directory() const { return storage.substr(storage.find(':') + 1); }
};

// The admin service, which weirctl talks to.
struct AdminSettings {
  std::string listen = "127.0.0.1:0";  // "" = none; port 0 = any that is free
  std::string token_file;              // holds the token that callers must show; "" = none
};

struct JobSettings {
  std::string name;
  int parallelism = 1;
  int max_parallelism = 128;
  std::string id_key;  // secret: keys the HMAC of request ids (D15); never printed
  std::string log = "dir:./data/log";
  StateSettings state;
  CheckpointSettings checkpoints;
  AdminSettings admin;
};

}  // namespace weir
