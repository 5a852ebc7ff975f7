// Which questions were asked and what was answered, one JSON line each: for governance, and for
// tests that count.
//
//   {"time_ms":1790000000000,"event":"asked","request_id":"6f..","job":"ssh-guard",
//    "operator":"guard","attempt":1}
//
// event: asked (the reasoner is), joined (another copy of the id waits for the same answer),
// answered (with "verdict", "rules", "agent", tokens), failed (with "error"), expired, cancelled,
// refused, outcome (what Observe told).
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "engine/base/clock.h"
#include "engine/base/file_system.h"
#include "engine/base/guarded.h"
#include "engine/core/agent_channel.h"

namespace weir {

class AuditLog {
 public:
  // Appends to `path`; "" = keeps nothing.
  static StatusOr<std::unique_ptr<AuditLog>> Open(FileSystem* fs, const Clock* clock,
                                                  const std::string& path);

  using Fields = std::vector<std::pair<std::string_view, std::string>>;  // values are JSON
  // Thread-safe. The line is in the file (not on the disk) when this returns; after the first
  // failure nothing more is written, and that is logged once.
  void Write(std::string_view event, const AgentRequest& request, const Fields& more = {});
  static std::string Text(std::string_view text);  // as JSON, at most 1 KiB of it

 private:
  AuditLog(const Clock* clock, std::unique_ptr<WritableFile> file);

  const Clock* clock_;
  Guarded<std::unique_ptr<WritableFile>> file_;
};

}  // namespace weir
