// What went wrong at a model's endpoint -> the numbered error that says who may try again.
#pragma once

#include "engine/base/http_client.h"
#include "engine/base/status.h"

namespace weir {

// Of an exchange that gave no response.
Status FromHttpError(const Status& status);
// Of a response; OK for 200. Retry-After (seconds) and retry-after-ms become RetryAfterMs, at most
// an hour. The endpoint's own words are shown, but not those about credentials.
Status FromHttpStatus(const HttpResponse& response);

}  // namespace weir
