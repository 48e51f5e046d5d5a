/* Heads of HTTP/1.1 messages, to bytes. */
#include <assert.h>
#include <stdio.h>
#include <time.h>

#include "http/http1/http1.h"

static bool is_left_out(const tn_http_field *field) {
  switch (field->name.len) {
  case 2:
    return tn_http_name_equal(field->name, TN_STR("te")) &&
           !tn_http_name_equal(field->value, TN_STR("trailers"));
  case 4:
    return tn_http_name_equal(field->name, TN_STR("host"));
  case 14:
    if (tn_http_name_equal(field->name, TN_STR("content-length"))) return true;
    break;
  default:
    break;
  }
  return tn_http_is_hop_by_hop(field->name);
}

/* Reserves once, so that the appends of a line are plain copies. */
static void write_field(tn_buffer *out, const tn_http_field *field) {
  assert(tn_http_is_field_name(field->name) && tn_http_is_field_value(field->value));
  size_t size = field->name.len + field->value.len + 4;
  if (!tn_buffer_reserve(out, size)) return;
  char *at = out->data + out->len;
  memcpy(at, field->name.data, field->name.len);
  at += field->name.len;
  *at++ = ':';
  *at++ = ' ';
  if (field->value.len > 0) memcpy(at, field->value.data, field->value.len);
  at += field->value.len;
  *at++ = '\r';
  *at++ = '\n';
  out->len += size;
}

void tn_http1_write_fields(tn_buffer *out, const tn_http_fields *fields) {
  for (uint32_t i = 0; i < fields->count; i++) {
    if (!is_left_out(&fields->items[i])) write_field(out, &fields->items[i]);
  }
}

void tn_http1_write_request_head(tn_buffer *out, const tn_http_request *request,
                                 bool absolute_target) {
  tn_buffer_append_str(out, request->method);
  tn_buffer_append_byte(out, ' ');
  if (tn_str_equal(request->method, TN_STR("CONNECT"))) {
    tn_buffer_append_str(out, request->authority);
  } else {
    if (absolute_target) {
      tn_buffer_append_str(out, request->scheme);
      tn_buffer_append_text(out, "://");
      tn_buffer_append_str(out, request->authority);
    }
    /* RFC 9112 3.2.4: "OPTIONS *" has no path when it goes through a proxy. */
    bool is_asterisk = tn_str_equal(request->path, TN_STR("*"));
    if (!absolute_target || !is_asterisk) tn_buffer_append_str(out, request->path);
  }
  tn_buffer_append_text(out, " HTTP/1.1\r\nHost: ");
  tn_buffer_append_str(out, request->authority);
  tn_buffer_append_text(out, "\r\n");
  tn_http1_write_fields(out, &request->fields);
}

void tn_http1_write_response_head(tn_buffer *out, const tn_http_response *response) {
  assert(response->status >= 100 && response->status <= 999);
  if (response->status == 200) {
    tn_buffer_append_text(out, "HTTP/1.1 200 OK\r\n");
  } else {
    char line[] = "HTTP/1.1 000 ";
    line[9] = (char)('0' + response->status / 100);
    line[10] = (char)('0' + response->status / 10 % 10);
    line[11] = (char)('0' + response->status % 10);
    tn_buffer_append(out, line, sizeof line - 1);
    tn_buffer_append_text(out, tn_http_reason_phrase(response->status));
    tn_buffer_append_text(out, "\r\n");
  }
  tn_http1_write_fields(out, &response->fields);
}

const char *tn_http_reason_phrase(int status) {
  switch (status) {
  case 100:
    return "Continue";
  case 101:
    return "Switching Protocols";
  case 102:
    return "Processing";
  case 103:
    return "Early Hints";
  case 200:
    return "OK";
  case 201:
    return "Created";
  case 202:
    return "Accepted";
  case 203:
    return "Non-Authoritative Information";
  case 204:
    return "No Content";
  case 205:
    return "Reset Content";
  case 206:
    return "Partial Content";
  case 207:
    return "Multi-Status";
  case 208:
    return "Already Reported";
  case 226:
    return "IM Used";
  case 300:
    return "Multiple Choices";
  case 301:
    return "Moved Permanently";
  case 302:
    return "Found";
  case 303:
    return "See Other";
  case 304:
    return "Not Modified";
  case 305:
    return "Use Proxy";
  case 307:
    return "Temporary Redirect";
  case 308:
    return "Permanent Redirect";
  case 400:
    return "Bad Request";
  case 401:
    return "Unauthorized";
  case 402:
    return "Payment Required";
  case 403:
    return "Forbidden";
  case 404:
    return "Not Found";
  case 405:
    return "Method Not Allowed";
  case 406:
    return "Not Acceptable";
  case 407:
    return "Proxy Authentication Required";
  case 408:
    return "Request Timeout";
  case 409:
    return "Conflict";
  case 410:
    return "Gone";
  case 411:
    return "Length Required";
  case 412:
    return "Precondition Failed";
  case 413:
    return "Content Too Large";
  case 414:
    return "URI Too Long";
  case 415:
    return "Unsupported Media Type";
  case 416:
    return "Range Not Satisfiable";
  case 417:
    return "Expectation Failed";
  case 418:
    return "I'm a teapot";
  case 421:
    return "Misdirected Request";
  case 422:
    return "Unprocessable Content";
  case 423:
    return "Locked";
  case 424:
    return "Failed Dependency";
  case 425:
    return "Too Early";
  case 426:
    return "Upgrade Required";
  case 428:
    return "Precondition Required";
  case 429:
    return "Too Many Requests";
  case 431:
    return "Request Header Fields Too Large";
  case 451:
    return "Unavailable For Legal Reasons";
  case 500:
    return "Internal Server Error";
  case 501:
    return "Not Implemented";
  case 502:
    return "Bad Gateway";
  case 503:
    return "Service Unavailable";
  case 504:
    return "Gateway Timeout";
  case 505:
    return "HTTP Version Not Supported";
  case 506:
    return "Variant Also Negotiates";
  case 507:
    return "Insufficient Storage";
  case 508:
    return "Loop Detected";
  case 510:
    return "Not Extended";
  case 511:
    return "Network Authentication Required";
  default:
    return "";
  }
}

/* Not strftime, whose names depend on the locale. */
tn_str tn_http_date(char room[32], int64_t now) {
  static const char days[] = "SunMonTueWedThuFriSat";
  static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
  time_t seconds = (time_t)now;
  struct tm parts;
  gmtime_r(&seconds, &parts);
  int length = snprintf(room, 32, "%.3s, %02d %.3s %04d %02d:%02d:%02d GMT",
                        days + 3 * parts.tm_wday, parts.tm_mday, months + 3 * parts.tm_mon,
                        parts.tm_year + 1900, parts.tm_hour, parts.tm_min, parts.tm_sec);
  return (tn_str){room, length > 31 ? 31 : (size_t)length};
}
