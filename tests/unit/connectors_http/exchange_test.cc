#include "connectors/http/exchange.h"

#include <gtest/gtest.h>

namespace weir {
namespace {

int Refused(void (*change)(HttpRequest*)) {
  HttpRequest request;
  request.url = "http://127.0.0.1/";
  change(&request);
  return ErrorNumber(Exchange::Check(request));
}

TEST(ExchangeTest, RefusesWhatCouldSmuggle) {
  EXPECT_EQ(Refused([](HttpRequest*) {}), 0);
  EXPECT_EQ(Refused([](HttpRequest* r) { r->url = "file:///etc/passwd"; }), 1012);
  EXPECT_EQ(Refused([](HttpRequest* r) { r->url = "http://a/\r\nX: 1"; }), 1012);
  EXPECT_EQ(Refused([](HttpRequest* r) { r->method = "GET /"; }), 1012);
  EXPECT_EQ(Refused([](HttpRequest* r) { r->headers = {{"X", "a\nY: b"}}; }), 1012);
  EXPECT_EQ(Refused([](HttpRequest* r) { r->headers = {{"X: y", "a"}}; }), 1012);
  EXPECT_EQ(Refused([](HttpRequest* r) { r->timeout_ms = 0; }), 7021);
}

}  // namespace
}  // namespace weir
