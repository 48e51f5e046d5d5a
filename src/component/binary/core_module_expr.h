/* Constant expressions in core modules, which initialise globals and tables. */
#ifndef TN_COMPONENT_CORE_MODULE_EXPR_H
#define TN_COMPONENT_CORE_MODULE_EXPR_H

#include "component/binary/reader.h"

/* Steps over one, up to and with its `end`, to find where it ends; its types are not checked. */
tn_error *tn_core_skip_constant_expression(tn_reader *in);

#endif
