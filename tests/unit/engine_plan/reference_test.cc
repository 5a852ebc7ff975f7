#include "engine/plan/reference.h"

#include <gtest/gtest.h>

#include "test_registry.h"

namespace weir {
namespace {

TEST(Reference, HoldsEveryOptionOfEveryLevel) {
  const std::string page = OptionReference(TestRegistry());
  for (const char* row : {
           "| `parallelism` | integer, 1 to 32768 | `1` | ",
           "| `interval` | duration, at least 10ms | `10s` | ",
           "| `hot_bytes` | size, at least 64KiB | `256MiB` | ",
           "| `start` | `earliest`, `latest`, `timestamp`, `offsets` | `earliest` | ",
           "| `event_time.field` | text | required | ",
           "| `schema` | table field: type |  | Fields of a record",
           "\n### `type: guard`\n",
           "| `agent.capacity` | integer, 1 to 100000 | `1000` | ",
           "| `where` | CEL expression | required | ",
           "Formats: `json`.",
       }) {
    EXPECT_NE(page.find(row), std::string::npos) << row << "\n" << page;
  }
  EXPECT_EQ(page.find("| `input` | text"), std::string::npos)
      << "the sink's own table has no input";
}

TEST(Reference, HoldsEveryError) {
  const std::string page = ErrorReference();
  size_t count = 0;
  const ErrorInfo* errors = AllErrors(&count);
  for (size_t i = 0; i < count; ++i) {
    EXPECT_NE(page.find("| WEIR-" + std::to_string(errors[i].number) + " | "), std::string::npos);
    EXPECT_NE(page.find(errors[i].meaning), std::string::npos) << errors[i].meaning;
  }
}

}  // namespace
}  // namespace weir
