// WEIR_FOR_EACH(macro, arg, a, b, c) -> macro(arg, a), macro(arg, b), macro(arg, c); up to 256
// items. What WEIR_RECORD and WEIR_STATE are made of.
#pragma once

#define WEIR_FE_PARENS ()
#define WEIR_FE_4(...) __VA_ARGS__
#define WEIR_FE_3(...) WEIR_FE_4(WEIR_FE_4(WEIR_FE_4(WEIR_FE_4(__VA_ARGS__))))
#define WEIR_FE_2(...) WEIR_FE_3(WEIR_FE_3(WEIR_FE_3(WEIR_FE_3(__VA_ARGS__))))
#define WEIR_FE_1(...) WEIR_FE_2(WEIR_FE_2(WEIR_FE_2(WEIR_FE_2(__VA_ARGS__))))
#define WEIR_FE_EXPAND(...) WEIR_FE_1(WEIR_FE_1(WEIR_FE_1(WEIR_FE_1(__VA_ARGS__))))

#define WEIR_FE_STEP(macro, arg, a, ...) \
  macro(arg, a) __VA_OPT__(, WEIR_FE_AGAIN WEIR_FE_PARENS(macro, arg, __VA_ARGS__))
#define WEIR_FE_AGAIN() WEIR_FE_STEP
#define WEIR_FOR_EACH(macro, arg, ...) \
  __VA_OPT__(WEIR_FE_EXPAND(WEIR_FE_STEP(macro, arg, __VA_ARGS__)))
