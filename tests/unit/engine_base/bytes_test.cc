#include "engine/base/bytes.h"

#include <gtest/gtest.h>

#include <limits>

namespace weir {
namespace {

TEST(BytesTest, RoundTripOfEverything) {
  std::string out;
  PutFixed32(&out, 0xdeadbeef);
  PutFixed64(&out, UINT64_MAX);
  PutBigEndian16(&out, 0x0102);
  PutBigEndian32(&out, 0x01020304);
  PutBigEndian64(&out, 0x0102030405060708);
  PutBytes(&out, std::string_view("a\0b", 3));
  PutSigned(&out, std::numeric_limits<int64_t>::min());
  PutSigned(&out, std::numeric_limits<int64_t>::max());

  ByteReader reader(out);
  EXPECT_EQ(reader.Fixed32(), 0xdeadbeefu);
  EXPECT_EQ(reader.Fixed64(), UINT64_MAX);
  EXPECT_EQ(reader.BigEndian16(), 0x0102);
  EXPECT_EQ(reader.BigEndian32(), 0x01020304u);
  EXPECT_EQ(reader.BigEndian64(), 0x0102030405060708u);
  EXPECT_EQ(reader.Bytes(), std::string_view("a\0b", 3));
  EXPECT_EQ(reader.Signed(), std::numeric_limits<int64_t>::min());
  EXPECT_EQ(reader.Signed(), std::numeric_limits<int64_t>::max());
  EXPECT_TRUE(reader.ok());
  EXPECT_TRUE(reader.AtEnd());
}

TEST(BytesTest, LayoutIsFixed) {
  std::string out;
  PutFixed32(&out, 1);
  PutBigEndian32(&out, 1);
  PutVarint(&out, 300);
  PutSigned(&out, -1);
  EXPECT_EQ(out, std::string("\x01\0\0\0\0\0\0\x01\xac\x02\x01", 11));
}

TEST(BytesTest, VarintAtEveryWidth) {
  for (int bits = 0; bits <= 64; ++bits) {
    const uint64_t v = bits == 64 ? UINT64_MAX : (uint64_t{1} << bits) - 1;
    std::string out;
    PutVarint(&out, v);
    ByteReader reader(out);
    EXPECT_EQ(reader.Varint(), v);
    EXPECT_TRUE(reader.ok() && reader.AtEnd()) << bits;
  }
}

TEST(BytesTest, OverlongVarintIsRefused) {
  const std::string too_large = std::string(9, '\xff') + '\x02';  // 65 bits
  ByteReader reader(too_large);
  EXPECT_EQ(reader.Varint(), 0u);
  EXPECT_FALSE(reader.ok());
  const std::string endless(11, '\x80');
  ByteReader endless_reader(endless);
  endless_reader.Varint();
  EXPECT_FALSE(endless_reader.ok());
}

TEST(BytesTest, EveryTruncationFailsAndStaysFailed) {
  std::string out;
  PutVarint(&out, 1000);
  PutBytes(&out, "hello");
  PutFixed64(&out, 1);
  for (size_t size = 0; size < out.size(); ++size) {
    ByteReader reader(std::string_view(out).substr(0, size));
    reader.Varint();
    reader.Bytes();
    reader.Fixed64();
    EXPECT_FALSE(reader.ok()) << size;
    EXPECT_EQ(reader.Raw(0), "");
    EXPECT_FALSE(reader.ok());
  }
}

TEST(BytesTest, HugeLengthDoesNotOverflow) {
  std::string out;
  PutVarint(&out, UINT64_MAX);
  ByteReader reader(out);
  EXPECT_EQ(reader.Bytes(), "");
  EXPECT_FALSE(reader.ok());
}

}  // namespace
}  // namespace weir
