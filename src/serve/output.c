#include "serve/output.h"

#include <string.h>

#include "base/alloc.h"

static void log_line(tn_lines *output, int stream, tn_str line) {
  if (line.len > 0 && line.data[line.len - 1] == '\r') line.len--;
  tn_log_write_output(output->log, output->component, output->id, stream, line);
}

static void log_kept(tn_lines *output, int stream) {
  log_line(output, stream, (tn_str){output->lines[stream - 1], output->used[stream - 1]});
  output->used[stream - 1] = 0;
}

/* Keeps a part of a line that has no end yet. */
static void keep(tn_lines *output, int stream, const char *bytes, size_t size) {
  char **line = &output->lines[stream - 1];
  uint32_t *used = &output->used[stream - 1];
  if (*line == NULL && (*line = tn_malloc(TN_OUTPUT_LINE)) == NULL) return;
  while (size > 0) {
    size_t part = TN_OUTPUT_LINE - *used < size ? TN_OUTPUT_LINE - *used : size;
    memcpy(*line + *used, bytes, part);
    *used += (uint32_t)part;
    bytes += part;
    size -= part;
    if (*used == TN_OUTPUT_LINE) log_kept(output, stream);
  }
}

/* A whole line, whose beginning may have been kept. */
static void take_line(tn_lines *output, int stream, const char *bytes, size_t size) {
  if (output->used[stream - 1] > 0 || size > TN_OUTPUT_LINE) {
    keep(output, stream, bytes, size);
    if (output->used[stream - 1] > 0) log_kept(output, stream);
  } else {
    log_line(output, stream, (tn_str){bytes, size});
  }
}

void tn_lines_write(tn_lines *output, int stream, const uint8_t *bytes, size_t size) {
  const char *text = (const char *)bytes;
  while (size > 0) {
    const char *end = memchr(text, '\n', size);
    if (end == NULL) break;
    take_line(output, stream, text, (size_t)(end - text));
    size -= (size_t)(end - text) + 1;
    text = end + 1;
  }
  keep(output, stream, text, size);
}

void tn_lines_flush(tn_lines *output) {
  for (int stream = 1; stream <= 2; stream++)
    if (output->used[stream - 1] > 0) log_kept(output, stream);
}

void tn_lines_free(tn_lines *output) {
  tn_lines_flush(output);
  for (int i = 0; i < 2; i++) {
    tn_free(output->lines[i]);
    output->lines[i] = NULL;
  }
}
