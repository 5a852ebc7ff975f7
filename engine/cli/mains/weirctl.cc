// The operators' tool: asks a running job, and looks at what a stopped one left behind.
#include "engine/cli/ctl.h"

int main(int argc, char** argv) { return weir::CtlMain(argc, argv); }
