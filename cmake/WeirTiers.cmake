# Reads cmake/tiers.txt into WEIR_FOLDERS (in order), WEIR_TIER_<folder> and WEIR_ALLOWED ("<from>><to>" pairs).

set(WEIR_FOLDERS "")
set(WEIR_ALLOWED "")
set_property(DIRECTORY ${CMAKE_SOURCE_DIR} APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS cmake/tiers.txt)
file(STRINGS ${CMAKE_SOURCE_DIR}/cmake/tiers.txt lines REGEX "^[a-z]")
foreach(line IN LISTS lines)
  if(line MATCHES "^allow +([a-z_/]+) +([a-z_/]+)$")
    list(APPEND WEIR_ALLOWED "${CMAKE_MATCH_1}>${CMAKE_MATCH_2}")
  elseif(line MATCHES "^([a-z_/]+) +([0-9])$")
    list(APPEND WEIR_FOLDERS ${CMAKE_MATCH_1})
    set(WEIR_TIER_${CMAKE_MATCH_1} ${CMAKE_MATCH_2})
  else()
    message(FATAL_ERROR "cmake/tiers.txt: cannot read the line '${line}'")
  endif()
endforeach()

# Stops the configure run if `from` may not use `to`.
function(weir_check_tier from to)
  foreach(folder ${from} ${to})
    if(NOT DEFINED WEIR_TIER_${folder})
      message(FATAL_ERROR "${from} -> ${to}: ${folder} is not in cmake/tiers.txt")
    endif()
  endforeach()
  if(NOT WEIR_TIER_${to} LESS WEIR_TIER_${from} AND NOT "${from}>${to}" IN_LIST WEIR_ALLOWED)
    message(FATAL_ERROR
      "${from} (tier ${WEIR_TIER_${from}}) must not use ${to} (tier ${WEIR_TIER_${to}}): "
      "a folder uses lower tiers only (cmake/tiers.txt, DESIGN section 4)")
  endif()
endfunction()

# engine/base -> weir_engine_base
function(weir_target_name folder result)
  string(REPLACE "/" "_" name ${folder})
  set(${result} weir_${name} PARENT_SCOPE)
endfunction()
