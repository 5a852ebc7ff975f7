/* Keeps our instrumented copies of standard library templates private to the executable. Without this, Debian's
   uninstrumented libraries bind to them and ThreadSanitizer reports races that are not there. */
{ local: _ZNSt*; _ZNKSt*; _ZSt*; _ZTSSt*; _ZN9__gnu_cxx*; };
