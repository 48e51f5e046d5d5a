"""Guests that go wrong: a proper answer, an id that is in the log, and nobody else notices."""
import json
import os
import re
import shutil
import subprocess
import time
import unittest

from harness import (HAS_THREAD_SANITIZER, HTTP2_PREFACE, KEEP_NOTHING, SECONDS, Case, Certificates, Load,
                     free_port, http2_frame, parse_head, receive, receive_http2_frame, span, try_until,
                     wait_until)

ID = re.compile(r"\b[0-9a-f]{16}\b")


class Faults(Case):
    def expect_fault(self, server, path, status, seconds=None):
        """The answer, whose id must be in the log."""
        got = server.request(path, **({"seconds": seconds} if seconds else {}))
        self.assertEqual(got.status, status, got.text[:1000])
        ids = ID.findall(str(got.headers) + got.text)
        self.assertTrue(ids, "no id in the answer: %s %s" % (got.headers, got.text))
        server.wait_log(ids[0])
        return got

    def test_a_trap_is_500(self):
        server = self.serve()
        self.expect_fault(server, "/trap", 500)
        server.wait_log("unreachable")
        wait_until(lambda: server.metric("traps_total") == 1, what="the trap to be counted")
        self.assertServes(server)

    def test_a_guest_that_does_not_answer_is_502(self):
        server = self.serve()
        self.expect_fault(server, "/no-response", 502)

    def test_a_guest_that_reports_an_error_gets_the_status_of_its_kind(self):
        server = self.serve()
        got = server.request("/error")
        self.assertIn(got.status, (500, 502))
        for code, statuses in ((0, (500, 502, 504)), (6, (500, 502, 503)), (33, (500, 502, 504)), (38, (500,))):
            self.assertIn(server.request("/error/%d" % code).status, statuses)
        self.assertServes(server)

    def serve_hasty(self, timeout, paths):
        """These paths have little time; the others have all that they need, however busy the machine is."""
        return self.serve(components={"hasty": {"timeout": timeout}, "guest": {}},
                          routes=[{"path": path, "component": "hasty"} for path in paths] + [{"component": "guest"}])

    def test_a_loop_is_ended_when_its_time_is_over(self):
        server = self.serve_hasty("500ms", ["/loop"])
        self.expect_fault(server, "/loop", 504)
        self.assertServes(server)

    def test_a_guest_that_waits_for_ever_is_ended_when_its_time_is_over(self):
        server = self.serve_hasty("500ms", ["/never"])
        self.expect_fault(server, "/never", 504)
        self.assertServes(server)

    def test_a_guest_that_uses_up_its_fuel_is_ended(self):
        server = self.serve(defaults={"fuel": 1000000})
        self.expect_fault(server, "/loop", 500)
        self.assertServes(server)

    @unittest.skipIf(HAS_THREAD_SANITIZER, "the thread sanitizer takes memory for all that the guests take")
    def test_a_guest_that_uses_up_its_memory_is_ended(self):
        server = self.serve(defaults={"max-memory": "16MiB"}, environment=KEEP_NOTHING)
        self.expect_fault(server, "/leak", 500)
        # 200 guests fill 3.2 GiB between them. Of that the memory of a batch of 16 instances may wait to be given
        # back to the system; when it goes back, and so what one moment shows, depends on the machine.
        sizes = []
        for _ in range(10):
            for _ in range(20):
                server.request("/leak")
            sizes.append(server.memory())
        self.assertLess(max(sizes), 384 * 1024)
        self.assertServes(server)

    def expect_logged(self, server, answer, status, error=None):
        """The line of the log that belongs to an answer by the id in it, once it is there."""
        ids = ID.findall(answer)
        self.assertTrue(ids, "no id in the answer: " + answer)
        server.wait_log(r'"id":"%s".*"method"|"method".*"id":"%s"' % (ids[0], ids[0]))
        lines = [line for line in map(json.loads, server.log().splitlines()) if line.get("id") == ids[0] and "method" in line]
        self.assertEqual([line["status"] for line in lines], [status], server.log())
        if error is not None:
            self.assertIn(error, lines[0].get("error") or "")

    def test_an_answer_of_which_nothing_has_left_is_taken_back(self):
        server = self.serve(top={"log": "json"})
        for path, status, error in (("/answer-and-trap", 500, "unreachable"), ("/forget", 502, "did not complete"),
                                    ("/wrong-length", 502, "did not complete")):
            answer = server.raw(b"GET %s HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n" % path.encode()).decode()
            self.assertEqual(answer[:12], "HTTP/1.1 %d" % status)
            self.expect_logged(server, answer, status, error)
            code, answer = server.http2(path)
            self.assertEqual((code, answer[:10]), (0, "HTTP/2 %d" % status), path)
            self.assertNotIn("the beginning", answer)
            self.expect_logged(server, answer, status, error)
        self.assertServes(server)

    def test_what_was_flushed_arrives_before_the_answer_is_cut_off(self):
        server = self.serve(top={"log": "json"})
        for path, error in ((b"/partial", "unreachable"), (b"/forget-late", "did not complete")):
            with server.connect() as s:
                s.sendall(HTTP2_PREFACE + http2_frame(1, 5, 1, b"\x82\x86\x04%c%s\x01\x01x" % (len(path), path)))
                self.assertEqual(receive_http2_frame(s, 1)[1][:1], b"\x88")  # :status 200
                self.assertEqual(receive_http2_frame(s, 0)[1], b"the beginning\n")
                self.assertEqual(receive_http2_frame(s, 3)[1], b"\0\0\0\x02")  # INTERNAL_ERROR
            answer = server.raw(b"GET %s HTTP/1.1\r\nHost: x\r\n\r\n" % path).decode()
            self.assertIn("the beginning\n", answer)
            wanted = '"path":"%s"' % path.decode()
            wait_until(lambda: server.log().count(wanted) == 2, what="both lines")
            lines = [json.loads(line) for line in server.log().splitlines() if wanted in line]
            self.assertEqual([(line["status"], error in line["error"]) for line in lines], 2 * [(200, True)])
        self.assertServes(server)

    def test_a_body_at_fault_after_the_answer_is_answered_and_logged_with_its_status(self):
        """If the fault is found before the guest's own answer has left: one whose turn ends between its answer and its
        reading is too late, which happens on a busy machine."""
        server = self.serve(top={"log": "json"}, limits={"max-body": "1000", "max-header-size": "1KiB"})
        head = b"Host: x\r\nTransfer-Encoding: chunked\r\n\r\n"
        for path, body, status in ((b"/echo", b"3e9\r\n" + 1001 * b"x", 413), (b"/echo", b"1_0\r\n", 400),
                                   (b"/trailers", b"0\r\nA: %s\r\n\r\n" % (2000 * b"x"), 431)):
            answer = try_until(lambda: server.raw(b"POST %s HTTP/1.1\r\n" % path + head + body),
                               lambda got: not got.startswith(b"HTTP/1.1 200")).decode()
            self.assertEqual(answer[:12], "HTTP/1.1 %d" % status)
            self.expect_logged(server, answer, status)
        wait_until(lambda: server.metric("requests_in_flight") == 0, what="the requests to be over")
        for path, rest, status in ((b"/echo", http2_frame(0, 1, 1, 2000 * b"x"), 413),
                                   (b"/upload", http2_frame(0, 0, 1, 2000 * b"x"), 413),
                                   (b"/trailers", http2_frame(1, 5, 1, b"\x00\x01a\x7f\xd1\x0e" + 2000 * b"x"), 431)):
            def ask():
                with server.connect() as s:
                    fields = b"\x83\x86\x04%c%s\x01\x01x" % (len(path), path)
                    s.sendall(HTTP2_PREFACE + http2_frame(1, 4, 1, fields) + rest)
                    if receive_http2_frame(s, 1)[1][:1] == b"\x88":  # :status 200
                        return None
                    return receive_http2_frame(s, 0)[1].decode()

            text = try_until(ask, lambda got: got is not None)
            self.assertIsNotNone(text)
            self.expect_logged(server, text, status)

    def test_a_guest_that_answers_too_late_does_not_change_the_status_in_the_log(self):
        """One that computes gives way; what the client is told meanwhile is told, whatever the guest says after that."""
        server = self.serve(top={"log": "json"}, limits={"max-body": "1000"})
        told = {}
        for milliseconds in range(5, 65):
            path = b"/spin/%d" % milliseconds
            with server.connect() as s:
                s.sendall(HTTP2_PREFACE + http2_frame(1, 4, 1, b"\x83\x86\x04%c%s\x01\x01x" % (len(path), path)))
                time.sleep(milliseconds / 2000)
                s.sendall(http2_frame(0, 1, 1, 2000 * b"x"))
                if receive_http2_frame(s, 1)[1][:1] != b"\x88":  # :status 200
                    told[ID.findall(receive_http2_frame(s, 0)[1].decode())[0]] = 413
        self.assertTrue(told)
        logged = self.logged_statuses(server, 60)
        self.assertEqual({name: logged[name] for name in told}, told)

    def test_a_body_that_stays_out_is_408_with_an_id(self):
        server = self.serve(top={"log": "json"}, limits={"body-timeout": span(300)})
        answer = server.raw(b"POST /upload HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nabc").decode()
        self.assertEqual(answer[:12], "HTTP/1.1 408")
        self.expect_logged(server, answer, 408)
        with server.connect() as s:
            s.sendall(HTTP2_PREFACE + http2_frame(1, 4, 1, b"\x83\x86\x04\x07/upload\x01\x01x") +
                      http2_frame(0, 0, 1, b"abc"))
            receive_http2_frame(s, 1)
            self.expect_logged(server, receive_http2_frame(s, 0)[1].decode(), 408)
        self.assertServes(server)

    def test_a_response_that_breaks_off_is_not_taken_for_a_whole_one(self):
        server = self.serve()
        answer = server.raw(b"GET /partial HTTP/1.1\r\nHost: x\r\n\r\n")
        self.assertEqual(answer[:12], b"HTTP/1.1 200")
        self.assertIn(b"the beginning", answer)
        self.assertFalse(answer.endswith(b"0\r\n\r\n"))
        server.wait_log("unreachable")

    def test_a_response_shorter_than_promised_is_cut_off(self):
        server = self.serve()
        with server.connect() as s:
            s.sendall(b"GET /wrong-length HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
            answer = receive(s)
        if parse_head(answer)[0] == 200:  # it had left in part
            self.assertEqual(answer.split(b"\r\n\r\n", 1)[1], b"hello")
        else:
            self.assertEqual(parse_head(answer)[0], 502)
        self.assertServes(server)

    def test_a_timeout_in_the_middle_of_a_response_cuts_it_off(self):
        server = self.serve(defaults={"timeout": span(500)})
        answer = try_until(lambda: server.raw(b"GET /sse HTTP/1.1\r\nHost: x\r\n\r\n"), lambda got: b"data: 0" in got)
        self.assertIn(b"data: 0", answer)
        self.assertFalse(answer.endswith(b"0\r\n\r\n"))

    def test_an_instance_that_trapped_is_not_used_again(self):
        server = self.serve(top={"threads": 1}, defaults={"max-instance-reuse-count": 1000,
                                                          "idle-instance-timeout": "60s"})
        for path, answer in (("/count", "1"), ("/count", "2"), ("/trap", None), ("/count", "1")):
            got = server.request(path)
            self.assertEqual(got.text if got.status == 200 else None, answer)
            wait_until(lambda: server.metric("requests_in_flight") == 0, what="the instance to be free again")

    def logged_statuses(self, server, count):
        """Status by id of all requests in the log, once there are so many."""
        def read():
            lines = [json.loads(line) for line in server.log().splitlines() if line.endswith("}")]
            found = {line["id"]: line["status"] for line in lines if line["type"] == "request"}
            return found if len(found) == count else None
        return wait_until(read, what="%d lines in the log" % count)

    # None that answers before it fails: on a busy machine the answer has left by then, and the connection ends.
    MIXED = (("/trap", 500), ("/hello", 200), ("/no-response", 502), ("/with-length", 200), ("/trap", 500), ("/trap", 500),
             ("/count", 200), ("/status/404", 404), ("/error/38", 500), ("/hello", 200))

    def expect_same_in_log(self, server, told, rounds):
        wanted = sorted(status for _, status in self.MIXED for _ in range(rounds))
        self.assertEqual(sorted(status for _, status in told), wanted)
        ids = dict(told)
        self.assertEqual(len(ids), len(told), "an id was told twice")
        self.assertEqual(self.logged_statuses(server, len(told)), ids)

    def test_each_answer_has_the_status_of_its_line_in_the_log(self):
        """One connection for good requests and bad ones in turn, one after the other."""
        rounds, told = 20, []
        server = self.serve(top={"log": "json", "request-id": True, "threads": 1},
                            defaults={"max-instance-reuse-count": 3})
        client = server.client()
        self.addCleanup(client.close)
        for path, status in self.MIXED * rounds:
            client.request("GET", path)
            got = client.getresponse()
            got.read()
            self.assertEqual(got.status, status, path)
            told.append((got.headers["x-request-id"], got.status))
        self.expect_same_in_log(server, told, rounds)

    def test_each_pipelined_answer_has_the_status_of_its_line_in_the_log(self):
        rounds = 20
        server = self.serve(top={"log": "json", "request-id": True})
        requests = [b"GET %s HTTP/1.1\r\nHost: x\r\n\r\n" % path.encode() for path, _ in self.MIXED * rounds]
        requests[-1] = requests[-1].replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n")
        text = server.raw(b"".join(requests)).decode()
        heads = re.findall(r"(?s)HTTP/1\.1 (\d{3}) (.*?)\r\n\r\n", text)
        told = [(re.search(r"(?i)x-request-id: ([0-9a-f]{16})", head)[1], int(status)) for status, head in heads]
        self.assertEqual([status for _, status in told], [status for _, status in self.MIXED * rounds])
        self.expect_same_in_log(server, told, rounds)

    @unittest.skipIf(shutil.which("curl") is None, "there is no curl")
    def test_each_answer_on_a_stream_has_the_status_of_its_line_in_the_log(self):
        """One connection by HTTP/2: one after the other, and many at once."""
        rounds = 10
        certificates = Certificates(self.folder)
        certificate, key = certificates.server
        for parallel in ((), ("--parallel", "--parallel-max", "20")):
            port = free_port()
            server = self.serve(top={"log": "json", "request-id": True}, extra_listen=[
                {"address": "127.0.0.1:%d" % port, "certificate": certificate, "key": key}])
            urls = [part for path, _ in self.MIXED * rounds
                    for part in ("-o", os.devnull, "https://127.0.0.1:%d%s" % (port, path))]
            done = subprocess.run(["curl", "-s", "--http2", "--cacert", certificates.authority, *parallel, "-w",
                                   "%header{x-request-id} %{http_code}\n", *urls],
                                  stdout=subprocess.PIPE, timeout=SECONDS, check=False)
            told = [(line.split()[0], int(line.split()[1])) for line in done.stdout.decode().splitlines()]
            self.expect_same_in_log(server, told, rounds)
            self.assertEqual(server.metric("connections_http2_total"), 1)

    def test_faults_of_some_cost_only_their_own_request(self):
        paths = ("/trap", "/no-response", "/error", "/partial", "/loop", "/never", "/leak")
        server = self.serve_hasty(span(300), paths)
        with Load(server, threads=3) as good:
            for _ in range(3):
                for path in paths:
                    try:
                        server.request(path)
                    except OSError:
                        pass
                    except Exception as why:  # pylint: disable=broad-except
                        self.assertIn("IncompleteRead", repr(why))
            wait_until(lambda: good.failures or good.answered > 20, what="20 answers")
        self.assertEqual(good.failures, [])
        wait_until(lambda: server.metric("requests_in_flight") == 0, what="all guests to end")
