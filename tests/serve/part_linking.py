"""Components that are linked with others when the server starts, each with its own rights."""
from harness import HERE, Case

# Stands in front of wasi:cli/environment: what imports that from it sees its environment.
FRONT = HERE.parent / "cli" / "guests" / "environment-front.wat"


class Linking(Case):
    def variables(self, server, path="/env"):
        return [line for line in self.expect(server.request(path), 200).text.splitlines() if "=" in line]

    def test_a_linked_component_has_rights_of_its_own(self):
        server = self.serve(components={
            "guest": {"env": {"A": "own"}, "link": [{"file": str(FRONT), "env": {"A": "front", "B": "b"}}]}})
        for _ in range(3):
            self.assertEqual(self.variables(server), ["A=front", "B=b"])

    def test_rights_may_stand_behind_the_file_in_one_text(self):
        server = self.serve(components={"guest": {"link": r"%s;env=A=x\;y;env=B=2" % FRONT}})
        self.assertEqual(self.variables(server), ["A=x;y", "B=2"])

    def test_the_option_links_all_components_and_gives_rights(self):
        server = self.serve(options=["--link", "%s;env=A=shell;dir-ro=%s::/data" % (FRONT, HERE)],
                            components={"one": {"env": {"A": "own"}}, "two": {}},
                            routes=[{"path": "/one", "component": "one"}, {"component": "two"}])
        self.assertEqual(self.variables(server, "/one/env"), ["A=shell"])
        self.assertEqual(self.variables(server), ["A=shell"])

    def test_a_link_that_takes_no_part_is_told_in_the_log(self):
        spare = FRONT.with_name("values-store.wat")
        server = self.serve(components={"guest": {"link": [str(FRONT), str(spare)]}})
        told = r"\.toml:\d+:\d+: link: nothing imports what %s exports: it takes no part" % spare
        server.wait_log(told)
        self.assertNotIn("nothing imports what %s" % FRONT, server.log())
        server.reload()
        server.wait_log(r"(?s)%s.*%s" % (told, told))

    def test_a_component_beside_it_is_as_it_was(self):
        server = self.serve(components={
            "linked": {"env": {"A": "own"}, "link": [str(FRONT)]}, "plain": {"env": {"A": "own"}}},
            routes=[{"path": "/linked", "component": "linked"}, {"component": "plain"}])
        self.assertEqual(self.variables(server, "/linked/env"), [])
        self.assertEqual(self.variables(server), ["A=own"])
        self.assertServes(server)

    def test_a_reload_takes_other_rights_and_other_links(self):
        def guest(**more):
            return {"guest": {"env": {"A": "own"}, "max-instance-reuse-count": 5, **more}}
        server = self.serve(components=guest(link={"file": str(FRONT), "env": {"A": "first"}}))
        self.assertEqual(self.variables(server), ["A=first"])
        server.configure(components=guest(link={"file": str(FRONT), "env": {"A": "second"}}))
        server.reload()
        self.assertEqual(self.variables(server), ["A=second"])
        server.configure(components=guest())
        server.reload()
        self.assertEqual(self.variables(server), ["A=own"])
