"""The encrypted ZeroMQ address for other computers: libzmq's CURVE, a list of clients, and limits.

libzmq accepts any number of connections, keeps a connected client whose key was revoked, and refuses nobody if its
authenticator is missing. So the thread that publishes also answers each request for access (ZAP), the listening socket
is ours and closes for new connections when there are too many, and a revocation closes libzmq's socket.

It may import `threads`, `keys`, `messages`, `config`, `errors`, `outputs.publisher` and `outputs.zmtp`. `app` uses it.
"""
