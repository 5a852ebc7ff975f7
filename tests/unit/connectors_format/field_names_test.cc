#include "connectors/format/field_names.h"

#include <gtest/gtest.h>

namespace weir {
namespace {

std::vector<Field> Fields() {
  const Type type{TypeKind::kInt64, {}};
  return {{"a", type, false}, {"", type, false}, {"b", type, false}};
}

TEST(FieldNamesTest, LearnsTheOrder) {
  const std::vector<Field> fields = Fields();
  FieldNames names(fields);
  int field = 99;
  EXPECT_FALSE(names.Guess(0, "b", &field));
  EXPECT_EQ(names.Find(0, "b", false), 2);
  EXPECT_EQ(names.Find(1, "other", false), FieldNames::kUnknown);
  EXPECT_TRUE(names.Guess(0, "b", &field));
  EXPECT_EQ(field, 2);
  EXPECT_TRUE(names.Guess(1, "other", &field));
  EXPECT_EQ(field, FieldNames::kUnknown);
  EXPECT_FALSE(names.Guess(1, "b", &field));
  // Another order replaces what was learnt.
  EXPECT_EQ(names.Find(1, "a", false), 0);
  EXPECT_TRUE(names.Guess(1, "a", &field));
  EXPECT_EQ(field, 0);
}

TEST(FieldNamesTest, NeverGuessesTheEmptyName) {
  const std::vector<Field> fields = Fields();
  FieldNames names(fields);
  EXPECT_EQ(names.Find(3, "a", false), 0);
  int field = 99;
  EXPECT_FALSE(names.Guess(1, "", &field));  // a hole, not a name
  EXPECT_EQ(names.Find(1, "", false), 1);
}

TEST(FieldNamesTest, StrangeNamesAreNotLearnt) {
  const std::vector<Field> fields = Fields();
  FieldNames names(fields);
  int field = 99;
  EXPECT_EQ(names.Find(0, "a", true), 0);
  EXPECT_FALSE(names.Guess(0, "a", &field));
  const std::string longest(65, 'x');
  EXPECT_EQ(names.Find(0, longest, false), FieldNames::kUnknown);
  EXPECT_FALSE(names.Guess(0, longest, &field));
  EXPECT_EQ(names.Find(64, "b", false), 2);
  EXPECT_FALSE(names.Guess(64, "b", &field));
}

}  // namespace
}  // namespace weir
