#include "connectors/redis/command_queue.h"

#include <gtest/gtest.h>

#include "connectors/redis/resp_connection.h"

namespace weir {
namespace {

RedisCommand Command(std::string bytes) {
  RedisCommand command;
  command.kind = RedisCommand::Kind::kGet;
  command.bytes = std::move(bytes);
  return command;
}

class CommandQueueTest : public ::testing::Test {
 protected:
  bool Add(std::string bytes) {
    RedisCommand command = Command(std::move(bytes));
    return queue.Add(&command, &wake);
  }
  int64_t Failures(const char* reason) {
    return metrics.Sum("weir_memo_failures_total", {{"reason", reason}});
  }
  MetricRegistry metrics;
  CommandQueue queue{3, 10, &metrics};
  bool wake = false;
};

TEST_F(CommandQueueTest, BoundsCountUntilTheReply) {
  EXPECT_TRUE(Add("1234"));
  EXPECT_TRUE(wake);
  EXPECT_TRUE(Add("1234"));
  EXPECT_FALSE(wake);
  EXPECT_FALSE(Add("1234")) << "bytes";
  EXPECT_TRUE(Add("1"));
  EXPECT_FALSE(Add("1")) << "commands";
  EXPECT_EQ(Failures("full"), 2);
  EXPECT_EQ(queue.Take().size(), 3u);
  EXPECT_FALSE(Add("1")) << "taken is not answered";
  queue.Left(4);
  EXPECT_TRUE(Add("1"));
  EXPECT_TRUE(wake);
}

TEST_F(CommandQueueTest, DownAndClosedRefuse) {
  queue.SetDown(true);
  EXPECT_FALSE(Add("1"));
  queue.SetDown(false);
  EXPECT_TRUE(Add("1"));
  queue.Close();
  EXPECT_FALSE(Add("1"));
  EXPECT_EQ(Failures("down"), 2);
}

TEST(RespCommandTest, IsBinarySafe) {
  EXPECT_EQ(RespCommand({"SET", std::string_view("a\0b", 3), ""}),
            std::string("*3\r\n$3\r\nSET\r\n$3\r\na\0b\r\n$0\r\n\r\n", 28));
}

}  // namespace
}  // namespace weir
