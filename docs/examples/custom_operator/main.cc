// The `weir` command with one more operator: payments run|test|validate|explain|graph|reference ...
#include "spending_session.h"

int main(int argc, char** argv) {
  return weir::JobMain(argc, argv, [](weir::Registry* registry) {
    return registry->AddOperator(payments::MakeSpendingSessionType());
  });
}
