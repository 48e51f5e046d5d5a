#include "tenon.h"

char *tn_link_text_part(char **text) {
  char *part = *text, *to = part, *from = part;
  if (part == NULL) return NULL;
  while (*from != '\0' && *from != ';') {
    if (from[0] == '\\' && (from[1] == ';' || from[1] == '\\')) from++;
    *to++ = *from++;
  }
  *text = *from == ';' ? from + 1 : NULL;
  *to = '\0';
  return part;
}
