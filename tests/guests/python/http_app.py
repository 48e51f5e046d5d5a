"""Answers HTTP: what is in the path, `/hello`, the request's body in capitals, or what another server answers."""
from wit_world import exports
from wit_world.imports import outgoing_handler, streams, types
from componentize_py_types import Err, Ok


class IncomingHandler(exports.IncomingHandler):
    def handle(self, request: types.IncomingRequest, response_out: types.ResponseOutparam) -> None:
        path = request.path_with_query() or "/"
        if path == "/hello":
            status, body = 200, b"Hello, World!\n"
        elif path == "/upper":
            status, body = 200, read(request.consume()).upper()
        elif path.startswith("/call/"):
            status, body = call(path.removeprefix("/call/"))
        elif path == "/error":
            raise RuntimeError("as it was asked to")
        else:
            status, body = 404, f"no {path} here\n".encode()
        fields = types.Fields.from_list([("content-type", b"text/plain")])
        response = types.OutgoingResponse(fields)
        response.set_status_code(status)
        out = response.body()
        types.ResponseOutparam.set(response_out, Ok(response))
        with out.write() as stream:
            for start in range(0, len(body), 4096):
                stream.blocking_write_and_flush(body[start:start + 4096])
        types.OutgoingBody.finish(out, None)


def call(authority):
    request = types.OutgoingRequest(types.Fields.from_list([]))
    request.set_scheme(types.Scheme_Http())
    request.set_authority(authority)
    request.set_path_with_query("/hello")
    try:
        future = outgoing_handler.handle(request, None)
    except Err as refused:
        return 403, type(refused.value).__name__.encode()
    with future.subscribe() as pollable:
        pollable.block()
    response = future.get().value.value
    return response.status(), read(response.consume())


def read(body):
    parts = []
    with body.stream() as stream:
        while True:
            try:
                parts.append(stream.blocking_read(65536))
            except Err as end:
                if isinstance(end.value, streams.StreamError_Closed):
                    return b"".join(parts)
                raise
