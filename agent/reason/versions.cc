#include "agent/reason/versions.h"

#include "engine/base/bytes.h"
#include "engine/base/hash.h"

namespace weir {

std::string MemoKey(std::string_view name_space, std::string_view request_id,
                    const ReasonerVersions& versions) {
  std::string parts;
  for (const std::string_view part :
       {name_space, request_id, std::string_view(versions.reasoner),
        std::string_view(versions.model), std::string_view(versions.prompt),
        std::string_view(versions.schema), std::string_view(versions.policy)}) {
    PutBytes(&parts, part);
  }
  return HexEncode(HmacSha256("weir.memo/1", parts));
}

}  // namespace weir
