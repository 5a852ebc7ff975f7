// Brokers that do not accept who we are, or whom we do not accept: asking again does not help.
#pragma once

#include <string>

#include "connectors/kafka/settings.h"

namespace weir::kafka {

// `code` and `reason` as librdkafka's error callback gives them.
bool IsRefusal(rd_kafka_resp_err_t code, const std::string& reason);
// Names what the URL says about it, which holds no secret. kConfigBadValue.
Status RefusalError(const Settings& settings, rd_kafka_resp_err_t code, const std::string& reason);

}  // namespace weir::kafka
