// The Log contract on Kafka (DESIGN D24).
//
//   kafka://host:port[,host:port][?security=sasl_ssl&ca=/etc/ca.pem&...]
#pragma once

#include "engine/core/registry.h"

namespace weir {

LogType KafkaLogType();

}  // namespace weir
