"""Which component answers, what it finds, and in which instance."""
import time

from harness import Case, scaled, try_until, wait_until


class Routing(Case):
    def named(self, *names):
        """Components that say who they are in /env."""
        return {name: {"env": ["NAME=%s" % name]} for name in names}

    def who(self, server, host, path):
        got = server.request(path, headers={"Host": host})
        names = [line[5:] for line in got.text.splitlines() if line.startswith("NAME=")]
        return names[0] if names else got.status

    def test_the_most_specific_route_answers(self):
        server = self.serve(components=self.named("any", "api", "v1", "wild", "path"), routes=[
            {"component": "any"},
            {"host": "api.example.com", "component": "api"},
            {"host": "api.example.com", "path": "/v1", "component": "v1"},
            {"host": "*.example.com", "component": "wild"},
            {"path": "/shop", "component": "path"},
        ])
        for host, path, expected in (
                ("api.example.com", "/env", "api"),
                ("API.Example.COM:8080", "/env", "api"),
                ("api.example.com", "/v1/env", "v1"),
                ("api.example.com", "/v1/env?x=/y", "v1"),
                ("api.example.com", "/v10/env", "api"),
                ("www.example.com", "/env", "wild"),
                ("a.b.example.com", "/env", "wild"),
                ("example.com", "/env", "any"),
                ("notexample.com", "/env", "any"),
                ("other", "/shop/env", "path"),
                ("other", "/shopping/env", "any"),
                ("www.example.com", "/shop/env", "wild"),
        ):
            with self.subTest(host=host, path=path):
                self.assertEqual(self.who(server, host, path), expected)

    def test_without_a_route_it_is_404(self):
        server = self.serve(components=self.named("api"), routes=[{"path": "/api", "component": "api"}])
        self.assertEqual(self.who(server, "x", "/api/env"), "api")
        got = self.expect(server.request("/env"), 404)
        self.assertRegex(got.text + str(got.headers), r"[0-9a-f]{16}")
        self.assertCounts(server, r'requests_total\{component="\(none\)",method="GET",status="404"\}', 1)

    def test_the_guest_gets_the_whole_path_and_where_it_is_mounted(self):
        server = self.serve(routes=[{"path": "/mounted/here", "component": "guest"}])
        got = server.request("/mounted/here/echo-headers?x=1", headers={"Tenon-Base-Path": "/lie"}).text
        self.assertIn("path: /mounted/here/echo-headers?x=1\n", got)
        self.assertIn("field tenon-base-path: /mounted/here\n", got)
        self.assertNotIn("lie", got)

    def test_a_component_has_its_environment_only(self):
        server = self.serve(components={"guest": {"env": {"A": "1", "B": "x=y"}}}, environment={"SECRET": "s"})
        got = server.request("/env").text
        self.assertIn("A=1\n", got)
        self.assertIn("B=x=y\n", got)
        self.assertNotIn("SECRET", got)


class Instances(Case):
    def counts(self, server, requests):
        """What so many requests are told, each made when the instance of the one before is back."""
        client = server.client()
        self.addCleanup(client.close)
        counts = []
        for _ in range(requests):
            client.request("GET", "/count")
            counts.append(int(client.getresponse().read()))
            wait_until(lambda: server.metric("requests_in_flight") == 0, what="the request to be over")
        return counts

    def test_each_request_has_an_instance_of_its_own(self):
        server = self.serve(top={"threads": 1})
        self.assertEqual(self.counts(server, 20), [1] * 20)
        self.assertGreaterEqual(server.metric("instances_created_total"), 20)

    def test_a_fresh_instance_finds_nothing_of_the_one_before(self):
        server = self.serve(top={"threads": 1})
        for _ in range(3):
            self.assertEqual(server.request("/upload", "POST", b"x" * 300000).text, "300000")
            self.assertEqual(server.request("/count").text, "1")

    def test_an_instance_answers_as_many_requests_as_allowed(self):
        server = self.serve(top={"threads": 1}, defaults={"max-instance-reuse-count": 3, "idle-instance-timeout": "60s"})
        self.assertEqual(self.counts(server, 7), [1, 2, 3, 1, 2, 3, 1])

    def test_an_instance_that_waits_too_long_is_ended(self):
        server = self.serve(top={"threads": 1}, defaults={"max-instance-reuse-count": 100,
                                                          "idle-instance-timeout": "200ms"})
        first, second = try_until(lambda: self.counts(server, 2), lambda got: got[1] == got[0] + 1)
        self.assertEqual(second, first + 1)
        wait_until(lambda: server.metric("instances_live") == 0, what="the instance to be ended")
        self.assertEqual(self.counts(server, 1), [1])

    def test_an_instance_answers_one_request_at_a_time(self):
        server = self.serve(top={"threads": 1}, defaults={"max-instance-reuse-count": 100,
                                                          "idle-instance-timeout": "60s"})
        with server.connect() as s:
            s.sendall(b"GET /never HTTP/1.1\r\nHost: x\r\n\r\n")
            wait_until(lambda: server.metric("requests_in_flight") == 1, what="the request to begin")
            self.assertEqual(server.request("/count").text, "1")

    def test_warm_instances_are_there_before_the_first_request(self):
        server = self.serve(top={"threads": 1}, defaults={"warm": 5})
        wait_until(lambda: server.metric("instances_pooled") == 5, what="warm instances")
        self.assertEqual(self.counts(server, 3), [1, 1, 1])
        wait_until(lambda: server.metric("instances_pooled") == 5, what="warm instances again")

    def test_requests_of_many_clients_run_at_the_same_time(self):
        server = self.serve()
        sockets = [server.connect() for _ in range(50)]
        start = time.monotonic()
        for s in sockets:
            self.addCleanup(s.close)
            s.sendall(b"GET /sleep/500 HTTP/1.1\r\nHost: x\r\n\r\n")
        for s in sockets:
            self.assertIn(b"200", s.recv(1000))
        self.assertLess(time.monotonic() - start, scaled(10))  # one after the other they take 25 s
