#include "agent/decision_search.h"

#include <memory>
#include <utility>

#include "absl/strings/str_cat.h"
#include "engine/base/admin_errors.h"

namespace weir {
namespace {

class Search {
 public:
  Search(std::string_view prefix, const std::function<bool()>& cancelled)
      : prefix_(prefix), cancelled_(cancelled) {}

  Status Read(LogReader* reader, int partition) {
    LogChunk chunk;
    do {
      if (cancelled_()) return Err(AdminError::kAdminCancelled, "nobody waits for the answer");
      WEIR_RETURN_IF_ERROR(reader->Read(LogReadOptions(), &chunk));
      for (const LogItem& item : chunk.items) {
        WEIR_RETURN_IF_ERROR(Look(item.value, partition, item.offset));
      }
    } while (!chunk.at_end);
    return absl::OkStatus();
  }
  std::optional<FoundDecision> found() && { return std::move(found_); }

 private:
  Status Look(std::string_view line, int partition, int64_t offset) {
    // Parsing every line of a large log would take minutes.
    if (line.find(prefix_) == std::string_view::npos) return absl::OkStatus();
    StatusOr<Decision> decision = DecisionFromLine(line);
    if (!decision.ok() || decision->request_id.compare(0, prefix_.size(), prefix_) != 0) {
      return absl::OkStatus();
    }
    if (!found_) {
      found_ = FoundDecision{*std::move(decision), partition, offset};
    } else if (found_->decision.request_id != decision->request_id) {
      return Err(AdminError::kAdminAmbiguous,
                 absl::StrCat("'", ToAbsl(prefix_), "' fits ", found_->decision.request_id, " and ",
                              decision->request_id),
                 "give more digits of the id");
    }
    return absl::OkStatus();
  }

  std::string_view prefix_;
  const std::function<bool()>& cancelled_;
  std::optional<FoundDecision> found_;
};

}  // namespace

StatusOr<std::optional<FoundDecision>> FindDecision(LogClient* client, const std::string& topic,
                                                    std::string_view prefix,
                                                    const std::function<bool()>& cancelled) {
  WEIR_ASSIGN_OR_RETURN(const std::vector<int> partitions, client->Partitions(topic));
  Search search(prefix, cancelled);
  for (const int partition : partitions) {
    WEIR_ASSIGN_OR_RETURN(std::unique_ptr<LogReader> reader,
                          client->OpenReader(topic, partition, LogPosition()));
    WEIR_RETURN_IF_ERROR(search.Read(reader.get(), partition));
  }
  return std::move(search).found();
}

}  // namespace weir
