// The public API of Weir in one header. A user's program is one main:
//
//   #include <weir/weir.h>
//   int main(int argc, char** argv) {
//     return weir::JobMain(argc, argv, [](weir::Registry* registry) {
//       return registry->AddOperator(MakeMyOperatorType());
//     });
//   }
//
// It then is the `weir` command with that operator added: `mymain run job.yaml`.
#pragma once

#include <functional>

#include "engine/api/operator_plan.h"
#include "engine/api/record.h"
#include "engine/api/record_reader.h"
#include "engine/api/record_writer.h"
#include "engine/api/state_struct.h"
#include "engine/base/status.h"
#include "engine/core/codec.h"
#include "engine/core/operator.h"
#include "engine/core/registry.h"
#include "engine/core/state.h"
#include "engine/expr/program.h"
#include "engine/model/record_batch.h"
#include "engine/model/value.h"

namespace weir {

// Adds the program's own operators, formats and logs to what Weir ships. A name that exists already
// is an error.
using AddRegistrations = std::function<Status(Registry*)>;

// Runs the command line; returns the process's exit status: 0 = fine, 1 = the job or command
// failed, 2 = wrong usage, 78 = the topology is wrong.
int JobMain(int argc, char** argv, const AddRegistrations& add = nullptr);

}  // namespace weir
