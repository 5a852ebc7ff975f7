// What text in a record may be, whatever the format.
#pragma once

#include <string_view>

namespace weir {

// UTF-8 as RFC 3629 has it, and no NUL.
bool IsRecordText(std::string_view bytes);

}  // namespace weir
