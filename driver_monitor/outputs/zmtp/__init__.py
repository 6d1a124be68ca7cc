"""A ZeroMQ publisher's socket, written for this program: ZMTP 3.1 over TCP or a local socket.

libzmq's XPUB socket drops for a slow subscriber whatever comes next, alerts too, and does not say so. It accepts any
number of connections and subscriptions. Nothing in its interface changes that (docs/robustness.md). Here every
subscriber has a queue that drops states first and alerts last, every loss is counted, and everything is bounded.

It may import `threads`, `config` and `errors`. `outputs.zmq_publisher` uses it.
"""
