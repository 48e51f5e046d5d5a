/* Hostile and odd HTTP/1.1 requests, sent raw over loopback, with the right answer to each and why it is
 * right. After those that leave the connection usable a probe is sent: it must be understood as what it is,
 * so that nothing of the odd request was taken for another one, or left over. */
#include "http_fixture.h"

typedef struct hostile {
  const char *why;
  const char *bytes;
  size_t size;
  const char *statuses; /* of all answers, probe included */
  const char *contains; /* somewhere in the answers; NULL: nothing in particular */
  bool is_kept;         /* the connection goes on: a probe follows */
} hostile;

#define RAW(literal) (literal), sizeof(literal) - 1
#define REFUSED(status, bytes, why)                                                                \
  { why, RAW(bytes), #status, NULL, false }
#define KEPT(contains, bytes, why)                                                                 \
  { why, RAW(bytes), "200 200", contains, true }
#define CLOSED(contains, bytes, why)                                                               \
  { why, RAW(bytes), "200", contains, false }

#define POST(fields, body) "POST /p HTTP/1.1\r\nHost: h\r\n" fields "\r\n\r\n" body
#define CHUNKED(body)      POST("Transfer-Encoding: chunked", body)
#define GET(fields)        "GET /g HTTP/1.1\r\nHost: h\r\n" fields "\r\n"
#define TARGET(line)       line " HTTP/1.1\r\nHost: h\r\n\r\n"
#define TEN(text)          text text text text text text text text text text

static const hostile table[] = {
    /* Framing (RFC 9112 6): what two readers could frame differently is refused. */
    REFUSED(400, POST("Content-Length: 5\r\nContent-Length: 6", "hello!"), "two lengths"),
    REFUSED(400, POST("Content-Length: 5\r\nContent-Length: 5", "hello"), "the same length twice"),
    REFUSED(400, POST("Content-Length: 5, 5", "hello"), "a list of lengths"),
    REFUSED(400, POST("Content-Length: 5,6", "hello"), "a list of different lengths"),
    REFUSED(400, POST("Content-Length: +5", "hello"), "a sign is no digit"),
    REFUSED(400, POST("Content-Length: -5", "hello"), "a negative length"),
    REFUSED(400, POST("Content-Length: 0x5", "hello"), "a length is decimal"),
    REFUSED(400, POST("Content-Length: 5 5", "hello"), "two numbers"),
    REFUSED(400, POST("Content-Length: 5.0", "hello"), "a fraction"),
    REFUSED(400, POST("Content-Length: \"5\"", "hello"), "a quoted length"),
    REFUSED(400, POST("Content-Length:", "hello"), "an empty length"),
    REFUSED(400, POST("Content-Length: 18446744073709551621", "hello"), "a length that wraps to 5"),
    REFUSED(400, POST("Content-Length: 9223372036854775808", ""), "a length beyond 63 bits"),
    REFUSED(400, POST("Content-Length: 5\r\nTransfer-Encoding: chunked", "0\r\n\r\n"), "CL.TE"),
    REFUSED(400, POST("Transfer-Encoding: chunked\r\nContent-Length: 5", "0\r\n\r\n"), "TE.CL"),
    REFUSED(400, POST("Transfer-Encoding: chunked\r\nContent-Length: 0", "0\r\n\r\n"),
            "TE.CL with 0"),
    REFUSED(400, POST("Transfer-Encoding: ,", "0\r\n\r\n"), "no coding at all"),
    REFUSED(400, POST("Transfer-Encoding: chunked, chunked", "0\r\n\r\n"), "chunked twice"),
    REFUSED(400, POST("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked", "0\r\n\r\n"),
            "TE.TE"),
    REFUSED(400, POST("Transfer-Encoding: chunked\r\nTransfer-Encoding: identity", "0\r\n\r\n"),
            "TE.TE, one of them unknown"),
    REFUSED(400, POST("Transfer-Encoding: identity", "hello"), "chunked must be the last coding"),
    REFUSED(400, POST("Transfer-Encoding: chunked, gzip", "0\r\n\r\n"),
            "chunked is not the last coding"),
    REFUSED(400, POST("Transfer-Encoding: xchunked", "0\r\n\r\n"), "almost chunked"),
    REFUSED(400, POST("Transfer-Encoding: \"chunked\"", "0\r\n\r\n"), "quoted chunked"),
    REFUSED(400, POST("Transfer-Encoding: chunked;q=1", "0\r\n\r\n"), "chunked has no parameters"),
    REFUSED(400, POST("Transfer-Encoding: ", "0\r\n\r\n"), "an empty coding"),
    REFUSED(400, POST("Transfer-Encoding: \vchunked", "0\r\n\r\n"), "VT is no blank"),
    REFUSED(501, POST("Transfer-Encoding: gzip, chunked", "0\r\n\r\n"),
            "a coding that is not known"),
    REFUSED(400, "POST /p HTTP/1.0\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
            "HTTP/1.0 knows no coding"),
    KEPT("<POST h /p hello>", POST("Transfer-Encoding: CHUNKED", "5\r\nhello\r\n0\r\n\r\n"),
         "codings have no case"),
    KEPT("<POST h /p hello>", POST("Content-Length: 005", "hello"), "leading zeros are digits"),
    KEPT("<POST h /p hello>", POST("Content-Length: \t 5 \t", "hello"), "blanks around a value"),
    KEPT("<POST h /p >", POST("Content-Length: 0", ""), "no bytes at all"),
    KEPT("<GET h /g >", GET(""), "no framing: no body"),
    KEPT("<GET h /g body>", GET("Content-Length: 4\r\n") "body", "GET may have a body"),

    /* Lines (RFC 9112 2.2, 5). */
    REFUSED(400, "GET /g HTTP/1.1\nHost: h\n\n", "bare LF everywhere"),
    REFUSED(400, "GET /g HTTP/1.1\nHost: h\r\n\r\n", "bare LF behind the request line"),
    REFUSED(400, "GET /g HTTP/1.1\r\nHost: h\nA: b\r\n\r\n", "bare LF behind a field"),
    REFUSED(400, "GET /g HTTP/1.1\r\nHost: h\r\n\n", "bare LF as the empty line"),
    REFUSED(400, GET("A: b\rC: d\r\n"), "bare CR in a value"),
    REFUSED(400, GET("A: b\r\r\n"), "two CRs"),
    REFUSED(400, "GET /g HTTP/1.1\r\r\nHost: h\r\n\r\n", "two CRs behind the request line"),
    REFUSED(400, GET("A: b\r\n c\r\n"), "a folded line"),
    REFUSED(400, GET("A: b\r\n\tc\r\n"), "a line folded by a tab"),
    REFUSED(400, "GET /g HTTP/1.1\r\n Host: h\r\n\r\n", "a blank before the first field"),
    REFUSED(400, GET("A : b\r\n"), "a blank before the colon"),
    REFUSED(400, GET("A\t: b\r\n"), "a tab before the colon"),
    REFUSED(400, POST("Content-Length : 5", "hello"), "a length hidden by a blank"),
    REFUSED(400, POST("Transfer-Encoding : chunked", "0\r\n\r\n"), "a coding hidden by a blank"),
    REFUSED(400, GET(": b\r\n"), "a field without a name"),
    REFUSED(400, GET("nonsense\r\n"), "a field without a colon"),
    REFUSED(400, GET("A(b): c\r\n"), "a parenthesis in a name"),
    REFUSED(400, GET("A\xc3\xa4: c\r\n"), "a name beyond ASCII"),
    REFUSED(400, GET("A\0: c\r\n"), "NUL in a name"),
    REFUSED(400, GET("A: b\0c\r\n"), "NUL in a value"),
    REFUSED(400, GET("A: b\x7f\r\n"), "DEL in a value"),
    REFUSED(400, GET("A: b\x1b[0m\r\n"), "an escape sequence in a value"),
    KEPT("<GET h /g >", GET("A: \xc3\xa4\r\n"), "obs-text in a value"),
    KEPT("<GET h /g >", GET("A:\r\nB:   \r\n"), "empty values"),
    KEPT("<GET h /g >", "\r\n\r\n" GET(""), "empty lines before a request are skipped"),
    REFUSED(400, TEN("\r\n") GET(""), "but not any number of them"),
    REFUSED(400, "\n" GET(""), "an empty line is CRLF"),
    REFUSED(400, " " GET(""), "a blank before the method"),

    /* The request line (RFC 9112 3). */
    REFUSED(400, TARGET("GET  /g"), "two blanks"),
    REFUSED(400, TARGET("GET\t/g"), "a tab"),
    REFUSED(400, TARGET("GET /g x"), "a blank within the target"),
    REFUSED(400, "GET /g HTTP/1.1 \r\nHost: h\r\n\r\n", "a blank behind the version"),
    REFUSED(400, "GET /g\r\nHost: h\r\n\r\n", "no version: HTTP/0.9"),
    REFUSED(400, "GET\r\nHost: h\r\n\r\n", "no target"),
    REFUSED(400, "GET  HTTP/1.1\r\nHost: h\r\n\r\n", "an empty target"),
    REFUSED(400, "GET /g http/1.1\r\nHost: h\r\n\r\n", "the version's name has a case"),
    REFUSED(400, "GET /g HTTP/1\r\nHost: h\r\n\r\n", "half a version"),
    REFUSED(400, "GET /g HTTP/1.10\r\nHost: h\r\n\r\n", "a minor version of two digits"),
    REFUSED(400, "GET /g HTTPS/1.1\r\nHost: h\r\n\r\n", "another protocol"),
    REFUSED(505, "GET /g HTTP/2.0\r\nHost: h\r\n\r\n", "HTTP/2 in a line"),
    REFUSED(505, "GET /g HTTP/0.9\r\nHost: h\r\n\r\n", "too old"),
    REFUSED(505, "GET /g HTTP/3.0\r\nHost: h\r\n\r\n", "too new"),
    KEPT("<GET h /g >", "GET /g HTTP/1.2\r\nHost: h\r\n\r\n",
         "a later minor version is 1.1 (RFC 9110 2.5)"),
    REFUSED(400, "G(T /g HTTP/1.1\r\nHost: h\r\n\r\n", "a method that is no token"),
    REFUSED(400, "\x16\x03\x01\x02\x00\x01",
            "TLS on a plain port: refused before a line is complete"),
    REFUSED(400, "\x80\x2e\x01\x00\x02", "SSL 2 on a plain port"),
    REFUSED(400, TARGET("GET /a#b"), "a fragment is not sent"),
    REFUSED(400, TARGET("GET /\xc3\xa4"), "a target beyond ASCII"),
    REFUSED(400,
            TARGET("GET /a\x01"
                   "b"),
            "a control character in the target"),
    REFUSED(400, TARGET("GET g"), "a target without a slash"),
    REFUSED(400, TARGET("GET ?a"), "only a query"),
    KEPT("<GET h /../a//b?c=%00&d >", TARGET("GET /../a//b?c=%00&d"),
         "a path is passed on as it is"),
    KEPT("<PURGE h /g >", TARGET("PURGE /g"), "unknown methods are the handler's"),
    KEPT("<get h /g >", TARGET("get /g"), "methods have a case"),
    KEPT("<GET other:81 /a?b >", TARGET("GET http://other:81/a?b"), "absolute form wins over Host"),
    KEPT("<GET other / >", TARGET("GET HTTP://other"), "absolute form without a path"),
    KEPT("<GET other /?q >", TARGET("GET http://other?q"), "absolute form with only a query"),
    REFUSED(400, TARGET("GET http://user@other/"), "user information (RFC 9110 4.2.4)"),
    REFUSED(400, TARGET("GET http:///a"), "absolute form without a host"),
    REFUSED(400, TARGET("GET http:/a"), "half an absolute form"),
    REFUSED(400, TARGET("GET ftp://other/"), "another scheme"),
    REFUSED(400, "GET http://other/ HTTP/1.1\r\n\r\n", "absolute form needs Host all the same"),
    REFUSED(421, TARGET("GET https://h/"), "https without TLS (RFC 9110 7.4)"),
    KEPT("<OPTIONS h * >", TARGET("OPTIONS *"), "asterisk form"),
    KEPT("<OPTIONS h * >", TARGET("OPTIONS http://h"),
         "asterisk form through a proxy (RFC 9112 3.2.4)"),
    REFUSED(400, TARGET("GET *"), "asterisk form is for OPTIONS"),
    REFUSED(400, TARGET("OPTIONS **"), "two asterisks"),
    REFUSED(501, TARGET("CONNECT h:443"), "no tunnels here"),
    REFUSED(400, TARGET("CONNECT h"), "authority form has a port"),
    REFUSED(400, TARGET("CONNECT /g"), "CONNECT to a path"),
    REFUSED(400, TARGET("GET h:80"), "authority form is for CONNECT"),

    /* Host (RFC 9112 3.2). */
    REFUSED(400, "GET /g HTTP/1.1\r\n\r\n", "no Host"),
    REFUSED(400, GET("Host: h\r\n"), "the same Host twice"),
    REFUSED(400, GET("host: other\r\n"), "two Hosts"),
    REFUSED(400, "GET /g HTTP/1.1\r\nHost: a b\r\n\r\n", "a blank in Host"),
    REFUSED(400, "GET /g HTTP/1.1\r\nHost: a@b\r\n\r\n", "a user in Host"),
    REFUSED(400, "GET /g HTTP/1.1\r\nHost: a/b\r\n\r\n", "a path in Host"),
    REFUSED(400, "GET /g HTTP/1.1\r\nHost: h:\x38p\r\n\r\n", "a port that is no number"),
    REFUSED(400, "GET /g HTTP/1.1\r\nHost: h:65536\r\n\r\n", "a port beyond 16 bits"),
    REFUSED(400, "GET /g HTTP/1.1\r\nHost: h:80:80\r\n\r\n", "two ports"),
    REFUSED(400, "GET /g HTTP/1.1\r\nHost: [::1\r\n\r\n", "half an IPv6 address"),
    REFUSED(400, "GET /g HTTP/1.1\r\nHost: [h]\r\n\r\n", "brackets around a name"),
    REFUSED(400, "GET /g HTTP/1.1\r\nHost: h%zz\r\n\r\n", "a broken escape in Host"),
    KEPT("<GET [::1]:80 /g >", "GET /g HTTP/1.1\r\nHost: [::1]:80\r\n\r\n", "an IPv6 address"),
    KEPT("<GET a_b.c: /g >", "GET /g HTTP/1.1\r\nHost: a_b.c:\r\n\r\n",
         "an underscore and an empty port"),
    KEPT("<GET  /g >", "GET /g HTTP/1.1\r\nHost:\r\n\r\n", "an empty Host (RFC 9112 3.2)"),

    /* Chunks (RFC 9112 7.1). */
    KEPT("<POST h /p hello world>", CHUNKED("5\r\nhello\r\n06\r\n world\r\n0\r\n\r\n"),
         "two chunks"),
    KEPT("<POST h /p 0123456789>", CHUNKED("A\r\n0123456789\r\n0\r\n\r\n"),
         "digits of either case"),
    KEPT("<POST h /p hello>", CHUNKED("5;a=b;c=\"d;e\"\r\nhello\r\n0;z\r\n\r\n"),
         "extensions are ignored"),
    KEPT("<POST h /p hello>", CHUNKED("5 ;a\r\nhello\r\n0\r\n\r\n"), "a blank before an extension"),
    KEPT("<POST h /p hello A=b C=d>", CHUNKED("5\r\nhello\r\n0\r\nA: b\r\nC: d\r\n\r\n"),
         "trailers"),
    KEPT("<POST h /p >", CHUNKED("0\r\n\r\n"), "no chunk but the last"),
    KEPT("<POST h /p hello>", POST("Transfer-Encoding: , chunked ,", "5\r\nhello\r\n0\r\n\r\n"),
         "empty elements of a list are ignored"),
    REFUSED(400, CHUNKED("5\nhello\r\n0\r\n\r\n"), "bare LF behind a size"),
    REFUSED(400, CHUNKED("5\r\nhello\n0\r\n\r\n"), "bare LF behind data"),
    REFUSED(400, CHUNKED("5\rhello\r\n0\r\n\r\n"), "bare CR behind a size"),
    REFUSED(400, CHUNKED("5\r\nhello0\r\n\r\n"), "no CRLF behind data"),
    REFUSED(400, CHUNKED("4\r\nhello\r\n0\r\n\r\n"), "more data than said"),
    REFUSED(400, CHUNKED("\r\nhello\r\n0\r\n\r\n"), "no size"),
    REFUSED(400, CHUNKED(";a\r\nhello\r\n0\r\n\r\n"), "an extension without a size"),
    REFUSED(400, CHUNKED("xyz\r\nhello\r\n0\r\n\r\n"), "a size that is no number"),
    REFUSED(400, CHUNKED("0x5\r\nhello\r\n0\r\n\r\n"), "a size is hexadecimal already"),
    REFUSED(400, CHUNKED("-5\r\nhello\r\n0\r\n\r\n"), "a negative size"),
    REFUSED(400, CHUNKED("+5\r\nhello\r\n0\r\n\r\n"), "a sign"),
    REFUSED(400, CHUNKED(" 5\r\nhello\r\n0\r\n\r\n"), "a blank before a size"),
    REFUSED(400, CHUNKED("5 \r\nhello\r\n0\r\n\r\n"), "a blank behind a size and no extension"),
    REFUSED(400, CHUNKED("5_\r\nhello\r\n0\r\n\r\n"), "a digit separator"),
    REFUSED(400, CHUNKED("10000000000000005\r\nhello\r\n0\r\n\r\n"), "a size that wraps to 5"),
    REFUSED(400, CHUNKED("ffffffffffffffff\r\nhello"), "a size beyond 63 bits"),
    REFUSED(400, CHUNKED("00000000000000005\r\nhello\r\n0\r\n\r\n"), "17 digits"),
    REFUSED(400, CHUNKED("5;a\x01\r\nhello\r\n0\r\n\r\n"), "a control character in an extension"),
    REFUSED(400, CHUNKED("5;a\nhello\r\n0\r\n\r\n"), "bare LF behind an extension"),
    REFUSED(400, CHUNKED("0\r\nContent-Length: 5\r\n\r\n"),
            "framing among trailers (RFC 9110 6.5.1)"),
    REFUSED(400, CHUNKED("0\r\nHost: other\r\n\r\n"), "Host among trailers"),
    REFUSED(400, CHUNKED("0\r\nA : b\r\n\r\n"), "a blank before a trailer's colon"),
    REFUSED(400, CHUNKED("0\r\nA: b\n\n"), "bare LF among trailers"),
    REFUSED(400, CHUNKED("0\r\nA: b\r\n c\r\n\r\n"), "a folded trailer"),

    /* What is no HTTP at all: a client that speaks another protocol would take an answer for something of
     * its own. */
    {"three words without a version", RAW("INVALID CONNECTION PREFACE\r\n\r\n"), "", NULL, false},
    {"as long as the preface of HTTP/2", RAW("PRI * HTTQ-2.0\r\n\r\nSM\r\n\r\n"), "", NULL, false},
    REFUSED(400, "GET /g\r\n\r\n", "HTTP/0.9 has two words"),
    REFUSED(400, "GET /g HTTX\r\n\r\n", "a path and a version that is broken"),
    {"only as the first thing", RAW(GET("") "INVALID CONNECTION PREFACE\r\n\r\n"), "200 400", NULL,
     false},

    /* One request after the other. */
    {"pipelining",
     RAW(GET("") POST("Content-Length: 2", "ab") CHUNKED("1\r\nc\r\n0\r\n\r\n") GET("")),
     "200 200 200 200 200", "<POST h /p c>", true},
    {"a body is not a request",
     RAW(POST("Content-Length: 43", "GET /smuggled HTTP/1.1\r\nHost: h\r\nA: 3456\r\n\r")),
     "200 200", "<POST h /p GET /smuggled", true},
    {"what follows a refusal is not read", RAW(GET("A : b\r\n") GET("")), "400", NULL, false},
    {"a refusal comes after the answers before it", RAW(GET("") GET("A : b\r\n")), "200 400", NULL,
     false},
    CLOSED("<GET h /g >", GET("Connection: close\r\n") GET(""), "nothing follows close"),
    CLOSED("Connection: close", GET("Connection: Keep-Alive, CLOSE\r\n"), "close wins"),
    CLOSED("Connection: close", "GET /g HTTP/1.0\r\n\r\n", "HTTP/1.0 closes, and needs no Host"),
    KEPT("Connection: keep-alive", "GET /g HTTP/1.0\r\nHost: h\r\nConnection: keep-alive\r\n\r\n",
         "HTTP/1.0 that goes on"),
    REFUSED(400, "GET /g HTTP/1.0\r\nHost: a\r\nHost: b\r\n\r\n", "two Hosts in HTTP/1.0"),
    CLOSED("Connection: close", "GET /pour/10 HTTP/1.0\r\n\r\n",
           "HTTP/1.0 with a body of unknown length"),
    REFUSED(400, GET("Connection: a b\r\n"), "a connection option is a token"),
    REFUSED(400, GET("Connection: " TEN("a,b,c,d,") "e\r\n"), "too many connection options"),
    KEPT("<GET h /g >", GET("Connection: , ,\r\n"), "empty list elements (RFC 9110 5.6.1)"),
    KEPT("<GET h /g >",
         GET("Upgrade: h2c\r\nHTTP2-Settings: AAAA\r\nConnection: Upgrade, HTTP2-Settings\r\n"),
         "an upgrade need not be taken (RFC 9110 7.8)"),
    {"HTTP/2 without a preface", RAW("PRI * HTTP/1.1\r\nHost: h\r\n\r\n"), "400", NULL, false},

    /* Expectations (RFC 9110 10.1.1). */
    {"100 before a body that is read", RAW(POST("Content-Length: 2\r\nExpect: 100-continue", "ab")),
     "100 200 200", "<POST h /p ab>", true},
    {"100 before chunks",
     RAW(POST("Transfer-Encoding: chunked\r\nExpect: 100-continue", "1\r\na\r\n0\r\n\r\n")),
     "100 200 200", "<POST h /p a>", true},
    KEPT("<POST h /p >", POST("Content-Length: 0\r\nExpect: 100-continue", ""), "no body, no 100"),
    {"no 100 when the body is not read, and nothing after it",
     RAW("POST /early HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\nab"),
     "200", "Connection: close", false},
    {"HTTP/1.0 knows no 100",
     RAW("POST /p HTTP/1.0\r\nHost: h\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\nab"),
     "200", "<POST h /p ab>", false},
    REFUSED(417, GET("Expect: wonders\r\n"), "an unknown expectation"),
    REFUSED(417, GET("Expect: 100-continue, wonders\r\n"),
            "an unknown one next to one that is known"),

    /* Responses. */
    {"HEAD has no body", RAW("HEAD /early HTTP/1.1\r\nHost: h\r\n\r\n"), "200 200", "X-Test: yes",
     true},
    {"HEAD says the length of GET", RAW("HEAD /sized/12345 HTTP/1.1\r\nHost: h\r\n\r\n"), "200 200",
     "Content-Length: 12345", true},
    REFUSED(417, "HEAD /h HTTP/1.1\r\nHost: h\r\nExpect: wonders\r\n\r\n",
            "a refused HEAD has no body either"),
    REFUSED(400, "HEAD /h HTTP/1.1\r\nHost: h\r\nA : b\r\n\r\n", "nor a malformed one"),
    REFUSED(505, "HEAD /h HTTP/3.0\r\nHost: h\r\n\r\n", "nor one of another version"),
    {"nor one behind another request", RAW(GET("") "HEAD /h HTTP/1.1\r\n\r\n"), "200 400",
     "Connection: close\r\nContent-Length: 8\r\n\r\n", false},
    {"204 has neither body nor length", RAW(TARGET("GET /no-content")), "204 200", NULL, true},
    {"304 has no body", RAW(TARGET("GET /not-modified")), "304 200", NULL, true},
    {"informational responses", RAW(TARGET("GET /hints")), "103 200 200", "after hints", true},
    {"HTTP/1.0 gets no informational responses", RAW("GET /hints HTTP/1.0\r\nHost: h\r\n\r\n"),
     "200", "after hints", false},
    {"trailers of a response", RAW(TARGET("GET /trailers")), "200 200",
     "4\r\ndata\r\n0\r\nX-Sum: 7\r\n\r\n", true},
    {"a body that was not read is skipped",
     RAW("POST /early HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nhello"), "200 200", "early",
     true},
    {"chunks that were not read are skipped",
     RAW("POST /early HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n"),
     "200 200", "early", true},
    {"a body that was not read and is malformed ends the connection",
     RAW("POST /early HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\nnonsense\r\n0\r\n\r\n"),
     "200", "early", false},
    {"a response that fails before it has left is replaced", RAW(TARGET("GET /fails")), "500 200",
     "Content-Length: 7\r\n\r\nfailed\n", true},
    {"also when its length is known", RAW(TARGET("GET /fails/sized")), "500 200",
     "Content-Length: 7\r\n\r\nfailed\n", true},
    {"a replaced response leaves those before it alone", RAW(GET("") TARGET("GET /fails")),
     "200 500 200", "<GET h /g >\nHTTP/1.1 500", true},
    {"what was flushed before a response fails has left, without an end",
     RAW(TARGET("GET /fails/flushed")), "200", "\r\n\r\n9\r\nbeginning\r\n", false},
    {"an abandoned exchange closes the connection", RAW(TARGET("GET /abort")), "", NULL, false},
    {"a response shorter than promised is cut", RAW(TARGET("GET /short")), "200",
     "Content-Length: 10", false},
    {"a response longer than promised does not leave", RAW(TARGET("GET /long")), "", NULL, false},
};

/* "200 400": the statuses of all responses in the text. Bodies of this test contain no "HTTP/1.1 ". */
static void list_statuses(const char *text, char *out, size_t size) {
  size_t at = 0;
  out[0] = '\0';
  for (const char *hit = text; (hit = strstr(hit, "HTTP/1.1 ")) != NULL; hit += 9) {
    at += (size_t)snprintf(out + at, size - at, "%s%.3s", at > 0 ? " " : "", hit + 9);
    assert_true(at < size);
  }
}

static const char probe[] = "GET /probe HTTP/1.1\r\nHost: probe\r\nConnection: close\r\n\r\n";
static const char probe_answer[] = "<GET probe /probe >\n";

static void check(const fixture *server, const hostile *one, size_t piece) {
  int client = client_connect(server);
  for (size_t at = 0; at < one->size; at += piece) {
    size_t size = one->size - at < piece ? one->size - at : piece;
    client_send(client, (tn_str){one->bytes + at, size});
    /* Pieces are to arrive one by one. */
    if (piece < one->size) nanosleep(&(struct timespec){.tv_nsec = 20000}, NULL);
  }
  if (one->is_kept) client_send(client, TN_STR(probe));
  size_t size;
  bool is_reset;
  char *text = client_read_all(client, &size, &is_reset);
  char statuses[200];
  list_statuses(text, statuses, sizeof statuses);
  if (strcmp(statuses, one->statuses) != 0) {
    fail_msg("%s: statuses \"%s\", expected \"%s\":\n%s", one->why, statuses, one->statuses, text);
  }
  if (one->contains != NULL && strstr(text, one->contains) == NULL) {
    fail_msg("%s: no \"%s\" in:\n%s", one->why, one->contains, text);
  }
  size_t end = sizeof probe_answer - 1;
  if (one->is_kept && (size < end || strcmp(text + size - end, probe_answer) != 0)) {
    fail_msg("%s: the probe was not understood:\n%s", one->why, text);
  }
  bool is_head_only = one->size > 5 && memcmp(one->bytes, "HEAD ", 5) == 0 && !one->is_kept;
  if (is_head_only && strstr(text, "\r\n\r\n") != text + size - 4)
    fail_msg("%s: a body answers HEAD:\n%s", one->why, text);
  if (strstr(text, "<GET h /smuggled") != NULL) fail_msg("%s: smuggled:\n%s", one->why, text);
  if (is_reset && one->statuses[0] != '\0') fail_msg("%s: reset", one->why);
  tn_free(text);
  close(client);
}

static void every_odd_request_gets_its_right_answer(void **state) {
  (void)state;
  fixture server;
  fixture_init(&server);
  fixture_start(&server);
  for (size_t i = 0; i < sizeof table / sizeof table[0]; i++)
    check(&server, &table[i], SIZE_MAX / 2);
  fixture_stop(&server);
}

static void it_does_not_matter_in_which_pieces_a_request_arrives(void **state) {
  (void)state;
  fixture server;
  fixture_init(&server);
  fixture_start(&server);
  for (size_t piece = 1; piece <= 7; piece += 3) {
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++)
      check(&server, &table[i], piece);
  }
  fixture_stop(&server);
}

static void the_table_has_no_case_twice(void **state) {
  (void)state;
  size_t count = sizeof table / sizeof table[0];
  assert_true(count >= 80);
  for (size_t i = 0; i < count; i++) {
    for (size_t k = 0; k < i; k++) {
      bool is_same = table[i].size == table[k].size &&
                     memcmp(table[i].bytes, table[k].bytes, table[i].size) == 0;
      if (is_same) fail_msg("\"%s\" and \"%s\" are the same", table[i].why, table[k].why);
    }
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(the_table_has_no_case_twice),
      cmocka_unit_test(every_odd_request_gets_its_right_answer),
      cmocka_unit_test(it_does_not_matter_in_which_pieces_a_request_arrives),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
