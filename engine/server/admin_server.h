// The admin service of a running job: gRPC on an address of its own, for weirctl.
#pragma once

#include <memory>
#include <string>

#include "engine/base/status.h"
#include "engine/server/admin_context.h"

namespace weir {

struct AdminServerOptions {
  std::string listen;        // host:port; port 0 = any that is free
  std::string token;         // of ReadAdminToken; "" = none is asked for
  std::string address_file;  // where the bound address is written; "" = nowhere
};

// gRPC brings its own threads; they reach the job through JobControl only.
class AdminServer {
 public:
  // kAdminListen if it cannot listen there.
  static StatusOr<std::unique_ptr<AdminServer>> Start(const AdminServerOptions& options,
                                                      const AdminContext& context);
  // As Shutdown.
  virtual ~AdminServer() = default;

  virtual const std::string& address() const = 0;  // with the real port
  // Calls that wait for a job which has ended get their answer; the others are cut after a grace
  // period. Before the job's last call, because calls look at it.
  virtual void Shutdown() = 0;
};

}  // namespace weir
