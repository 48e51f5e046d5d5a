/* The rows; their order is that of the documentation, and that in which the values of a table are read. */
#include "serve/settings/builder.h"

#define AT(type, field) .offset = offsetof(type, field), .width = sizeof(((type *)0)->field)
#define SERVER(field)    .section = TN_SECTION_SERVER, AT(tn_serve_config, field)
#define LIMITS(field)    .section = TN_SECTION_LIMITS, AT(tn_serve_config, field)
#define LISTEN(field)    .section = TN_SECTION_LISTEN, AT(tn_serve_listen, field)
#define COMPONENT(field) .section = TN_SECTION_COMPONENT, AT(tn_component_draft, field)
#define RIGHT            .section = TN_SECTION_COMPONENT, .is_right = true
#define ROUTE(field)     .section = TN_SECTION_ROUTE, AT(tn_route_draft, field)

#define SIZE             .type = TN_SETTING_SIZE, .argument = "SIZE"
#define DURATION         .type = TN_SETTING_DURATION, .argument = "TIME"
#define COUNT            .type = TN_SETTING_COUNT, .argument = "N"
#define FLAG             .type = TN_SETTING_FLAG, .argument = NULL
#define CHOICE(names)    .type = TN_SETTING_CHOICE, .argument = names, .choices = names
#define TEXT(argument_)  .type = TN_SETTING_TEXT, .argument = argument_
#define PATH             .type = TN_SETTING_PATH, .argument = "FILE"
#define LIST(argument_, reader) .type = TN_SETTING_LIST, .argument = argument_, .read = reader
#define TABLE(reader)    .type = TN_SETTING_TABLE, .read = reader, .is_file_only = true

#define RANGE(min_, max_) .min = min_, .max = max_
#define OR_NONE(value)   .can_be_none = true, .none = value

/* A count or size of 32 bits, and a number of requests, connections or instances that one process can have. */
enum { MAX_SIZE32 = INT32_MAX, MAX_COUNT = 1 << 20 };
#define ANY UINT64_MAX

const tn_setting tn_settings[] = {
    /* ---- top level ---- */
    {.name = "listen", .section = TN_SECTION_SERVER, LIST("ADDRESS", tn_read_listen),
     .fallback = "127.0.0.1:8080",
     .help = "Where to listen: 127.0.0.1:8080, [::]:443, unix:/run/app.sock, systemd or systemd:NAME (a socket that "
             "systemd opened); in the file also tables, see [[listen]]"},
    {.name = "admin", SERVER(admin_address), TEXT("ADDRESS"), .read = tn_read_admin,
     .help = "Where /healthz, /readyz, /metrics and /status are; without it, nowhere. It has no password: never a "
             "public address"},
    {.name = "threads", SERVER(threads), COUNT, RANGE(0, 1024), .fallback = "0",
     .help = "Worker threads, each with its own event loop; 0: one a processor"},
    {.name = "watch", SERVER(watch), FLAG, .fallback = "false",
     .help = "Reload when the file or a component changes"},
    {.name = "drain-timeout", SERVER(drain_timeout), DURATION, RANGE(0, ANY), OR_NONE(0),
     .fallback = "30s",
     .help = "How long requests under way may go on when the server is told to stop"},
    {.name = "log", SERVER(log_format), CHOICE("text|json|off"), .fallback = "text",
     .help = "Form of the log: one line a request, the guests' output, what happens to the server"},
    {.name = "log-file", SERVER(log_path), PATH,
     .help = "Where the log goes, opened again on SIGHUP and SIGUSR1; without it, to standard error"},
    {.name = "request-id", SERVER(request_id), FLAG, .fallback = "false",
     .help = "Send the id that a request has in the log with every answer, as x-request-id; without it, only with "
             "answers of the server's own"},
    {.name = "http2", SERVER(http.http2), FLAG, .fallback = "true",
     .help = "Offer HTTP/2: by ALPN under TLS, by prior knowledge without"},
    {.name = "compiler", SERVER(engine.compiler), CHOICE("cranelift|winch"), .fallback = "cranelift",
     .help = "cranelift makes fast code; winch compiles many times faster"},
    {.name = "opt-level", .section = TN_SECTION_SERVER, TEXT("0|1|2|s"), .read = tn_read_opt_level,
     .fallback = "1", .help = "How code is optimized: 0 not, 1 or 2 for speed, s for speed and size"},
    {.name = "cache-dir", SERVER(engine.cache_directory), PATH, .is_flag_only = true,
     .help = "Where compiled code is kept"},
    {.name = "limits", .section = TN_SECTION_SERVER, TABLE(tn_read_limits),
     .help = "See [limits]"},
    {.name = "defaults", .section = TN_SECTION_SERVER, TABLE(tn_read_defaults),
     .help = "Settings of a component that hold for all that do not say otherwise; lists are added to"},
    {.name = "component", .section = TN_SECTION_SERVER, TABLE(tn_read_components),
     .help = "See [component.NAME]"},
    {.name = "route", .section = TN_SECTION_SERVER, LIST(NULL, tn_read_route), .is_file_only = true,
     .help = "Tables, see [[route]]; or one table of \"[HOST][/PATH]\" = \"NAME\". Without routes the only "
             "component answers everything"},

    /* ---- [limits] ---- */
    {.name = "max-header-count", LIMITS(http.max_header_count), COUNT, RANGE(1, 65536),
     .fallback = "100", .help = "Header fields of a request; more is 431"},
    {.name = "max-header-size", LIMITS(http.max_header_bytes), SIZE, RANGE(512, 16 << 20),
     .fallback = "32KiB",
     .help = "Request line and header fields together; more is 431, or 414 for the line alone"},
    {.name = "max-body", LIMITS(http.max_body_bytes), SIZE, RANGE(0, ANY), OR_NONE(UINT64_MAX),
     .fallback = "1GiB", .help = "A request's body; more is 413. Bodies are streamed, not kept"},
    {.name = "max-connections", LIMITS(http.max_connections), COUNT, RANGE(1, MAX_COUNT),
     .fallback = "16384",
     .help = "Connections at once; beyond it new ones wait to be accepted"},
    {.name = "max-connections-per-client", LIMITS(http.max_connections_per_client), COUNT,
     RANGE(0, MAX_COUNT), OR_NONE(0), .fallback = "none",
     .help = "Connections of one address to one worker; more are closed at once. Behind a proxy all clients "
             "have its address"},
    {.name = "max-streams", LIMITS(http.max_streams), COUNT, RANGE(1, 65536), .fallback = "128",
     .help = "HTTP/2: requests at once on one connection"},
    {.name = "max-concurrent", LIMITS(max_concurrent), COUNT, RANGE(1, MAX_COUNT),
     .fallback = "1000", .help = "Requests that are being answered at once; more wait as max-queue says"},
    {.name = "header-timeout", LIMITS(http.header_timeout), DURATION, RANGE(0, ANY), OR_NONE(0),
     .fallback = "10s", .help = "For the head of a request to arrive"},
    {.name = "body-timeout", LIMITS(http.body_timeout), DURATION, RANGE(0, ANY), OR_NONE(0),
     .fallback = "30s", .help = "For more of a request's body to arrive, when the guest waits for it"},
    {.name = "write-timeout", LIMITS(http.write_timeout), DURATION, RANGE(0, ANY), OR_NONE(0),
     .fallback = "30s", .help = "For a client to take more of its response"},
    {.name = "idle-timeout", LIMITS(http.idle_timeout), DURATION, RANGE(0, ANY), OR_NONE(0),
     .fallback = "75s", .help = "For the next request on a connection"},
    {.name = "half-close-timeout", LIMITS(http.half_close_timeout), DURATION, RANGE(0, ANY), OR_NONE(0),
     .fallback = "1s",
     .help = "HTTP/1.1: for a guest to write something to a client that has ended its side of the connection, and may "
             "be gone"},
    {.name = "tls-timeout", LIMITS(http.tls_timeout), DURATION, RANGE(0, ANY), OR_NONE(0),
     .fallback = "10s", .help = "For a TLS handshake"},
    {.name = "write-buffer", LIMITS(http.write_buffer_bytes), SIZE, RANGE(4096, 64 << 20),
     .fallback = "256KiB",
     .help = "What is kept of a response that the client does not take yet; then the guest has to wait"},

    {.name = "max-stack", LIMITS(engine.max_stack_bytes), SIZE, RANGE(65536, 64 << 20), .fallback = "512KiB",
     .help = "The guests' stack; deeper recursion ends the request"},

    /* ---- [[listen]] ---- */
    {.name = "address", LISTEN(address), TEXT("ADDRESS"), .is_file_only = true,
     .help = "As for listen"},
    {.name = "certificate", LISTEN(certificate_path), PATH,
     .help = "PEM file: the certificate, then those that lead to its authority. With it the address speaks TLS only"},
    {.name = "key", LISTEN(key_path), PATH, .help = "PEM file: the certificate's private key"},
    {.name = "client-ca", LISTEN(client_ca_path), PATH,
     .help = "PEM file: clients have to show a certificate signed by one of these"},
    {.name = "client-certificate", LISTEN(client_certificate_optional), CHOICE("required|optional"),
     .fallback = "required", .help = "Whether a client without a certificate is turned away"},

    /* ---- [component.NAME] ---- */
    {.name = "file", COMPONENT(component.path), PATH, .is_file_only = true,
     .help = "The component: binary, text or (*.cwasm) compiled"},
    {.name = "allow-precompiled", COMPONENT(allow_precompiled), FLAG, .fallback = "false",
     .help = "Also take compiled code from a file not named *.cwasm; it is native code: only from those you trust"},
    {.name = "link", .section = TN_SECTION_COMPONENT, LIST("FILE[;RIGHT=VALUE]...", tn_read_link),
     .help = "Meet its imports with what this component exports, which has no rights but those that follow it: "
             "\"store.wasm;dir=data::/data\", or { file = \"store.wasm\", dir = \"data::/data\" }; the first that fits "
             "goes first"},
    {.name = "args", RIGHT, LIST("TEXT", tn_read_argument),
     .help = "Arguments, behind the program's name"},
    {.name = "env", RIGHT, LIST("NAME[=VALUE]", tn_read_environment),
     .help = "Environment variables; a name alone, or { inherit = true }, passes the server's on"},
    {.name = "inherit-env", COMPONENT(inherit_env), .is_right = true, FLAG, .fallback = "false",
     .help = "Pass on the server's whole environment"},
    {.name = "dir", RIGHT, LIST("HOST[::GUEST]", tn_read_directory),
     .help = "Grant a directory, under the path GUEST (default: HOST)"},
    {.name = "dir-ro", RIGHT, LIST("HOST[::GUEST]", tn_read_directory),
     .detail = TN_DIRECTORY_READ_ONLY, .help = "Likewise, for reading only"},
    {.name = "net", RIGHT, LIST("HOST[:PORT]", tn_read_network),
     .detail = TN_NETWORK_ALL,
     .help = "Allow TCP and UDP with a host: a name, an address, a range such as 10.0.0.0/8, or *; PORT is a number, "
             "a range 8000-8999 or * (the default); IPv6 in brackets"},
    {.name = "net-connect", RIGHT, LIST("HOST[:PORT]", tn_read_network),
     .detail = TN_NETWORK_TCP_CONNECT, .help = "Likewise, for TCP connections made by the guest only"},
    {.name = "net-listen", RIGHT, LIST("HOST[:PORT]", tn_read_network),
     .detail = TN_NETWORK_TCP_LISTEN, .help = "Likewise, for TCP sockets that the guest listens on only"},
    {.name = "net-udp", RIGHT, LIST("HOST[:PORT]", tn_read_network),
     .detail = TN_NETWORK_UDP, .help = "Likewise, for UDP only"},
    {.name = "inherit-network", RIGHT, FLAG, .read = tn_read_wasi_flag,
     .detail = TN_WASI_FLAG_NETWORK, .fallback = "false",
     .help = "Allow the whole network, name lookup included"},
    {.name = "allow-dns", RIGHT, FLAG, .read = tn_read_wasi_flag,
     .detail = TN_WASI_FLAG_LOOKUP, .fallback = "false",
     .help = "Allow the lookup of any name; names in rules may be looked up anyway"},
    {.name = "http", RIGHT, LIST("[METHOD@]HOST[:PORT]", tn_read_http),
     .help = "Allow outgoing HTTP requests to a host, as for net, or to *.NAME for all below it; with methods only those: "
             "GET,HEAD@example.org. Addresses that are not of the public Internet must be named as such"},
    {.name = "http-private", RIGHT, FLAG, .read = tn_read_wasi_flag,
     .detail = TN_WASI_FLAG_HTTP_PRIVATE, .fallback = "false",
     .help = "Allow hosts of http to resolve to loopback, private and link-local addresses"},
    {.name = "http-all", RIGHT, FLAG, .read = tn_read_wasi_flag,
     .detail = TN_WASI_FLAG_HTTP_ALL, .fallback = "false",
     .help = "Allow all outgoing HTTP requests, to loopback and private addresses too"},
    {.name = "config", RIGHT, LIST("KEY=VALUE", tn_read_config_value),
     .help = "Values that the guest finds through wasi:config/store"},
    {.name = "output", COMPONENT(component.output), CHOICE("log|inherit|none"), .fallback = "log",
     .help = "What the guest writes to standard output and error: to the log with the request's id, as it is to the "
             "server's own, or nowhere"},
    {.name = "max-memory", COMPONENT(component.max_memory_bytes), SIZE, RANGE(65536, ANY),
     OR_NONE(UINT64_MAX), .fallback = "256MiB",
     .help = "The largest size of a linear memory; growth beyond it ends the request with 500"},
    {.name = "timeout", COMPONENT(component.timeout), DURATION, RANGE(0, ANY), OR_NONE(0),
     .fallback = "60s",
     .help = "How long a request may take, its bodies included; then 504, or the response is cut off"},
    {.name = "fuel", COMPONENT(component.fuel), COUNT, RANGE(0, ANY), OR_NONE(0),
     .fallback = "none",
     .help = "How much a request may compute: about one unit an instruction. Counting costs speed"},
    {.name = "max-concurrent", COMPONENT(component.max_concurrent), COUNT, RANGE(0, MAX_COUNT),
     OR_NONE(0), .fallback = "none",
     .help = "Requests of this component that are being answered at once"},
    {.name = "max-queue", COMPONENT(component.max_queue), COUNT, RANGE(0, MAX_COUNT),
     .fallback = "1000",
     .help = "Requests that may wait for others to end; more are 503 with Retry-After"},
    {.name = "queue-timeout", COMPONENT(component.queue_timeout), DURATION, RANGE(0, ANY), OR_NONE(0),
     .fallback = "10s", .help = "How long they wait; then 503"},
    {.name = "max-instance-reuse-count", COMPONENT(component.reuse_count), COUNT,
     RANGE(1, UINT32_MAX), .fallback = "1",
     .help = "Requests that one instance answers, one after the other; 1: a fresh instance for each"},
    {.name = "restore-instances", COMPONENT(component.restores), FLAG, .fallback = "true",
     .help = "Make a fresh instance from one that has answered its request, by restoring what that has changed, where the "
             "guest cannot tell; without it, from nothing"},
    {.name = "idle-instance-timeout", COMPONENT(component.idle_timeout), DURATION, RANGE(0, ANY),
     .fallback = "1s", .help = "How long an instance that may be used again waits for its next request"},
    {.name = "warm", COMPONENT(component.warm), COUNT, RANGE(0, 65536), .fallback = "0",
     .help = "Instances that each worker makes in advance"},

    /* ---- [[route]] ---- */
    {.name = "host", ROUTE(host), TEXT("HOST"), .is_file_only = true,
     .help = "A name, or *.example.com for all below it; without it, any"},
    {.name = "path", ROUTE(path), TEXT("PATH"), .is_file_only = true,
     .help = "What the path begins with, in whole segments; without it, anything. The longest match wins"},
    {.name = "component", ROUTE(component), TEXT("NAME"), .is_file_only = true,
     .help = "Who answers"},
};
const uint32_t tn_setting_count = sizeof tn_settings / sizeof *tn_settings;
