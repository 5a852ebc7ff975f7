// What a card spends until it pauses: one row a session, and at once the payments that stand out.
#pragma once

#include <weir/weir.h>

#include <string_view>

namespace payments {

// [records]
// The operator's input. A member is bound to the field of its name; views are no copies.
struct Transaction {
  int64_t id = 0;
  std::string_view card;
  double amount = 0;
  weir::Timestamp at;
};
WEIR_RECORD(Transaction, id, card, amount, at);

// Its default output.
struct Session {
  std::string_view card;
  int64_t payments = 0;
  double total = 0;
  weir::Timestamp from;
  weir::Timestamp until;
};
WEIR_RECORD(Session, card, payments, total, from, until);

// Its side output 'suspects'.
struct Suspect {
  int64_t id = 0;
  std::string_view card;
  double amount = 0;
  double mean = 0;  // of the session before this payment
};
WEIR_RECORD(Suspect, id, card, amount, mean);
// [records]

weir::OperatorType MakeSpendingSessionType();

}  // namespace payments
