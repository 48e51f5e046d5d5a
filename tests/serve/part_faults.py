"""Guests that go wrong: a proper answer, an id that is in the log, and nobody else notices."""
import re
import unittest

from harness import HAS_THREAD_SANITIZER, KEEP_NOTHING, Case, Load, parse_head, receive, span, wait_until

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
        self.assertIn("unreachable", server.log())
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

    def test_a_loop_is_ended_when_its_time_is_over(self):
        server = self.serve(defaults={"timeout": "500ms"})
        self.expect_fault(server, "/loop", 504)
        self.assertServes(server)

    def test_a_guest_that_waits_for_ever_is_ended_when_its_time_is_over(self):
        server = self.serve(defaults={"timeout": "500ms"})
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
        answer = server.raw(b"GET /sse HTTP/1.1\r\nHost: x\r\n\r\n")
        self.assertIn(b"data: 0", answer)
        self.assertFalse(answer.endswith(b"0\r\n\r\n"))

    def test_an_instance_that_trapped_is_not_used_again(self):
        server = self.serve(top={"threads": 1}, defaults={"max-instance-reuse-count": 1000,
                                                          "idle-instance-timeout": "60s"})
        self.assertEqual(server.request("/count").text, "1")
        self.assertEqual(server.request("/count").text, "2")
        self.expect_fault(server, "/trap", 500)
        self.assertEqual(server.request("/count").text, "1")

    def test_faults_of_some_cost_only_their_own_request(self):
        server = self.serve(defaults={"timeout": span(300)})
        with Load(server, threads=3) as good:
            for _ in range(3):
                for path in ("/trap", "/no-response", "/error", "/partial", "/loop", "/never", "/leak"):
                    try:
                        server.request(path)
                    except OSError:
                        pass
                    except Exception as why:  # pylint: disable=broad-except
                        self.assertIn("IncompleteRead", repr(why))
        self.assertEqual(good.failures, [])
        self.assertGreater(good.answered, 20)
        wait_until(lambda: server.metric("requests_in_flight") == 0, what="all guests to end")
