// select { fields: { name: CEL or field name, ... } }: makes the rows of a new schema.
//
// Ports: "" = the new rows; "errors" = input rows on which an expression failed, as they came. A
// plain field name keeps the field's type and may be of any type; an expression gives a nullable
// field of the expression's type, which must be a static primitive one. Event time, origin and key
// travel along unseen.
#pragma once

#include "engine/core/registry.h"

namespace weir {

OperatorType MakeSelectType();

}  // namespace weir
