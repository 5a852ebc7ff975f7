#include "engine/base/status.h"

#include <gtest/gtest.h>

namespace weir {
namespace {

TEST(StatusTest, CarriesNumberHintAndText) {
  const Status status = Err(ErrorCode::kLogTruncated, "auth.raw/0: 5 bytes", "restore the file");
  EXPECT_EQ(ErrorNumber(status), 3001);
  EXPECT_EQ(ErrorHint(status), "restore the file");
  EXPECT_EQ(FormatError(status), "WEIR-3001: auth.raw/0: 5 bytes (hint: restore the file)");
  EXPECT_TRUE(absl::IsDataLoss(status));
  EXPECT_EQ(FormatError(Err(ErrorCode::kConfigSyntax, "x")), "WEIR-1001: x");
}

TEST(StatusTest, ForeignErrorsHaveNoNumber) {
  EXPECT_EQ(ErrorNumber(absl::NotFoundError("f")), 0);
  EXPECT_EQ(FormatError(absl::NotFoundError("f")), "NOT_FOUND: f");
  EXPECT_EQ(ErrorNumber(absl::OkStatus()), 0);
}

TEST(StatusTest, RetriableFollowsTheTable) {
  EXPECT_TRUE(IsRetriable(Err(ErrorCode::kStateIo, "")));
  EXPECT_FALSE(IsRetriable(Err(ErrorCode::kStateCorrupt, "")));
  EXPECT_FALSE(IsRetriable(Err(ErrorCode::kRuleCap, "")));
  EXPECT_TRUE(IsRetriable(absl::UnavailableError("peer")));
  EXPECT_FALSE(IsRetriable(absl::OkStatus()));
}

TEST(StatusTest, AnnotateKeepsNumberAndHint) {
  const Status status = Annotate(Err(ErrorCode::kStateIo, "disk", "free space"), "checkpoint 7");
  EXPECT_EQ(FormatError(status), "WEIR-4001: checkpoint 7: disk (hint: free space)");
  EXPECT_TRUE(Annotate(absl::OkStatus(), "x").ok());
}

TEST(StatusTest, AnErrorKeepsItsFirstPlace) {
  const Status error = Err(ErrorCode::kStateIo, "disk");
  EXPECT_EQ(PlaceOf(error).subtask, -1);
  const Status placed = Annotate(WithPlace(WithPlace(error, "guard", 3), "", 4), "task");
  EXPECT_EQ(PlaceOf(placed).operator_uid, "guard");
  EXPECT_EQ(PlaceOf(placed).subtask, 3);
  EXPECT_EQ(FormatError(placed), "WEIR-4001: task: disk");
  EXPECT_TRUE(WithPlace(absl::OkStatus(), "guard", 3).ok());
}

TEST(StatusTest, EveryErrorIsAnErrorAndIsListed) {
  size_t count = 0;
  const ErrorInfo* errors = AllErrors(&count);
  ASSERT_GT(count, 50u);
  for (size_t i = 0; i < count; ++i) {
    const Status status = Err(static_cast<ErrorCode>(errors[i].number), "m");
    EXPECT_FALSE(status.ok()) << errors[i].name;
    EXPECT_EQ(ErrorNumber(status), errors[i].number);
    EXPECT_EQ(IsRetriable(status), errors[i].retriable) << errors[i].name;
  }
}

StatusOr<int> Half(int n) {
  if (n % 2 != 0) return Err(ErrorCode::kConfigOutOfRange, "odd");
  return n / 2;
}
StatusOr<int> Quarter(int n) {
  WEIR_ASSIGN_OR_RETURN(const int half, Half(n));
  WEIR_ASSIGN_OR_RETURN(const int quarter, Half(half));
  WEIR_RETURN_IF_ERROR(absl::OkStatus());
  return quarter;
}

TEST(StatusTest, MacrosPassErrorsOn) {
  EXPECT_EQ(Quarter(8).value(), 2);
  EXPECT_EQ(ErrorNumber(Quarter(6).status()), 1005);
}

TEST(StatusDeathTest, CheckEndsTheProcessWithItsMessage) {
  EXPECT_DEATH(WEIR_CHECK(1 > 2, "numbers are broken"), "check failed: 1 > 2 numbers are broken");
  EXPECT_DEATH(WEIR_CHECK(false), "WEIR-9001");
}

}  // namespace
}  // namespace weir
