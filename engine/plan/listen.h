// Addresses to listen at, as topologies and flags write them.
#pragma once

#include <string>
#include <string_view>

namespace weir {

// "127.0.0.1:9464", "[::1]:0", "localhost:9464"; false if it is none.
bool SplitListen(std::string_view text, std::string* host, int* port);
// Can the host be reached from this machine only?
bool IsLoopbackHost(std::string_view host);

}  // namespace weir
