/* value_private.h - what the files about values share inside the room. */
#ifndef NAS_BASE_VALUE_PRIVATE_H
#define NAS_BASE_VALUE_PRIVATE_H

#include <clnas/base.h>

enum { NAS_PLACE_SIZE = 320 };

/* "quickstart.cfg:12: ", "quickstart.cfg: " or "": the front of a message.  Returns `place`. */
const char *nas__place(const char *file, int line, char place[NAS_PLACE_SIZE]);
/* The shortest decimal that reads back equal, always recognisable as a real. */
void nas__real_write(double real, nas_text *text);
void nas__text_write(const char *string, nas_text *text); /* quoted and escaped */
/* An option's default into its field; nothing where it has none. */
nas_status nas__option_default(const nas_option *option, void *instance);

#endif
