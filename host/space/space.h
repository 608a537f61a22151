/* space.h - what the files of this room share. */
#ifndef NAS_SPACE_SPACE_H
#define NAS_SPACE_SPACE_H

#include <clnas/space.h>

#define NAS_SPACE(name) extern const nas_space nas__space_##name;
#include "space_list.h"
#undef NAS_SPACE

/* Canonical form in place; false when the row is not valid.  The message is not for people. */
bool nas__domain_settle(const nas_domain *domain, nas_arch *arch);

#endif
