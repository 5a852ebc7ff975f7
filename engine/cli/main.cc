// The stock binary: everything that Weir ships, nothing added.
#include <weir/weir.h>

int main(int argc, char** argv) { return weir::JobMain(argc, argv); }
