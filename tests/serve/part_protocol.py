"""HTTP as it goes over the wire, sent raw: RFC 9110 and RFC 9112, and a little of RFC 9113."""
import re
import socket
import time

from harness import (HTTP2_PREFACE, SECONDS, Case, http2_frame, parse_head, receive, receive_http2_frame,
                     receive_until)

GET = b"GET /hello HTTP/1.1\r\nHost: x\r\n\r\n"
LAST = b"GET /hello HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"


def post(path, fields, body=b""):
    return b"POST %s HTTP/1.1\r\nHost: x\r\n%s\r\n\r\n%s" % (path, fields, body)


# What must be refused, with the statuses that are right for it; a refused request must never reach the guest, and
# nothing that follows it on the connection may be taken for a request.
REFUSED = {
    "a content-length and chunks together": (post(b"/upload", b"Content-Length: 5\r\nTransfer-Encoding: chunked", b"0\r\n\r\n"), {400}),
    "two different content-lengths": (post(b"/upload", b"Content-Length: 5\r\nContent-Length: 6", b"hello"), {400}),
    "a list of different content-lengths": (post(b"/upload", b"Content-Length: 5, 6", b"hello"), {400}),
    "a negative content-length": (post(b"/upload", b"Content-Length: -1"), {400}),
    "a content-length with a sign": (post(b"/upload", b"Content-Length: +5", b"hello"), {400}),
    "a content-length in hexadecimal": (post(b"/upload", b"Content-Length: 0x5", b"hello"), {400}),
    "an empty content-length": (post(b"/upload", b"Content-Length: "), {400}),
    "a content-length of more than 64 bits": (post(b"/upload", b"Content-Length: 99999999999999999999"), {400, 413}),
    "an unknown transfer coding": (post(b"/upload", b"Transfer-Encoding: gzip"), {400, 501}),
    "chunked that is not the last coding": (post(b"/upload", b"Transfer-Encoding: chunked, identity", b"0\r\n\r\n"), {400, 501}),
    "chunked twice": (post(b"/upload", b"Transfer-Encoding: chunked, chunked", b"0\r\n\r\n"), {400, 501}),
    "a transfer coding with a control character": (post(b"/upload", b"Transfer-Encoding: \x0bchunked", b"0\r\n\r\n"), {400, 501}),
    "a transfer coding in HTTP/1.0": (b"POST /upload HTTP/1.0\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", {400}),
    "a space before the colon": (post(b"/upload", b"Content-Length : 5", b"hello"), {400}),
    "a folded field": (b"GET /hello HTTP/1.1\r\nHost: x\r\nA: b\r\n c\r\n\r\n", {400}),
    "a field that begins with a space": (b"GET /hello HTTP/1.1\r\n Host: x\r\n\r\n", {400}),
    "a field without a colon": (b"GET /hello HTTP/1.1\r\nHost: x\r\nnonsense\r\n\r\n", {400}),
    "a field without a name": (b"GET /hello HTTP/1.1\r\nHost: x\r\n: a\r\n\r\n", {400}),
    "a name with a forbidden character": (b"GET /hello HTTP/1.1\r\nHost: x\r\nA(b): c\r\n\r\n", {400}),
    "a value with a NUL": (b"GET /hello HTTP/1.1\r\nHost: x\r\nA: b\x00c\r\n\r\n", {400}),
    "a value with a bare CR": (b"GET /hello HTTP/1.1\r\nHost: x\r\nA: b\rc\r\n\r\n", {400}),
    "lines that end with a bare LF": (b"GET /hello HTTP/1.1\nHost: x\n\n", {400}),
    "one line that ends with a bare LF": (b"GET /hello HTTP/1.1\r\nHost: x\nA: b\r\n\r\n", {400}),
    "no host": (b"GET /hello HTTP/1.1\r\n\r\n", {400}),
    "two hosts": (b"GET /hello HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n", {400}),
    "a host that is none": (b"GET /hello HTTP/1.1\r\nHost: a b\r\n\r\n", {400}),
    "a host with a user": (b"GET /hello HTTP/1.1\r\nHost: a@b\r\n\r\n", {400}),
    "no version": (b"GET /hello\r\nHost: x\r\n\r\n", {400}),
    "a version to come": (b"GET /hello HTTP/3.0\r\nHost: x\r\n\r\n", {400, 505}),
    "a version in small letters": (b"GET /hello http/1.1\r\nHost: x\r\n\r\n", {400}),
    "a version with more digits": (b"GET /hello HTTP/1.10\r\nHost: x\r\n\r\n", {400, 505}),
    "two spaces in the request line": (b"GET  /hello HTTP/1.1\r\nHost: x\r\n\r\n", {400}),
    "a space after the version": (b"GET /hello HTTP/1.1 \r\nHost: x\r\n\r\n", {400}),
    "a method that is no token": (b"G\x01T /hello HTTP/1.1\r\nHost: x\r\n\r\n", {400}),
    "a target with a control character": (b"GET /he\x7fllo HTTP/1.1\r\nHost: x\r\n\r\n", {400}),
    "a target without a slash": (b"GET hello HTTP/1.1\r\nHost: x\r\n\r\n", {400}),
    "nonsense": (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n", {400}),
    "a chunk without a size": (post(b"/upload", b"Transfer-Encoding: chunked", b"\r\nhello\r\n0\r\n\r\n"), {400}),
    "a chunk size that is no number": (post(b"/upload", b"Transfer-Encoding: chunked", b"xyz\r\nhello\r\n0\r\n\r\n"), {400}),
    "a chunk size with 0x": (post(b"/upload", b"Transfer-Encoding: chunked", b"0x5\r\nhello\r\n0\r\n\r\n"), {400}),
    "a chunk size with a sign": (post(b"/upload", b"Transfer-Encoding: chunked", b"+5\r\nhello\r\n0\r\n\r\n"), {400}),
    "a chunk size of more than 64 bits": (post(b"/upload", b"Transfer-Encoding: chunked", b"11111111111111111\r\n"), {400, 413}),
    "a chunk that is longer than it says": (post(b"/upload", b"Transfer-Encoding: chunked", b"3\r\nhello\r\n0\r\n\r\n"), {400}),
    "a chunk that ends with a bare LF": (post(b"/upload", b"Transfer-Encoding: chunked", b"5\r\nhello\n0\r\n\r\n"), {400}),
    "a chunk size that ends with a bare LF": (post(b"/upload", b"Transfer-Encoding: chunked", b"5\nhello\r\n0\r\n\r\n"), {400}),
    "an unknown expectation": (post(b"/upload", b"Expect: everything\r\nContent-Length: 0"), {400, 417}),
}

# What is odd, but right.
ACCEPTED = {
    "an empty line before the request": b"\r\n" + LAST,
    "a method that nobody knows": LAST.replace(b"GET", b"FROBNICATE"),
    "an absolute target": LAST.replace(b"/hello", b"http://x/hello"),
    "spaces around a value": LAST.replace(b"Host: x", b"Host:  \t x \t "),
    "an empty value": LAST.replace(b"Host: x", b"Host: x\r\nA:"),
    "bytes above 127 in a value": LAST.replace(b"Host: x", b"Host: x\r\nA: \xe9\xff"),
    "a name in capitals": LAST.replace(b"Host: x", b"HOST: x"),
    "a query": LAST.replace(b"/hello", b"/hello?a=b&c=%20"),
    "an empty host": LAST.replace(b"Host: x", b"Host:"),
    "the same content-length twice in a list": LAST.replace(b"Host: x", b"Host: x\r\nContent-Length: 0"),
    "HTTP/1.0": b"GET /hello HTTP/1.0\r\n\r\n",
    "chunks with extensions": b"POST /hello HTTP/1.1\r\nHost: x\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n"
                              b"5;a=b;c=\"d\"\r\nhello\r\n0;e\r\n\r\n",
    "chunk sizes in capitals with zeros": b"POST /hello HTTP/1.1\r\nHost: x\r\nConnection: close\r\nTransfer-Encoding: "
                                          b"Chunked\r\n\r\n00A\r\n0123456789\r\n000\r\n\r\n",
}


class Messages(Case):
    def test_what_is_malformed_is_refused_and_the_connection_closed(self):
        server = self.serve()
        for name, (data, statuses) in REFUSED.items():
            with self.subTest(name):
                answer = server.raw(data + GET)
                self.assertTrue(answer.startswith(b"HTTP/1.1 "), answer[:200])
                status, fields = parse_head(answer)
                self.assertIn(status, statuses)
                self.assertEqual(fields.get("connection"), "close")
                self.assertEqual(answer.count(b"HTTP/1.1 "), 1, answer)
                self.assertNotIn(b"Hello", answer)
        self.assertServes(server)

    def test_what_is_odd_but_right_is_answered(self):
        server = self.serve()
        for name, data in ACCEPTED.items():
            with self.subTest(name):
                answer = server.raw(data)
                self.assertEqual(answer[:12], b"HTTP/1.1 200", answer[:200])
                self.assertIn(b"Hello, World!\n", answer)

    def test_a_connection_serves_one_request_after_the_other(self):
        server = self.serve()
        with server.connect() as s:
            for _ in range(5):
                s.sendall(GET)
                self.assertIn(b"Hello, World!\n", receive_until(s, b"World!\n"))
            s.sendall(LAST)
            answer = receive(s)
        self.assertEqual(parse_head(answer)[1].get("connection"), "close")
        self.assertCounts(server, "connections_total", 1)

    def test_pipelined_requests_are_answered_in_order(self):
        server = self.serve()
        data = b"".join(b"GET /status/%d HTTP/1.1\r\nHost: x\r\n\r\n" % (200 + i) for i in range(20)) + LAST
        answer = server.raw(data)
        statuses = [int(part[:3]) for part in answer.split(b"HTTP/1.1 ")[1:]]
        self.assertEqual([s for s in statuses if s not in (204, 205)],
                         [s for s in list(range(200, 220)) + [200] if s not in (204, 205)])
        self.assertEqual(len(statuses), 21)

    def test_pipelined_requests_with_bodies_do_not_mix(self):
        server = self.serve()
        data = b""
        for i in range(10):
            data += post(b"/echo", b"Content-Length: 4", b"%04d" % i)
            data += post(b"/echo", b"Transfer-Encoding: chunked", b"2\r\n%02d\r\n1\r\n!\r\n0\r\n\r\n" % i)
        answer = server.raw(data + LAST)
        for i in range(10):
            self.assertLess(answer.index(b"%04d" % i), answer.index(b"%02d!" % i) if b"%02d!" % i in answer
                            else len(answer))
        self.assertEqual(answer.count(b"HTTP/1.1 200"), 21)

    def test_a_body_that_the_guest_did_not_read_does_not_become_a_request(self):
        server = self.serve()
        smuggled = b"GET /status/418 HTTP/1.1\r\nHost: x\r\n\r\n"
        for size in (len(smuggled), 200000):
            body = smuggled + b"x" * (size - len(smuggled))
            answer = server.raw(post(b"/early", b"Content-Length: %d" % size, body) + LAST)
            self.assertIn(b"early", answer)
            self.assertNotIn(b" 418 ", answer)

    def test_a_head_request_gets_a_head_only(self):
        server = self.serve()
        for path in (b"/with-length", b"/hello", b"/download/1000000"):
            answer = server.raw(b"HEAD %s HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n" % path)
            self.assertEqual(answer[:12], b"HTTP/1.1 200")
            self.assertTrue(answer.endswith(b"\r\n\r\n"))
            self.assertEqual(answer.count(b"\r\n\r\n"), 1)

    def test_statuses_without_a_body_have_none(self):
        server = self.serve()
        for status in (204, 205, 304):
            answer = server.raw(b"GET /status/%d HTTP/1.1\r\nHost: x\r\n\r\n" % status + LAST)
            head, rest = answer.split(b"\r\n\r\n", 1)
            self.assertTrue(rest.startswith(b"HTTP/1.1 200"), answer)
            self.assertNotIn(b"transfer-encoding", head.lower())
            code, answer = server.http2("/status/%d" % status)
            self.assertEqual((code, answer[:10], answer[-4:]), (0, "HTTP/2 %d" % status, "\r\n\r\n"))

    def test_https_that_is_none_is_not_for_this_server(self):
        server = self.serve()
        self.assertEqual(parse_head(server.raw(b"GET https://x/hello HTTP/1.1\r\nHost: x\r\n\r\n"))[0], 421)
        with server.connect() as s:
            s.sendall(HTTP2_PREFACE + http2_frame(1, 5, 1, b"\x82\x87\x04\x06/hello\x01\x01x"))
            receive_http2_frame(s, 1)
            server.wait_log(" 421 ")

    def test_http_1_0_gets_no_chunks(self):
        server = self.serve()
        answer = server.raw(b"GET /download/100000 HTTP/1.0\r\n\r\n")
        self.assertNotIn(b"transfer-encoding", answer.split(b"\r\n\r\n")[0].lower())
        self.assertEqual(len(answer.split(b"\r\n\r\n", 1)[1]), 100000)

    def test_http_1_0_stays_open_when_asked_to_and_the_length_is_known(self):
        server = self.serve()
        request = b"GET /with-length HTTP/1.0\r\nConnection: keep-alive\r\n\r\n"
        with server.connect() as s:
            for _ in range(2):
                s.sendall(request)
                self.assertIn(b"hello", receive_until(s, b"hello"))

    def test_100_continue_comes_when_the_guest_reads(self):
        server = self.serve()
        with server.connect() as s:
            s.sendall(post(b"/upload", b"Expect: 100-continue\r\nContent-Length: 5\r\nConnection: close"))
            self.assertEqual(receive_until(s, b"\r\n\r\n"), b"HTTP/1.1 100 Continue\r\n\r\n")
            s.sendall(b"hello")
            self.assertTrue(receive(s).startswith(b"HTTP/1.1 200"))

    def test_100_continue_comes_before_the_answer_of_a_guest_that_answers_as_it_reads(self):
        server = self.serve()
        with server.connect() as s:
            s.sendall(post(b"/echo", b"Expect: 100-continue\r\nContent-Length: 5\r\nConnection: close"))
            self.assertTrue(receive_until(s, b"\r\n\r\n").startswith(b"HTTP/1.1 100 Continue\r\n\r\n"))
            s.sendall(b"hello")
            self.assertIn(b"hello", receive(s))

    def test_100_continue_does_not_come_when_the_guest_does_not_read(self):
        server = self.serve()
        with server.connect() as s:
            s.sendall(post(b"/early", b"Expect: 100-continue\r\nContent-Length: 5\r\nConnection: close"))
            self.assertTrue(receive(s).startswith(b"HTTP/1.1 200"))

    def test_100_continue_comes_by_http2_too_and_only_when_the_guest_reads(self):
        server = self.serve()

        def post_by_http2(s, path):  # :method POST and :scheme http by number, the rest as literals
            literals = ((b"\x04", path), (b"\x01", b"x"), (b"\x00\x06expect", b"100-continue"))
            s.sendall(HTTP2_PREFACE + http2_frame(
                1, 4, 1, b"\x83\x86" + b"".join(name + bytes([len(value)]) + value for name, value in literals)))
            return receive_http2_frame(s, 1)

        with server.connect() as s:
            flags, fields = post_by_http2(s, b"/upload")
            self.assertEqual((flags & 1, fields), (0, b"\x48\x82\x08\x01"))  # :status 100, in Huffman's code
            s.sendall(http2_frame(0, 1, 1, b"hello"))
            self.assertEqual(receive_http2_frame(s, 1)[1][:1], b"\x88")  # :status 200
            self.assertIn(b"5", receive_http2_frame(s, 0)[1])
        with server.connect() as s:
            self.assertEqual(post_by_http2(s, b"/early")[1][:1], b"\x88")

    def test_trailers_go_both_ways(self):
        server = self.serve()
        answer = server.raw(post(b"/trailers", b"TE: trailers\r\nTransfer-Encoding: chunked\r\nConnection: close",
                                 b"3\r\nabc\r\n0\r\nX-Sum: 42\r\n\r\n"))
        self.assertEqual(answer[:12], b"HTTP/1.1 200")
        self.assertIn(b"abc", answer)
        self.assertRegex(answer, rb"(?i)\r\n0\r\nx-sum: 42\r\n\r\n$")

    def test_trailers_of_a_request_do_not_become_fields(self):
        server = self.serve()
        answer = server.raw(post(b"/echo-headers", b"Transfer-Encoding: chunked\r\nConnection: close",
                                 b"0\r\nX-Late: 1\r\nHost: y\r\n\r\n"))
        self.assertNotIn(b"x-late", answer.lower())

    def test_an_informational_response_goes_before_the_response(self):
        server = self.serve()
        answer = server.raw(b"GET /informational HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        self.assertRegex(answer, rb"(?is)^HTTP/1.1 103 [^\r]*\r\n.*link: </style.css>; rel=preload\r\n.*\r\n"
                                 rb"HTTP/1.1 200 ")
        self.assertIn(b"informed", answer)
        old = server.raw(b"GET /informational HTTP/1.0\r\n\r\n")
        self.assertEqual(old[9:12], b"200")

    def test_an_informational_response_that_would_break_the_connection_is_refused(self):
        server = self.serve()
        answer = server.raw(b"GET /informational/100,100,101,103,103 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        self.assertEqual(re.findall(rb"HTTP/1.1 (\d+) ", answer), [b"100", b"103", b"103", b"200"])
        self.assertIn(b"informed\nrefused\nrefused\ninformed\ninformed\n", answer)
        code, answer = server.http2("/informational/100,100,101,103,103")
        self.assertEqual((code, re.findall(r"HTTP/2 (\d+) ", answer)), (0, ["100", "103", "103", "200"]))
        self.assertIn("informed\nrefused\nrefused\ninformed\ninformed\n", answer)

    def test_lengths_where_there_is_no_body_are_left_out(self):
        server = self.serve()
        for path, status in (("/informational", "200"), ("/odd-trailers", "200"), ("/with-length/204", "204")):
            answer = server.raw(b"GET %s HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n" % path.encode()).decode()
            self.assertNotRegex(answer, r"(?i)content-length: (5|77)", path)
            # A client would take it for a violation of the protocol.
            code, answer = server.http2(path)
            self.assertEqual((code, re.findall(r"HTTP/2 (\d+) ", answer)[-1:]), (0, [status]), path)
            self.assertNotRegex(answer, r"(?i)content-length: (5|77)", path)
        code, answer = server.http2("/odd-trailers")
        self.assertIn("x-sum: 7", answer)
        code, answer = server.http2("/with-length", "--head")
        self.assertIn("content-length: 5\r\n", answer)

    def test_the_guest_sees_the_request_as_it_was(self):
        server = self.serve()
        answer = server.raw(b"PATCH /echo-headers?a=%20b HTTP/1.1\r\nHost: example.com:81\r\nX-One: 1\r\nx-one: 2\r\n"
                            b"Connection: close, x-hop\r\nX-Hop: 1\r\nKeep-Alive: 5\r\nTE: trailers\r\n"
                            b"Content-Length: 0\r\n\r\n").decode().replace("X-One", "x-one")
        for line in ("method: PATCH", "scheme: http", "authority: example.com:81", "path: /echo-headers?a=%20b",
                     "field x-one: 1", "field x-one: 2"):
            self.assertIn(line + "\n", answer)
        for name in ("connection", "keep-alive", "transfer-encoding", "host", "x-hop"):
            self.assertNotIn("field %s:" % name, answer.lower())

    def test_the_target_wins_over_the_host_field(self):
        server = self.serve()
        answer = server.raw(b"GET http://target.example/echo-headers HTTP/1.1\r\nHost: field.example\r\n"
                            b"Connection: close\r\n\r\n")
        self.assertIn(b"authority: target.example\n", answer)

    def test_options_with_an_asterisk_is_answered(self):
        server = self.serve()
        answer = server.raw(b"OPTIONS * HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        self.assertIn(parse_head(answer)[0], (200, 204, 400, 404))
        self.assertServes(server)

    def test_a_response_has_a_date(self):
        server = self.serve()
        self.assertRegex(server.request("/hello").headers["date"], r"^\w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d GMT$")

    def test_a_request_may_arrive_byte_by_byte(self):
        server = self.serve()
        with server.connect() as s:
            for byte in post(b"/echo", b"Transfer-Encoding: chunked\r\nConnection: close",
                             b"5;x=y\r\nhello\r\n2\r\n, \r\n5\r\nworld\r\n0\r\nA: b\r\n\r\n"):
                s.sendall(bytes([byte]))
                time.sleep(0.001)
            answer = receive(s)
        self.assertEqual(answer[:12], b"HTTP/1.1 200")
        body = answer.split(b"\r\n\r\n", 1)[1]
        if "transfer-encoding" in parse_head(answer)[1]:  # else all of it was there at once
            body = b"".join(body.split(b"\r\n")[1::2])
        self.assertEqual(body, b"hello, world")

    def test_a_half_closed_connection_still_gets_its_response(self):
        server = self.serve()
        with server.connect() as s:
            s.sendall(b"GET /sleep/300 HTTP/1.1\r\nHost: x\r\n\r\n")
            s.shutdown(socket.SHUT_WR)
            answer = receive(s, SECONDS)
        # Whether this counts as the client having gone is the server's choice; half an answer is none.
        self.assertIn(answer[:12], (b"", b"HTTP/1.1 200"))
        self.assertServes(server)
